// The tables every appliance shares.
import { describe, expect, test } from 'vitest'
import { decodeConfig, object, type Decoder } from '../../../../shared/config/decode.ts'
import { observeTable } from '../../../../shared/config/observe-table.ts'
import { sandboxTable } from '../../../../shared/config/sandbox-table.ts'
import { storeTable } from '../../../../shared/config/store-table.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'

const HASH = `scrypt:32768:8:1:${'A'.repeat(22)}:${'A'.repeat(43)}`

function decode<T>(text: string, decoder: Decoder<T>): T | string[] {
  const decoded = decodeConfig(text, 'f', decoder)
  return decoded.ok ? decoded.value : decoded.error.map(formatProblem)
}
const store = object({ store: storeTable })

test('[store] with nothing but a path', () => {
  expect(decode('[store]\npath = "var/zones.git"', store)).toEqual({
    store: { path: 'var/zones.git', branch: 'main', pull: 60_000, seal: 'quiet', verify: 'none' },
  })
})

test('[store] with everything', () => {
  const text = `[store]
path = "var/zones.git"
branch = "zones/live"
remote = "ssh://git@git.example.org/zones.git"
pull = "5m"
seal = "always"
remote_token_file = "token"
ssh_key_file = "id"
known_hosts = ["git.example.org ssh-ed25519 AAAA"]
sign = { key_file = "sign" }
verify = "every"
allowed_signers = "signers"
hook_secret_file = "hook"
[store.serve]
listen = "192.0.2.1:443"
users = { alice = "${HASH}" }
tls = { cert = "c.pem", key = "k.pem" }
limit_push = "1 MB"
allow_force = true
`
  expect(decode(text, store)).toEqual({
    store: {
      path: 'var/zones.git',
      branch: 'zones/live',
      remote: 'ssh://git@git.example.org/zones.git',
      pull: 300_000,
      seal: 'always',
      remoteTokenFile: 'token',
      sshKeyFile: 'id',
      knownHosts: ['git.example.org ssh-ed25519 AAAA'],
      sign: { keyFile: 'sign' },
      verify: 'every',
      allowedSigners: 'signers',
      hookSecretFile: 'hook',
      serve: {
        listen: { host: '192.0.2.1', port: 443 },
        users: Object.assign(Object.create(null), { alice: HASH }),
        tls: { cert: 'c.pem', key: 'k.pem' },
        limitPush: 1_000_000,
        allowForce: true,
      },
    },
  })
})

describe('[store.serve] off loopback', () => {
  const serve = (lines: string): unknown =>
    decode(`[store]\npath = "z"\n[store.serve]\n${lines}`, store)
  const users = `users = { alice = "${HASH}" }\n`
  const tls = 'tls = { cert = "c", key = "k" }\n'

  test.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', '[0:0::1]:1', '[::ffff:127.0.0.1]:1'])(
    'nobody else reaches %s: no users needed',
    (listen) => {
      expect(serve(`listen = "${listen}"`)).not.toBeInstanceOf(Array)
    },
  )

  test.each(['0.0.0.0', '192.0.2.1', '[::]', '[::2]', '[::ffff:192.0.2.1]'])(
    '%s needs users and TLS',
    (host) => {
      const missing = (what: string): string[] => [
        `f:4: store.serve.listen: Other machines can reach ${host.replace(/[[\]]/g, '')}: add ${what} to [store.serve], or listen on 127.0.0.1`,
      ]
      const listen = `listen = "${host}:1"\n`
      expect(serve(listen)).toEqual(missing('users and tls = { cert, key }'))
      expect(serve(listen + users)).toEqual(missing('tls = { cert, key }'))
      expect(serve(listen + tls)).toEqual(missing('users'))
      expect(serve(listen + users + tls)).not.toBeInstanceOf(Array)
    },
  )

  test('a hash that is none is refused without showing it', () => {
    expect(serve('listen = "127.0.0.1:1"\nusers = { alice = "hunter2" }')).toEqual([
      'f:5: store.serve.users.alice: Expected a password hash "scrypt:N:r:p:salt:hash"',
    ])
    expect(serve(`listen = "127.0.0.1:1"\nusers = { "a:b" = "${HASH}" }`)).toEqual([
      'f:5: store.serve.users."a:b": Expected a user name of 1 to 64 characters without ":"',
    ])
  })
})

describe('[store] that contradicts itself', () => {
  test.each([
    ['verify = "head"', 'f:3: store.verify: "head" needs the key allowed_signers'],
    ['remote = "ssh://h/x"', 'f:3: store.remote: ssh needs the key ssh_key_file'],
    [
      'remote = "https://u:p@h/x"',
      'f:3: store.remote: Put the password in a file and name it with remote_token_file',
    ],
    [
      'remote = "http://git.example.org/x"\nremote_token_file = "t"',
      'f:3: store.remote: A token would cross the network readable by all: use https',
    ],
    [
      'remote = "ftp://h/x"',
      'f:3: store.remote: Expected a path, or a URL that begins with "https://", "http://" or "ssh://", found "ftp://h/x"',
    ],
    [
      'hook_secret_file = "h"',
      'f:3: store.hook_secret_file: A hook needs the key remote and the table serve',
    ],
    ['branch = "a..b"', 'f:3: store.branch: Expected the name of a branch, found "a..b"'],
    ['branch = "-x"', 'f:3: store.branch: Expected the name of a branch, found "-x"'],
    ['branch = "x.lock"', 'f:3: store.branch: Expected the name of a branch, found "x.lock"'],
  ])('%s', (line, message) => {
    const found = decode(`[store]\npath = "z"\n${line}`, store)
    expect(found).toBeInstanceOf(Array)
    expect((found as string[])[0]).toBe(message)
  })

  test('a token for a remote on this machine may go over http', () => {
    const text = '[store]\npath = "z"\nremote = "http://[::1]:8/x"\nremote_token_file = "t"'
    expect(decode(text, store)).not.toBeInstanceOf(Array)
  })
})

test('[observe] and [sandbox] may be left out, and say what is wrong', () => {
  const both = object({ observe: observeTable, sandbox: sandboxTable })
  expect(decode('', both)).toEqual({
    observe: { influxInterval: 10_000, log: { format: 'auto', level: 'info' } },
    sandbox: { enabled: true, require: false },
  })
  const text =
    '[observe]\nlisten = "127.0.0.1:9153"\ninflux = "udp://127.0.0.1:8089"\nlog = { format = "text", level = "debug" }\n'
  expect(decode(text, both)).toMatchObject({
    observe: { listen: { host: '127.0.0.1', port: 9153 }, log: { format: 'text', level: 'debug' } },
  })
  expect(
    decode('[observe]\ninflux = "x"\nlog = { level = "loud" }\n[sandbox]\nenabled = 1', both),
  ).toEqual([
    'f:2: observe.influx: Expected a URL that begins with "udp://" or "tcp://", found "x"',
    'f:3: observe.log.level: Expected one of "debug", "info", "warn", "error", found "loud"',
    'f:5: sandbox.enabled: Expected true or false, found 1',
  ])
})
