// TLS inside the control channel: Node's own, over octets in memory. A server for each handshake, because only
// `tls.createServer` enforces certificates and their revocation.
import { constants, type X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { KEY_MATERIAL_OCTETS } from '../core/data/key-material.ts'
import { serialText } from '../core/content/revoked-serials.ts'
import type { Identity, TlsEnd } from '../core/gateway/client.ts'
import type { TlsEvents } from '../core/gateway/gateway.ts'

export type TlsCredentials = {
  /** PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly crl: string | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** Extended key usage for clients (RFC 5280 §4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** Plain text of the peer comes by `events`; nothing is called after `close`. */
export function openTlsServer(credentials: TlsCredentials, events: TlsEvents): TlsEnd {
  const wire = new MemoryWire((octets) => events.output(octets))
  const { ca, cert, key, crl, minVersion } = credentials
  const options: TlsOptions = {
    ca,
    cert,
    key,
    ...(crl !== undefined && { crl }),
    minVersion,
    requestCert: true,
    rejectUnauthorized: true,
    // Every key is agreed on anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
  const writer = new RecordWriter()
  const server = createServer(options)
  server.on('secureConnection', (socket) => {
    socket.on('error', (cause) => events.failed(cause.message))
    const certificate = socket.getPeerX509Certificate()
    if (certificate?.keyUsage?.includes(CLIENT_AUTH) !== true) {
      events.failed('its certificate is not for clients (extended key usage)')
      return
    }
    events.secured(identityOf(certificate), (label) =>
      // Without context: an empty one would give other octets with TLS 1.2.
      socket.exportKeyingMaterial(KEY_MATERIAL_OCTETS, label, undefined as unknown as Buffer),
    )
    socket.on('data', (octets: Buffer) => events.text(octets))
    writer.open(socket)
  })
  server.on('tlsClientError', (cause) => events.failed(explain(cause)))
  server.emit('connection', wire)
  return {
    feed: (octets) => wire.feed(octets),
    write: (octets) => writer.write(octets),
    close() {
      server.removeAllListeners()
      server.on('tlsClientError', () => {})
      writer.close()
      wire.destroy()
    },
  }
}

function identityOf(certificate: X509Certificate): Identity {
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? ''
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
  return { commonName, serial: serialText(certificate.serialNumber), fingerprint }
}

/** In words of what the operator can do something about. */
function explain(cause: Error): string {
  const code = 'code' in cause ? String(cause.code) : ''
  if (/REVOKED/i.test(code) || /revoked/.test(cause.message)) return 'its certificate is revoked'
  if (/EXPIRED/i.test(code) || /expired/.test(cause.message)) return 'its certificate has expired'
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'it sent no certificate'
  return `its TLS handshake failed: ${cause.message}`
}

/** What TLS believes to be a connection. */
export class MemoryWire extends Duplex {
  readonly #output: (octets: Uint8Array) => void

  constructor(output: (octets: Uint8Array) => void) {
    super()
    this.#output = output
  }

  feed(octets: Uint8Array): void {
    if (!this.destroyed) this.push(octets)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#output(chunk)
    done()
  }
}

/** Writes each message in a TLS record of its own: Node puts together what waits. */
export class RecordWriter {
  #socket: TLSSocket | undefined
  readonly #waiting: Uint8Array[] = []
  #isWriting = false

  open(socket: TLSSocket): void {
    this.#socket = socket
    this.#next()
  }

  write(octets: Uint8Array): void {
    this.#waiting.push(octets)
    this.#next()
  }

  close(): void {
    this.#waiting.length = 0
    this.#socket?.removeAllListeners('data')
    this.#socket?.removeAllListeners('error').on('error', () => {})
    this.#socket?.destroy()
  }

  #next(): void {
    if (this.#isWriting || this.#socket === undefined) return
    const octets = this.#waiting.shift()
    if (octets === undefined) return
    this.#isWriting = true
    this.#socket.write(octets, () => {
      this.#isWriting = false
      this.#next()
    })
  }
}
