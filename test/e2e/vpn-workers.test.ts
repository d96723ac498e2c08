// A gateway with packet workers, sealed, and several stock clients at once: by UDP, each with a worker of its own, and by TCP, which
// is the main thread's. Everything that passes between threads has to be there: renegotiation, other clients, moving, leaving.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { end, Namespaces, type Program } from '../support/namespaces.ts'
import { peerPath } from '../support/peers.ts'
import { makePki, waitFor, type Pki } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = join(ROOT, 'appliances/vpn/main.ts')
const LIMIT_MS = 60_000
const folder = tempDir('vpn-workers')
const spaces = new Namespaces(
  'cw',
  ['openvpn', 'ping', 'nft', 'git'],
  [
    [
      ['gw', '10.77.1.1/24'],
      ['ca', '10.77.1.2/24'],
    ],
    [
      ['gw', '10.77.2.1/24'],
      ['cb', '10.77.2.2/24'],
    ],
    [
      ['gw', '10.77.3.1/24'],
      ['cc', '10.77.3.2/24'],
    ],
  ],
)
/** In the order in which they come. */
const CLIENTS = [
  { name: 'alice', space: 'ca', remote: '10.77.1.1 1194 udp4', inside: '10.8.0.2', worker: 1 },
  { name: 'bob', space: 'cb', remote: '10.77.2.1 1194 udp4', inside: '10.8.0.3', worker: 2 },
  {
    name: 'carol',
    space: 'cc',
    remote: '10.77.3.1 1194 tcp4-client',
    inside: '10.8.0.4',
    worker: undefined,
  },
] as const

describe('two packet workers', () => {
  spaces.test('carry clients of their own and each other’s', async () => {
    const pki = makePki()
    const gateway = await startGateway(pki, 2)
    // Also the threads that take packets: what the sandbox forbids, it forbids them.
    const tasks = readdirSync(`/proc/${gateway.child.pid}/task`)
    expect(tasks.length).toBeGreaterThan(3)
    for (const task of tasks)
      expect(readFileSync(`/proc/${gateway.child.pid}/task/${task}/status`, 'utf8')).toMatch(
        /^Seccomp:\t2$/m,
      )
    for (const client of CLIENTS) await startClient(pki, client)
    expect(status()).toMatchObject({
      tunnel: { workers: 2 },
      clients: {
        count: 3,
        list: CLIENTS.map(({ name, inside }) => ({
          name,
          address: expect.stringContaining(inside) as string,
        })),
      },
    })
    expect(status().clients.list.map(({ worker }) => worker)).toEqual(
      CLIENTS.map(({ worker }) => worker),
    )

    // From each to the gateway, to each other, and back the other way.
    for (const { space, inside } of CLIENTS) {
      expectAll(space, '10.8.0.1', 5)
      expectAll('gw', inside, 5)
      for (const other of CLIENTS) if (other.space !== space) expectAll(space, other.inside, 5)
    }
    const counted = status().clients.list
    for (const { received, sent } of counted) {
      expect(received).toBeGreaterThan(20 * 84)
      expect(sent).toBeGreaterThan(20 * 84)
    }

    // Two renegotiations long, with all of them at it.
    const floods = CLIENTS.map(({ space }) => ({ space, program: flood(space, '10.8.0.1') }))
    for (const { space, program } of floods) {
      await waitFor(() => /packet loss/.test(program.said()), program.said, LIMIT_MS)
      // TCP in its own tunnel may wait; a packet of UDP must not be lost.
      expect(program.said(), space).toMatch(/ 0% packet loss/)
    }
    expect(spaces.inside('gw', 'cat', '/proc/net/snmp')).toMatch(/^Udp:/m)

    // Alice is somewhere else from one packet to the next.
    spaces.inside('ca', 'ip', 'addr', 'del', '10.77.1.2/24', 'dev', 'ca0')
    spaces.inside('ca', 'ip', 'addr', 'add', '10.77.1.9/24', 'dev', 'ca0')
    expectAll('ca', '10.8.0.1', 5)
    expectAll('gw', '10.8.0.2', 5)
    expectAll('cb', '10.8.0.2', 5)
    expect(from('alice')).toContain('10.77.1.9:')
    expect(gateway.said()).not.toMatch(/client-disconnected/)

    // Alice hears nothing any more, so she goes on sending; a push that switches her off ends it at the gateway.
    spaces.inside(
      'ca',
      'nft',
      'table inet deaf {\nchain in {\ntype filter hook input priority 0\nudp sport 1194 drop\n}\n}',
    )
    const shouting = spaces.run('ca', peerPath('ping')!, ['-i', '0.05', '10.8.0.1'])
    const before = packetsIn()
    await waitFor(() => packetsIn() > before + 5, gateway.said, LIMIT_MS)
    push('alice', 'disable\n')
    const after = packetsIn()
    await new Promise((done) => setTimeout(done, 1000))
    // What was on its way between two threads.
    expect(packetsIn() - after).toBeLessThan(3)
    await end(shouting.child)
    expect(gateway.said()).toMatch(/client-disconnected.*alice.*revoked or disabled/)
    expectAll('cb', '10.8.0.1', 5)
    expectAll('cc', '10.8.0.3', 5)
    expect(status().clients.count).toBe(2)

    await end(gateway.child)
    expect(gateway.child.exitCode).toBe(0)
    expect(gateway.said()).not.toMatch(/\berror\b|fault|ended/i)
  })

  spaces.test('one alone where the device has one queue', async () => {
    spaces.inside('gw', 'ip', 'tuntap', 'add', 'dev', 'tun0', 'mode', 'tun', 'vnet_hdr')
    const pki = makePki()
    const gateway = await startGateway(pki, 2)
    expect(gateway.said()).toMatch(/packet-workers-refused.*one queue/)
    spaces.inside('ca', 'ip', 'addr', 'replace', '10.77.1.2/24', 'dev', 'ca0')
    for (const client of CLIENTS.slice(1)) await startClient(pki, client)
    expectAll('cb', '10.8.0.1', 5)
    expectAll('cc', '10.8.0.1', 5)
    await end(gateway.child)
    spaces.inside('gw', 'ip', 'link', 'del', 'tun0')
  })
})

