import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  pendingMs,
  pendingPage,
} from '../../../../../../appliances/vpn/core/client/auth-pending.ts'
import { Credentials } from '../../../../../../appliances/vpn/core/client/credentials.ts'
import {
  resolverFile,
  resolverFileBefore,
} from '../../../../../../appliances/vpn/core/client/resolver-file.ts'
import { neighbourNetworks } from '../../../../../../appliances/vpn/core/client/routing-table.ts'
import { leakTable } from '../../../../../../appliances/vpn/core/filter/leak-table.ts'
import { formatTable } from '../../../../../../appliances/vpn/core/filter/nft-table.ts'
import { formatPrefix, parsePrefix } from '../../../../../../shared/net/prefix.ts'

const prefix = (text: string) => parsePrefix(text)!

describe('the file of resolvers', () => {
  test('has what was there before, however often it is written', () => {
    const line = fc.stringMatching(/^[ -~]{0,30}$/)
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.nat(3), (lines, times) => {
        const before = `${lines.join('\n')}\n`
        let text = before
        for (let i = 0; i <= times; i++) text = resolverFile([`10.8.0.${i}`], ['lan'], text)
        expect(resolverFileBefore(text)).toBe(before)
        expect(text.match(/^nameserver 10\.8\.0\.\d$/gm)).toEqual([`nameserver 10.8.0.${times}`])
      }),
    )
  })

  test('is nothing afterwards where there was none, and others are left alone', () => {
    expect(resolverFileBefore(resolverFile(['10.8.0.1'], [], undefined))).toBeUndefined()
    expect(resolverFileBefore('nameserver 192.0.2.1\n')).toBe('nameserver 192.0.2.1\n')
  })
})

describe('rules against leaks', () => {
  const limits = {
    device: 'tun0',
    routes: [prefix('0.0.0.0/1'), prefix('128.0.0.0/1')],
    takesAll: true,
    gateways: [{ transport: 'udp' as const, address: prefix('192.0.2.1/32'), port: 1194 }],
    neighbours: ['192.168.1.0/24', '10.0.0.0/7', '8.0.0.0/5', '100.0.0.0/8'].map(prefix),
  }

  test('let through the tunnel, the gateway by its port, and private neighbours; the rest not', () => {
    const rules = formatTable(leakTable(limits))
      .split('\n')
      .filter((line) => /accept$|drop$/.test(line))
      .map((line) => line.trim())
    expect(rules).toEqual([
      'oifname "lo" accept',
      'oifname "tun0" accept',
      'ip daddr 192.0.2.1/32 udp dport 1194 accept',
      'ip daddr 192.168.1.0/24 accept',
      'ip daddr 0.0.0.0/1 drop',
      'ip daddr 128.0.0.0/1 drop',
      'ip6 daddr 2000::/3 drop',
    ])
  })

  test('leave alone what the tunnel does not take', () => {
    const routes = [prefix('10.99.0.0/16')]
    const text = formatTable(leakTable({ ...limits, routes, takesAll: false }))
    expect(text.match(/drop/g)).toHaveLength(1)
    expect(text).toContain('ip daddr 10.99.0.0/16 drop')
  })
})

test('neighbours are networks without a gateway, those of the tunnel apart', () => {
  const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0101A8C0	0003	0	0	0	00000000	0	0	0
eth0	0001A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
tun0	0000080A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth0	nonsense	00000000
`
  expect(neighbourNetworks(table, 'tun0').map(formatPrefix)).toEqual(['192.168.1.0/24'])
})

test('a token takes the place of the password until the gateway refuses it', () => {
  const credentials = new Credentials('alice', 'secret')
  credentials.take(['route 10.0.0.0', 'auth-token SESS_ID_AT_x'])
  expect([credentials.user, credentials.password]).toEqual(['alice', 'SESS_ID_AT_x'])
  credentials.take(['auth-token-user Ym9i', 'auth-token y'])
  expect([credentials.user, credentials.password]).toEqual(['bob', 'y'])
  expect(credentials.forgetToken()).toBe(true)
  expect([credentials.user, credentials.password]).toEqual(['alice', 'secret'])
  expect(credentials.forgetToken()).toBe(false)
})

test('a gateway that waits for a person says how long, and where', () => {
  expect(pendingMs('AUTH_PENDING')).toBe(60_000)
  expect(pendingMs('AUTH_PENDING,timeout 90')).toBe(90_000)
  expect(pendingMs('AUTH_PENDING,timeout 999999999')).toBe(900_000)
  expect(pendingMs('AUTH_PENDINGS')).toBeUndefined()
  expect(pendingPage('INFO_PRE,WEB_AUTH:external:https://a.example/x?y')).toBe(
    'https://a.example/x?y',
  )
  expect(pendingPage('INFO_PRE,OPEN_URL:https://a.example')).toBe('https://a.example')
  for (const text of [
    'INFO_PRE,OPEN_URL:file:///etc/passwd',
    'INFO_PRE,CR_TEXT:R:code',
    'INFO_PRE',
  ])
    expect(pendingPage(text)).toBeUndefined()
})
