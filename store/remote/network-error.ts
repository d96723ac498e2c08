// What the machine's network says when it fails, in words for a person.
import { printable } from './advertisement.ts'
import type { RemoteError } from './transport.ts'

/** Of `fetch` (whose errors wrap the real one) and of sockets. */
export function networkError(error: unknown): RemoteError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const message = printable(cause instanceof Error ? cause.message : String(cause))
  const isParser = cause instanceof Error && cause.name === 'HTTPParserError'
  if (isParser || code.startsWith('HPE_'))
    return { kind: 'garbage', why: `it does not speak HTTP: ${message}` }
  if (/TIMEOUT|TIMEDOUT/.test(code)) return { kind: 'timeout', why: message }
  const words = NETWORK_ERRORS[code]
  const why = words ?? (code === '' ? message : `${message} (${code})`)
  return { kind: 'unreachable', why }
}

const NETWORK_ERRORS: { readonly [code: string]: string } = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}
