// What is measured of a CalDAV server that has a calendar of so many events: every target of speed, cheap ones first, so
// that a slow server has told most of it before its time is over.
import { cpuSeconds, residentMegabytes } from './dns-load.ts'
import type { Asked, CaldavClient } from './caldav-client.ts'
import {
  CTAG,
  eventFile,
  eventText,
  LISTING,
  monthQuery,
  multigetReport,
  syncReport,
  TEXT_QUERY,
} from './caldav-events.ts'
import type { CaldavServer } from './caldav-peer.ts'
import { median, type Figure } from './report.ts'

export type Measure = Pick<Figure, 'what' | 'unit' | 'better' | 'target'> & {
  readonly run: (to: Measured) => Promise<number>
}

/** What a measure works with. */
export type Measured = {
  readonly server: CaldavServer
  readonly client: CaldavClient
  readonly size: number
  readonly seconds: number
  readonly rounds: number
  /** Of the next event that is new, counted up by who makes one. */
  next: number
}

const READERS = 8
export const CROWD = 64
const MULTIGET = 100
/** A slow server answers some of the rounds. */
const ROUNDS_LIMIT_MS = 3000
/** One in so many requests of the crowd is a change. */
const CROWD_CHANGES = 16
const IMPORT_OBJECTS = 10_000
/** As the web page sends a file. */
const IMPORT_BATCH = 100

const less = { unit: 'ms', better: 'less' } as const
const more = { unit: 'per s', better: 'more' } as const

/** For every server. */
export const MEASURES: readonly Measure[] = [
  { what: 'start', ...less, run: ({ server }) => Promise.resolve(server.startMs) },
  asking('PROPFIND depth 1', 60, { method: 'PROPFIND', body: LISTING, depth: '1' }),
  asking('PROPFIND ctag', 1, { method: 'PROPFIND', body: CTAG, depth: '0' }),
  {
    what: `multiget of ${MULTIGET}`,
    ...less,
    target: 15,
    run: (to) =>
      timed(to, (round) => {
        const names = Array.from({ length: MULTIGET }, (_, i) => (i * 7 + round) % to.size)
        return to.client.ask(
          report(multigetReport(names.map((n) => to.server.path + eventFile(n)))),
        )
      }),
  },
  {
    what: `GET, ${READERS} connections`,
    ...more,
    target: 3000,
    run: ({ client, size, seconds }) =>
      rate(READERS, seconds, (worker, n) =>
        client.ask({ method: 'GET', name: eventFile((worker + n * READERS) % size) }),
      ),
  },
  { what: 'PUT of a new event', ...more, target: 500, run: (to) => puts(to, 1) },
  // Says the same on a machine that has other work, too.
  {
    what: 'processor time of it',
    ...less,
    target: 1.5,
    run: async (to) => {
      const [from, spent] = [to.next, await cpuSeconds(to.server.pid)]
      await puts(to, READERS)
      return ((await cpuSeconds(to.server.pid)) - spent) * (1000 / (to.next - from))
    },
  },
  {
    what: `PUT, ${READERS} connections`,
    ...more,
    target: 500,
    run: (to) => puts(to, READERS),
  },
  {
    what: `${CROWD} clients, 99th percentile`,
    ...less,
    target: 50,
    run: crowd,
  },
  { what: 'sync after a change', ...less, target: 2, run: sync },
  asking('query of a month', 40, report(monthQuery(2, false))),
  asking('text-match', 50, report(TEXT_QUERY)),
  asking('query of a month, expanded', 80, report(monthQuery(2, true))),
  {
    what: 'memory',
    unit: 'MB',
    better: 'less',
    run: ({ server }) => residentMegabytes(server.pid),
  },
]

/** For ours: of a file of ten thousand events what somebody else waits for meanwhile. */
export const OUR_MEASURES: readonly Measure[] = [
  { what: 'longest wait during an import', ...less, target: 50, run: importing },
]

/** Of ours with a hundred thousand events. */
export const LARGE_MEASURES: readonly Measure[] = [
  { what: 'start', ...less, target: 3000, run: ({ server }) => Promise.resolve(server.startMs) },
  {
    what: 'memory, all read',
    unit: 'MB',
    better: 'less',
    target: 250,
    run: async ({ client, server }) => {
      await client.ask({ method: 'PROPFIND', body: LISTING, depth: '1' })
      await client.ask(report(monthQuery(2, false)))
      await idle(server)
      return await residentMegabytes(server.pid)
    },
  },
]

