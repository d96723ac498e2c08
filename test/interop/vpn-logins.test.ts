// Passwords, tokens and one-time codes with stock OpenVPN clients, and our tokens before a stock server.
import { randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { AuthTokens, parseTokenKey } from '../../appliances/vpn/core/access/auth-token.ts'
import { codeAt, stepOf } from '../../appliances/vpn/core/access/one-time-code.ts'
import { base32, sealSecret } from '../../appliances/vpn/core/access/sealed-secret.ts'
import { hashPassword } from '../../shared/auth/password.ts'
import { freePort } from '../../tools/running.ts'
import { gitOk } from '../support/git.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import {
  makePki,
  startVpn,
  startVpnClient,
  stockClient,
  stockServer,
  waitFor,
  type RunningVpn,
} from '../support/running-vpn.ts'
import { tempDir } from '../support/temp.ts'
import { openManager } from '../support/vpn-manager.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const UP = 'Initialization Sequence Completed'

const remote = (vpn: RunningVpn): string => `remote 127.0.0.1 ${vpn.port('udp')} udp4`

const write = (name: string, text: string): string => {
  const file = join(tempDir('vpn-login'), name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** A file of user and password, as an option. */
const login = (user: string, password: string): string =>
  `auth-user-pass ${write('login', `${user}\n${password}\n`)}`

function makeTokenKey(): string {
  const file = join(tempDir('vpn-token'), 'token.key')
  execFileSync(peerPath('openvpn')!, ['--genkey', 'auth-token', file])
  return file
}

const tables = (more: string): string => `[logins]\n${more}\n[security]\nrenegotiate = "3s"\n`

peerTest(
  ['openvpn', 'git'],
  'a token carries a session on when the password has changed',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const vpn = await startVpn(pki, '', tables(''), 'passwords = true')
    const copy = await firstPush(vpn.storeUrl, {
      'users.toml': `alice = "${await hashPassword('old')}"\n`,
    })
    const client = stockClient([remote(vpn), ...options, login('alice', 'old')])
    await client.until(UP)
    await commit(copy, { 'users.toml': `alice = "${await hashPassword('new')}"\n` })
    await gitOk(['push', '-q'], { cwd: copy })
    const handshakes = (): number => client.output().match(/Control Channel: TLSv1/g)?.length ?? 0
    await waitFor(() => handshakes() >= 4, client.output)
    expect(vpn.running.status()).toMatchObject({ clients: { count: 1 } })
    expect(vpn.events.filter((event) => event.startsWith('client-refused'))).toEqual([])
    // The client was told a new one each time.
    expect(client.output().match(/PUSH_REPLY,auth-token/g)?.length).toBeGreaterThanOrEqual(2)
    expect(vpn.events.join('\n')).not.toContain('SESS_ID')
    // And the old password lets nobody in any more.
    const again = stockClient([remote(vpn), ...options, login('alice', 'old')])
    await again.until('AUTH_FAILED')
  },
  60_000,
)

const ours = (at: string, options: readonly string[], user: string) => {
  const profile = [
    'client',
    'dev tun',
    at,
    'remote-cert-tls server',
    'auth SHA256',
    ...options,
    user,
  ]
  return startVpnClient(profile)
}
const connections = ({ events }: { readonly events: readonly string[] }): number =>
  events.filter((event) => event.startsWith('connected ')).length

peerTest(
  'git',
  'our client renews its session and comes again with its token',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const port = await freePort()
    const managed = `${tables('')}[management]\nlisten = "127.0.0.1:${port}"\n`
    const vpn = await startVpn(pki, '', managed, 'passwords = true')
    const users = async (password: string) => ({
      'users.toml': `alice = "${await hashPassword(password)}"\n`,
    })
    const copy = await firstPush(vpn.storeUrl, await users('right'))
    const client = await ours(remote(vpn), options, login('alice', 'right'))
    const said = (): string => [...vpn.events, ...client.events].join('\n')
    await waitFor(() => connections(client) === 1, said)
    await commit(copy, await users('other'))
    await gitOk(['push', '-q'], { cwd: copy })
    const log = openManager(port)
    await log.ask('signal SIGUSR1')
    // Only the token is good now.
    await waitFor(() => connections(client) === 2, said)
    expect(said()).not.toMatch(/client-refused|SESS_ID/)
    expect(client.faults).toEqual([])
  },
  60_000,
)

