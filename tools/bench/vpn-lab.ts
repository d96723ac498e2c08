// Two network namespaces with one cable between them, an authority, and tunnels across: our gateway and client, stock
// OpenVPN's, or one of each. All of it goes with `close`.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerPath } from '../../test/support/peers.ts'
import { PkiFolder } from '../../appliances/vpn/pki/pki-folder.ts'

export type Side = 'cairn' | 'OpenVPN'

export type Tunnel = {
  /** CPU seconds of the two processes so far, with all their threads. */
  cpu(): { readonly gateway: number; readonly client: number }
  /** One TCP stream through the tunnel; `down` is from the gateway to the client. */
  carry(direction: 'up' | 'down', seconds: number): Carried
  /** The mean round trip. */
  pingMs(count: number): number
  stop(): Promise<void>
}

export type Carried = { readonly megabitsPerSecond: number; readonly gigabytes: number }

const OUTSIDE = { gateway: '10.78.0.1', client: '10.78.0.2' } as const
const INSIDE = '10.9.0.1'
const PORT = 1194
const READY_LIMIT_MS = 30_000
const TICKS_PER_SECOND = 100

export class VpnLab {
  readonly #folder: string
  readonly #program: string
  readonly #cipher: string
  readonly #spaces = { gateway: `cbg${process.pid}`, client: `cbc${process.pid}` } as const
  readonly #profile: string

