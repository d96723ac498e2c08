// The keys a gateway is configured with, read once at start: its certificate, and what wraps the control channel.
import { X509Certificate } from 'node:crypto'
import { readTextFile } from '../../shared/tls/text-file.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { CertificateSlot } from '../../shared/tls/certificate-slot.ts'
import type { GatewayConfig } from './config.ts'
import type { Wrapping } from './core/gateway/opening.ts'
import { AuthWrap, CryptWrap, PLAIN_WRAP } from './core/wrap/control-wrap.ts'
import { parseStaticKey } from './core/wrap/static-key.ts'
import { parseServerKey, type ServerKey } from './core/wrap/wrapped-key.ts'

export type GatewayKeys = {
  /** PEM. */
  readonly ca: string
  readonly certificate: CertificateSlot
  readonly wrapping: Wrapping
}

export function readGatewayKeys(config: GatewayConfig): Result<GatewayKeys, readonly Problem[]> {
  const { keys, security } = config
  const problems: Problem[] = []
  const text = (file: string): string => {
    const read = readTextFile(file)
    if (read.ok) return read.value
    problems.push(problem(read.error, { file }))
    return ''
  }
  const ca = text(keys.ca)
  if (problems.length === 0 && !isCertificate(ca))
    problems.push(problem('Expected a certificate in PEM form', { file: keys.ca }))
  const certificate = CertificateSlot.open({ cert: keys.cert, key: keys.key })
  if (!certificate.ok) {
    const { file, message } = certificate.error
    problems.push(problem(message, { file }))
  }
  const shared = sharedWrap(config, problems)
  let serverKey: ServerKey | undefined
  if (keys.tlsCryptV2 !== undefined) {
    const parsed = parseServerKey(text(keys.tlsCryptV2))
    if (parsed.ok) serverKey = parsed.value
    else problems.push(problem(parsed.error, { file: keys.tlsCryptV2 }))
  }
  if (problems.length > 0 || !certificate.ok) return err(problems)
  const wrapping = { shared, serverKey, allowsNoCookie: !security.forceCookie }
  return ok({ ca, certificate: certificate.value, wrapping })
}

/** For clients without a key of their own. With tls-crypt-v2 alone there are none: "no wrapping" beside it would be a hole. */
function sharedWrap({ keys, security }: GatewayConfig, problems: Problem[]): Wrapping['shared'] {
  const file = keys.tlsCrypt ?? keys.tlsAuth
  if (file === undefined)
    return keys.tlsCryptV2 === undefined ? { wrap: PLAIN_WRAP, key: undefined } : undefined
  const read = readTextFile(file)
  const parsed = read.ok ? parseStaticKey(read.value) : read
  if (!parsed.ok) {
    problems.push(problem(parsed.error, { file }))
    return undefined
  }
  const key = parsed.value
  const wrap =
    keys.tlsCrypt === undefined ? new AuthWrap(key, 0, security.auth) : new CryptWrap(key, 'server')
  return { wrap, key }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    // OpenSSL says by throwing that a text is none.
    return false
  }
}