peerTest(
  'openvpn',
  'our client renegotiates with the token of a stock server that asks for the password once',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const once = join(tempDir('vpn-login'), 'once')
    const script = write('check.sh', `#!/bin/sh\nmkdir ${once}\n`)
    chmodSync(script, 0o700)
    const server = await stockServer(pki, 'udp', [
      'auth-gen-token 3600 3600',
      'script-security 2',
      `auth-user-pass-verify ${script} via-env`,
      'reneg-sec 2',
    ])
    const at = `remote 127.0.0.1 ${server.port} udp4`
    const client = await ours(at, options, login('alice', 'secret'))
    const tokens = (): number =>
      server.output().match(/auth-token.*succe|TLS: Username\/auth-token authentication succeeded/g)
        ?.length ?? 0
    await waitFor(() => tokens() >= 2, server.output)
    expect(connections(client)).toBe(1)
    expect(client.events.filter((event) => event.startsWith('disconnected'))).toEqual([])
    expect(client.events.join('\n')).not.toContain('SESS_ID')
  },
  60_000,
)

peerTest(
  'openvpn',
  'our client waits, longer than for a handshake, for somebody to sign in at the page of a stock server',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const signedIn = join(tempDir('vpn-login'), 'signed-in')
    const script = write(
      'pending.sh',
      `#!/bin/sh
printf '60\\nwebauth\\nWEB_AUTH::https://sso.example/%s\\n' "$username" > "$auth_pending_file"
(while ! [ -e ${signedIn} ]; do sleep 0.1; done; echo 1 > "$auth_control_file") > /dev/null 2>&1 &
exit 2
`,
    )
    chmodSync(script, 0o700)
    const server = await stockServer(pki, 'udp', [
      'script-security 2',
      `auth-user-pass-verify ${script} via-env`,
    ])
    const at = `remote 127.0.0.1 ${server.port} udp4`
    const window = 'hand-window 5'
    const client = await ours(at, [...options, window], login('alice', 'secret'))
    const said = (): string => [...client.events, server.output()].join('\n')
    await waitFor(() => /sign-in .*https:\/\/sso\.example\/alice/.test(said()), said)
    expect(client.running.status()).toMatchObject({ state: 'sign in at https://sso.example/alice' })
    // Longer than the window: the server's own pings of the control channel tell the time.
    const asked = (): number => server.output().match(/PUSH_REQUEST/g)?.length ?? 0
    await waitFor(() => asked() >= 3, said, 30_000)
    expect(connections(client)).toBe(0)
    writeFileSync(signedIn, '')
    await waitFor(() => connections(client) === 1, said)
    expect(said()).not.toContain('did not answer in time')
  },
  90_000,
)

peerTest(
  'openvpn',
  'a stock server with our key takes our token',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const file = makeTokenKey()
    const key = parseTokenKey(readFileSync(file, 'utf8'))
    if (!key.ok) throw new Error(key.error)
    const times = { lifetimeMs: 3_600_000, renewalMs: 3_600_000 }
    const token = new AuthTokens(key.value, times, randomBytes).issue('alice', Date.now())
    const server = await stockServer(pki, 'udp', [
      `auth-gen-token 3600`,
      `auth-gen-token-secret ${file}`,
      'script-security 2',
      // No password is right.
      'auth-user-pass-verify /bin/false via-env',
    ])
    const at = `remote 127.0.0.1 ${server.port} udp4`
    await stockClient([at, ...options, login('alice', token)]).until(UP)
    await stockClient([at, ...options, login('bob', token)]).until('AUTH_FAILED')
  },
  60_000,
)

