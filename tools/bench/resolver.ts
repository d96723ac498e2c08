// cairn-resolver beside Unbound, BIND and Knot Resolver in the same run: answers a second from the cache and from an
// authority on this machine, what one costs, the slowest hundredth, memory.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { peerPath } from '../../test/support/peers.ts'
import { bundleAppliance } from '../bundle.ts'
import { LOAD_CORE, loadServer, residentMegabytes, type LoadResult } from './dns-load.ts'
import { PEERS, startsOf, type NameServer } from './dns-servers.ts'
import { ORIGIN, zoneText } from './dns-zone.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'
import { resolverPeers, startOurResolver } from './resolver-servers.ts'

const OURS = 'cairn-resolver'
/** Of the zone, half of them with an address. */
const RECORDS = 10_000
/** More than any resolver here answers, so that no name comes twice. */
const MISSES_PER_SECOND = 100_000
/** A load that none of them is busy with: what is timed is an answer and no queue. */
const TIMED_PER_SECOND = 5000

type Measured = {
  readonly hits: LoadResult[]
  readonly misses: LoadResult[]
  readonly p99Ms: number[]
  readonly startedMegabytes: number
  megabytes: number
}

export async function benchResolver(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      peers: { type: 'string', default: 'Unbound,BIND,Knot' },
      program: { type: 'string' },
    },
  })
  const dnsperf = peerPath('dnsperf')
  // On the core of the load: a resolver has its own to itself.
  const authorityStart = startsOf({ NSD: PEERS.NSD! }, LOAD_CORE).get('NSD')
  if (dnsperf === undefined || authorityStart === undefined)
    throw new Error('the figures of resolvers need dnsperf and nsd')
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-resolver-'))
  const running: NameServer[] = []
  try {
    const authority = await authorityStart(join(folder, 'authority'), zoneText(RECORDS, 1))
    running.push(authority)
    const program = values.program ?? (await bundled(folder))
    const starts = new Map([[OURS, startOurResolver(program, authority.port)]])
    const wanted = values.peers.split(',')
    for (const [name, start] of startsOf(resolverPeers(authority.port)))
      if (wanted.includes(name)) starts.set(name, start)
    const servers = new Map<string, NameServer>()
    const measured = new Map<string, Measured>()
    for (const [name, start] of starts) {
      console.error(`bench resolver: ${name}`)
      const server = await start(join(folder, name), '')
      running.push(server)
      servers.set(name, server)
      const startedMegabytes = await residentMegabytes(server.pid)
      const none = { hits: [], misses: [], p99Ms: [] }
      measured.set(name, { ...none, startedMegabytes, megabytes: 0 })
    }
    const seconds = Number(values.seconds)
    const hits = join(folder, 'hits')
    writeFileSync(hits, hitLines())
    for (const { port } of servers.values()) await warm(dnsperf, port, hits)
    // In turns, so that a change of the machine's speed hits all of them.
    for (let round = 0; round < Number(values.rounds); round++) {
      const misses = join(folder, `misses${round}`)
      writeFileSync(misses, missLines(round, seconds * MISSES_PER_SECOND))
      for (const [name, { port, pid }] of servers) {
        const one = measured.get(name)!
        one.hits.push(await load(port, pid, hits, seconds, name))
        one.p99Ms.push(await p99(dnsperf, port, hits, seconds))
        one.misses.push(await load(port, pid, misses, seconds, name))
      }
      rmSync(misses)
    }
    for (const [name, { pid }] of servers)
      measured.get(name)!.megabytes = await residentMegabytes(pid)
    const figures = figuresOf(measured)
    console.log(formatFigures(figures))
    console.log(`written to ${saveFigures('resolver', figures)}`)
  } finally {
    for (const server of running.reverse()) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a user runs, not the sources. */
async function bundled(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'cairn-resolver.mjs')
  writeFileSync(file, (await bundleAppliance('resolver', true)).code)
  return file
}

/** Each name three times, however long that takes: fetched, found, and found again by whoever repeats answers. */
async function warm(dnsperf: string, port: number, queries: string): Promise<void> {
  const [command, ...before] = [...LOAD_CORE, dnsperf, '-s', '127.0.0.1', '-p', String(port)]
  await promisify(execFile)(command!, [...before, '-d', queries, '-n', '3', '-q', '100'])
}

async function load(
  port: number,
  pid: number,
  queries: string,
  seconds: number,
  name?: string,
): Promise<LoadResult> {
  const result = await loadServer({
    port,
    pid,
    queries,
    seconds,
    transport: 'udp',
    dnssec: false,
  })
  if (result === undefined) throw new Error('dnsperf is gone')
  if (name !== undefined && result.lost > 0)
    console.error(`  ${name}: ${result.lost} queries without an answer`)
  return result
}

/** Of answers from the cache at a rate that all of them keep up with; dnsperf tells the time of each. */
async function p99(dnsperf: string, port: number, queries: string, seconds: number) {
  const [command, ...before] = [...LOAD_CORE, dnsperf, '-s', '127.0.0.1', '-p', String(port), '-v']
  const options = ['-d', queries, '-l', String(seconds), '-Q', String(TIMED_PER_SECOND), '-c', '8']
  const { stdout } = await promisify(execFile)(command!, [...before, ...options], {
    maxBuffer: 1 << 30,
  })
  const times = [...stdout.matchAll(/^> NOERROR .* ([\d.]+)$/gm)].map((match) => Number(match[1]))
  times.sort((a, b) => a - b)
  return 1000 * (times[Math.floor(times.length * 0.99)] ?? Number.NaN)
}

/** Every host with an address, so that each has its answer in the cache after the first time. */
function hitLines(): string {
  const hosts = Array.from({ length: RECORDS }, (_, n) => n).filter((n) => n >= 10 && n % 10 < 5)
  return hosts.map((n) => `h${n}.${ORIGIN} A\n`).join('')
}

/** Names below a wildcard, none of them in two rounds. */
function missLines(round: number, count: number): string {
  const lines = Array.from({ length: count }, (_, n) => `r${round}n${n}.wild.${ORIGIN} A\n`)
  return lines.join('')
}

function figuresOf(measured: ReadonlyMap<string, Measured>): readonly Figure[] {
  const row = (
    what: string,
    unit: string,
    better: 'more' | 'less',
    pick: (m: Measured) => number,
  ): Figure => {
    const values = [...measured].map(([name, one]) => [name, pick(one)] as const)
    const peers = Object.fromEntries(values.filter(([name]) => name !== OURS))
    return { what, shape: 'UDP', unit, better, ours: pick(measured.get(OURS)!), peers }
  }
  const rate = (loads: readonly LoadResult[]) => median(loads.map((one) => one.queriesPerSecond))
  const cost = (loads: readonly LoadResult[]) =>
    median(loads.map((one) => one.cpuMicrosecondsPerQuery))
  return [
    row('cache hits', 'per s', 'more', (m) => rate(m.hits)),
    row('CPU for a hit', 'µs', 'less', (m) => cost(m.hits)),
    row(`p99 of hits, ${TIMED_PER_SECOND} per s`, 'ms', 'less', (m) => median(m.p99Ms)),
    row('cache misses', 'per s', 'more', (m) => rate(m.misses)),
    row('CPU for a miss', 'µs', 'less', (m) => cost(m.misses)),
    row('memory, started', 'MB', 'less', (m) => m.startedMegabytes),
    row('memory, after the load', 'MB', 'less', (m) => m.megabytes),
  ]
}
