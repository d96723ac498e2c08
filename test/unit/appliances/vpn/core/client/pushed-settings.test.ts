import { describe, expect, test } from 'vitest'
import { readPushed } from '../../../../../../appliances/vpn/core/client/pushed-settings.ts'
import { defaultRoute } from '../../../../../../appliances/vpn/core/client/routing-table.ts'
import { formatPrefix } from '../../../../../../shared/net/prefix.ts'

const STOCK =
  'tun-ipv6,route-gateway 10.8.0.1,topology subnet,ping 10,ping-restart 60,ifconfig-ipv6 fd00:8::1000/64 fd00:8::1,ifconfig 10.8.0.2 255.255.255.0,peer-id 7,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm dyn-tls-crypt,tun-mtu 1500'

const read = (text: string) => {
  const result = readPushed(text.split(','))
  if (!result.ok) throw new Error(result.error)
  return result.value
}

describe('what a gateway pushes', () => {
  test('is read as stock OpenVPN means it', () => {
    const settings = read(
      `${STOCK},route 10.0.0.0 255.0.0.0,route-ipv6 fd00:9::/64,dhcp-option DNS 10.8.0.1,dhcp-option DOMAIN example.org`,
    )
    expect(
      settings.addresses.map(({ octets, bits }) => `${[...octets].join('.')}/${bits}`),
    ).toEqual(['253.0.0.8.0.0.0.0.0.0.0.0.0.0.16.0/64', '10.8.0.2/24'])
    expect(settings.routes.map(formatPrefix)).toEqual(['10.0.0.0/8', 'fd00:9::/64'])
    expect(settings).toMatchObject({
      mtu: 1500,
      cipher: 'AES-256-GCM',
      peerId: 7,
      pingMs: 10_000,
      restartMs: 60_000,
      dns: ['10.8.0.1'],
      domains: ['example.org'],
      unknown: [],
    })
  })

  test('leads everything through the tunnel by halves that leave the old route in place', () => {
    expect(read(`${STOCK},redirect-gateway def1`).routes.map(formatPrefix)).toEqual([
      '0.0.0.0/1',
      '128.0.0.0/1',
    ])
    expect(read(`${STOCK},redirect-gateway !ipv4 ipv6`).routes.map(formatPrefix)).toEqual([
      '2000::/4',
      '3000::/4',
    ])
  })

  test('and is not known is told, and not done', () => {
    expect(read(`${STOCK},up /bin/sh,route example.org 255.255.255.255`).unknown).toEqual([
      'up /bin/sh',
      'route example.org 255.255.255.255',
    ])
  })

  test.each([
    ['ping 10', 'the gateway pushed no address'],
    ['ifconfig 10.8.0.2', 'an address that is none'],
    [`${STOCK},tun-mtu 99`, 'an MTU that cannot be'],
    [`${STOCK},cipher BF-CBC`, 'wants the cipher BF-CBC'],
    [`${STOCK},compress lz4`, 'wants compression'],
    [`${STOCK},fragment 1300`, 'wants fragments'],
    [`${STOCK},peer-id 99999999`, 'pushed peer-id'],
  ])('%s ends the connection', (text, expected) => {
    const result = readPushed(text.split(','))
    expect(result.ok ? '' : result.error).toContain(expected)
  })
})

test('the default route is the one with the lowest metric that has a gateway', () => {
  const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t50\t00000000\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
`
  expect(defaultRoute(table)).toEqual({ gateway: Uint8Array.of(192, 168, 2, 1), device: 'wlan0' })
  expect(defaultRoute('Iface\n')).toBeUndefined()
})
