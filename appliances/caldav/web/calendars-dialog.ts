// The dialogs in which a person manages calendars: the list, one's name, colour and sharers, and whether to delete it.
import {
  changeCalendar,
  deleteCalendar,
  makeCalendar,
  share,
  sharersBut,
  sharesOf,
  type Access,
  type CalendarLook,
  type Share,
  type Sharer,
} from './calendar-settings.ts'
import type { Calendar, Person } from './dav-client.ts'
import { shown } from './dialog.ts'
import { saveCalendar } from './calendar-file.ts'
import { importDialog } from './import-dialog.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import { publicLinksField } from './public-links-field.ts'
import { subscriptionField } from './subscription-field.ts'
import {
  refreshNow,
  subscribe,
  subscriptionOf,
  subscriptions,
  type Subscription,
} from './subscriptions-client.ts'

/** Until it is closed. `changed` is told of each change, and gives the calendars as they are then. */
export async function manageCalendars(
  person: Person,
  calendars: readonly Calendar[],
  changed: () => Promise<readonly Calendar[]>,
): Promise<void> {
  let elsewhere = await subscriptions()
  const list = element('ul', { className: 'rows' })
  const message = messageLine()
  const render = (all: readonly Calendar[]): void =>
    list.replaceChildren(...all.map((calendar) => rowOf(calendar)))
  const after = async (run: Promise<unknown>): Promise<void> => {
    await told(message, async () => {
      await run
      const [known, all] = await Promise.all([subscriptions(), changed()])
      elsewhere = known
      render(all)
    })
  }
  const rowOf = (calendar: Calendar): HTMLElement => {
    const subscription = subscriptionOf(calendar, elsewhere)
    const edit = button(
      'Edit',
      () => void after(editCalendar(person, calendar, subscription)),
      labelOf('Edit', calendar),
    )
    return element(
      'li',
      {},
      dotOf(calendar.color),
      element('span', { className: 'grow' }, calendar.name),
      ...(subscription === undefined ? [] : [aboutOf(subscription), edit]),
      ...(calendar.isWritable && subscription === undefined
        ? [
            edit,
            button(
              'Import',
              () => void after(importDialog(calendar)),
              labelOf('Import into', calendar),
            ),
          ]
        : subscription === undefined
          ? [element('span', { className: 'faint' }, 'Only to look at')]
          : []),
      button('Export', () => void after(saveCalendar(calendar)), labelOf('Export', calendar)),
      ...(calendar.isOwn
        ? [
            button('Delete', () => void after(confirmDelete(calendar)), {
              className: 'danger',
              ...labelOf('Delete', calendar),
            }),
          ]
        : []),
    )
  }
  render(calendars)
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide', ariaLabel: 'Calendars' })
    dialog.append(
      element('h2', {}, 'Calendars'),
      list,
      message,
      element(
        'div',
        { className: 'row' },
        button('New calendar', () => void after(newCalendar(person)), { className: 'primary' }),
        ...(elsewhere.isEnabled
          ? [button('Subscribe to a calendar', () => void after(newSubscription(person)))]
          : []),
        button('Done', () => dialog.close(), { className: 'end' }),
      ),
    )
    shown(dialog, resolve)
  })
}

function aboutOf({ error }: Subscription): HTMLElement {
  return error === undefined
    ? element('span', { className: 'faint' }, 'Kept elsewhere')
    : element('span', { className: 'failed', title: error }, 'Cannot be fetched')
}

async function newCalendar({ user }: Person): Promise<void> {
  await askLook('New calendar', newLook(), [], async (asked) => {
    await makeCalendar(user, asked)
  })
}

async function newSubscription({ user }: Person): Promise<void> {
  const field = subscriptionField(undefined)
  await askLook('Subscribe to a calendar', newLook(), field.elements, async (look) => {
    const href = await makeCalendar(user, look)
    try {
      await subscribe(href, field.value())
    } catch (fault) {
      await deleteCalendar(href)
      throw fault
    }
    // What is wrong with it is told in the list.
    await refreshNow(href)
  })
}

function newLook(): CalendarLook {
  return { name: '', color: COLOURS[Math.floor(Math.random() * COLOURS.length)]! }
}

async function editCalendar(
  { user }: Person,
  calendar: Calendar,
  subscription: Subscription | undefined,
): Promise<void> {
  const { href } = calendar
  const field = subscription && subscriptionField({ href, subscription })
  const more = calendar.isOwn
    ? await Promise.all([sharing(calendar, await sharersBut(user)), publicLinksField(calendar)])
    : []
  await askLook('Edit calendar', calendar, [...(field?.elements ?? []), ...more], async (look) => {
    await changeCalendar(href, look)
    const address = field?.value()
    const isOther = address?.url !== subscription?.url || address?.every !== subscription?.every
    if (address !== undefined && isOther) await subscribe(href, address)
  })
}

