// Month, week, day and agenda as elements: where an event stands, and what is asked for when a person clicks or types there.
import { button, element } from '../../../shared/web/page/element.ts'
import { lanesOf } from './core/lanes.ts'
import {
  addMonths,
  DAY_MS,
  dayOf,
  formatDay,
  MINUTE_MS,
  monthOf,
  weekOf,
} from './core/wall-time.ts'
import type { ShownEvent } from './dav-client.ts'
import { said, timeOf } from './said.ts'

export type ViewKind = 'month' | 'week' | 'day' | 'agenda'

export type ViewActions = {
  readonly open: (event: ShownEvent) => void
  /** A new one there; of a whole day when no hour was meant. */
  readonly create: (wallMs: number, isAllDay: boolean) => void
  readonly move: (event: ShownEvent, byMs: number) => void
  readonly showDay: (wallMs: number) => void
  /** Of who looks. */
  readonly stateOf: (event: ShownEvent) => EventState | undefined
}

/** Cancelled, an invitation without an answer, or one that was declined. */
export type EventState = 'cancelled' | 'waiting' | 'declined'

export type Range = { readonly start: number; readonly end: number }

const AGENDA_DAYS = 30
/** What a month's day shows before "more". */
const MONTH_EVENTS = 4

export function rangeOf(kind: ViewKind, at: number): Range {
  switch (kind) {
    case 'month': {
      const start = weekOf(monthOf(at))
      return { start, end: start + 42 * DAY_MS }
    }
    case 'week':
      return { start: weekOf(at), end: weekOf(at) + 7 * DAY_MS }
    case 'day':
      return { start: dayOf(at), end: dayOf(at) + DAY_MS }
    case 'agenda':
      return { start: dayOf(at), end: dayOf(at) + AGENDA_DAYS * DAY_MS }
  }
}

export function nextOf(kind: ViewKind, at: number, direction: 1 | -1): number {
  if (kind === 'month') return addMonths(monthOf(at), direction)
  return at + direction * (rangeOf(kind, at).end - rangeOf(kind, at).start)
}

export function titleOf(kind: ViewKind, at: number): string {
  const { start, end } = rangeOf(kind, at)
  if (kind === 'month') return said(at, { month: 'long', year: 'numeric' })
  const long = { day: 'numeric', month: 'short', year: 'numeric' } as const
  if (kind === 'day') return said(start, { weekday: 'long', ...long })
  return `${said(start, { day: 'numeric', month: 'short' })} – ${said(end - DAY_MS, long)}`
}

export function viewOf(
  kind: ViewKind,
  at: number,
  events: readonly ShownEvent[],
  nowMs: number,
  actions: ViewActions,
): HTMLElement {
  const { start, end } = rangeOf(kind, at)
  const days = Array.from({ length: (end - start) / DAY_MS }, (_, i) => start + i * DAY_MS)
  const sorted = [...events].sort((a, b) => a.start - b.start || b.end - a.end)
  switch (kind) {
    case 'month':
      return monthView(days, monthOf(at), sorted, nowMs, actions)
    case 'agenda':
      return agendaView(days, sorted, actions)
    default:
      return weekView(days, sorted, nowMs, actions)
  }
}

function monthView(
  days: readonly number[],
  month: number,
  events: readonly ShownEvent[],
  nowMs: number,
  actions: ViewActions,
): HTMLElement {
  const heads = days
    .slice(0, 7)
    .map((day) => element('div', { className: 'head' }, said(day, { weekday: 'short' })))
  const cells = days.map((day) => {
    const own = inDay(events, day)
    const shown = own.length > MONTH_EVENTS ? own.slice(0, MONTH_EVENTS - 1) : own
    const more = own.length - shown.length
    const state = `${monthOf(day) === month ? '' : ' outside'}${day === dayOf(nowMs) ? ' today' : ''}`
    const cell = element(
      'div',
      { className: `day${state}` },
      dayButton(day, { day: 'numeric' }, actions),
      ...shown.map((event) => chip(event, actions)),
      ...(more > 0
        ? [button(`${more} more`, () => actions.showDay(day), { className: 'event' })]
        : []),
    )
    cell.dataset['day'] = formatDay(day)
    cell.ondblclick = () => actions.create(day, true)
    return cell
  })
  return element('div', { className: 'month' }, ...heads, ...cells)
}

