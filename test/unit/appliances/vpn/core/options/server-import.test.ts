import { describe, expect, test } from 'vitest'
import { vpnConfig } from '../../../../../../appliances/vpn/config.ts'
import { importServer } from '../../../../../../appliances/vpn/core/options/server-import.ts'
import { decodeConfig } from '../../../../../../shared/config/decode.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'

const LEAST = 'ca ca.crt\ncert server.crt\nkey server.key\nserver 10.8.0.0 255.255.255.0\n'

const problemsOf = (text: string): readonly string[] =>
  importServer(LEAST + text, 'server.conf').problems.map(formatProblem)

describe('a stock server.conf', () => {
  test('becomes the same gateway', () => {
    const text = `# as distributions ship it
port 1195
proto udp6
dev tun7
ca "my keys/ca.crt"
cert server.crt
key server.key  # keep it secret
dh none
tls-crypt-v2 v2.key force-cookie
topology subnet
server 10.9.0.0 255.255.0.0
server-ipv6 fd00:9::/64
ifconfig-pool-persist ipp.txt
push "redirect-gateway def1"
push "route 192.168.7.0 255.255.255.0"
push "route-ipv6 fd00:7::/64"
push "dhcp-option DNS 10.9.0.1"
push "route 10.1.0.0 255.255.0.0 vpn_gateway 5"
client-config-dir ccd
crl-verify crl.pem
client-to-client
keepalive 10 120
data-ciphers AES-256-GCM:?AES-192-GCM:CHACHA20-POLY1305
cipher AES-256-CBC
auth sha256
max-clients 100
user nobody
persist-key
auth-user-pass-verify /usr/local/bin/check via-file
auth-gen-token 3600
reneg-sec 1800
tls-version-min 1.3
management 127.0.0.1 7505 pw
verb 3
`
    const { toml, problems } = importServer(text, 'server.conf')
    expect(problems).toEqual([])
    expect(toml).toMatchInlineSnapshot(`
      "# server.conf:13: ifconfig-pool-persist ipp.txt: has no equal here
      # server.conf:19: client-config-dir ccd: belongs in the branch, as ccd/<common name>
      # server.conf:20: crl-verify crl.pem: belongs in the branch, as crl.pem
      # server.conf:24: cipher AES-256-CBC: has no equal here
      # server.conf:27: user nobody: see user in [sandbox]
      # server.conf:29: auth-user-pass-verify /usr/local/bin/check via-file: users and passwords are users.toml of the branch
      # server.conf:33: management: its password as "cairn-vpn hash-password" prints it
      listen = ["udp://[::]:1195"]

      [keys]
      ca = "my keys/ca.crt"
      cert = "server.crt"
      key = "server.key"
      tls_crypt_v2 = "v2.key"

      [tunnel]
      device = "tun7"
      ipv4 = "10.9.0.0/16"
      ipv6 = "fd00:9::/64"
      client_to_client = true
      clients = 100
      passwords = true

      [push]
      options = ["redirect-gateway def1", "route 10.1.0.0 255.255.0.0 vpn_gateway 5"]
      routes = ["192.168.7.0/24", "fd00:7::/64"]
      dns = ["10.9.0.1"]

      [security]
      force_cookie = true
      auth = "SHA256"
      renegotiate = "1800s"
      tls_version = "1.3"
      ciphers = ["AES-256-GCM", "AES-192-GCM", "CHACHA20-POLY1305"]

      [keepalive]
      ping = "10s"
      restart = "120s"

      [logins]
      token_lifetime = "3600s"

      [management]
      listen = "127.0.0.1:7505"

      [store]
      path = "var/vpn.git"

      [observe]
      "
    `)
    const decoded = decodeConfig(toml, 'vpn.toml', vpnConfig)
    expect(decoded.ok || decoded.error.map(formatProblem)).toBe(true)
  })

  test('with the least in it has the defaults of stock', () => {
    const { toml, problems } = importServer(LEAST, 'server.conf')
    expect(problems).toEqual([])
    expect(toml).toContain('listen = ["udp://0.0.0.0:1194"]')
    expect(decodeConfig(toml, 'vpn.toml', vpnConfig).ok).toBe(true)
  })

  test.each([
    ['dev tap0', 'server.conf:5: dev: only tun devices, found "tap0"'],
    [
      'topology net30',
      'server.conf:5: topology: only subnet; clients of "net30" get other addresses',
    ],
    ['comp-lzo', 'server.conf:5: comp-lzo: compression tells strangers'],
    ['tls-verify /bin/check', 'server.conf:5: tls-verify: no program is run'],
    ['secret static.key', 'server.conf:5: secret: a static key'],
    ['port 99999', 'server.conf:5: port: expected a number from 1 to 65535, found "99999"'],
    ['proto sctp', 'server.conf:5: proto: expected udp or tcp-server, found "sctp"'],
    ['data-ciphers BF-CBC', 'server.conf:5: data-ciphers: "BF-CBC" is not known'],
    ['tls-auth ta.key 1', 'server.conf:5: tls-auth: expected key direction 0'],
    ['keepalive 10 x', 'server.conf:5: keepalive: expected a number from 2 to 86400, found "x"'],
    ['push "a,b"', 'server.conf:5: push: expected one option in quotes, without commas'],
    [
      'management cairn.sock unix',
      'server.conf:5: management: expected a path from the root, found "cairn.sock"',
    ],
    ['management 127.0.0.1 x', 'server.conf:5: management: expected a port, found "x"'],
    ['<ca>\nx\n</ca>', 'server.conf:5: <ca>: put it in a file'],
    ['ca "', 'server.conf:5: A double quote that does not end'],
  ])('is refused with its line: %s', (line, message) => {
    const problems = problemsOf(`${line}\n`)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  test('without its necessities says which', () => {
    const { problems } = importServer('port 1194\n', 'server.conf')
    expect(problems.map(formatProblem)).toEqual([
      'server.conf: There is no "ca"',
      'server.conf: There is no "cert"',
      'server.conf: There is no "key"',
      'server.conf: There is no "server NETWORK MASK"',
    ])
  })

  test('cannot write a line of TOML of its own', () => {
    const { toml } = importServer(`${LEAST}up "a\\\nb"\nconstructor x\u2028y\n`, 'server.conf')
    const comments = toml.split('\n').filter((line) => line.startsWith('#'))
    expect(comments).toEqual(['# server.conf:7: constructor x\u2028y: has no equal here'])
  })
})
