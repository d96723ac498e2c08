// The load on a name server under measurement, from a core of its own, and what the server spends on it.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { peerPath } from '../../test/support/peers.ts'

/** Server and load each have a core to themselves. */
export const SERVER_CORE: readonly string[] = ['taskset', '-c', '0']
export const LOAD_CORE: readonly string[] = ['taskset', '-c', '1']
/** Of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export type Load = {
  readonly port: number
  /** Process of the server. */
  readonly pid: number
  /** `name type` lines. */
  readonly queries: string
  readonly seconds: number
  readonly transport: 'udp' | 'tcp'
  /** EDNS with the DO bit. */
  readonly dnssec: boolean
}

export type LoadResult = {
  readonly queriesPerSecond: number
  /** Of all processes and threads of the server. */
  readonly cpuMicrosecondsPerQuery: number
  readonly lost: number
}

/** Undefined where dnsperf is not installed. */
export async function loadServer(load: Load): Promise<LoadResult | undefined> {
  const program = peerPath('dnsperf')
  if (program === undefined) return undefined
  const [command, ...args] = [...LOAD_CORE, program, '-s', '127.0.0.1', '-p', String(load.port)]
  const options = ['-d', load.queries, '-l', String(load.seconds), '-c', '8', '-q', '200']
  const more = ['-T', '1', '-t', '2', '-m', load.transport, ...(load.dnssec ? ['-e', '-D'] : [])]
  const before = await cpuSeconds(load.pid)
  const { stdout } = await promisify(execFile)(command!, [...args, ...options, ...more])
  const spent = (await cpuSeconds(load.pid)) - before
  const number = (what: RegExp): number => Number(what.exec(stdout)?.[1] ?? Number.NaN)
  const completed = number(/Queries completed:\s+(\d+)/)
  return {
    queriesPerSecond: number(/Queries per second:\s+([\d.]+)/),
    cpuMicrosecondsPerQuery: (spent / completed) * 1e6,
    lost: number(/Queries lost:\s+(\d+)/),
  }
}

/** Resident pages of a process and everything below it; what they share counts once. */
export async function residentMegabytes(root: number): Promise<number> {
  const sizes = await Promise.all(
    (await processTree(root)).map(async (pid) => {
      const text = await readProcess(pid, 'smaps_rollup')
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    }),
  )
  return sizes.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1000
}

export async function cpuSeconds(root: number): Promise<number> {
  const times = await Promise.all(
    (await processTree(root)).map(async (pid) => {
      const text = await readProcess(pid, 'stat')
      // Behind the name, which may hold anything: utime and stime are the 14th and 15th fields of all.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND
    }),
  )
  return times.reduce((sum, seconds) => sum + seconds, 0)
}

async function processTree(root: number): Promise<number[]> {
  const children = (await readProcess(root, `task/${root}/children`)).split(' ').filter(Boolean)
  return [root, ...(await Promise.all(children.map((pid) => processTree(Number(pid))))).flat()]
}

/** A server that was replaced by its own reload may be gone by now: nothing to read, nothing to count. */
async function readProcess(pid: number, file: string): Promise<string> {
  return await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
