// cairn-dns beside NSD: how long after a change the new answer is there, and how many answers a second by UDP.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { gitOk } from '../../test/support/git.ts'
import { peerPath } from '../../test/support/peers.ts'
import { askAddress } from '../ask.ts'
import { freePort, runProgram } from '../running.ts'
import { CHANGED_HOST, ORIGIN, queryLines, zoneText } from './dns-zone.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'

const CHANGES = 7
const ANSWER_LIMIT_MS = 60_000
/** Server and load each have a core to themselves. */
const SERVER_CORE = ['taskset', '-c', '0']
const LOAD_CORE = ['taskset', '-c', '1']

type Change = {
  /** From the end of the command that hands the change over until the new answer. */
  readonly afterMs: number
  /** The command and the wait together. */
  readonly totalMs: number
}

type Server = {
  readonly port: number
  /** Makes the zone with another address for `h0`; what it returns hands that over. */
  prepare(address: string): Promise<() => Promise<void>>
  rssMegabytes(): Promise<number>
  stop(): Promise<void>
}

export async function benchDns(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '1000,10000,100000' },
      seconds: { type: 'string', default: '8' },
      program: { type: 'string' },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-dns-'))
  const figures: Figure[] = []
  try {
    for (const size of values.sizes.split(',').map(Number)) {
      console.error(`bench dns: ${size} records`)
      const own = await measure(
        await startOurs(join(folder, `own-${size}`), size, values.program),
        size,
        +values.seconds,
        folder,
      )
      const nsd =
        peerPath('nsd') === undefined
          ? undefined
          : await measure(
              await startNsd(join(folder, `nsd-${size}`), size),
              size,
              +values.seconds,
              folder,
            )
      if (nsd === undefined) console.error('nsd is not installed: no peer figures')
      const shape = `${size} records`
      const row = (
        what: string,
        unit: string,
        better: 'more' | 'less',
        pick: (m: Measured) => number | undefined,
      ): Figure => ({
        what,
        shape,
        unit,
        better,
        ours: pick(own),
        peers: nsd === undefined ? {} : { NSD: pick(nsd) },
      })
      figures.push(
        row('new answer after the change was handed over', 'ms', 'less', (m) => m.afterMs),
        row('change handed over and answered', 'ms', 'less', (m) => m.totalMs),
        row('UDP queries', 'per s', 'more', (m) => m.queriesPerSecond),
        row('memory', 'MB', 'less', (m) => m.rssMegabytes),
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(formatFigures(figures))
  console.log(
    '\nHanded over means `git push` for cairn-dns, writing the file and `nsd-control reload` for NSD.',
  )
  console.log(`written to ${saveFigures('dns', figures)}`)
}

type Measured = Change & {
  readonly queriesPerSecond: number | undefined
  readonly rssMegabytes: number
}

async function measure(
  server: Server,
  size: number,
  seconds: number,
  folder: string,
): Promise<Measured> {
  try {
    const queriesPerSecond = await dnsperf(server.port, size, seconds, folder)
    const changes: Change[] = []
    for (let n = 0; n < CHANGES; n++) changes.push(await timeChange(server, `192.0.2.${20 + n}`))
    return {
      queriesPerSecond,
      rssMegabytes: await server.rssMegabytes(),
      afterMs: median(changes.map((change) => change.afterMs)),
      totalMs: median(changes.map((change) => change.totalMs)),
    }
  } finally {
    await server.stop()
  }
}

/** Asks all the time while the change is handed over, so that an answer that is there first counts as 0. */
async function timeChange(server: Server, address: string): Promise<Change> {
  const handOver = await server.prepare(address)
  const startMs = performance.now()
  const answered = untilAnswer(server.port, address)
  await handOver()
  const handedMs = performance.now()
  const answeredMs = await answered
  return {
    afterMs: Math.max(0, answeredMs - handedMs),
    totalMs: Math.max(answeredMs, handedMs) - startMs,
  }
}

/** When `h0` first has this address. */
async function untilAnswer(port: number, address: string): Promise<number> {
  const until = performance.now() + ANSWER_LIMIT_MS
  while (performance.now() < until) {
    if ((await askAddress(port, `${CHANGED_HOST}.${ORIGIN}`)) === address) return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`no answer ${address} within ${ANSWER_LIMIT_MS} ms`)
}

async function startOurs(folder: string, size: number, program?: string): Promise<Server> {
  mkdirSync(folder, { recursive: true })
  const [dns, gitPort, observe] = [await freePort(), await freePort(), await freePort()]
  const config = join(folder, 'dns.toml')
  writeFileSync(
    config,
    `listen = ["127.0.0.1:${dns}"]\n[store]\npath = "${join(folder, 'zones.git')}"\n` +
      `[store.serve]\nlisten = "127.0.0.1:${gitPort}"\n[observe]\nlisten = "127.0.0.1:${observe}"\n`,
  )
  const main = program ?? join(import.meta.dirname, '..', '..', 'appliances', 'dns', 'main.ts')
  const running = await runProgram({
    command: [process.execPath, main],
    config,
    observed: `http://127.0.0.1:${observe}`,
    output: 'keep',
    under: SERVER_CORE,
  })
  const work = join(folder, 'work')
  const file = join('zones', ORIGIN)
  let serial = 1
  await gitOk(['clone', '-q', `http://127.0.0.1:${gitPort}/zones.git`, work])
  await gitOk(['-C', work, 'checkout', '-q', '-B', 'main'])
  mkdirSync(join(work, 'zones'))
  writeFileSync(join(work, file), zoneText(size, serial))
  await gitOk(['-C', work, 'add', file])
  await gitOk(['-C', work, 'commit', '-q', '-m', 'first'])
  await gitOk(['-C', work, 'push', '-q', 'origin', 'main'])
  return {
    port: dns,
    async prepare(address) {
      writeFileSync(join(work, file), zoneText(size, ++serial, address))
      await gitOk(['-C', work, 'commit', '-q', '-a', '-m', address])
      return async () => void (await gitOk(['-C', work, 'push', '-q', 'origin', 'main']))
    },
    rssMegabytes: () => rssMegabytes(running.child.pid!),
    stop: async () => void (await running.stop()),
  }
}

async function startNsd(folder: string, size: number): Promise<Server> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const file = join(folder, 'zone')
  const config = join(folder, 'nsd.conf')
  writeFileSync(file, zoneText(size, 1))
  writeFileSync(config, nsdConfiguration(folder, port, file))
  const [command, ...args] = [...SERVER_CORE, peerPath('nsd')!, '-d', '-c', config]
  const child = spawn(command!, args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.on('close', resolve))
  await untilAnswer(port, '192.0.2.10')
  let serial = 1
  return {
    port,
    async prepare(address) {
      const text = zoneText(size, ++serial, address)
      return async () => {
        writeFileSync(file, text)
        await promisify(execFile)(peerPath('nsd-control')!, ['-c', config, 'reload', ORIGIN])
      }
    },
    rssMegabytes: () => rssMegabytes(child.pid!),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function nsdConfiguration(folder: string, port: number, file: string): string {
  return `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  logfile: "${folder}/nsd.log"
  rrl-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "${folder}/control"
zone:
  name: "${ORIGIN}"
  zonefile: "${file}"
`
}

/** Queries a second that were answered; undefined where dnsperf is not installed. */
async function dnsperf(
  port: number,
  size: number,
  seconds: number,
  folder: string,
): Promise<number | undefined> {
  const program = peerPath('dnsperf')
  if (program === undefined) return undefined
  const queries = join(folder, `queries-${size}`)
  writeFileSync(queries, queryLines(size, 100_000))
  const [command, ...args] = [...LOAD_CORE, program, '-s', '127.0.0.1', '-p', String(port)]
  const load = ['-d', queries, '-l', String(seconds), '-c', '8', '-q', '200', '-T', '1']
  const { stdout } = await promisify(execFile)(command!, [...args, ...load])
  const [, lost] = /Queries lost:\s+(\d+)/.exec(stdout) ?? []
  if (Number(lost) > 0) console.error(`  ${lost} queries without an answer`)
  return Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1])
}

/** Resident pages of a process and everything below it; what they share counts once. */
async function rssMegabytes(root: number): Promise<number> {
  const sizes = await Promise.all(
    (await processTree(root)).map(async (pid) => {
      const text = await readProcess(pid, 'smaps_rollup')
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    }),
  )
  return sizes.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1000
}

async function processTree(root: number): Promise<number[]> {
  const children = (await readProcess(root, `task/${root}/children`)).split(' ').filter(Boolean)
  return [root, ...(await Promise.all(children.map((pid) => processTree(Number(pid))))).flat()]
}

/** A server that was replaced by its own reload may be gone by now: nothing to read, nothing to count. */
async function readProcess(pid: number, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