/** Everything that can be asked again and again, warm: the median without the first time, where there is another. */
async function timed(
  { rounds }: Pick<Measured, 'rounds'>,
  ask: (round: number) => Promise<unknown>,
): Promise<number> {
  const times: number[] = []
  const beganMs = performance.now()
  for (let round = 0; round <= rounds; round++) {
    const startMs = performance.now()
    await ask(round)
    times.push(performance.now() - startMs)
    if (performance.now() - beganMs > ROUNDS_LIMIT_MS) break
  }
  return median(times.length > 1 ? times.slice(1) : times)
}

function asking(what: string, target: number, asked: Asked): Measure {
  return { what, ...less, target, run: (to) => timed(to, () => to.client.ask(asked)) }
}

function report(body: string, depth = '1'): Asked {
  return { method: 'REPORT', body, depth }
}

async function sync(to: Measured): Promise<number> {
  const { client } = to
  let token = tokenOf(await client.ask(report(syncReport(''), '0')))
  const times: number[] = []
  for (let round = 0; round < to.rounds; round++) {
    await client.ask({ method: 'PUT', name: eventFile(round), body: eventText(round, round + 1) })
    const startMs = performance.now()
    token = tokenOf(await client.ask(report(syncReport(token), '0')))
    times.push(performance.now() - startMs)
  }
  return median(times)
}

async function puts(to: Measured, connections: number): Promise<number> {
  return await rate(connections, to.seconds, () => {
    const n = to.next++
    return to.client.ask({ method: 'PUT', name: eventFile(n), body: eventText(n) })
  })
}

/** Each asks for the state of the calendar and for an event in turn, and now and then changes one. */
async function crowd(to: Measured): Promise<number> {
  const times: number[] = []
  await rate(CROWD, to.seconds, async (worker, n) => {
    const [name, startMs] = [eventFile((worker + n * CROWD) % to.size), performance.now()]
    if (n % CROWD_CHANGES === worker % CROWD_CHANGES)
      await to.client.ask({
        method: 'PUT',
        name,
        body: eventText((worker + n * CROWD) % to.size, n),
      })
    else if (n % 2 === 0) await to.client.ask({ method: 'PROPFIND', body: CTAG, depth: '0' })
    else await to.client.ask({ method: 'GET', name })
    times.push(performance.now() - startMs)
  })
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN
}

/** Milliseconds that the ctag takes at most while a file comes in. */
async function importing(to: Measured): Promise<number> {
  let longest = 0
  const over = new AbortController()
  const watched = (async () => {
    while (!over.signal.aborted) {
      const startMs = performance.now()
      await to.client.ask({ method: 'PROPFIND', body: CTAG, depth: '0' })
      longest = Math.max(longest, performance.now() - startMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  const end = to.next + IMPORT_OBJECTS
  while (to.next < end) {
    const from = to.next
    to.next += IMPORT_BATCH
    const body = Array.from({ length: IMPORT_BATCH }, (_, i) => eventText(from + i)).join('')
    await to.client.ask({ method: 'POST', body, type: 'text/calendar' })
  }
  over.abort()
  await watched
  return longest
}

/** Requests a second, of so many workers that each wait for their answer. */
async function rate(
  workers: number,
  seconds: number,
  ask: (worker: number, n: number) => Promise<unknown>,
): Promise<number> {
  const startMs = performance.now()
  let count = 0
  const one = async (worker: number): Promise<void> => {
    for (let n = 0; performance.now() - startMs < seconds * 1000; n++, count++) await ask(worker, n)
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => one(worker)))
  return count / ((performance.now() - startMs) / 1000)
}

/** Resolves when the process has nothing left to do by itself. */
async function idle({ pid }: CaldavServer): Promise<void> {
  for (let before = -1; ;) {
    const now = await cpuSeconds(pid)
    if (now - before < 0.05 && before >= 0) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

function tokenOf(text: string): string {
  return /<(?:\w+:)?sync-token[^>]*>([^<]*)</.exec(text)?.[1] ?? ''
}