/** Name and colour, with what else belongs into the dialog; it stays open while `save` is refused. */
function askLook(
  title: string,
  { name, color }: CalendarLook,
  more: readonly HTMLElement[],
  save: (look: CalendarLook) => Promise<void>,
): Promise<void> {
  const nameField = element('input', {
    value: name,
    required: true,
    maxLength: 200,
    autofocus: true,
  })
  const colorField = element('input', { type: 'color', value: color.toLowerCase() })
  const message = messageLine()
  return new Promise((resolve) => {
    const dialog = element('dialog', { ariaLabel: title })
    const form = element(
      'form',
      {
        onsubmit: (submit) => {
          submit.preventDefault()
          void told(message, async () => {
            await save({ name: nameField.value.trim(), color: colorField.value })
            dialog.close()
          })
        },
      },
      element('h2', {}, title),
      element(
        'div',
        { className: 'row' },
        labelled('Name', nameField),
        element('label', { className: 'narrow' }, 'Colour', colorField),
      ),
      ...more,
      message,
      element(
        'div',
        { className: 'row' },
        button('Cancel', () => dialog.close(), { className: 'end' }),
        element('button', { type: 'submit', className: 'primary' }, 'Save'),
      ),
    )
    dialog.append(form)
    shown(dialog, resolve)
  })
}

/** Each change of it holds at once. */
async function sharing(calendar: Calendar, sharers: readonly Sharer[]): Promise<HTMLElement> {
  const message = messageLine()
  const list = element('ul', { className: 'rows' })
  const who = element('select', { ariaLabel: 'Whom to share with' })
  const access = accessField('read', 'What they may do')
  const add = button('Share', () => void set(who.value, access.value as Access))
  const set = async (href: string, given: Access | undefined): Promise<void> => {
    await told(message, async () => {
      await share(calendar.href, href, given)
      render(await sharesOf(calendar, sharers))
    })
  }
  const rowOf = ({ href, name, access: given }: Share): HTMLElement => {
    const field = accessField(given, `What ${name} may do`)
    field.onchange = () => void set(href, field.value as Access)
    const stop = button('Stop', () => void set(href, undefined), {
      ariaLabel: `Stop sharing with ${name}`,
    })
    return element('li', {}, element('span', { className: 'grow' }, name), field, stop)
  }
  const render = (shares: readonly Share[]): void => {
    list.replaceChildren(...shares.map(rowOf))
    const rest = sharers.filter(({ href }) => shares.every((each) => each.href !== href))
    who.replaceChildren(...rest.map(({ href, name }) => element('option', { value: href }, name)))
    for (const field of [who, access, add]) field.disabled = rest.length === 0
  }
  render(await sharesOf(calendar, sharers))
  return element(
    'fieldset',
    {},
    element('legend', {}, 'Shared with'),
    list,
    element('div', { className: 'row' }, who, access, add),
    message,
  )
}

function confirmDelete({ href, name }: Calendar): Promise<void> {
  const message = messageLine()
  return new Promise((resolve) => {
    const dialog = element('dialog', { ariaLabel: 'Delete the calendar' })
    const remove = (): void =>
      void told(message, async () => {
        await deleteCalendar(href)
        dialog.close()
      })
    dialog.append(
      element('p', {}, `Delete “${name}” with all its events, for everyone who sees it?`),
      message,
      element(
        'div',
        { className: 'row' },
        button('Delete it', remove, { className: 'danger' }),
        button('Keep it', () => dialog.close(), { className: 'end', autofocus: true }),
      ),
    )
    shown(dialog, resolve)
  })
}

function accessField(value: Access, label: string): HTMLSelectElement {
  const field = element(
    'select',
    { ariaLabel: label },
    element('option', { value: 'read' }, 'may look'),
    element('option', { value: 'read-write' }, 'may change'),
  )
  field.value = value
  return field
}

function dotOf(color: string): HTMLElement {
  const dot = element('span', { className: 'dot' })
  dot.style.background = color
  return dot
}

function labelOf(verb: string, { name }: Calendar): { readonly ariaLabel: string } {
  return { ariaLabel: `${verb} ${name}` }
}

/** Dark enough for white paper, light enough for black. */
const COLOURS = [
  '#1565c0',
  '#2e7d32',
  '#c62828',
  '#6a1b9a',
  '#ef6c00',
  '#00838f',
  '#ad1457',
  '#5d4037',
]
