// cairn-caldav beside Xandikos and Radicale in the same run: changes, listings, queries, synchronisation, reading, memory.
import { Agent, request } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAppliance } from '../bundle.ts'
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
import {
  installedCaldavPeers,
  startOurCaldav,
  type CaldavServer,
  type StartCaldav,
} from './caldav-servers.ts'
import { residentMegabytes } from './dns-load.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'

const OURS = 'cairn-caldav'
const READERS = 8
const MULTIGET = 100

type Measured = {
  readonly what: string
  readonly unit: string
  readonly better: Figure['better']
  readonly value: number
}

export async function benchCaldav(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '1000,10000' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '5' },
      peers: { type: 'string', default: 'Xandikos,Radicale' },
      program: { type: 'string' },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-caldav-'))
  try {
    const program = values.program ?? (await bundled(folder))
    const wanted = values.peers.split(',')
    const starts = new Map<string, StartCaldav>([[OURS, startOurCaldav(program)]])
    for (const [name, start] of installedCaldavPeers())
      if (wanted.includes(name)) starts.set(name, start)
    const figures: Figure[] = []
    for (const size of values.sizes.split(',').map(Number)) {
      const results = new Map<string, readonly Measured[]>()
      for (const [name, start] of starts) {
        console.error(`bench caldav: ${size} events: ${name}`)
        const server = await start(join(folder, `${name}-${size}`), size)
        try {
          results.set(
            name,
            await measure(server, size, Number(values.seconds), Number(values.rounds)),
          )
        } finally {
          await server.stop()
        }
      }
      figures.push(...figuresOf(results, size))
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

function figuresOf(results: ReadonlyMap<string, readonly Measured[]>, size: number): Figure[] {
  return results.get(OURS)!.map(({ what, unit, better, value }, n) => {
    const others = [...results].filter(([name]) => name !== OURS)
    const peers = Object.fromEntries(others.map(([name, measured]) => [name, measured[n]!.value]))
    return { what, shape: String(size), unit, better, ours: value, peers }
  })
}

/** One connection but for reading; medians of the rounds, so warm. */
async function measure(
  server: CaldavServer,
  size: number,
  seconds: number,
  rounds: number,
): Promise<readonly Measured[]> {
  const client = new Client(server)
  const timed = async (
    what: string,
    ask: (round: number) => Promise<unknown>,
  ): Promise<Measured> => {
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const startMs = performance.now()
      await ask(round)
      times.push(performance.now() - startMs)
    }
    return { what, unit: 'ms', better: 'less', value: median(times) }
  }
  const report = (body: string, depth = '1'): Promise<string> =>
    client.ask('REPORT', '', body, depth)
  try {
    let token = tokenOf(await report(syncReport(''), '0'))
    const results = [
      { what: 'start', unit: 'ms', better: 'less', value: server.startMs } as const,
      await timed('PROPFIND depth 1', () => client.ask('PROPFIND', '', LISTING, '1')),
      await timed('PROPFIND ctag', () => client.ask('PROPFIND', '', CTAG, '0')),
      await timed('query of a month', () => report(monthQuery(2, false))),
      await timed('query of a month, expanded', () => report(monthQuery(2, true))),
      await timed('text-match', () => report(TEXT_QUERY)),
      await timed('multiget of 100', (round) => {
        const hrefs = Array.from(
          { length: MULTIGET },
          (_, i) => server.path + eventFile((i * 7 + round) % size),
        )
        return report(multigetReport(hrefs))
      }),
    ]
    const syncs: number[] = []
    for (let round = 0; round < rounds; round++) {
      await client.ask('PUT', eventFile(round), eventText(round, round + 1))
      const startMs = performance.now()
      token = tokenOf(await report(syncReport(token), '0'))
      syncs.push(performance.now() - startMs)
    }
    results.push({ what: 'sync after a change', unit: 'ms', better: 'less', value: median(syncs) })
    const reads = async (worker: number): Promise<number> =>
      await repeated(seconds, (n) => client.ask('GET', eventFile((worker + n * READERS) % size)))
    const read = await Promise.all(Array.from({ length: READERS }, (_, worker) => reads(worker)))
    const total = read.reduce((sum, count) => sum + count, 0)
    results.push({
      what: 'GET, 8 connections',
      unit: 'per s',
      better: 'more',
      value: total / seconds,
    })
    const puts = await repeated(seconds, (n) =>
      client.ask('PUT', eventFile(size + n), eventText(size + n)),
    )
    results.push({
      what: 'PUT of a new event',
      unit: 'per s',
      better: 'more',
      value: puts / seconds,
    })
    const megabytes = await residentMegabytes(server.pid)
    results.push({ what: 'memory', unit: 'MB', better: 'less', value: megabytes })
    return results
  } finally {
    client.close()
  }
}

async function repeated(seconds: number, ask: (n: number) => Promise<unknown>): Promise<number> {
  const untilMs = performance.now() + seconds * 1000
  let count = 0
  for (; performance.now() < untilMs; count++) await ask(count)
  return count
}

class Client {
  readonly #server: CaldavServer
  readonly #agent = new Agent({ keepAlive: true, maxSockets: READERS })

  constructor(server: CaldavServer) {
    this.#server = server
  }

  /** The text of the answer; anything but success ends the run. */
  ask(method: string, name: string, body?: string, depth?: string): Promise<string> {
    const { port, path, login } = this.#server
    const headers = {
      ...(login !== undefined && {
        authorization: `Basic ${Buffer.from(login).toString('base64')}`,
      }),
      ...(depth !== undefined && { depth }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      'content-type': method === 'PUT' ? 'text/calendar' : 'application/xml',
    }
    return new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        method,
        path: path + name,
        headers,
        agent: this.#agent,
      }
      const sent = request(options, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if (answer.statusCode! < 300) resolve(text)
          else
            reject(
              new Error(`${method} ${path}${name}: ${answer.statusCode} ${text.slice(0, 200)}`),
            )
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function tokenOf(text: string): string {
  return /<(?:\w+:)?sync-token[^>]*>([^<]*)</.exec(text)?.[1] ?? ''
}
