// A library that went from commit to commit against one that is read whole, and its index of spans against all members.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { touches } from '../../../../appliances/caldav/core/calendar/object-entry.ts'
import type { Collection } from '../../../../appliances/caldav/core/library/collection.ts'
import { Library } from '../../../../appliances/caldav/core/library/library.ts'
import type { ReadObjects } from '../../../../appliances/caldav/core/library/members-reading.ts'
import { UnreadCollection } from '../../../../appliances/caldav/core/library/unread-collection.ts'
import { formatTime } from '../../../../shared/ical/time-value.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../support/memory-snapshot.ts'
import { vcalendar, vevent } from '../../../support/calendars.ts'

const FOLDER = 'calendars/alice/work'
const FIRST = Date.UTC(2020, 0, 1) / 1000
const HOUR = 3600
const NOTHING_KEPT: ReadObjects = { get: () => undefined, keep: () => {} }

const hours = fc.oneof(
  fc.integer({ min: -9_000, max: 9_000 }),
  fc.integer({ min: -800_000, max: 800_000 }),
)
const file = fc.nat(11).map((n) => `e${n}.ics`)
const event = fc
  .record({
    start: hours,
    length: fc.oneof(fc.nat(60), fc.nat(60_000)),
    zone: fc.constantFrom('Z', '', ';TZID=Europe/Berlin', ';VALUE=DATE'),
    rule: fc.constantFrom('', '', 'RRULE:FREQ=WEEKLY;COUNT=20\n', 'RRULE:FREQ=YEARLY\n'),
    uid: fc.nat(14),
  })
  .map(({ start, length, zone, rule, uid }) => {
    const isDate = zone === ';VALUE=DATE'
    const local = FIRST + start * HOUR
    const value = formatTime({ local, isDate, zone: zone === 'Z' ? 'UTC' : undefined })
    const duration = isDate ? `P${Math.ceil(length / 24) + 1}D` : `PT${length}H`
    const head = `DTSTART${zone === 'Z' ? '' : zone}:${value}`
    return vcalendar(vevent(`${head}\nDURATION:${duration}\n${rule}SUMMARY:${start}`, `u${uid}`))
  })
const task = fc.nat(14).map((uid) => vcalendar(`BEGIN:VTODO\nUID:t${uid}\nEND:VTODO`))
const content = fc.oneof({ weight: 8, arbitrary: event }, task, fc.constant('no calendar'))
const commit = fc.dictionary(file, fc.option(content, { nil: undefined }), {
  minKeys: 1,
  maxKeys: 8,
})
const commits = fc.array(commit, { minLength: 1, maxLength: 8 })
const range = fc.tuple(hours, fc.oneof(fc.nat(900), fc.nat(90_000))).map(([from, length]) => ({
  start: FIRST + from * HOUR,
  end: FIRST + (from + length) * HOUR,
}))
const ranges = fc.array(
  fc.oneof(
    range,
    range.map(({ start }) => ({ start, end: Infinity })),
  ),
  { minLength: 3, maxLength: 10 },
)

test('it is what it would be if it were read anew, and its spans find what a look at all members finds', () => {
  fc.assert(
    fc.property(commits, ranges, fc.nat(12), (commits, asked, count) => {
      let snapshot = MemorySnapshot.of({})
      let { library } = Library.load(snapshot, 0, NOTHING_KEPT)
      for (const files of commits) {
        const before = snapshot
        snapshot = snapshot.with(
          Object.fromEntries(
            Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text]),
          ),
        )
        // As the keeper does: what is refused is no base for what follows.
        const next = library.next(snapshot, snapshot.diff(before), 1, NOTHING_KEPT)
        if (next.problems.some(({ message }) => message.startsWith('Has the UID'))) {
          snapshot = before
          continue
        }
        library = next.library
        const whole = Library.load(snapshot, 0, NOTHING_KEPT).library
        const collection = library.collection(FOLDER)
        const other = whole.collection(FOLDER)
        expect(contentOf(collection)).toEqual(contentOf(other))
        const unread = unreadOf(snapshot, count)
        expect(contentOf(unread)).toEqual(contentOf(other))
        for (const each of [collection, other, unread])
          if (each !== undefined) expectSpans(each, asked)
      }
    }),
    { numRuns: 60 },
  )
})

/** As a start has it, with some members read ahead; what is told of it later is what reading all tells at once. */
function unreadOf(snapshot: MemorySnapshot, count: number): Collection | undefined {
  const told: Problem[] = []
  const { library } = Library.load(snapshot, 0, NOTHING_KEPT, (each) => told.push(...each))
  const collection = library.collection(FOLDER)
  if (collection === undefined) return undefined
  if (!(collection instanceof UnreadCollection)) throw new Error('It was read at once')
  if (collection.readSome(count)) expect(told).toEqual([])
  expect(collection.members.size).toBeGreaterThan(0)
  expect(collection.readSome(1)).toBe(false)
  expect(told).toEqual(Library.load(snapshot, 0, NOTHING_KEPT).problems)
  return collection
}

function contentOf(collection: Collection | undefined): unknown {
  if (collection === undefined) return undefined
  const { members, uids, ...rest } = collection
  const { spans: _, ...plain } = rest
  return { ...plain, members: new Map(members), uids: new Map(uids), size: members.size }
}

function expectSpans(
  { members, spans }: Collection,
  ranges: readonly { readonly start: number; readonly end: number }[],
): void {
  for (const range of ranges) {
    const near = [...spans.near(range)]
    expect(new Set(near).size).toBe(near.length)
    for (const member of near) expect(members.get(member.file)).toBe(member)
    const expected = [...members.values()].filter(
      ({ facts }) => facts?.entry !== undefined && touches(facts.entry, range),
    )
    const found = near.filter(({ facts }) => touches(facts!.entry!, range))
    expect(new Set(found)).toEqual(new Set(expected))
  }
}
