// The form of an event, new or known, and the question which occurrences of a series are meant.
import { attachmentsField, type AttachmentsChange } from './attachments-field.ts'
import type { Attached } from './core/attached.ts'
import type { Times } from './core/event-edit.ts'
import { answerIn, type Answer, type Contact, type People } from './core/people.ts'
import { DAY_MS, formatDay, formatMinute, parseField } from './core/wall-time.ts'
import type { Calendar } from './dav-client.ts'
import { shown } from './dialog.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { answerButtons } from './invitations-dialog.ts'
import { peopleField, type PeopleContext } from './people-field.ts'
import type { User } from './people-client.ts'

export type EventFields = {
  readonly summary: string
  readonly location: string
  readonly description: string
  readonly rule: string
  readonly times: Times
}

/** `occurrence`: this one of a series; `series`: all of it, or an event that happens once. */
export type Scope = 'occurrence' | 'series'

export type DialogAnswer =
  | {
      readonly kind: 'save'
      readonly fields: EventFields
      readonly calendar: string
      readonly people: { readonly added: readonly Contact[]; readonly removed: readonly string[] }
      readonly files: AttachmentsChange
    }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'delete' }
  | { readonly kind: 'history' }

export type KnownEvent = {
  readonly isNew: boolean
  readonly isOccurrence: boolean
  readonly isWritable: boolean
  readonly people: People
  readonly attached: readonly Attached[]
  /** Of whose calendar it is in. */
  readonly role: 'organizer' | 'attendee' | 'none'
}

/** Undefined: nothing is to be done. `ownerOf` a calendar by its URL. */
export function askEvent(
  fields: EventFields,
  calendars: readonly Calendar[],
  known: KnownEvent,
  people: Omit<PeopleContext, 'owner'> & { readonly ownerOf: (calendar: string) => User },
): Promise<DialogAnswer | undefined> {
  const isLocked = !known.isWritable || known.role === 'attendee'
  const summary = element('input', { value: fields.summary, autofocus: true })
  const location = element('input', { value: fields.location })
  const description = element('textarea', { value: fields.description, rows: 3 })
  const isAllDay = element('input', { type: 'checkbox', checked: fields.times.isAllDay })
  isAllDay.disabled = known.isOccurrence
  const start = element('input', { required: true })
  const end = element('input', { required: true })
  const show = ({ start: from, end: to, isAllDay: whole }: Times): void => {
    start.type = end.type = whole ? 'date' : 'datetime-local'
    start.value = whole ? formatDay(from) : formatMinute(from)
    end.value = whole ? formatDay(Math.max(from, to - DAY_MS)) : formatMinute(to)
  }
  show(fields.times)
  let before = fields.times
  const read = (whole: boolean): Times | undefined => {
    const [from, to] = [parseField(start.value), parseField(end.value)]
    if (from === undefined || to === undefined) return undefined
    return { start: from, end: whole ? to + DAY_MS : to, isAllDay: whole }
  }
  isAllDay.onchange = () => {
    const times = read(!isAllDay.checked)
    if (times === undefined) return
    const day = Math.floor(times.start / DAY_MS) * DAY_MS
    const whole = isAllDay.checked
    show(
      whole
        ? { start: day, end: day + DAY_MS, isAllDay: true }
        : { start: day + 9 * 3_600_000, end: day + 10 * 3_600_000, isAllDay: false },
    )
    chosen()
  }
  // Who moves the start means the whole event.
  start.onchange = () => {
    const times = read(isAllDay.checked)
    if (times !== undefined && times.isAllDay === before.isAllDay)
      show({ ...times, end: times.start + before.end - before.start })
    chosen()
  }
  end.onchange = () => chosen()
  const chosen = (): void => {
    const times = read(isAllDay.checked)
    if (times === undefined || times.end < times.start) return guests.at(undefined)
    before = times
    guests.at(times)
  }
  const isKnownRule = RULES.some(([rule]) => rule === fields.rule)
  const rules = isKnownRule ? RULES : [...RULES, [fields.rule, 'As it is'] as const]
  const rule = element(
    'select',
    {},
    ...rules.map(([value, text]) => element('option', { value }, text)),
  )
  rule.value = fields.rule
  const calendar = element(
    'select',
    { disabled: !known.isNew },
    ...calendars.map(({ href, name }) => element('option', { value: href }, name)),
  )
  const guests = peopleField(
    known.people,
    { ...people, owner: people.ownerOf(calendar.value) },
    known.isWritable && known.role === 'organizer',
    (times) => {
      show({ ...times, isAllDay: isAllDay.checked })
      chosen()
    },
  )
  guests.at(fields.times)
  const files = attachmentsField(known.attached, !isLocked)
  calendar.onchange = () => guests.ofOwner(people.ownerOf(calendar.value))
  return new Promise((resolve) => {
    const dialog = element('dialog')
    dialog.setAttribute('aria-label', known.isNew ? 'New event' : 'Event')
    let answer: DialogAnswer | undefined
    const end_ = (given: DialogAnswer | undefined): void => {
      answer = given
      dialog.close()
    }
    const form = element(
      'form',
      {
        onsubmit: (submit) => {
          submit.preventDefault()
          const times = read(isAllDay.checked)
          if (times === undefined) return
          end.setCustomValidity(times.end < times.start ? 'Ends before it starts' : '')
          if (!form.reportValidity()) return
          const texts = { summary: summary.value, location: location.value }
          const changed = { ...texts, description: description.value, rule: rule.value, times }
          const invited = guests.change()
          end_({
            kind: 'save',
            fields: changed,
            calendar: calendar.value,
            people: invited,
            files: files.change(),
          })
        },
      },
      ...answerRow(known, people.ownerOf(calendar.value), (answer) =>
        end_({ kind: 'answer', answer }),
      ),
      labelled('Title', summary),
      element('label', { className: 'check' }, isAllDay, 'All day'),
      element('div', { className: 'row' }, labelled('Start', start), labelled('End', end)),
      ...(known.isOccurrence ? [] : [labelled('Repeats', rule)]),
      ...(known.isNew ? [labelled('Calendar', calendar)] : []),
      labelled('Place', location),
      labelled('Notes', description),
      ...(isLocked && known.people.attendees.length === 0 ? [] : [guests.element]),
      ...(isLocked && known.attached.length === 0 ? [] : [files.element]),
      element(
        'div',
        { className: 'row' },
        ...(known.isNew || !known.isWritable
          ? []
          : [button('Delete', () => end_({ kind: 'delete' }), { className: 'danger' })]),
        ...(known.isNew ? [] : [button('History', () => end_({ kind: 'history' }))]),
        button(isLocked ? 'Close' : 'Cancel', () => end_(undefined), { className: 'end' }),
        ...(!isLocked ? [element('button', { type: 'submit', className: 'primary' }, 'Save')] : []),
      ),
    )
    if (isLocked) {
      for (const each of [summary, location, description, start, end]) each.readOnly = true
      isAllDay.disabled = rule.disabled = true
    }
    end.oninput = () => end.setCustomValidity('')
    dialog.append(form)
    shown(dialog, () => resolve(answer))
  })
}

