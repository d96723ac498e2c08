// TLS inside the control channel: Node's own, over octets in memory. A server for each handshake, because only
// `tls.createServer` enforces certificates and their revocation.
import { constants, type X509Certificate } from 'node:crypto'
import { createServer, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { serialText } from '../core/content/revoked-serials.ts'
import type { Identity } from '../core/gateway/client.ts'
import type { GatewayTlsEvents } from '../core/gateway/gateway.ts'
import type { TlsEnd } from '../core/session/tls-end.ts'
import { commonNameOf } from '../core/pki/common-name.ts'
import { exporterOf, MemoryWire, RecordWriter } from './memory-wire.ts'

export type TlsCredentials = {
  /** PEM. */
  readonly ca: string
  /** The gateway's own. */
  readonly certificate: SecureContextOptions
  readonly crl: string | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** Extended key usage for clients (RFC 5280 §4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** Plain text of the peer comes by `events`; nothing is called after `close`. */
export function openTlsServer(credentials: TlsCredentials, events: GatewayTlsEvents): TlsEnd {
  const wire = new MemoryWire((octets) => events.output(octets))
  const { ca, certificate: own, crl, minVersion } = credentials
  const options: TlsOptions = {
    ...own,
    ca,
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
    events.secured(identityOf(certificate), exporterOf(socket))
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
  const commonName = commonNameOf(certificate.subject)
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
