// Passwords that OpenLDAP checks, in each way there is to ask it, and what happens when it cannot be asked.
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificate, type MadeCertificate } from '../support/certificate.ts'
import { hasPeer, peerTest } from '../support/peers.ts'
import { cheapHash, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'
import { LDAP_BASE, LDAP_READER, startSlapd, type Slapd } from '../support/slapd.ts'
import { tempDir } from '../support/temp.ts'

const USERS = `[users.alice]
devices = { phone = "${cheapHash('phone-alice')}" }
[users.bob]
password = "${cheapHash('bob')}"
[users."odd.name@x"]
[groups.family]
members = ["alice"]
`
const PEERS = ['slapd', 'slapadd', 'openssl']
const dir = tempDir('ldap')
let slapd: Slapd
let certificate: MadeCertificate

beforeAll(async () => {
  if (!PEERS.every((peer) => hasPeer(peer))) return
  certificate = makeCertificate(dir, 'ldap')
  writeFileSync(join(dir, 'reader'), `${LDAP_READER.password}\n`)
  slapd = await startSlapd(dir, ['alice', 'bob', 'dora', 'family', 'odd.name@x'], certificate)
})
afterAll(() => slapd?.stop())

async function withLdap(ldap: string, login = ''): Promise<RunningCaldav> {
  const server = await runCaldav({
    files: { 'users.toml': USERS },
    config: `[login]\n${login}\n[ldap]\n${ldap}\n`,
  })
  onTestFinished(() => server.running.stop())
  return server
}

async function status(server: RunningCaldav, user: string, password: string): Promise<number> {
  const headers = { depth: '0' }
  return (await server.ask('PROPFIND', `/calendars/${user}/`, { user, password, headers })).status
}

const USER_DN = `user_dn = "uid={user},ou=people,${LDAP_BASE}"`
const plain = (): string => `url = "ldap://127.0.0.1:${slapd.port}"\n`
const ca = (): string => `ca = ${JSON.stringify(certificate.cert)}\n`
const reader = (): string =>
  `base = "${LDAP_BASE}"\nbind_dn = "${LDAP_READER.dn}"\npassword_file = ${JSON.stringify(join(dir, 'reader'))}\n`

describe('a password is asked for', () => {
  const ways: readonly (readonly [string, () => string])[] = [
    ['by a name that is known', () => plain() + USER_DN],
    ['by a search', () => plain() + reader()],
    [
      'by a search with a filter of its own',
      () => `${plain()}${reader()}filter = "(&(objectClass=inetOrgPerson)(uid={user}))"`,
    ],
    ['with STARTTLS', () => `${plain()}starttls = true\n${ca()}${USER_DN}`],
    ['by ldaps', () => `url = "ldaps://127.0.0.1:${slapd.tlsPort}"\n${ca()}${reader()}`],
  ]
  for (const [name, config] of ways)
    peerTest(PEERS, name, async () => {
      const server = await withLdap(config())
      expect(await status(server, 'alice', 'alice at ldap')).toBe(207)
      expect(await status(server, 'alice', 'alice at home')).toBe(401)
      expect(await status(server, 'alice', '')).toBe(401)
      expect(await status(server, 'odd.name@x', 'odd.name@x at ldap')).toBe(207)
      // Those that are here are asked for here.
      expect(await status(server, 'alice', 'phone-alice')).toBe(207)
      expect(await status(server, 'bob', 'bob')).toBe(207)
      expect(await status(server, 'bob', 'bob at ldap')).toBe(401)
      // Who is only there is nobody here.
      expect(await status(server, 'dora', 'dora at ldap')).toBe(401)
      expect(await status(server, 'family', 'family at ldap')).toBe(401)
    })
})

peerTest(PEERS, 'with tofu an account is made when somebody new binds', async () => {
  const server = await withLdap(plain() + USER_DN, 'tofu = 10')
  expect(await status(server, 'dora', 'a guess of hers')).toBe(401)
  expect(await status(server, 'dora', 'dora at ldap')).toBe(207)
  expect(await status(server, 'dora', 'a guess of hers')).toBe(401)
  expect(await status(server, 'family', 'family at ldap')).toBe(401)
})

peerTest(
  PEERS,
  'a success is remembered when the server is gone, and others hear why',
  async () => {
    const own = tempDir('ldap-gone')
    const gone = await startSlapd(own, ['alice', 'odd.name@x'], certificate)
    const server = await withLdap(`url = "ldap://127.0.0.1:${gone.port}"\n${USER_DN}`)
    expect(await status(server, 'alice', 'alice at ldap')).toBe(207)
    await gone.stop()
    expect(await status(server, 'alice', 'alice at ldap')).toBe(207)
    expect(await status(server, 'odd.name@x', 'odd.name@x at ldap')).toBe(503)
    expect(server.events).toContainEqual(expect.stringContaining('ECONNREFUSED'))
  },
)

peerTest(PEERS, 'a certificate of somebody else is not spoken to', async () => {
  const other = makeCertificate(tempDir('ldap-other'), 'other')
  const trust = `ca = ${JSON.stringify(other.cert)}\n`
  for (const url of [`ldaps://127.0.0.1:${slapd.tlsPort}`, `ldap://127.0.0.1:${slapd.port}`]) {
    const starttls = url.startsWith('ldap:') ? 'starttls = true\n' : ''
    const server = await withLdap(`url = "${url}"\n${starttls}${trust}${USER_DN}`)
    expect(await status(server, 'alice', 'alice at ldap')).toBe(503)
  }
})

test.each([
  ['never answers', undefined],
  ['answers with garbage', Buffer.alloc(5_000, 0xff)],
  ['answers with a message that does not end', Buffer.from('3084ffffffff', 'hex')],
])('a server that %s is given up', async (_what, answer) => {
  const silent = createServer((socket) => {
    socket.on('error', () => {})
    if (answer !== undefined) socket.on('data', () => socket.write(answer))
  })
  await new Promise<void>((done) => void silent.listen(0, '127.0.0.1', done))
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  const server = await withLdap(`url = "ldap://127.0.0.1:${port}"\ntimeout = "200ms"\n${USER_DN}`)
  expect(await status(server, 'alice', 'alice at ldap')).toBe(503)
})
