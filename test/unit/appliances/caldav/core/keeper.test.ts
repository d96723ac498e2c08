// The keeper at a start: nothing of the members is read, and nothing that is asked of them is answered otherwise for that.
import { expect, test, vi } from 'vitest'
import { LibraryKeeper } from '../../../../../appliances/caldav/core/library/keeper.ts'
import type { Problem } from '../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../support/memory-snapshot.ts'
import { vcalendar, vevent } from '../../../../support/calendars.ts'

const event = (uid: string): string => vcalendar(vevent('DTSTART:20260101T090000Z', uid))
const HEAD = MemorySnapshot.of({
  'calendars/alice/work/a.ics': event('a'),
  'calendars/alice/work/bad.ics': 'no calendar',
  'calendars/alice/work/calendar.toml': 'displayname = "Work"',
  'calendars/bob/home/b.ics': event('b'),
})

function opened(): { readonly keeper: LibraryKeeper; readonly told: Problem[] } {
  const told: Problem[] = []
  const keeper = new LibraryKeeper(
    () => 0,
    (problems) => told.push(...problems),
  )
  expect(keeper.open(HEAD).problems).toEqual([])
  return { keeper, told }
}

test('what is wrong with members is told when they are read, once', () => {
  const { keeper, told } = opened()
  expect(told).toEqual([])
  let rounds = 0
  while (keeper.readAhead()) expect(++rounds).toBeLessThan(9)
  expect(told.map(({ file }) => file)).toEqual(['calendars/alice/work/bad.ics'])
  expect(keeper.of(HEAD).collection('calendars/alice/work')!.members.size).toBe(2)
  expect(told).toHaveLength(1)
})

test('a UID of a member that was not read yet is taken', () => {
  const { keeper } = opened()
  const next = HEAD.with({ 'calendars/alice/work/new.ics': event('a') })
  expect(keeper.accept(next, HEAD).problems).toMatchObject([
    { file: 'calendars/alice/work/new.ics', message: 'Has the UID of a.ics' },
  ])
})

test('a calendar that went before it was read is not read any more', () => {
  const { keeper } = opened()
  const without = HEAD.with({ 'calendars/bob/home/b.ics': undefined })
  expect(keeper.accept(without, HEAD).problems).toEqual([])
  const { library } = keeper.publish(without)
  expect([...library.collections()].map(({ path }) => path)).toEqual(['calendars/alice/work'])
  const read = vi.spyOn(HEAD, 'get')
  while (keeper.readAhead()) continue
  const paths = read.mock.calls.map(([at]) => (typeof at === 'string' ? at : at.path))
  expect(paths.toSorted()).toEqual(['calendars/alice/work/a.ics', 'calendars/alice/work/bad.ics'])
  read.mockRestore()
})
