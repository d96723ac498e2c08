// What clients send on to other networks, with nat = "nftables": a stock client and ours reach a host behind the gateway
// that knows no way back, and the gateway's machine is afterwards as it was. Needs root.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { end, Namespaces, type Program } from '../support/namespaces.ts'
import { peerPath } from '../support/peers.ts'
import { makePki, waitFor } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = join(ROOT, 'appliances/vpn/main.ts')
const LIMIT_MS = 60_000
const folder = tempDir('vpn-nat')
const spaces = new Namespaces(
  'cn',
  ['openvpn', 'ping', 'nft'],
  [
    [
      ['gw', '10.77.0.1/24'],
      ['cl', '10.77.0.2/24'],
    ],
    // The host has no route but to its own network.
    [
      ['gw', '192.168.50.1/24', 'fd00:50::1/64'],
      ['host', '192.168.50.2/24', 'fd00:50::2/64'],
    ],
  ],
)
const HOSTS = ['192.168.50.2', 'fd00:50::2']
const SWITCHES = ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv6/conf/all/forwarding']

describe('nat = "nftables"', () => {
  spaces.test('clients reach a host behind the gateway, and stopping undoes it', async () => {
    const { gateway, profile } = await startBoth()
    const stock = spaces.run('cl', peerPath('openvpn')!, ['--config', profile, '--verb', '3'])
    const isUp = (): boolean => stock.said().includes('Initialization Sequence Completed')
    await waitFor(isUp, stock.said, LIMIT_MS)
    for (const host of HOSTS) expectPings(host)
    await end(stock.child)

    const config = join(folder, 'client.toml')
    writeFileSync(config, `client = { profile = ${JSON.stringify(profile)} }\n[observe]\n`)
    const ours = spaces.run('cl', process.execPath, [MAIN, '--config', config])
    await waitFor(() => /\bconnected\b/.test(ours.said()), ours.said, LIMIT_MS)
    for (const host of HOSTS) expectPings(host)
    await end(ours.child)

    expect(switches()).toEqual(['1', '1'])
    await end(gateway.child)
    expect(gateway.said()).not.toMatch(/error/i)
    expect(switches()).toEqual(['0', '0'])
    expect(rules()).toBe('')
  })

  spaces.test('a gateway that was killed is tidied up after by the next one', async () => {
    spaces.inside('gw', 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1')
    const first = await startBoth()
    await end(first.gateway.child, 'SIGKILL')
    expect(switches()).toEqual(['1', '1'])
    expect(rules()).toContain('comment "forwarding before: ipv4=off ipv6=on"')
    const second = await startBoth()
    await end(second.gateway.child)
    expect(switches()).toEqual(['0', '1'])
    expect(rules()).toBe('')
    spaces.inside('gw', 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0')
  })

  spaces.test('of two gateways the last to stop switches forwarding off', async () => {
    const first = await startBoth()
    const second = await startBoth('tun1', 1195, '10.9.0.0/24', 'fd00:9::/64')
    expect(rules().match(/ipv4=off ipv6=off/g)).toHaveLength(2)
    await end(first.gateway.child)
    expect(switches()).toEqual(['1', '1'])
    expect(rules()).toMatch(/^table inet cairn-vpn-tun1 \{/)
    const third = await startBoth()
    await end(second.gateway.child)
    expect(switches()).toEqual(['1', '1'])
    await end(third.gateway.child)
    expect(switches()).toEqual(['0', '0'])
    expect(rules()).toBe('')
  })

  spaces.test('what is set is what `nat show` prints, and a table of others stays', async () => {
    const others = 'table inet others {\n chain one {\n counter\n }\n}'
    spaces.inside('gw', 'nft', others)
    const { gateway, config } = await startBoth()
    const set = spaces.inside('gw', 'nft', 'list', 'table', 'inet', 'cairn-vpn-tun0')
    const shown = execFileSync(process.execPath, [MAIN, 'nat', 'show', config], {
      encoding: 'utf8',
    })
    const file = join(folder, 'shown.nft')
    writeFileSync(file, shown)
    // In the place of the one that is there.
    spaces.inside('gw', 'nft', '-f', file)
    const printed = spaces.inside('gw', 'nft', 'list', 'table', 'inet', 'cairn-vpn-tun0')
    expect(printed).toBe(set.replace(/^\tcomment .*\n/m, ''))
    expect(printed).toContain('masquerade')
    await end(gateway.child)
    expect(rules()).toMatch(/^table inet others \{[^]*counter[^]*\}\n$/)
    expect(rules()).not.toContain('cairn')
    spaces.inside('gw', 'nft', 'delete', 'table', 'inet', 'others')
  })
})

async function startBoth(
  device = 'tun0',
  port = 1194,
  ipv4 = '10.8.0.0/24',
  ipv6 = 'fd00:8::/64',
): Promise<{ gateway: Program; config: string; profile: string }> {
  const pki = makePki()
  const { options, v2 } = pki.client('laptop')
  const file = (name: string): string => JSON.stringify(join(pki.path, name))
  const config = join(folder, `${device}.toml`)
  writeFileSync(
    config,
    `listen = ["udp://10.77.0.1:${port}"]
[keys]
ca = ${file('ca.crt')}
cert = ${file('server.crt')}
key = ${file('server.key')}
tls_crypt_v2 = ${file('tls-crypt-v2.key')}
[tunnel]
device = "${device}"
ipv4 = "${ipv4}"
ipv6 = "${ipv6}"
nat = "nftables"
[push]
routes = ["192.168.50.0/24", "fd00:50::/64"]
[store]
path = ${JSON.stringify(join(tempDir('vpn-nat'), 'vpn.git'))}
[observe]
`,
  )
  const profile = join(folder, 'laptop.ovpn')
  const lines = [
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
  writeFileSync(profile, `${lines.join('\n')}\n`)
  const gateway = spaces.run('gw', process.execPath, [MAIN, '--config', config])
  await waitFor(() => gateway.said().includes('"event":"ready"'), gateway.said, LIMIT_MS)
  return { gateway, config, profile }
}

function switches(): readonly string[] {
  return SWITCHES.map((path) => spaces.inside('gw', 'cat', path).trim())
}

function rules(): string {
  return spaces.inside('gw', 'nft', 'list', 'ruleset')
}

function expectPings(address: string): void {
  const said = spaces.inside('cl', 'ping', '-q', '-i', '0.2', '-W', '5', '-c', '3', address)
  expect(said).toContain('3 received')
}
