// The folder of an authority: its key and certificate, what it issued and revoked, the server's files. It stays with the
// operator and never enters the served branch, which gets the revocation list alone.
import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
  type KeyObject,
} from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fatal } from '../../../shared/result/result.ts'
import { makeCertificate, makeRevocationList, type Authority } from '../core/pki/certificate.ts'
import { commonNameOf } from '../core/pki/common-name.ts'
import {
  formatClientKey,
  formatServerKey,
  METADATA,
  parseServerKey,
  wrapKey,
} from '../core/wrap/wrapped-key.ts'

const FILE = {
  ca: 'ca.crt',
  caKey: 'ca.key',
  cert: 'server.crt',
  key: 'server.key',
  wrapKey: 'tls-crypt-v2.key',
  crl: 'crl.pem',
  remote: 'remote',
  revoked: 'revoked',
} as const
const ISSUED = 'issued'
const YEAR_MS = 365 * 86_400_000
const LIFE_MS = { authority: 20 * YEAR_MS, server: 5 * YEAR_MS, client: 5 * YEAR_MS } as const
/** A clock that is behind must not find a certificate from the future. */
const BACKDATE_MS = 86_400_000
const SERIAL_OCTETS = 16

export type Issued = {
  readonly name: string
  readonly notAfter: string
  readonly isRevoked: boolean
}

/** What a client's file is made of, all but the remote in PEM. */
export type ClientCredentials = {
  readonly remote: string
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly wrappedKey: string
}

/** A name that is a file name too, wherever it is used. */
export function isClientName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}$/.test(name)
}

export class PkiFolder {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  get files(): typeof FILE {
    return FILE
  }

