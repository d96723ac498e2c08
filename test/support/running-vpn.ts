// cairn-vpn in this process on loopback ports of its own, its keys made by its own authority; and stock OpenVPN clients.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { serveClient } from '../../appliances/vpn/client/serve-client.ts'
import { vpnConfig } from '../../appliances/vpn/config.ts'
import { PkiFolder } from '../../appliances/vpn/pki/pki-folder.ts'
import { serve } from '../../appliances/vpn/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { freePort } from '../../tools/running.ts'
import { peerPath } from './peers.ts'
import { runHere, type RunningAppliance } from './running-appliance.ts'
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

export type RunningVpn = RunningAppliance & { readonly storeUrl: string }

/** `keys`, `tunnel` and `more` are TOML: lines of [keys] and [tunnel], and whole tables. */
export async function startVpn(pki: Pki, keys = '', more = '', tunnel = ''): Promise<RunningVpn> {
  const listen = '"udp://127.0.0.1:0", "tcp://127.0.0.1:0"'
  const text = gatewayToml(pki, listen, keys, `[observe]\n${more}`, tunnel)
  const vpn = await runHere(text, vpnConfig, serve)
  onTestFinished(() => vpn.running.stop())
  return { ...vpn, storeUrl: vpn.address('http') }
}

export function gatewayToml(
  pki: Pki,
  listen: string,
  keys: string,
  more: string,
  tunnel = '',
): string {
  const file = (name: string): string => JSON.stringify(join(pki.path, name))
  return `listen = [${listen}]
simulate = true
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
${keys}
[tunnel]
ipv4 = "10.8.0.0/24"
ipv6 = "fd00:8::/64"
${tunnel}
[store]
path = ${JSON.stringify(join(tempDir('vpn-store'), 'vpn.git'))}
[store.serve]
listen = "127.0.0.1:0"
${more}
`
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
  const output = (): string => readIfThere(log)
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

export type StockServer = {
  readonly port: number
  output(): string
  stop(): Promise<void>
}

/** Without a device; `options` besides the usual ones. Ports are taken anew until one is free. */
export async function stockServer(
  pki: Pki,
  transport: 'udp' | 'tcp',
  options: readonly string[],
): Promise<StockServer> {
  const folder = tempDir('vpn-server')
  const port = await freePort()
  const file = (name: string): string => join(pki.path, name)
  const config = [
    'mode server',
    'tls-server',
    // No two servers at a time can have one of the same name.
    `dev cairn${port}`,
    'dev-type tun',
    'topology subnet',
    'ifconfig-noexec',
    'ifconfig 10.9.0.1 255.255.255.0',
    'ifconfig-pool 10.9.0.2 10.9.0.200 255.255.255.0',
    'push "route-gateway 10.9.0.1"',
    'push "topology subnet"',
    'push "route 192.168.77.0 255.255.255.0"',
    `proto ${transport === 'udp' ? 'udp4' : 'tcp4-server'}`,
    `port ${port}`,
    'local 127.0.0.1',
    `ca ${file('ca.crt')}`,
    `cert ${file('server.crt')}`,
    `key ${file('server.key')}`,
    'dh none',
    'auth SHA256',
    'keepalive 1 10',
    'disable-dco',
    'verb 4',
    ...options,
  ]
  writeFileSync(join(folder, 'server.conf'), `${config.join('\n')}\n`)
  const log = join(folder, 'log')
  const child = spawn(
    peerPath('openvpn')!,
    ['--config', join(folder, 'server.conf'), '--log', log],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  onTestFinished(stop)
  const output = (): string => readIfThere(log)
  await waitFor(() => output().includes('Initialization Sequence Completed'), output)
  return { port, output, stop }
}

/** Our client in this process, with a simulated device; `more` is a line of [client]. */
export async function startVpnClient(
  profile: readonly string[],
  more = '',
): Promise<{ readonly running: Running; readonly events: string[]; readonly faults: Error[] }> {
  const file = join(tempDir('vpn-profile'), 'client.ovpn')
  writeFileSync(file, `${profile.join('\n')}\n`)
  const text = `simulate = true\n[client]\nprofile = ${JSON.stringify(file)}\n${more}\n[observe]\n`
  const faults: Error[] = []
  const fail = (error: Error): void => void faults.push(error)
  const { running, events } = await runHere(text, vpnConfig, serveClient, { fail })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= running.stop())
  onTestFinished(stop)
  return { running: { ...running, stop }, events, faults }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // Nothing was said yet.
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
