// The tunnel as people use it: gateway and client as processes with devices of the kernel's, in two network namespaces
// that this test makes and takes away. Needs root; without it the test says so and is skipped.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, type TestContext } from 'vitest'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { makePki, waitFor } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const PEERS = ['openvpn', 'ip', 'ping']
const SPACES = { gateway: `cvg${process.pid}`, client: `cvc${process.pid}` } as const
const PROGRAM = [process.execPath, join(ROOT, 'appliances/vpn/main.ts')] as const
const children: ChildProcess[] = []
const folder = tempDir('vpn-tunnel')

const ip = (...args: readonly string[]): string =>
  execFileSync(peerPath('ip')!, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const inside = (space: keyof typeof SPACES, ...command: readonly string[]): string =>
  ip('netns', 'exec', SPACES[space], ...command)

const missing = whatIsMissing()
const tunnelTest = (title: string, run: () => Promise<void>): void =>
  peerTest(
    PEERS,
    title,
    async (context: TestContext) => {
      if (missing !== undefined) {
        console.info(`skipped: ${title}: ${missing}`)
        context.skip(missing)
      }
      await run()
    },
    120_000,
  )

beforeAll(() => {
  if (missing !== undefined) return
  const { gateway, client } = SPACES
  const links = [`${gateway}v`, `${client}v`] as const
  ip('netns', 'add', gateway)
  ip('netns', 'add', client)
  ip(
    'link',
    'add',
    links[0],
    'netns',
    gateway,
    'type',
    'veth',
    'peer',
    'name',
    links[1],
    'netns',
    client,
  )
  for (const [i, space] of [gateway, client].entries()) {
    ip('-n', space, 'addr', 'add', `10.77.0.${i + 1}/24`, 'dev', links[i]!)
    ip('-n', space, 'link', 'set', links[i]!, 'up')
    ip('-n', space, 'link', 'set', 'lo', 'up')
  }
})

afterAll(async () => {
  for (const child of children) await end(child)
  if (missing === undefined) for (const space of Object.values(SPACES)) ip('netns', 'delete', space)
})

describe('through the tunnel', () => {
  tunnelTest('stock OpenVPN and our own client reach the gateway by IPv4 and IPv6', async () => {
    const pki = makePki()
    const { options, v2 } = pki.client('laptop')
    const file = (name: string): string => JSON.stringify(join(pki.path, name))
    const gatewayConfig = `listen = ["udp://10.77.0.1:1194"]
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
tls_crypt_v2 = ${file('tls-crypt-v2.key')}
[tunnel]
ipv4 = "10.8.0.0/24"
ipv6 = "fd00:8::/64"
[push]
routes = ["10.99.0.0/16"]
[security]
renegotiate = "3s"
[store]
path = ${JSON.stringify(join(folder, 'vpn.git'))}
[observe]
`
    const gateway = start('gateway', 'gateway.toml', gatewayConfig)
    await waitFor(
      () => gateway.said().includes('"ready"') || gateway.said().includes(' ready'),
      gateway.said,
    )
    const profile = [
      'client',
      'dev tun',
      'remote 10.77.0.1 1194 udp4',
      'nobind',
      'remote-cert-tls server',
      'auth SHA256',
      'disable-dco',
      ...options,
      `tls-crypt-v2 ${v2}`,
    ]
    writeFileSync(join(folder, 'laptop.ovpn'), `${profile.join('\n')}\n`)

    const stock = run('client', peerPath('openvpn')!, [
      '--config',
      join(folder, 'laptop.ovpn'),
      '--verb',
      '3',
    ])
    await waitFor(() => stock.said().includes('Initialization Sequence Completed'), stock.said)
    // Two renegotiations long.
    expectAllPings('10.8.0.1', 35)
    expectAllPings('fd00:8::1', 3)
    await end(stock.child)

    const ours = start(
      'client',
      'client.toml',
      `client = { profile = ${JSON.stringify(join(folder, 'laptop.ovpn'))} }\n[observe]\n`,
    )
    await waitFor(() => /\bconnected\b/.test(ours.said()), ours.said)
    expectAllPings('10.8.0.1', 35)
    expectAllPings('fd00:8::1', 3)
    expect(inside('client', 'ip', 'route')).toMatch(/10\.99\.0\.0\/16 dev tun/)
    await end(ours.child)
    expect(inside('client', 'ip', 'route')).not.toMatch(/10\.99\.0\.0/)
    await waitFor(() => gateway.said().includes('it left'), gateway.said)
  })
})

function expectAllPings(address: string, count: number): void {
  const said = inside('client', 'ping', '-q', '-i', '0.2', '-W', '5', '-c', String(count), address)
  expect(said).toContain(`${count} received`)
}

function start(space: keyof typeof SPACES, name: string, config: string): ReturnType<typeof run> {
  const path = join(folder, name)
  writeFileSync(path, config)
  return run(space, PROGRAM[0], [PROGRAM[1], '--config', path])
}

function run(space: keyof typeof SPACES, program: string, args: readonly string[]) {
  const child = spawn(peerPath('ip')!, ['netns', 'exec', SPACES[space], program, ...args])
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  return { child, said: () => said }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  await ended
}

function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  // A program that is missing is `peerTest`'s to say.
  if (!PEERS.every(hasPeer)) return 'not installed'
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    ip('netns', 'add', `cvp${process.pid}`)
    ip('netns', 'delete', `cvp${process.pid}`)
    // A namespace that may have no device of its own is of no use.
    readFileSync('/proc/self/net/route')
    return undefined
  } catch (cause) {
    return `no namespaces or no /dev/net/tun here: ${(cause as Error).message.split('\n')[0]}`
  }
}
