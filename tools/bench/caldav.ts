// cairn-caldav beside Xandikos, Radicale and Cyrus in the same run: changes, listings, queries, synchronisation, reading,
// memory. Each figure is told when it is known, and a server that is slow is left when its time is over.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAppliance } from '../bundle.ts'
import { CaldavClient, TooSlow } from './caldav-client.ts'
import {
  CROWD,
  LARGE_MEASURES,
  MEASURES,
  OUR_MEASURES,
  type Measure,
  type Measured,
} from './caldav-measures.ts'
import type { CaldavServer } from './caldav-peer.ts'
import { installedCaldavPeers, startOurCaldav, type StartCaldav } from './caldav-servers.ts'
import { cpuSeconds } from './dns-load.ts'
import { formatFigures, formatValue, saveFigures, type Figure } from './report.ts'

const OURS = 'cairn-caldav'

type Limits = { readonly seconds: number; readonly rounds: number; readonly patienceMs: number }

/** By what was measured. */
type Results = ReadonlyMap<string, number>

export async function benchCaldav(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '10000' },
      large: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
      patience: { type: 'string', default: '100' },
      peers: { type: 'string', default: 'Xandikos,Radicale,Cyrus' },
      program: { type: 'string' },
    },
  })
  const limits: Limits = {
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    patienceMs: Number(values.patience) * 1000,
  }
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-caldav-'))
  // Cyrus runs as a user of its own.
  chmodSync(folder, 0o711)
  try {
    const program = values.program ?? (await bundled(folder))
    const ours = startOurCaldav(program)
    const wanted = values.peers.split(',')
    const peers = [...installedCaldavPeers()].filter(([name]) => wanted.includes(name))
    const figures: Figure[] = []
    for (const size of values.sizes.split(',').map(Number)) {
      const results = new Map<string, Results>()
      for (const [name, start] of [[OURS, ours] as const, ...peers]) {
        const measures = name === OURS ? [...MEASURES, ...OUR_MEASURES] : MEASURES
        const at = { name, start, size, folder: join(folder, `${name}-${size}`) }
        results.set(name, await measured(at, measures, limits))
      }
      figures.push(...figuresOf([...MEASURES, ...OUR_MEASURES], results, size))
    }
    const large = Number(values.large)
    if (large > 0) {
      const at = { name: OURS, start: ours, size: large, folder: join(folder, `${OURS}-large`) }
      const results = new Map([[OURS, await measured(at, LARGE_MEASURES, limits)]])
      figures.push(...figuresOf(LARGE_MEASURES, results, large))
    }
    console.log(formatFigures(figures))
    console.log(`written to ${saveFigures('caldav', figures)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a user runs, not the sources. */
async function bundled(folder: string): Promise<string> {
  const file = join(folder, 'cairn-caldav.mjs')
  writeFileSync(file, (await bundleAppliance('caldav', true)).code)
  return file
}

/** Tells each figure at once; ends when all are there or the patience with that server is over. */
async function measured(
  at: { name: string; start: StartCaldav; size: number; folder: string },
  measures: readonly Measure[],
  { seconds, rounds, patienceMs }: Limits,
): Promise<Results> {
  const { name, size } = at
  console.error(`${name}, ${size} events`)
  const results = new Map<string, number>()
  let server: CaldavServer | undefined
  let client: CaldavClient | undefined
  try {
    server = await at.start(at.folder, size)
    client = new CaldavClient(server, CROWD, performance.now() + patienceMs)
    const to: Measured = { server, client, size, seconds, rounds, next: size }
    for (const { what, unit, run } of measures) {
      const before = await cpuSeconds(server.pid)
      const value = await run(to)
      const cpu = (await cpuSeconds(server.pid)) - before
      results.set(what, value)
      console.error(
        `  ${what.padEnd(32)} ${formatValue(value)} ${unit}; ${cpu.toFixed(2)} s of its processor time`,
      )
    }
  } catch (error) {
    if (!(error instanceof TooSlow)) throw error
    console.error(`  left, as its time is over: ${error.message}`)
  } finally {
    client?.close()
    await server?.stop()
  }
  return results
}

function figuresOf(
  measures: readonly Measure[],
  results: ReadonlyMap<string, Results>,
  size: number,
): Figure[] {
  return measures.map(({ what, unit, better, target }) => {
    const others = [...results].filter(([name]) => name !== OURS)
    const peers = Object.fromEntries(others.map(([name, of]) => [name, of.get(what)]))
    const ours = results.get(OURS)?.get(what)
    return { what, shape: String(size), unit, better, ours, peers, ...(target && { target }) }
  })
}
