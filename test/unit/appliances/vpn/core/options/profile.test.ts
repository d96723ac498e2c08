import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterOf, readProfile } from '../../../../../../appliances/vpn/core/options/profile.ts'
import { err, ok } from '../../../../../../shared/result/result.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'

const load = (path: string) => (path === 'ca.crt' ? ok('CA') : err('Cannot be read (ENOENT)'))
const BASE = 'client\nremote vpn.example.org\nca ca.crt\nauth-user-pass\nremote-cert-tls server\n'
const read = (text: string) => {
  const { profile, problems } = readProfile(text, 'x.ovpn', load)
  return { profile, problems: problems.map(formatProblem) }
}

describe('a profile', () => {
  test('as providers write them is understood', () => {
    const { profile, problems } = read(`# A provider's
client
dev tun
proto udp
remote 192.0.2.1 1194
remote vpn.example.org 443 tcp
<connection>
remote 2001:db8::1 1195 udp6
</connection>
remote-random
resolv-retry infinite
nobind
persist-key
persist-tun
cipher AES-256-CBC
data-ciphers AES-256-GCM:aes-128-gcm
auth SHA512
remote-cert-tls server
verify-x509-name "vpn server" name-prefix
tls-version-min 1.2
reneg-sec 0
verb 3
key-direction 1
<ca>
-----BEGIN CERTIFICATE-----
</ca>
<cert>
C
</cert>
<key>
K
</key>
<tls-auth>
T
</tls-auth>
`)
    expect(problems).toEqual([])
    expect(profile.remotes).toEqual([
      { host: '192.0.2.1', port: 1194, transport: 'udp', family: undefined },
      { host: 'vpn.example.org', port: 443, transport: 'tcp', family: undefined },
      { host: '2001:db8::1', port: 1195, transport: 'udp', family: 6 },
    ])
    expect(profile).toMatchObject({
      isRandom: true,
      auth: 'SHA512',
      keyDirection: 1,
      cert: 'C\n',
      key: 'K\n',
      tlsAuth: 'T\n',
      ciphers: ['AES-256-GCM', 'AES-128-GCM'],
      renegotiateMs: Infinity,
      server: { mustBeServer: true, name: { kind: 'name-prefix', text: 'vpn server' } },
    })
  })

  test('says of what it does not know that it is passed over', () => {
    expect(read(`${BASE}frobnicate yes\nup /bin/sh\n`).problems).toEqual([
      'x.ovpn:6: warning: frobnicate: is not known and is passed over',
      'x.ovpn:7: warning: up: no program is run',
    ])
  })

  test.each([
    ['comp-lzo yes', 'x.ovpn:6: comp-lzo: compression is not safe'],
    ['secret static.key', 'x.ovpn:6: secret: static keys without TLS'],
    ['dev tap0', 'x.ovpn:6: dev: tap devices are not supported'],
    ['crl-verify crl.pem', 'x.ovpn:6: crl-verify: '],
    ['http-proxy 192.0.2.1 8080', 'x.ovpn:6: http-proxy: '],
    ['tls-crypt missing.key', 'x.ovpn:6: tls-crypt: missing.key: Cannot be read (ENOENT)'],
    ['auth WHIRLPOOL', 'x.ovpn:6: auth: expected one of SHA1'],
    ['data-ciphers BF-CBC', 'x.ovpn:6: data-ciphers: none of these ciphers is supported'],
    ['<key>', 'x.ovpn:6: <key> has no </key>'],
    ['cert ca.crt', 'x.ovpn: There is a cert or a key without the other'],
  ])('that would be less safe without %s is refused', (line, expected) => {
    const { problems } = read(`${BASE}${line}\n`)
    expect(problems.filter((each) => !each.includes('warning')).join('\n')).toContain(expected)
  })

  test('without a gateway, an authority or anybody who connects is none', () => {
    expect(read('client\n').problems).toEqual([
      'x.ovpn: There is no remote: where is the gateway?',
      'x.ovpn: There is no ca: nothing would tell the gateway from somebody else',
      'x.ovpn: There is neither a cert with its key nor auth-user-pass: who is it that connects?',
      'x.ovpn: warning: Neither remote-cert-tls nor verify-x509-name: any client of the same authority could play the gateway',
    ])
  })

  test('of whatever text leads to problems with their place, and never to an exception', () => {
    const word = fc.constantFrom(
      'remote',
      'ca',
      '<ca>',
      '</ca>',
      'auth',
      'proto',
      '"',
      '\\',
      '#',
      'x',
      '0',
      'push',
      ' ',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
        const { problems } = readProfile(words.join(' '), 'x.ovpn', load)
        for (const each of problems) expect(formatProblem(each)).toMatch(/^x\.ovpn/)
      }),
      { numRuns: 1000 },
    )
  })
})

test('pushed options are filtered by the first prefix that fits, white space or not', () => {
  const filters = [
    { action: 'accept', prefix: 'route 192.168.' },
    { action: 'ignore', prefix: 'route ' },
    { action: 'reject', prefix: 'block-' },
  ] as const
  const profile = { filters, takesRoutes: true }
  expect(
    ['route  192.168.1.0 255.255.255.0', 'route\t10.0.0.0', 'block-ipv6', 'ping 10'].map((option) =>
      filterOf(option, profile),
    ),
  ).toEqual(['accept', 'ignore', 'reject', 'accept'])
  const without = { filters: [], takesRoutes: false }
  expect(
    [
      'route 10.0.0.0',
      'route-gateway 10.8.0.1',
      'redirect-gateway def1',
      'dhcp-option DNS 1.1.1.1',
      'ifconfig 1 2',
    ].map((option) => filterOf(option, without)),
  ).toEqual(['ignore', 'accept', 'ignore', 'ignore', 'accept'])
})