  /** Makes everything a gateway needs. `remote`: where clients find it, `vpn.example.org 1194 udp`. */
  init(remote: string, nowMs: number): void {
    if (existsSync(join(this.#path, FILE.caKey)))
      throw new Fatal(`${this.#path} has an authority already: its clients would be lost with it`)
    mkdirSync(join(this.#path, ISSUED), { recursive: true, mode: 0o700 })
    const authority = newKey()
    const signer: Authority = {
      commonName: `Cairn VPN ${randomBytes(4).toString('hex')}`,
      key: authority.privateKey,
    }
    const ca = this.#certificate('authority', signer.commonName, authority.publicKey, signer, nowMs)
    const server = newKey()
    const cert = this.#certificate('server', 'server', server.publicKey, signer, nowMs)
    this.#writeNew(FILE.caKey, privatePem(authority.privateKey))
    this.#writeNew(FILE.key, privatePem(server.privateKey))
    this.#writeNew(FILE.wrapKey, formatServerKey(randomBytes(128)))
    writeFileSync(join(this.#path, FILE.ca), ca)
    writeFileSync(join(this.#path, FILE.cert), cert)
    writeFileSync(join(this.#path, FILE.remote), `${remote}\n`)
    this.#writeList(nowMs)
  }

  addClient(name: string, nowMs: number): ClientCredentials {
    const issued = join(this.#path, ISSUED, `${name}.crt`)
    if (existsSync(issued) && !this.#revokedLines().some((line) => line.split(' ')[2] === name))
      throw new Fatal(`${name} has a certificate already; revoke it first, or choose another name`)
    const { publicKey, privateKey } = newKey()
    const cert = this.#certificate('client', name, publicKey, this.#authority(), nowMs)
    writeFileSync(issued, cert)
    const server = parseServerKey(this.#read(FILE.wrapKey))
    if (!server.ok) throw new Fatal(`${join(this.#path, FILE.wrapKey)}: ${server.error}`)
    const key = randomBytes(256)
    const wrapped = wrapKey(server.value, key, timestamp(nowMs))
    return {
      remote: this.#read(FILE.remote).trim(),
      ca: this.#read(FILE.ca),
      cert,
      key: privatePem(privateKey),
      wrappedKey: formatClientKey({ key, wrapped }),
    }
  }

  /** The new revocation list, which is in the folder too. */
  revoke(name: string, nowMs: number): string {
    const path = join(this.#path, ISSUED, `${name}.crt`)
    if (!existsSync(path))
      throw new Fatal(`${name} has no certificate here; there are: ${this.#names().join(', ')}`)
    const { serialNumber } = new X509Certificate(readFileSync(path))
    const lines = this.#revokedLines()
    if (!lines.some((line) => line.startsWith(`${serialNumber} `)))
      writeFileSync(
        join(this.#path, FILE.revoked),
        [...lines, `${serialNumber} ${new Date(nowMs).toISOString()} ${name}`, ''].join('\n'),
      )
    return this.#writeList(nowMs)
  }

  list(): readonly Issued[] {
    const revoked = new Set(this.#revokedLines().map((line) => line.split(' ')[0]))
    return this.#names().map((name) => {
      const certificate = new X509Certificate(readFileSync(join(this.#path, ISSUED, `${name}.crt`)))
      return {
        name,
        notAfter: certificate.validToDate.toISOString().slice(0, 10),
        isRevoked: revoked.has(certificate.serialNumber),
      }
    })
  }

  #names(): readonly string[] {
    const folder = join(this.#path, ISSUED)
    if (!existsSync(folder))
      throw new Fatal(`${this.#path} has no authority: make one with "cairn-vpn ca init"`)
    return readdirSync(folder)
      .filter((file) => file.endsWith('.crt'))
      .map((file) => file.slice(0, -'.crt'.length))
      .sort()
  }

  #authority(): Authority {
    const commonName = commonNameOf(new X509Certificate(this.#read(FILE.ca)).subject)
    return { commonName, key: createPrivateKey(this.#read(FILE.caKey)) }
  }

  #certificate(
    purpose: 'authority' | 'server' | 'client',
    commonName: string,
    publicKey: KeyObject,
    signer: Authority,
    nowMs: number,
  ): string {
    const serial = randomBytes(SERIAL_OCTETS)
    serial[0]! &= 0x7f
    const notBeforeMs = nowMs - BACKDATE_MS
    const notAfterMs = nowMs + LIFE_MS[purpose]
    const request = { purpose, commonName, serial, notBeforeMs, notAfterMs, publicKey }
    return makeCertificate(request, signer)
  }

  #writeList(nowMs: number): string {
    const lines = this.#revokedLines()
    const revoked = lines.map((line) => {
      const [serial = '', at = ''] = line.split(' ')
      return { serial: Buffer.from(serial, 'hex'), atMs: Date.parse(at) }
    })
    // A list that is out of date lets nobody in: this one lasts as long as the authority.
    const nextMs = nowMs + LIFE_MS.authority
    const list = makeRevocationList(
      revoked,
      Math.floor(nowMs / 1000),
      nowMs - BACKDATE_MS,
      nextMs,
      this.#authority(),
    )
    writeFileSync(join(this.#path, FILE.crl), list)
    return list
  }

  #revokedLines(): readonly string[] {
    const path = join(this.#path, FILE.revoked)
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : []
  }

  #read(file: string): string {
    const path = join(this.#path, file)
    if (!existsSync(path))
      throw new Fatal(`There is no ${path}: make an authority with "cairn-vpn ca init"`)
    return readFileSync(path, 'utf8')
  }

  /** Secrets, which nothing writes over. */
  #writeNew(file: string, text: string): void {
    writeFileSync(join(this.#path, file), text, { mode: 0o600, flag: 'wx' })
  }
}

function newKey(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' })
}

function timestamp(nowMs: number): Uint8Array {
  const metadata = Buffer.alloc(9)
  metadata[0] = METADATA.timestamp
  metadata.writeBigUInt64BE(BigInt(Math.floor(nowMs / 1000)), 1)
  return metadata
}