function weekView(
  days: readonly number[],
  events: readonly ShownEvent[],
  nowMs: number,
  actions: ViewActions,
): HTMLElement {
  const heads = days.map((day) => {
    const whole = inDay(events, day).filter((event) => isWhole(event))
    const className = `head${day === dayOf(nowMs) ? ' today' : ''}`
    const head = element(
      'div',
      { className },
      dayButton(day, { weekday: 'short', day: 'numeric' }, actions),
      ...whole.map((event) => chip(event, actions)),
    )
    head.dataset['day'] = formatDay(day)
    head.ondblclick = () => actions.create(day, true)
    return head
  })
  const hours = element(
    'div',
    { className: 'hours' },
    ...Array.from({ length: 24 }, (_, hour) => element('span', {}, `${hour}:00`)),
  )
  const columns = days.map((day) => columnOf(day, events, nowMs, actions))
  const view = element(
    'div',
    { className: 'week' },
    element('div', { className: 'head' }),
    ...heads,
    hours,
    ...columns,
  )
  view.style.setProperty('--days', String(days.length))
  return view
}

function columnOf(
  day: number,
  events: readonly ShownEvent[],
  nowMs: number,
  actions: ViewActions,
): HTMLElement {
  const own = inDay(events, day).filter((event) => !isWhole(event))
  const clipped = own.map(({ start, end }) => ({
    start: Math.max(start, day),
    end: Math.min(end, day + DAY_MS),
  }))
  const lanes = lanesOf(clipped, 30 * MINUTE_MS)
  const chips = own.map((event, i) => {
    const { start, end } = clipped[i]!
    const { lane, of } = lanes[i]!
    const made = chip(event, actions)
    made.style.top = `${((start - day) / DAY_MS) * 100}%`
    made.style.height = `${((end - start) / DAY_MS) * 100}%`
    made.style.left = `${(lane / of) * 100}%`
    made.style.width = `${100 / of}%`
    return made
  })
  const column = element(
    'div',
    { className: `column${day === dayOf(nowMs) ? ' today' : ''}` },
    ...chips,
  )
  column.dataset['day'] = formatDay(day)
  column.ondblclick = ({ target, offsetY }) => {
    if (target !== column) return
    const minutes = Math.floor(((offsetY / column.clientHeight) * 1440) / 30) * 30
    actions.create(day + minutes * MINUTE_MS, false)
  }
  return column
}

function agendaView(
  days: readonly number[],
  events: readonly ShownEvent[],
  actions: ViewActions,
): HTMLElement {
  const parts = days.flatMap((day) => {
    const own = inDay(events, day)
    if (own.length === 0) return []
    const title = said(day, { weekday: 'long', day: 'numeric', month: 'long' })
    return [element('h2', {}, title), ...own.map((event) => chip(event, actions))]
  })
  const empty = element('p', {}, 'Nothing in these days.')
  return element('div', { className: 'agenda' }, ...(parts.length === 0 ? [empty] : parts))
}

