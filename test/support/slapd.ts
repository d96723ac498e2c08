// OpenLDAP's server on loopback with a few people, for tests: alice's password is `alice at ldap`.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { MadeCertificate } from './certificate.ts'
import { freePort } from './name-servers.ts'
import { peerPath } from './peers.ts'

export const LDAP_BASE = 'dc=example,dc=org'
export const LDAP_READER = { dn: `cn=reader,${LDAP_BASE}`, password: 'may look' }

export type Slapd = {
  /** Plain, and with STARTTLS. */
  readonly port: number
  readonly tlsPort: number
  stop(): Promise<void>
}

const START_LIMIT_MS = 20_000

/** `people` by their uid; passwords are `<uid> at ldap`. */
export async function startSlapd(
  dir: string,
  people: readonly string[],
  { cert, key }: MadeCertificate,
): Promise<Slapd> {
  mkdirSync(join(dir, 'db'))
  const config = join(dir, 'slapd.conf')
  writeFileSync(
    config,
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${dir}/slapd.pid
TLSCertificateFile ${cert}
TLSCertificateKeyFile ${key}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "${LDAP_BASE}"
directory ${dir}/db
access to attrs=userPassword by anonymous auth
access to * by dn.exact="${LDAP_READER.dn}" read
`,
  )
  const person = (uid: string): string =>
    `dn: uid=${uid},ou=people,${LDAP_BASE}\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: ${uid} at ldap\n`
  const entries = [
    `dn: ${LDAP_BASE}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n`,
    `dn: ou=people,${LDAP_BASE}\nobjectClass: organizationalUnit\nou: people\n`,
    `dn: ${LDAP_READER.dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: ${LDAP_READER.password}\n`,
    ...people.map(person),
  ]
  execFileSync(peerPath('slapadd')!, ['-f', config], { input: entries.join('\n') })
  const [port, tlsPort] = [await freePort(), await freePort()]
  const urls = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`
  // `-d 0` keeps it in the foreground.
  const child = spawn(peerPath('slapd')!, ['-d', '0', '-f', config, '-h', urls], {
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const until = performance.now() + START_LIMIT_MS
  while (!(await listens(tlsPort)))
    if (child.exitCode !== null || performance.now() > until) throw new Error('slapd did not start')
  return {
    port,
    tlsPort,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const is = await new Promise<boolean>((done) => {
    socket.once('connect', () => done(true))
    socket.once('error', () => setTimeout(() => done(false), 20))
  })
  socket.destroy()
  return is
}