/** Of who is invited: what was said, and what to say. */
function answerRow(
  { people, role, isWritable }: KnownEvent,
  owner: User,
  say: (answer: Answer) => void,
): HTMLElement[] {
  if (role !== 'attendee' || !isWritable) return []
  const words = `${people.organizer?.name ?? 'Somebody'} invites you. Do you come?`
  return [
    element('p', { className: 'asked' }, words),
    element(
      'div',
      { className: 'row' },
      ...answerButtons(say, 'this event', answerIn(people, owner.addresses)),
    ),
  ]
}

export function askScope(): Promise<Scope | undefined> {
  return new Promise((resolve) => {
    const dialog = element('dialog')
    dialog.setAttribute('aria-label', 'Which of them')
    let answer: Scope | undefined
    const choose = (scope: Scope | undefined): void => {
      answer = scope
      dialog.close()
    }
    dialog.append(
      element('p', {}, 'This event repeats. Which of them do you mean?'),
      element(
        'div',
        { className: 'row' },
        button('Only this one', () => choose('occurrence'), { className: 'primary' }),
        button('All of them', () => choose('series')),
        button('Cancel', () => choose(undefined), { className: 'end' }),
      ),
    )
    shown(dialog, () => resolve(answer))
  })
}

const RULES = [
  ['', 'Never'],
  ['FREQ=DAILY', 'Every day'],
  ['FREQ=WEEKLY', 'Every week'],
  ['FREQ=WEEKLY;INTERVAL=2', 'Every two weeks'],
  ['FREQ=MONTHLY', 'Every month'],
  ['FREQ=YEARLY', 'Every year'],
] as const
