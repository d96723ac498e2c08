// The dialog that says how other programs and devices are set up, and makes passwords for them.
import { codeFor, programsFor, type Account, type Program } from './core/set-up.ts'
import { BASE, type Person } from './dav-client.ts'
import { devices, makePassword, removePassword } from './device-passwords.ts'
import { shown } from './dialog.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import { qrCode } from './qr-code.ts'

export async function setUpDialog({ user }: Person): Promise<void> {
  const account = { url: `${location.origin}${BASE}`, user }
  const code = element('div', { className: 'code' })
  const showCode = (password: string | undefined): void => {
    const what =
      password === undefined ? 'address and user name' : 'address, user name and password'
    code.replaceChildren(
      qrCode(codeFor(account, password), `Code with ${what} for DAVx⁵`),
      element('p', { className: 'faint' }, `It holds ${what}.`),
    )
  }
  showCode(undefined)
  const passwords = passwordsOf(account, await devices(), showCode)
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide', ariaLabel: 'Set up devices' })
    dialog.append(
      element('h2', {}, 'Set up devices'),
      element(
        'dl',
        {},
        ...[
          ['Address', account.url],
          ['User name', user],
          ['Password', 'that of the account, or better one for each device:'],
        ].flatMap(([name = '', value = '']) => [element('dt', {}, name), element('dd', {}, value)]),
      ),
      passwords,
      ...programsFor(account).map((program) => sectionOf(program, code)),
      element(
        'div',
        { className: 'row' },
        button('Done', () => dialog.close(), { className: 'end' }),
      ),
    )
    shown(dialog, resolve)
  })
}

function passwordsOf(
  { user }: Account,
  names: readonly string[],
  showCode: (password: string | undefined) => void,
): HTMLElement {
  const message = messageLine()
  const list = element('ul', { className: 'rows' })
  const made = element('output')
  const name = element('input', { required: true, pattern: '[A-Za-z0-9][A-Za-z0-9_]{0,31}' })
  name.title = '1 to 32 letters, digits and _'
  name.placeholder = 'phone'
  const own = element('input', { type: 'password', autocomplete: 'current-password' })
  const rowOf = (device: string): HTMLElement =>
    element(
      'li',
      {},
      element('span', { className: 'grow' }, device),
      button(
        'Remove',
        () =>
          void told(message, async () => {
            await removePassword(device)
            made.replaceChildren()
            showCode(undefined)
            await render()
          }),
        { className: 'danger', ariaLabel: `Remove the password of ${device}` },
      ),
    )
  const show = (all: readonly string[]): void => list.replaceChildren(...all.map(rowOf))
  const render = async (): Promise<void> => show(await devices())
  show(names)
  const form = element(
    'form',
    {
      className: 'row',
      onsubmit: (submit) => {
        submit.preventDefault()
        void told(message, async () => {
          const password = await makePassword(user, own.value, name.value)
          made.replaceChildren(
            `The password of ${name.value}, shown this once: `,
            element('code', {}, password),
          )
          showCode(password)
          name.value = own.value = ''
          await render()
        })
      },
    },
    labelled('Device', name),
    labelled('Password of the account', own),
    element('button', { type: 'submit', className: 'primary' }, 'Make a password'),
  )
  return element(
    'fieldset',
    {},
    element('legend', {}, 'Passwords of devices'),
    list,
    form,
    message,
    made,
  )
}

function sectionOf({ name, steps, text, hasCode }: Program, code: HTMLElement): HTMLElement {
  const items = steps.map((step) => element('li', {}, step))
  if (text !== undefined) items[0]?.append(element('pre', {}, text))
  return element(
    'details',
    { name: 'program' },
    element('summary', {}, name),
    ...(hasCode === true ? [code] : []),
    element('ol', {}, ...items),
  )
}
