// A client with block_leak and resolv_conf: nothing leaves beside its tunnel while the gateway is gone, names are asked of the
// gateway's servers, and afterwards the machine is as it was. Needs root.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { end, Namespaces, type Program } from '../support/namespaces.ts'
import { makePki, waitFor } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = join(ROOT, 'appliances/vpn/main.ts')
const LIMIT_MS = 60_000
const folder = tempDir('vpn-leak')
const spaces = new Namespaces(
  'cl',
  ['ping', 'nft'],
  [
    [
      ['gw', '10.77.0.1/24', '2001:db8:77::1/64'],
      ['me', '10.77.0.2/24', '2001:db8:77::2/64'],
    ],
  ],
)
/** The Internet: by the tunnel, or straight by the cable. */
const FAR = ['203.0.113.1', '2001:db8:77::1'] as const
const RESOLVERS = '# mine\nnameserver 192.0.2.53\n'

describe('block_leak', () => {
  spaces.test('nothing leaves beside the tunnel until the client stops', async () => {
    spaces.inside('gw', 'ip', 'addr', 'add', `${FAR[0]}/32`, 'dev', 'lo')
    spaces.inside('me', 'ip', 'route', 'add', 'default', 'via', '10.77.0.1')
    // What came by the cable and not through the tunnel.
    const count = `table inet seen {
      chain in { type filter hook prerouting priority 0
      iifname "gw0" ip daddr ${FAR[0]} counter
      iifname "gw0" icmpv6 type echo-request counter
    }
    }`
    spaces.inside('gw', 'nft', count)
    const resolvConf = join(folder, 'resolv.conf')
    writeFileSync(resolvConf, RESOLVERS)
    const gatewayFile = writeGateway()
    const clientFile = writeClient(resolvConf)
    let gateway = start('gw', gatewayFile)
    await waitFor(() => isReady(gateway), gateway.said, LIMIT_MS)
    const client = start('me', clientFile)
    await waitFor(() => connections(client) === 1, client.said, LIMIT_MS)
    expect(reaches(FAR[0])).toBe(true)
    // The tunnel has no IPv6: there is none at all.
    expect(reaches(FAR[1])).toBe(false)
    expect(readFileSync(resolvConf, 'utf8')).toBe(
      `# Made by cairn-vpn; the lines with #| are what was here before, and come back when it stops.
#| # mine
#| nameserver 192.0.2.53
search home.example
nameserver 10.8.0.1
`,
    )

    await end(gateway.child, 'SIGKILL')
    // As if the device had gone: the way by the cable is the only one.
    for (const half of ['0.0.0.0/1', '128.0.0.0/1'])
      spaces.inside('me', 'ip', 'route', 'delete', half)
    for (const address of FAR) expect(reaches(address)).toBe(false)
    // The machine's neighbours are reached as ever.
    expect(reaches('10.77.0.1')).toBe(true)
    expect(seen()).toEqual([0, 0])

    // It finds the gateway again behind its own rules.
    gateway = start('gw', gatewayFile)
    await waitFor(() => connections(client) === 2, client.said, 2 * LIMIT_MS)
    await end(client.child)
    expect(client.said()).not.toMatch(/"level":"error"/)
    expect(readFileSync(resolvConf, 'utf8')).toBe(RESOLVERS)
    expect(spaces.inside('me', 'nft', 'list', 'ruleset')).toBe('')
    for (const address of FAR) expect(reaches(address)).toBe(true)
    expect(seen().every((packets) => packets > 0)).toBe(true)
  })

  spaces.test(
    'a client that is killed leaves the way closed, and the next one opens it',
    async () => {
      const resolvConf = join(folder, 'resolv.conf')
      writeFileSync(resolvConf, RESOLVERS)
      const gateway = start('gw', writeGateway())
      await waitFor(() => isReady(gateway), gateway.said, LIMIT_MS)
      const clientFile = writeClient(resolvConf)
      const first = start('me', clientFile)
      await waitFor(() => connections(first) === 1, first.said, LIMIT_MS)
      await end(first.child, 'SIGKILL')
      expect(reaches(FAR[0])).toBe(false)
      const second = start('me', clientFile)
      await waitFor(() => connections(second) === 1, second.said, LIMIT_MS)
      await end(second.child)
      expect(readFileSync(resolvConf, 'utf8')).toBe(RESOLVERS)
      expect(reaches(FAR[0])).toBe(true)
    },
  )
})

function writeGateway(): string {
  const pki = makePki()
  const { options, v2 } = pki.client('laptop')
  const file = (name: string): string => JSON.stringify(join(pki.path, name))
  const config = join(folder, 'gateway.toml')
  writeFileSync(
    config,
    `listen = ["udp://10.77.0.1:1194"]
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
tls_crypt_v2 = ${file('tls-crypt-v2.key')}
[tunnel]
ipv4 = "10.8.0.0/24"
[push]
redirect_gateway = true
dns = ["10.8.0.1"]
domain = "home.example"
[keepalive]
ping = "1s"
restart = "3s"
[store]
path = ${JSON.stringify(join(tempDir('vpn-leak'), 'vpn.git'))}
[observe]
`,
  )
  const profile = [
    'client',
    'dev tun',
    'remote 10.77.0.1 1194 udp4',
    'nobind',
    'remote-cert-tls server',
    'auth SHA256',
    ...options,
    `tls-crypt-v2 ${v2}`,
  ]
  writeFileSync(join(folder, 'laptop.ovpn'), `${profile.join('\n')}\n`)
  return config
}

function writeClient(resolvConf: string): string {
  const config = join(folder, 'client.toml')
  writeFileSync(
    config,
    `[client]
profile = ${JSON.stringify(join(folder, 'laptop.ovpn'))}
block_leak = true
resolv_conf = ${JSON.stringify(resolvConf)}
[observe]
`,
  )
  return config
}

function start(space: 'gw' | 'me', config: string): Program {
  return spaces.run(space, process.execPath, [MAIN, '--config', config])
}

function isReady({ said }: Program): boolean {
  return said().includes('"event":"ready"')
}

function connections({ said }: Program): number {
  return said().split('"event":"connected"').length - 1
}

function reaches(address: string): boolean {
  const ping = `ping -q -i 0.2 -W 1 -c 3 ${address} || true`
  return !spaces.inside('me', 'sh', '-c', ping).includes(' 0 received')
}

/** Packets that came by the cable. */
function seen(): readonly number[] {
  const rules = spaces.inside('gw', 'nft', 'list', 'table', 'inet', 'seen')
  return [...rules.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets))
}
