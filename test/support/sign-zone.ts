// Zones signed by the tools that others sign with: BIND's, ldns's and Knot's, by NSEC or by NSEC3.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peerPath } from './peers.ts'

export type Hashing = {
  readonly iterations: number
  /** Hexadecimal; empty for none. */
  readonly salt: string
  readonly optOut: boolean
}

export type Signing = {
  readonly tool: 'dnssec-signzone' | 'ldns-signzone' | 'kzonesign'
  /** NSEC without. */
  readonly hashing?: Hashing
}

export type SignedZone = {
  /** Of the signed zone. */
  readonly text: string
  /** DNSKEY and DS records of its one key, in presentation form with the owner. */
  readonly dnskey: string
  readonly ds: string
}

/** `origin` absolute; `dir` gets keys and files. */
export function signZone(dir: string, origin: string, text: string, signing: Signing): SignedZone {
  const folder = join(dir, `signed-${origin}`)
  mkdirSync(folder)
  const file = join(folder, 'zone')
  writeFileSync(file, text)
  return SIGNERS[signing.tool](folder, origin, file, signing.hashing)
}

type Signer = (dir: string, origin: string, file: string, hashing?: Hashing) => SignedZone

const SIGNERS: Record<Signing['tool'], Signer> = {
  'dnssec-signzone'(dir, origin, file, hashing) {
    const key = makeKey(dir, origin)
    const out = join(dir, 'out')
    const { salt = '', iterations = 0, optOut = false } = hashing ?? {}
    const nsec3 = ['-3', salt === '' ? '-' : salt, '-H', String(iterations)]
    const how = hashing === undefined ? [] : [...nsec3, ...(optOut ? ['-A'] : [])]
    run(dir, 'dnssec-signzone', ['-q', '-S', '-z', '-o', origin, '-f', out, ...how, file])
    return { ...key, text: readFileSync(out, 'utf8') }
  },
  'ldns-signzone'(dir, origin, file, hashing) {
    const key = makeKey(dir, origin)
    const out = join(dir, 'out')
    const { salt = '', iterations = 0, optOut = false } = hashing ?? {}
    const nsec3 = ['-n', ...(salt === '' ? [] : ['-s', salt]), '-t', String(iterations)]
    const how = hashing === undefined ? [] : [...nsec3, ...(optOut ? ['-p'] : [])]
    run(dir, 'ldns-signzone', ['-A', '-o', origin, '-f', out, ...how, file, key.path])
    return { ...key, text: readFileSync(out, 'utf8') }
  },
  kzonesign(dir, origin, file, hashing) {
    const config = join(dir, 'knot.conf')
    const { salt = '', iterations = 0, optOut = false } = hashing ?? {}
    writeFileSync(
      config,
      `server:
  rundir: ${dir}
database:
  storage: ${dir}/db
policy:
  - id: test
    single-type-signing: on
    algorithm: ecdsap256sha256
    nsec3: ${hashing === undefined ? 'off' : 'on'}
    nsec3-iterations: ${iterations}
    nsec3-salt-length: ${salt.length / 2}
    nsec3-opt-out: ${optOut ? 'on' : 'off'}
zone:
  - domain: ${origin}
    file: ${file}
    dnssec-policy: test
`,
    )
    mkdirSync(join(dir, 'db'))
    run(dir, 'kzonesign', ['-c', config, '-o', dir, origin])
    const text = readFileSync(file, 'utf8')
    const dnskey = /^\S+\s+\d+\s+DNSKEY\s.*$/m.exec(text)![0]
    return { text, dnskey, ds: '' }
  },
}

function makeKey(dir: string, origin: string): { path: string; dnskey: string; ds: string } {
  const made = run(dir, 'dnssec-keygen', ['-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', origin])
  const path = join(dir, made.trim())
  const ds = run(dir, 'dnssec-dsfromkey', ['-2', `${path}.key`]).trim()
  const dnskey = readFileSync(`${path}.key`, 'utf8')
  return { path, ds, dnskey: dnskey.split('\n').find((line) => line.includes(' DNSKEY '))! }
}

function run(cwd: string, program: string, args: readonly string[]): string {
  return execFileSync(peerPath(program)!, args, { cwd, encoding: 'utf8', stdio: 'pipe' })
}
