// cairn-vpn in this process on loopback ports of its own, its keys made by its own authority; and stock OpenVPN clients.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { vpnConfig } from '../../appliances/vpn/config.ts'
import { PkiFolder } from '../../appliances/vpn/pki/pki-folder.ts'
import { serve } from '../../appliances/vpn/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { silentLog, type Log } from '../../shared/log/log.ts'
import { Registry } from '../../shared/metrics/registry.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { peerPath } from './peers.ts'
import { tempDir } from './temp.ts'

export type Pki = {
  readonly path: string
  readonly folder: PkiFolder
  /** Files for stock clients: `ca`, `cert`, `key` as options with paths, and the v2 key's path. */
  client(name: string): { readonly options: readonly string[]; readonly v2: string }
}

export function makePki(): Pki {
  const path = join(tempDir('vpn-pki'), 'pki')
  const folder = new PkiFolder(path)
  folder.init('127.0.0.1 1194 udp', Date.now())
  return {
    path,
    folder,
    client(name) {
      const made = folder.addClient(name, Date.now())
      const put = (kind: string, text: string): string => {
        const file = join(path, `${name}.${kind}`)
        writeFileSync(file, text, { mode: 0o600 })
        return file
      }
      const files = [
        'ca',
        join(path, 'ca.crt'),
        'cert',
        put('crt', made.cert),
        'key',
        put('key', made.key),
      ]
      const options = [0, 2, 4].map((i) => `${files[i]} ${files[i + 1]}`)
      return { options, v2: put('v2', made.wrappedKey) }
    },
  }
}

/** A static key made by stock OpenVPN; the path. */
export function makeStaticKey(): string {
  const file = join(tempDir('vpn-key'), 'static.key')
  execFileSync(peerPath('openvpn')!, ['--genkey', 'secret', file])
  return file
}

export type RunningVpn = {
  readonly running: Running
  readonly registry: Registry
  readonly events: string[]
  /** By scheme: udp, tcp, http (the store). */
  port(scheme: string): number
  readonly storeUrl: string
}

/** `keys` and `more` are TOML: lines of [keys], and whole tables. */
export async function startVpn(pki: Pki, keys = '', more = ''): Promise<RunningVpn> {
  const file = (name: string): string => JSON.stringify(join(pki.path, name))
  const text = `listen = ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]
simulate = true
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
${keys}
[tunnel]
ipv4 = "10.8.0.0/24"
ipv6 = "fd00:8::/64"
[store]
path = ${JSON.stringify(join(tempDir('vpn-store'), 'vpn.git'))}
[store.serve]
listen = "127.0.0.1:0"
[observe]
${more}
`
  const config = decodeConfig(text, 'vpn.toml', vpnConfig)
  if (!config.ok) throw new Error(config.error.map(formatProblem).join('\n'))
  const events: string[] = []
  const say = (event: string, fields?: object): void =>
    void events.push(`${event} ${JSON.stringify(fields)}`)
  const log: Log = { ...silentLog, info: say, warn: say, error: say }
  const registry = new Registry()
  const running = await serve({
    config: config.value,
    log,
    metrics: registry,
    clock: systemClock,
    signal: new AbortController().signal,
    fail: (error) => {
      throw error
    },
  })
  onTestFinished(() => running.stop())
  const addressOf = (scheme: string) => running.addresses.find((a) => a.startsWith(`${scheme}:`))!
  const port = (scheme: string): number => Number(/:(\d+)(?:\/|$)/.exec(addressOf(scheme))![1])
  return { running, registry, events, port, storeUrl: addressOf('http') }
}

export type StockClient = {
  readonly process: ChildProcess
  output(): string
  /** Resolves when its log has it; rejects with the log after `limitMs`. */
  until(text: string | RegExp, limitMs?: number): Promise<void>
  stop(): Promise<void>
}

/** Without a device of its own (`dev null`): needs no rights. */
export function stockClient(options: readonly string[]): StockClient {
  const folder = tempDir('vpn-client')
  const config = join(folder, 'client.ovpn')
  const usual = [
    'client',
    'dev null',
    'ifconfig-noexec',
    'route-noexec',
    'nobind',
    'disable-dco',
    'auth SHA256',
    'verb 4',
    'connect-retry 1 2',
  ]
  writeFileSync(config, `${[...usual, 'connect-retry-max 3', ...options].join('\n')}\n`)
  const log = join(folder, 'log')
  const child = spawn(peerPath('openvpn')!, ['--config', config, '--log', log], { stdio: 'ignore' })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const output = (): string => {
    try {
      return readFileSync(log, 'utf8')
    } catch {
      return '' // It has not said anything yet.
    }
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  onTestFinished(stop)
  return {
    process: child,
    output,
    stop,
    until: (text, limitMs = 20_000) => waitFor(() => output().search(text) >= 0, output, limitMs),
  }
}

export async function waitFor(
  isThere: () => boolean,
  explain: () => string,
  limitMs = 20_000,
): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end;) {
    if (isThere()) return
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error(`It did not come to that. The log:\n${explain()}`)
}
