// The part of a calendar's dialog with its public links; each change of it holds at once.
import type { Calendar } from './dav-client.ts'
import { button, element } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import { linksOf, makeLink, removeLink, type LinkShows, type PublicLink } from './public-links.ts'

/** As the server takes them. */
const LINK_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u
const SHOWS: { readonly [show in LinkShows]: string } = {
  all: 'all of it',
  busy: 'only busy times',
}

export async function publicLinksField(calendar: Calendar): Promise<HTMLElement> {
  const message = messageLine()
  const list = element('ul', { className: 'rows' })
  const made = element('output')
  const name = element('input', { ariaLabel: 'Name of the link', placeholder: 'Whom it is for' })
  const show = element(
    'select',
    { ariaLabel: 'What it shows' },
    ...Object.entries(SHOWS).map(([value, text]) => element('option', { value }, text)),
  )
  const change = (run: () => Promise<void>): void =>
    void told(message, async () => {
      made.replaceChildren()
      await run()
      render(await linksOf(calendar))
    })
  const make = (): void =>
    change(async () => {
      if (!LINK_NAME.test(name.value.trim()))
        throw new Error('A link is named by letters, digits, spaces and ._@-')
      const link = { name: name.value.trim(), show: show.value as LinkShows }
      const url = await makeLink(calendar, link)
      name.value = ''
      made.replaceChildren(
        `The address of “${link.name}”, shown this once: `,
        element('code', {}, url),
        element('a', { href: url.replace(/^https?/, 'webcal') }, 'Subscribe'),
      )
    })
  // It is inside the form of the calendar, which Enter would save.
  name.onkeydown = (key) => {
    if (key.key !== 'Enter') return
    key.preventDefault()
    make()
  }
  const rowOf = (link: PublicLink): HTMLElement =>
    element(
      'li',
      {},
      element('span', { className: 'grow' }, link.name),
      element('span', { className: 'faint' }, SHOWS[link.show]),
      button('Remove', () => change(() => removeLink(calendar, link.name)), {
        className: 'danger',
        ariaLabel: `Remove the link ${link.name}`,
      }),
    )
  const render = (links: readonly PublicLink[]): void => list.replaceChildren(...links.map(rowOf))
  render(await linksOf(calendar))
  return element(
    'fieldset',
    {},
    element('legend', {}, 'Public links'),
    list,
    element('div', { className: 'row' }, name, show, button('Make a link', make)),
    message,
    made,
  )
}