/** An event as a button: Enter opens it, Alt with an arrow moves it by a day, or by a quarter of an hour. */
function chip(event: ShownEvent, actions: ViewActions): HTMLElement {
  const time = event.isAllDay ? '' : `${timeOf(event.start)} `
  const text = `${time}${event.summary || 'Without a title'}`
  const state = actions.stateOf(event)
  const made = button(text, () => actions.open(event), { className: 'event', title: text })
  if (state !== undefined) {
    made.classList.add(state)
    made.ariaLabel = `${text}, ${STATES[state]}`
  }
  made.style.setProperty('--colour', event.calendar.color)
  made.ondblclick = (click) => click.stopPropagation()
  if (!event.calendar.isWritable) return made
  made.onkeydown = (key) => {
    const byMs = key.altKey ? KEY_MOVES[key.key] : undefined
    if (byMs === undefined || (event.isAllDay && byMs % DAY_MS !== 0)) return
    key.preventDefault()
    actions.move(event, byMs)
  }
  drag(made, event, actions)
  return made
}

/** By mouse or pen; a finger scrolls, and moves an event by its dialog. */
function drag(made: HTMLElement, event: ShownEvent, actions: ViewActions): void {
  made.onpointerdown = (down) => {
    if (down.pointerType === 'touch' || down.button !== 0) return
    const from = placeAt(down, event)
    let isMoving = false
    let over: Element | undefined
    const onMove = (move: PointerEvent): void => {
      isMoving ||= Math.hypot(move.clientX - down.clientX, move.clientY - down.clientY) > 5
      if (!isMoving) return
      made.classList.add('dragged')
      over?.classList.remove('target')
      over = targetAt(move)
      over?.classList.add('target')
    }
    const onUp = (up: PointerEvent): void => {
      removeEventListener('pointermove', onMove)
      made.classList.remove('dragged')
      over?.classList.remove('target')
      if (!isMoving) return
      // The click that ends a drag opens nothing.
      addEventListener('click', (click) => click.stopPropagation(), { capture: true, once: true })
      const to = placeAt(up, event)
      if (from !== undefined && to !== undefined && from !== to) actions.move(event, to - from)
    }
    addEventListener('pointermove', onMove)
    addEventListener('pointerup', onUp, { once: true })
  }
}

/** The time under the pointer: a day, in a column of hours a quarter of one too. */
function placeAt(pointer: PointerEvent, event: ShownEvent): number | undefined {
  const target = targetAt(pointer)
  const day = Date.parse(`${target?.dataset['day'] ?? ''}T00:00Z`)
  if (target === undefined || Number.isNaN(day)) return undefined
  if (!target.classList.contains('column') || event.isAllDay) return day
  const { top, height } = target.getBoundingClientRect()
  const quarters = Math.round(((pointer.clientY - top) / height) * 96)
  return day + quarters * 15 * MINUTE_MS
}

function targetAt({ clientX, clientY }: PointerEvent): HTMLElement | undefined {
  for (const under of document.elementsFromPoint(clientX, clientY))
    if (under instanceof HTMLElement && under.dataset['day'] !== undefined) return under
  return undefined
}

function dayButton(
  day: number,
  format: Intl.DateTimeFormatOptions,
  actions: ViewActions,
): HTMLElement {
  const label = said(day, { weekday: 'long', day: 'numeric', month: 'long' })
  const made = button(said(day, format), () => actions.showDay(day), { className: 'number' })
  made.setAttribute('aria-label', label)
  return made
}

function inDay(events: readonly ShownEvent[], day: number): ShownEvent[] {
  return events.filter(
    ({ start, end }) => start < day + DAY_MS && (end > day || (start === end && start >= day)),
  )
}

/** Above the hours: whole days, and what lasts for one or more. */
function isWhole({ isAllDay, start, end }: ShownEvent): boolean {
  return isAllDay || end - start >= DAY_MS
}

const STATES: { readonly [state in EventState]: string } = {
  cancelled: 'cancelled',
  waiting: 'not answered yet',
  declined: 'declined',
}

const KEY_MOVES: { readonly [key: string]: number } = {
  ArrowLeft: -DAY_MS,
  ArrowRight: DAY_MS,
  ArrowUp: -15 * MINUTE_MS,
  ArrowDown: 15 * MINUTE_MS,
}