peerTest(
  ['openvpn', 'git'],
  'a second factor: beside the password, when it is asked for, and once',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const [key, secret] = [randomBytes(32), randomBytes(20)]
    const keyFile = write('totp.key', `${key.toString('base64')}\n`)
    const vpn = await startVpn(
      pki,
      '',
      tables(`totp_key = ${JSON.stringify(keyFile)}`),
      'passwords = true',
    )
    const totp = sealSecret(key, 'alice', secret, randomBytes(12))
    const password = await hashPassword('secret')
    await firstPush(vpn.storeUrl, {
      'users.toml': `alice = { password = "${password}", totp = "${totp}" }\n`,
    })
    const now = codeAt(secret, stepOf(Date.now()))
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const beside = login('alice', `SCRV1:${base64('secret')}:${base64(now)}`)
    const first = stockClient([remote(vpn), ...options, beside])
    await first.until(UP)
    // Over a renegotiation, which no code could carry it.
    const handshakes = (): number => first.output().match(/Control Channel: TLSv1/g)?.length ?? 0
    await waitFor(() => handshakes() >= 2, first.output)
    expect(vpn.running.status()).toMatchObject({ clients: { count: 1 } })
    await first.stop()
    await stockClient([remote(vpn), ...options, beside]).until('AUTH_FAILED')
    const port = await freePort()
    const asked = stockClient([
      remote(vpn),
      ...options,
      'auth-user-pass',
      'auth-retry interact',
      `management 127.0.0.1 ${port}`,
      'management-query-passwords',
    ])
    await asked.until(/MANAGEMENT: TCP Socket listening/)
    const gui = openManager(port)
    await gui.until(`>PASSWORD:Need 'Auth' username/password`)
    gui.write('username "Auth" "alice"\r\npassword "Auth" "secret"\r\n')
    await gui.until(/>PASSWORD:Verification Failed: 'Auth' \['CRV1:R,E:/)
    const [, state = ''] = /CRV1:R,E:([\w-]+):/.exec(gui.said())!
    await gui.until(/Verification Failed[^]*Need 'Auth'/)
    // A step ahead: the one of now may be used up.
    const code = codeAt(secret, stepOf(Date.now()) + 1)
    gui.write(`username "Auth" "alice"\r\npassword "Auth" "CRV1::${state}::${code}"\r\n`)
    await asked.until(UP)
    expect(vpn.events.join('\n')).not.toContain(state)
  },
  90_000,
)

peerTest(
  ['openvpn', 'git'],
  'a second factor that is asked for while the client waits: of stock with a manager, and of our client',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const [key, secret] = [randomBytes(32), randomBytes(20)]
    const keyFile = write('totp.key', `${key.toString('base64')}\n`)
    const more = tables(`totp_key = ${JSON.stringify(keyFile)}`)
    const vpn = await startVpn(pki, '', more, 'passwords = true')
    const password = await hashPassword('secret')
    const user = (name: string): string =>
      `${name} = { password = "${password}", totp = "${sealSecret(key, name, secret, randomBytes(12))}" }\n`
    await firstPush(vpn.storeUrl, { 'users.toml': user('alice') + user('bob') })
    const port = await freePort()
    const stock = stockClient([
      remote(vpn),
      ...options,
      login('alice', 'secret'),
      'setenv IV_SSO webauth,crtext',
      `management 127.0.0.1 ${port}`,
    ])
    await stock.until(/MANAGEMENT: TCP Socket listening/)
    const gui = openManager(port)
    await gui.until('>INFOMSG:CR_TEXT:R,E:Code of your authenticator')
    expect(vpn.running.status()).toMatchObject({ clients: { count: 0 } })
    const code = Buffer.from(codeAt(secret, stepOf(Date.now()))).toString('base64')
    gui.write(`cr-response ${code}\r\n`)
    await stock.until(UP)
    await stock.stop()
    const profile = ['client', 'dev tun', remote(vpn), 'remote-cert-tls server', 'auth SHA256']
    const authenticator = write('authenticator', `${base32(secret)}\n`)
    const client = await startVpnClient(
      [...profile, ...options, login('bob', 'secret')],
      `totp = ${JSON.stringify(authenticator)}`,
    )
    const said = (): string => [...vpn.events, ...client.events].join('\n')
    await waitFor(() => connections(client) === 1, said)
    expect(said()).not.toContain('client-refused')
  },
  90_000,
)
