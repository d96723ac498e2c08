// The part of an event's dialog with its people: who is invited and what they answered, whom to add, and when they are busy.
import { nextFree, stateAt, type BusyTimes, type Span } from './core/busy.ts'
import { isOneOf, parseContact, type Answer, type Contact, type People } from './core/people.ts'
import { DAY_MS, dayOf } from './core/wall-time.ts'
import { button, element } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import type { User } from './people-client.ts'
import { timeOf } from './said.ts'

export type PeopleContext = {
  /** To be suggested. */
  readonly users: readonly User[]
  /** Whose calendar it is. */
  readonly owner: User
  /** By address. */
  readonly busy: (
    addresses: readonly string[],
    range: Span,
  ) => Promise<ReadonlyMap<string, BusyTimes>>
}

export type PeopleField = {
  readonly element: HTMLElement
  /** Since the dialog was opened. */
  readonly change: () => { readonly added: Contact[]; readonly removed: string[] }
  /** An event's time was chosen; undefined while it is none. */
  readonly at: (times: Span | undefined) => void
  /** To whom the calendar belongs that was chosen. */
  readonly ofOwner: (owner: User) => void
}

/** Further than this nobody looks for a free time. */
const AHEAD_MS = 28 * DAY_MS
const SHOWN_DAYS = 7

export function peopleField(
  { organizer, attendees }: People,
  context: PeopleContext,
  isEditable: boolean,
  choose: (times: Span) => void,
): PeopleField {
  let { owner } = context
  let times: Span | undefined
  let busy: ReadonlyMap<string, BusyTimes> = new Map()
  const isOrganizer = (address: string): boolean =>
    organizer === undefined
      ? isOneOf(address, owner.addresses)
      : isOneOf(address, [organizer.address]) ||
        (isOneOf(organizer.address, owner.addresses) && isOneOf(address, owner.addresses))
  let guests: readonly (Contact & { readonly answer?: Answer; readonly isUntold?: boolean })[] =
    attendees.filter(({ address }) => !isOrganizer(address))
  const message = messageLine()
  const list = element('ul', { className: 'rows people' })
  const who = element('input', { ariaLabel: 'Whom to invite', autocomplete: 'off' })
  who.placeholder = 'Name or mail address'
  const suggested = element('datalist', { id: `people-${crypto.randomUUID()}` })
  who.setAttribute('list', suggested.id)
  const free = button('Next free time', () => void told(message, findFree))

  const everyone = (): readonly Contact[] => [organizer ?? owner, ...guests]
  const ask = async (range: Span): Promise<ReadonlyMap<string, BusyTimes>> =>
    await context.busy(
      everyone().map(({ address }) => address),
      range,
    )
  const look = async (): Promise<void> => {
    render()
    if (times === undefined || guests.length === 0 || !isEditable) return
    const asked = shownDays(times)
    const found = await ask(asked)
    // Only of the time that is chosen now.
    const now = times && shownDays(times)
    if (now?.start !== asked.start || now.end !== asked.end) return
    busy = found
    render()
  }
  const findFree = async (): Promise<void> => {
    if (times === undefined) return
    const until = times.start + AHEAD_MS
    const known = await ask({ start: times.start, end: until })
    const found = nextFree([...known.values()], times, until)
    if (found === undefined) throw new Error('Nobody has that much time in the next four weeks')
    choose(found)
  }
  const add = (): void =>
    void told(message, async () => {
      const contact = contactOf(who.value, context.users)
      if (contact === undefined)
        throw new Error('Give the name of a user of this server, or a mail address')
      const isThere =
        isOrganizer(contact.address) || guests.some(({ address }) => isSame(address, contact))
      if (!isThere)
        guests = [...guests, attendees.find(({ address }) => isSame(address, contact)) ?? contact]
      who.value = ''
      await look()
    })
  const isSame = (address: string, contact: Contact): boolean => {
    const user = context.users.find(({ addresses }) => isOneOf(contact.address, addresses))
    return isOneOf(address, user?.addresses ?? [contact.address])
  }
  // It is inside the form of the event, which Enter would save.
  who.onkeydown = (key) => {
    if (key.key !== 'Enter') return
    key.preventDefault()
    add()
  }
  const rowOf = (contact: (typeof guests)[number], isOwner: boolean): HTMLElement => {
    const { name, address } = contact
    const mail = address.replace(/^mailto:/i, '')
    const said = isOwner
      ? 'organizes it'
      : contact.isUntold === true
        ? 'not told: this server cannot reach that address'
        : contact.answer === undefined
          ? 'is told when you save'
          : ANSWERS[contact.answer]
    const isShown = isEditable && guests.length > 0 && times !== undefined && busy.has(address)
    const remove = button(
      'Remove',
      () => {
        guests = guests.filter((each) => each !== contact)
        void told(message, look)
      },
      { ariaLabel: `Remove ${name}` },
    )
    return element(
      'li',
      {},
      element(
        'span',
        { className: 'grow', title: mail },
        name,
        element('span', { className: 'faint' }, ` ${said}`),
      ),
      ...(isOwner || !isEditable ? [] : [remove]),
      ...(isShown ? [busyBar(name, busy.get(address), times!)] : []),
    )
  }
  const render = (): void => {
    list.replaceChildren(
      ...(guests.length === 0 ? [] : everyone().map((contact, i) => rowOf(contact, i === 0))),
    )
    const rest = context.users.filter(
      ({ address, addresses }) =>
        !isOrganizer(address) && !guests.some((each) => isOneOf(each.address, addresses)),
    )
    suggested.replaceChildren(...rest.map((user) => element('option', { value: suggestion(user) })))
    free.hidden = guests.length === 0
  }
  render()
  return {
    element: element(
      'fieldset',
      {},
      element('legend', {}, 'People'),
      list,
      ...(isEditable
        ? [element('div', { className: 'row' }, who, suggested, button('Invite', add), free)]
        : []),
      message,
    ),
    change: () => ({
      added: guests.filter(
        ({ address }) => !attendees.some((each) => isOneOf(each.address, [address])),
      ),
      removed: attendees.flatMap(({ address }) =>
        isOrganizer(address) || guests.some((each) => isOneOf(each.address, [address]))
          ? []
          : address,
      ),
    }),
    at(chosen) {
      times = chosen
      void told(message, look)
    },
    ofOwner(chosen) {
      owner = chosen
      void told(message, look)
    },
  }
}

