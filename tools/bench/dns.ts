// cairn-dns beside NSD, Knot, BIND and PowerDNS in the same run: answers a second and what one costs, how long after a
// change the new answer is there, loading, memory; and how it stands random packets.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { peerPath } from '../../test/support/peers.ts'
import { bundleAppliance } from '../bundle.ts'
import { floodServer } from './dns-flood.ts'
import { loadServer, residentMegabytes, type LoadResult } from './dns-load.ts'
import {
  installedPeers,
  startOurs,
  untilAnswers,
  type NameServer,
  type Start,
} from './dns-servers.ts'
import { measureUpdates } from './dns-updates.ts'
import { ORIGIN, queryLines, zoneText } from './dns-zone.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'

const OURS = 'cairn-dns'
const QUERIES = 200_000

type Options = {
  readonly seconds: number
  readonly rounds: number
  readonly changes: number
  readonly transport: 'udp' | 'tcp'
  readonly signed: boolean
}

export async function benchDns(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      changes: { type: 'string', default: '7' },
      peers: { type: 'string', default: 'NSD,Knot,BIND,PowerDNS' },
      signed: { type: 'boolean', default: false },
      tcp: { type: 'boolean', default: false },
      updates: { type: 'boolean', default: false },
      program: { type: 'string' },
      flood: { type: 'string' },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-dns-'))
  try {
    const program = values.program ?? (await bundled(folder))
    if (values.flood !== undefined) {
      await flood(startOurs(program), folder, Number(values.flood))
      return
    }
    const wanted = values.peers.split(',')
    const { updates } = values
    const starts = new Map([[OURS, startOurs(program, updates)]])
    for (const [name, start] of installedPeers(updates))
      if (wanted.includes(name)) starts.set(name, start)
    const options: Options = {
      seconds: Number(values.seconds),
      rounds: Number(values.rounds),
      changes: values.signed ? 0 : Number(values.changes),
      transport: values.tcp ? 'tcp' : 'udp',
      signed: values.signed,
    }
    const figures: Figure[] = []
    const sizes = values.sizes ?? (updates ? '1000,100000' : '1000,100000,1000000')
    const measure = updates ? measureUpdates : measureSize
    for (const size of sizes.split(',').map(Number))
      figures.push(...(await measure(starts, join(folder, String(size)), size, options)))
    console.log(formatFigures(figures))
    if (!updates)
      console.log(
        '\nHanded over means `git push` for cairn-dns, writing the file and the command to reload for the others.',
      )
    console.log(`written to ${saveFigures(updates ? 'dns-updates' : 'dns', figures)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a user runs, not the sources. */
async function bundled(folder: string): Promise<string> {
  const file = join(folder, 'cairn-dns.mjs')
  writeFileSync(file, (await bundleAppliance('dns', true)).code)
  return file
}

type Measured = {
  readonly loads: LoadResult[]
  readonly handed: Change[]
  loadMs: number
  megabytes: number
}

type Change = {
  /** From the end of the command that hands the change over until the new answer. */
  readonly afterMs: number
  /** The command and the wait together. */
  readonly totalMs: number
}

/** All servers run; they are loaded in turns, so that a change of the machine's speed hits all of them. */
async function measureSize(
  starts: ReadonlyMap<string, Start>,
  folder: string,
  size: number,
  options: Options,
): Promise<readonly Figure[]> {
  mkdirSync(folder)
  const queries = join(folder, 'queries')
  writeFileSync(queries, queryLines(size, QUERIES))
  const text = options.signed ? await signed(folder, zoneText(size, 1)) : zoneText(size, 1)
  const servers = new Map<string, NameServer>()
  const measured = new Map<string, Measured>()
  try {
    for (const [name, start] of starts) {
      console.error(`bench dns: ${size} records: ${name}`)
      const server = await start(join(folder, name), text)
      servers.set(name, server)
      const { loadMs } = server
      measured.set(name, { loads: [], handed: [], loadMs, megabytes: 0 })
    }
    for (let round = 0; round < options.rounds; round++)
      for (const [name, { port, pid }] of servers) {
        const { seconds, transport, signed: dnssec } = options
        const result = await loadServer({ port, pid, queries, seconds, transport, dnssec })
        if (result === undefined) continue
        if (result.lost > 0) console.error(`  ${name}: ${result.lost} queries without an answer`)
        measured.get(name)!.loads.push(result)
      }
    for (const [name, server] of servers) {
      const one = measured.get(name)!
      one.megabytes = await residentMegabytes(server.pid)
      for (let n = 0; n < options.changes; n++)
        one.handed.push(await timeChange(server, size, n, `192.0.2.${20 + n}`))
    }
  } finally {
    for (const server of servers.values()) await server.stop()
  }
  return figuresOf(measured, `${size} records`, options)
}

function figuresOf(
  measured: ReadonlyMap<string, Measured>,
  shape: string,
  { transport, signed, changes }: Options,
): readonly Figure[] {
  const row = (
    what: string,
    unit: string,
    better: 'more' | 'less',
    pick: (m: Measured) => number,
  ): Figure => {
    const values = [...measured].map(([name, one]) => [name, pick(one)] as const)
    const ours = values.find(([name]) => name === OURS)?.[1]
    const peers = Object.fromEntries(values.filter(([name]) => name !== OURS))
    return { what, shape, unit, better, ours, peers }
  }
  const how = `${transport.toUpperCase()}${signed ? ', signed, DO' : ''}`
  const middle = (pick: (load: LoadResult) => number) => (m: Measured) => median(m.loads.map(pick))
  return [
    row(
      `queries, ${how}`,
      'per s',
      'more',
      middle((load) => load.queriesPerSecond),
    ),
    row(
      `CPU for a query, ${how}`,
      'µs',
      'less',
      middle((load) => load.cpuMicrosecondsPerQuery),
    ),
    row('start to first answer', 'ms', 'less', (m) => m.loadMs),
    row('memory', 'MB', 'less', (m) => m.megabytes),
    ...(changes === 0
      ? []
      : [
          row('new answer after the change was handed over', 'ms', 'less', (m) =>
            median(m.handed.map((change) => change.afterMs)),
          ),
          row('change handed over and answered', 'ms', 'less', (m) =>
            median(m.handed.map((change) => change.totalMs)),
          ),
        ]),
  ]
}

/** Asks all the time while the change is handed over, so that an answer that is there first counts as 0. */
async function timeChange(
  server: NameServer,
  size: number,
  n: number,
  address: string,
): Promise<Change> {
  const handOver = await server.prepare(zoneText(size, n + 2, address))
  const startMs = performance.now()
  const answered = untilAnswers(server.port, address)
  await handOver()
  const handedMs = performance.now()
  const answeredMs = await answered
  return {
    afterMs: Math.max(0, answeredMs - handedMs),
    totalMs: Math.max(answeredMs, handedMs) - startMs,
  }
}

/** The zone with signatures, made by BIND's tools, so that every server answers from the same ones. */
async function signed(folder: string, text: string): Promise<string> {
  const run = promisify(execFile)
  const [keygen, signzone] = [peerPath('dnssec-keygen'), peerPath('dnssec-signzone')]
  if (keygen === undefined || signzone === undefined)
    throw new Error('--signed needs dnssec-keygen and dnssec-signzone')
  const keys = join(folder, 'keys')
  mkdirSync(keys)
  const [plain, file] = [join(folder, 'plain'), join(folder, 'signed')]
  writeFileSync(plain, text)
  for (const flags of [['-f', 'KSK'], []])
    await run(keygen, ['-q', '-K', keys, '-a', 'ECDSAP256SHA256', ...flags, ORIGIN])
  const options = ['-q', '-K', keys, '-S', '-x', '-O', 'full', '-o', ORIGIN, '-f', file, plain]
  await run(signzone, options, { cwd: folder })
  return readFileSync(file, 'latin1')
}

async function flood(start: Start, folder: string, packets: number): Promise<void> {
  const server = await start(join(folder, 'flood'), zoneText(100_000, 1))
  try {
    const before = await residentMegabytes(server.pid)
    const startMs = performance.now()
    const sent = await floodServer(server.port, packets)
    const seconds = (performance.now() - startMs) / 1000
    await untilAnswers(server.port)
    const after = await residentMegabytes(server.pid)
    console.log(
      `${sent} random packets in ${seconds.toFixed(0)} s: it answers; memory ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`,
    )
  } finally {
    await server.stop()
  }
}