  /** `program` is a bundle of cairn-vpn or its source file. */
  constructor(folder: string, program: string, cipher: string) {
    this.#folder = folder
    this.#program = program
    this.#cipher = cipher
    const pki = new PkiFolder(join(folder, 'pki'))
    pki.init(`${OUTSIDE.gateway} ${PORT} udp`, Date.now())
    const client = pki.addClient('bench', Date.now())
    const inline = (name: string, text: string): string => `<${name}>\n${text.trim()}\n</${name}>`
    this.#profile = [
      'client',
      'dev tun',
      `remote ${OUTSIDE.gateway} ${PORT} udp4`,
      'nobind',
      'remote-cert-tls server',
      `data-ciphers ${cipher}`,
      'auth SHA256',
      'verb 3',
      inline('ca', client.ca),
      inline('cert', client.cert),
      inline('key', client.key),
      inline('tls-crypt-v2', client.wrappedKey),
    ].join('\n')
    this.#makeSpaces()
  }

  /** Resolves when both ends say that it is up. */
  async tunnel(gateway: Side, client: Side): Promise<Tunnel> {
    const started: ChildProcess[] = []
    const begin = async (space: keyof typeof OUTSIDE, command: readonly string[], sign: RegExp) => {
      const { child, until } = this.#start(space, command)
      started.unshift(child)
      await until(sign)
      return child
    }
    const stop = async (): Promise<void> => {
      for (const child of started) await end(child)
    }
    try {
      const up = 'Initialization Sequence Completed'
      const far = await begin(
        'gateway',
        this.#gatewayCommand(gateway),
        new RegExp(`\\bready\\b|${up}`),
      )
      const near = await begin(
        'client',
        this.#clientCommand(client),
        new RegExp(`\\bconnected\\b.*device|${up}`),
      )
      const listen = ['iperf3', '-s', '-B', INSIDE, '--forceflush']
      await begin('gateway', listen, /listening/)
      return this.#tunnelOf(far, near, stop)
    } catch (cause) {
      await stop()
      throw cause
    }
  }

  #tunnelOf(far: ChildProcess, near: ChildProcess, stop: () => Promise<void>): Tunnel {
    const cpu = (): ReturnType<Tunnel['cpu']> => ({
      gateway: cpuSeconds(far.pid!),
      client: cpuSeconds(near.pid!),
    })
    return {
      cpu,
      carry: (direction, seconds) => this.#carry(direction, seconds),
      pingMs: (count) => this.#ping(count),
      stop,
    }
  }

  close(): void {
    for (const space of Object.values(this.#spaces)) ip('netns', 'delete', space)
  }

  #makeSpaces(): void {
    const { gateway, client } = this.#spaces
    ip('netns', 'add', gateway)
    ip('netns', 'add', client)
    const peer = ['type', 'veth', 'peer', 'name', `${client}v`, 'netns', client]
    ip('link', 'add', `${gateway}v`, 'netns', gateway, ...peer)
    for (const [side, space] of Object.entries(this.#spaces)) {
      const address = `${OUTSIDE[side as keyof typeof OUTSIDE]}/24`
      ip('-n', space, 'addr', 'add', address, 'dev', `${space}v`)
      ip('-n', space, 'link', 'set', `${space}v`, 'up')
      ip('-n', space, 'link', 'set', 'lo', 'up')
    }
  }

  #gatewayCommand(side: Side): readonly string[] {
    const file = (name: string): string => join(this.#folder, 'pki', name)
    if (side === 'OpenVPN') {
      const options = [
        'mode server',
        'tls-server',
        'dev tun',
        'topology subnet',
        'proto udp4',
        `port ${PORT}`,
        'server 10.9.0.0 255.255.255.0',
        `ca ${file('ca.crt')}`,
        `cert ${file('server.crt')}`,
        `key ${file('server.key')}`,
        `tls-crypt-v2 ${file('tls-crypt-v2.key')}`,
        'dh none',
        `data-ciphers ${this.#cipher}`,
        'auth SHA256',
        'keepalive 10 60',
        'disable-dco',
        'verb 3',
      ]
      return ['openvpn', '--config', this.#file('server.conf', options.join('\n'))]
    }
    const text = (path: string): string => JSON.stringify(path)
    const config = `listen = ["udp://${OUTSIDE.gateway}:${PORT}"]
[keys]
ca = ${text(file('ca.crt'))}
cert = ${text(file('server.crt'))}
key = ${text(file('server.key'))}
tls_crypt_v2 = ${text(file('tls-crypt-v2.key'))}
[tunnel]
ipv4 = "10.9.0.0/24"
[security]
ciphers = ["${this.#cipher}"]
[store]
path = ${text(join(this.#folder, 'vpn.git'))}
[observe]
`
    return [process.execPath, this.#program, '--config', this.#file('gateway.toml', config)]
  }

  #clientCommand(side: Side): readonly string[] {
    if (side === 'OpenVPN')
      return ['openvpn', '--config', this.#file('stock.ovpn', `${this.#profile}\ndisable-dco\n`)]
    const profile = this.#file('client.ovpn', this.#profile)
    const config = `client = { profile = ${JSON.stringify(profile)} }\n[observe]\n`
    return [process.execPath, this.#program, '--config', this.#file('client.toml', config)]
  }

  #file(name: string, text: string): string {
    mkdirSync(this.#folder, { recursive: true })
    const path = join(this.#folder, name)
    writeFileSync(path, `${text}\n`, { mode: 0o600 })
    return path
  }

  #carry(direction: 'up' | 'down', seconds: number): Carried {
    const args = [
      '-c',
      INSIDE,
      '-t',
      String(seconds),
      '-J',
      ...(direction === 'down' ? ['-R'] : []),
    ]
    const said = ip('netns', 'exec', this.#spaces.client, 'iperf3', ...args)
    const { end: ended } = JSON.parse(said) as {
      end: { sum_received: { bytes: number; bits_per_second: number } }
    }
    const { bytes, bits_per_second: rate } = ended.sum_received
    return { megabitsPerSecond: rate / 1e6, gigabytes: bytes / 1e9 }
  }

  #ping(count: number): number {
    const args = ['-q', '-i', '0.01', '-c', String(count), INSIDE]
    const said = ip('netns', 'exec', this.#spaces.client, 'ping', ...args)
    return Number(/= [\d.]+\/([\d.]+)\//.exec(said)?.[1])
  }

  #start(space: 'gateway' | 'client', command: readonly string[]) {
    const child = spawn(peerPath('ip')!, ['netns', 'exec', this.#spaces[space], ...command])
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const until = async (sign: RegExp): Promise<void> => {
      for (const endMs = Date.now() + READY_LIMIT_MS; !sign.test(said);) {
        if (Date.now() > endMs || child.exitCode !== null)
          throw new Error(`${command.join(' ')}: did not come up\n${said}`)
        await new Promise((done) => setTimeout(done, 20))
      }
    }
    return { child, until }
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync(peerPath('ip')!, [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** User and system time of a process and its threads (proc_pid_stat(5)). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  await ended
}
