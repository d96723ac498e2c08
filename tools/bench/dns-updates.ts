// UPDATEs at name servers (RFC 2136, TSIG): so many in flight, and one at a time. Each gives a host another address, as
// clients with changing addresses do, so that the zone stays as large as it is.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peerPath } from '../../test/support/peers.ts'
import { cpuSeconds, LOAD_CORE } from './dns-load.ts'
import { UPDATE_KEY, type NameServer, type Start } from './dns-servers.ts'
import { ORIGIN, zoneText } from './dns-zone.ts'
import { median, type Figure } from './report.ts'

const IN_FLIGHT = 64
const HOSTS = 500
/** More than any server takes while it is measured. */
const UPDATES = 200_000

type Measured = { readonly atOnce: number[]; readonly alone: number[]; readonly cpu: number[] }

/** Of the first server and its peers, in turns, so that a change of the machine's speed hits all of them. */
export async function measureUpdates(
  starts: ReadonlyMap<string, Start>,
  folder: string,
  size: number,
  options: { readonly seconds: number; readonly rounds: number },
): Promise<readonly Figure[]> {
  mkdirSync(folder)
  const file = join(folder, 'updates')
  writeFileSync(file, updateLines())
  const servers = new Map<string, NameServer>()
  const measured = new Map<string, Measured>()
  try {
    for (const [name, start] of starts) {
      console.error(`bench dns: updates, ${size} records: ${name}`)
      servers.set(name, await start(join(folder, name), zoneText(size, 1)))
      measured.set(name, { atOnce: [], alone: [], cpu: [] })
    }
    for (let round = 0; round < options.rounds; round++)
      for (const [name, { port, pid }] of servers) {
        const { atOnce, alone, cpu } = measured.get(name)!
        const load = { port, pid, file, seconds: options.seconds }
        const many = await loadUpdates({ ...load, inFlight: IN_FLIGHT })
        atOnce.push(many.perSecond)
        cpu.push(many.cpuMs)
        alone.push(1000 / (await loadUpdates({ ...load, inFlight: 1 })).perSecond)
      }
  } finally {
    for (const server of servers.values()) await server.stop()
  }
  const row = (
    what: string,
    unit: string,
    better: 'more' | 'less',
    pick: (m: Measured) => number,
  ): Figure => {
    const [ours, ...peers] = Array.from(measured, ([name, one]) => [name, pick(one)] as const)
    const shape = `${size} records`
    return { what, shape, unit, better, ours: ours?.[1], peers: Object.fromEntries(peers) }
  }
  return [
    row(`updates, ${IN_FLIGHT} in flight`, 'per s', 'more', (m) => median(m.atOnce)),
    row(`CPU for an update, ${IN_FLIGHT} in flight`, 'ms', 'less', (m) => median(m.cpu)),
    row('an update alone', 'ms', 'less', (m) => median(m.alone)),
  ]
}

async function loadUpdates(load: {
  readonly port: number
  readonly pid: number
  readonly file: string
  readonly seconds: number
  readonly inFlight: number
}): Promise<{ readonly perSecond: number; readonly cpuMs: number }> {
  const { port, pid, file, seconds, inFlight } = load
  const program = peerPath('dnsperf')
  if (program === undefined) throw new Error('--updates needs dnsperf')
  const { algorithm, name, secret } = UPDATE_KEY
  const [command, ...before] = [...LOAD_CORE, program, '-s', '127.0.0.1', '-p', String(port)]
  const what = ['-u', '-y', `${algorithm}:${name}:${secret}`, '-d', file, '-l', String(seconds)]
  const shape = ['-c', String(Math.min(4, inFlight)), '-q', String(inFlight), '-T', '1', '-t', '5']
  const cpu = await cpuSeconds(pid)
  const { stdout } = await promisify(execFile)(command!, [...before, ...what, ...shape])
  const spent = (await cpuSeconds(pid)) - cpu
  const codes = /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? 'no answer'
  if (!/^NOERROR \d+ \(100\.00%\)$/.test(codes)) console.error(`  ${codes}`)
  const number = (line: RegExp): number => Number(line.exec(stdout)?.[1] ?? Number.NaN)
  return {
    perSecond: number(/Updates per second:\s+([\d.]+)/),
    cpuMs: (spent * 1000) / number(/Updates completed:\s+(\d+)/),
  }
}

function updateLines(): string {
  const lines: string[] = []
  for (let n = 0; n < UPDATES; n++) {
    const host = `client${n % HOSTS}`
    const address = `10.9.${Math.floor(n / HOSTS) % 250}.1`
    lines.push(`${ORIGIN}\ndelete ${host} A\nadd ${host} 60 A ${address}\nsend\n`)
  }
  return lines.join('')
}