/** A day from its left to its right: where somebody is busy, and the time that is chosen. */
function busyBar(name: string, known: BusyTimes, times: Span): HTMLElement {
  const { start, end } = shownDays(times)
  const state = STATES[stateAt(known, times)]
  const bar = element('div', { className: 'busy' })
  const put = (span: Span, className: string): void => {
    const part = element('span', { className })
    const from = Math.max(span.start, start)
    const to = Math.min(span.end, end)
    part.style.left = `${((from - start) / (end - start)) * 100}%`
    part.style.width = `${(Math.max(0, to - from) / (end - start)) * 100}%`
    bar.append(part)
  }
  for (const period of known ?? []) put(period, period.isTentative ? 'maybe' : 'taken')
  put(times, 'chosen')
  const words = (known ?? []).map((span) => `${timeOf(span.start)} to ${timeOf(span.end)}`)
  bar.role = 'img'
  bar.ariaLabel = `${name} is ${state}${words.length === 0 ? '' : `; busy ${words.join(', ')}`}`
  bar.title = words.join(', ')
  return element(
    'div',
    { className: 'busy-row' },
    bar,
    element('span', { className: 'faint' }, state),
  )
}

function shownDays({ start, end }: Span): Span {
  const first = dayOf(start)
  const last = dayOf(Math.max(start, end - 1))
  return { start: first, end: Math.min(last, first + (SHOWN_DAYS - 1) * DAY_MS) + DAY_MS }
}

function contactOf(text: string, users: readonly User[]): Contact | undefined {
  const wanted = text.trim().toLowerCase()
  const user = users.find(
    (each) =>
      suggestion(each).toLowerCase() === wanted ||
      each.name.toLowerCase() === wanted ||
      isOneOf(`mailto:${wanted}`, each.addresses),
  )
  return user ?? parseContact(text)
}

function suggestion({ name, address }: User): string {
  return address.startsWith('mailto:') ? `${name} <${address.slice('mailto:'.length)}>` : name
}

const ANSWERS: { readonly [answer in Answer]: string } = {
  'NEEDS-ACTION': 'has not answered',
  ACCEPTED: 'comes',
  TENTATIVE: 'comes perhaps',
  DECLINED: 'does not come',
}
const STATES = {
  free: 'free then',
  maybe: 'perhaps busy then',
  busy: 'busy then',
  unknown: 'free or not: not known',
}
