// A search lets others in between, and ends when its user begins another.
import { expect, test } from 'vitest'
import { Library } from '../../../../../appliances/caldav/core/library/library.ts'
import { LockTable } from '../../../../../appliances/caldav/core/locks/lock-table.ts'
import type { View } from '../../../../../appliances/caldav/core/view.ts'
import { SearchRequests } from '../../../../../appliances/caldav/search-requests.ts'
import { VirtualClock } from '../../../../../shared/clock/clock.ts'
import { MemorySnapshot } from '../../../../support/memory-snapshot.ts'
import { eventText, USERS } from '../../../../support/running-caldav.ts'

const EVENTS = 50

const uids = Array.from({ length: EVENTS }, (_, i) => `event${i}`)
const files = uids.map((uid) => [`calendars/alice/work/${uid}.ics`, eventText(uid, uid)])
const snapshot = MemorySnapshot.of({ 'users.toml': USERS, ...Object.fromEntries(files) })
const { library } = Library.load(snapshot, 0, { get: () => undefined, keep: () => {} })

function viewOf(user: string): View {
  return {
    library,
    user: library.directory.user(user)!,
    locks: new LockTable(),
    nowMs: 0,
    tree: () => undefined,
    base: '/',
    limits: { objectBytes: 1, fileBytes: 1 },
  }
}

/** Each look at it is ten milliseconds later: a turn is one object. */
function slowSearches(): SearchRequests {
  const clock = new VirtualClock()
  let nowMs = 0
  clock.monotonicMs = () => (nowMs += 10)
  return new SearchRequests(clock)
}

const asked = (query: string, socket = { destroyed: false }) => ({
  method: 'GET',
  url: `/-/search?q=${query}`,
  socket,
})

test('others have their turn after each of its own', async () => {
  let turns = 0
  let isOver = false
  const others = (): void => {
    turns++
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  const reply = await slowSearches().answer(asked('event'), viewOf('alice'))
  isOver = true
  expect(reply.status).toBe(200)
  expect(turns).toBeGreaterThanOrEqual(EVENTS)
})

test('a newer one of the same user ends it, one of another user does not', async () => {
  const searches = slowSearches()
  const all = await Promise.all([
    searches.answer(asked('event1'), viewOf('alice')),
    searches.answer(asked('event2'), viewOf('bob')),
    searches.answer(asked('event3'), viewOf('alice')),
  ])
  expect(all.map(({ status }) => status)).toEqual([409, 200, 200])
})

test('it ends with its connection', async () => {
  const socket = { destroyed: false }
  const search = slowSearches().answer(asked('event', socket), viewOf('alice'))
  socket.destroyed = true
  expect((await search).status).toBe(409)
})
