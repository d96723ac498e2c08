// TLS inside the control channel, the client's side: the gateway's certificate is judged here.
import { connect } from 'node:tls'
import type { Profile } from '../core/options/profile.ts'
import type { TlsEnd, TlsEvents } from '../core/session/tls-end.ts'
import { commonNameOf } from '../core/pki/common-name.ts'
import { exporterOf, MemoryWire, RecordWriter } from './memory-wire.ts'

/** Extended key usage for servers (RFC 5280 §4.2.1.12). */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

export function openTlsClient(profile: Profile, events: TlsEvents): TlsEnd {
  const wire = new MemoryWire((octets) => events.output(octets))
  const writer = new RecordWriter()
  const { ca, cert, key, tlsMin, tlsMax } = profile
  const socket = connect({
    socket: wire,
    ca,
    ...(cert !== undefined && { cert, key }),
    minVersion: tlsMin,
    maxVersion: tlsMax,
    // There is no host name in it: the profile says what to look for.
    checkServerIdentity: () => undefined,
  })
  socket.on('error', (cause) => events.failed(`the TLS handshake failed: ${cause.message}`))
  socket.on('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate()
    const wrong =
      certificate === undefined
        ? 'the gateway has no certificate'
        : judge(certificate.subject, certificate.keyUsage ?? [], profile.server)
    if (wrong !== undefined) {
      events.failed(wrong)
      return
    }
    events.secured(exporterOf(socket))
    socket.on('data', (octets: Buffer) => events.text(octets))
    writer.open(socket)
  })
  return {
    feed: (octets) => wire.feed(octets),
    write: (octets) => writer.write(octets),
    close() {
      socket.removeAllListeners('secureConnect')
      socket.removeAllListeners('error').on('error', () => {})
      writer.close()
      wire.destroy()
    },
  }
}

function judge(
  subject: string,
  usages: readonly string[],
  { mustBeServer, name }: Profile['server'],
): string | undefined {
  if (mustBeServer && !usages.includes(SERVER_AUTH))
    return "the gateway's certificate is not one for servers (remote-cert-tls)"
  if (name === undefined) return undefined
  const commonName = commonNameOf(subject)
  const isRight =
    name.kind === 'name'
      ? commonName === name.text
      : name.kind === 'name-prefix'
        ? commonName.startsWith(name.text)
        : subject.split('\n').join(', ') === name.text
  return isRight
    ? undefined
    : `the gateway's certificate is for "${commonName}", not for "${name.text}" (verify-x509-name)`
}
