// The tunnel as people use it: gateway and client as processes with devices of the kernel's, in two network namespaces
// that this test makes and takes away.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { end, Namespaces, type Program } from '../support/namespaces.ts'
import { peerPath } from '../support/peers.ts'
import { makePki, waitFor } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const PROGRAM = [process.execPath, join(ROOT, 'appliances/vpn/main.ts')] as const
const folder = tempDir('vpn-tunnel')
const spaces = new Namespaces(
  'cv',
  ['openvpn', 'ping'],
  [
    [
      ['gw', '10.77.0.1/24'],
      ['cl', '10.77.0.2/24'],
    ],
  ],
)

/** On a busy machine a start takes its time. */
const LIMIT_MS = 60_000
const STREAM_CHUNKS = 48
/** Sends its chunks, and prints the digest of what came. */
const STREAM = `
const chunk = Uint8Array.from({ length: 65536 }, (_, i) => (i * 7) ^ (i >>> 8))
const talk = (socket) => {
  const digest = require('node:crypto').createHash('sha256')
  socket.on('data', (octets) => digest.update(octets))
  socket.on('end', () => console.log(digest.digest('hex')))
  for (let i = 0; i < ${STREAM_CHUNKS}; i++) socket.write(chunk)
  socket.end()
}
const net = require('node:net')
const [role, host] = process.argv.slice(1)
const options = { host, port: 7000, allowHalfOpen: true }
if (role === 'connect') talk(net.connect(options))
else net.createServer(options, talk).listen(options, () => console.log('listening'))
`

describe('through the tunnel', () => {
  spaces.test('stock OpenVPN and our own client reach the gateway by IPv4 and IPv6', async () => {
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
    const gateway = start('gw', 'gateway.toml', gatewayConfig)
    await waitFor(
      () => gateway.said().includes('"ready"') || gateway.said().includes(' ready'),
      gateway.said,
      LIMIT_MS,
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

    const stock = spaces.run('cl', peerPath('openvpn')!, [
      '--config',
      join(folder, 'laptop.ovpn'),
      '--verb',
      '3',
    ])
    await waitFor(
      () => stock.said().includes('Initialization Sequence Completed'),
      stock.said,
      LIMIT_MS,
    )
    // Two renegotiations long.
    expectAllPings('10.8.0.1', 35)
    expectAllPings('fd00:8::1', 3)
    for (const address of ['10.8.0.1', 'fd00:8::1']) await expectStreams(address)
    await end(stock.child)

    const ours = start(
      'cl',
      'client.toml',
      `client = { profile = ${JSON.stringify(join(folder, 'laptop.ovpn'))} }\n[observe]\n`,
    )
    await waitFor(() => /\bconnected\b/.test(ours.said()), ours.said, LIMIT_MS)
    expectAllPings('10.8.0.1', 35)
    expectAllPings('fd00:8::1', 3)
    for (const address of ['10.8.0.1', 'fd00:8::1']) await expectStreams(address)
    expect(spaces.inside('cl', 'ip', 'route')).toMatch(/10\.99\.0\.0\/16 dev tun/)
    await end(ours.child)
    expect(spaces.inside('cl', 'ip', 'route')).not.toMatch(/10\.99\.0\.0/)
    await waitFor(() => gateway.said().includes('it left'), gateway.said, LIMIT_MS)
  })
})

/** TCP both ways at the same time, whole and unchanged. */
async function expectStreams(address: string): Promise<void> {
  const listener = spaces.run('gw', process.execPath, ['-e', STREAM, 'listen', address])
  await waitFor(() => listener.said().includes('listening'), listener.said, LIMIT_MS)
  const said = spaces.inside('cl', process.execPath, '-e', STREAM, 'connect', address)
  const digest = createHash('sha256')
  for (let i = 0; i < STREAM_CHUNKS; i++) digest.update(streamChunk())
  const expected = digest.digest('hex')
  expect(said).toContain(expected)
  await waitFor(() => listener.said().includes(expected), listener.said, LIMIT_MS)
  await end(listener.child)
}

function streamChunk(): Uint8Array {
  return Uint8Array.from({ length: 65_536 }, (_, i) => (i * 7) ^ (i >>> 8))
}

function expectAllPings(address: string, count: number): void {
  const said = spaces.inside(
    'cl',
    'ping',
    '-q',
    '-i',
    '0.2',
    '-W',
    '5',
    '-c',
    String(count),
    address,
  )
  expect(said).toContain(`${count} received`)
}

function start(space: 'gw' | 'cl', name: string, config: string): Program {
  const path = join(folder, name)
  writeFileSync(path, config)
  return spaces.run(space, PROGRAM[0], [PROGRAM[1], '--config', path])
}