async function startGateway(pki: Pki, workers: number): Promise<Program> {
  const file = (name: string): string => JSON.stringify(join(pki.path, name))
  const config = join(folder, 'gateway.toml')
  writeFileSync(
    config,
    `listen = ["udp://0.0.0.0:1194", "tcp://0.0.0.0:1194"]
workers = ${workers}
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
tls_crypt_v2 = ${file('tls-crypt-v2.key')}
[tunnel]
ipv4 = "10.8.0.0/24"
client_to_client = true
[security]
renegotiate = "3s"
[store]
path = ${JSON.stringify(join(tempDir('vpn-workers'), 'vpn.git'))}
[store.serve]
listen = "127.0.0.1:5448"
[observe]
listen = "127.0.0.1:9156"
`,
  )
  const gateway = spaces.run('gw', process.execPath, [MAIN, '--config', config])
  await waitFor(() => /\bready\b/.test(gateway.said()), gateway.said, LIMIT_MS)
  return gateway
}

async function startClient(
  pki: Pki,
  { name, space, remote }: (typeof CLIENTS)[number],
): Promise<void> {
  const { options, v2 } = pki.client(name)
  const profile = join(folder, `${name}.ovpn`)
  const lines = [
    'client',
    'dev tun',
    `remote ${remote}`,
    'nobind',
    'remote-cert-tls server',
    'auth SHA256',
    'disable-dco',
    'verb 3',
    ...options,
    `tls-crypt-v2 ${v2}`,
  ]
  writeFileSync(profile, `${lines.join('\n')}\n`)
  const client = spaces.run(space, peerPath('openvpn')!, ['--config', profile])
  const isUp = (): boolean => client.said().includes('Initialization Sequence Completed')
  await waitFor(isUp, client.said, LIMIT_MS)
}

function flood(space: string, address: string): Program {
  return spaces.run(space, peerPath('ping')!, [
    '-q',
    '-i',
    '0.002',
    '-W',
    '5',
    '-c',
    '3500',
    address,
  ])
}

function expectAll(space: string, address: string, count: number): void {
  const how = ['-q', '-i', '0.05', '-W', '5', '-c', String(count), address]
  expect(spaces.inside(space, 'ping', ...how), `${space} to ${address}\n${drops()}`).toContain(
    `${count} received`,
  )
}

type Status = {
  readonly tunnel: { readonly workers: number }
  readonly clients: {
    readonly count: number
    readonly list: readonly {
      readonly name: string
      readonly from: string
      readonly address: string
      readonly worker?: number
      readonly received: number
      readonly sent: number
    }[]
  }
}

function status(): Status {
  const ask = `fetch('http://127.0.0.1:9156/status?format=json').then((said) => said.text()).then(console.log)`
  const said = spaces.inside('gw', process.execPath, '-e', ask)
  return (JSON.parse(said) as { detail: Status }).detail
}

/** Why packets were not taken so far. */
function drops(): string {
  const ask = `fetch('http://127.0.0.1:9156/metrics').then((said) => said.text()).then(console.log)`
  const said = spaces.inside('gw', process.execPath, '-e', ask)
  return said.match(/^cairn_vpn_dropped.*$/gm)?.join('\n') ?? ''
}

function from(name: string): string | undefined {
  return status().clients.list.find((client) => client.name === name)?.from
}

/** That the gateway gave to its kernel. */
function packetsIn(): number {
  const said = spaces.inside('gw', 'cat', '/proc/net/dev')
  return Number(/tun0:\s*\d+\s+(\d+)/.exec(said)![1])
}

/** A file of a client, in a clone that is pushed; resolves when the gateway has taken it. */
function push(name: string, text: string): void {
  const clone = join(tempDir('vpn-clone'), 'vpn')
  const git = (...args: readonly string[]): string =>
    spaces.inside('gw', 'git', '-C', clone, ...args)
  execFileSync('git', ['init', '-q', '-b', 'main', clone])
  mkdirSync(join(clone, 'ccd'))
  writeFileSync(join(clone, 'ccd', name), text)
  git('add', '.')
  git('-c', 'user.name=op', '-c', 'user.email=op@localhost', 'commit', '-qm', 'off')
  git('push', '-q', 'http://127.0.0.1:5448/vpn.git', 'HEAD:main')
}
