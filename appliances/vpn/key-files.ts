// The keys a gateway is configured with, read once at start: its certificate, and what wraps the control channel.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { GatewayConfig } from './config.ts'
import type { Wrapping } from './core/gateway/opening.ts'
import { AuthWrap, CryptWrap, PLAIN_WRAP } from './core/wrap/control-wrap.ts'
import { parseStaticKey } from './core/wrap/static-key.ts'
import { parseServerKey, type ServerKey } from './core/wrap/wrapped-key.ts'

export type GatewayKeys = {
  /** PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly wrapping: Wrapping
}

const FILE_LIMIT_BYTES = 1_048_576

export function readGatewayKeys(config: GatewayConfig): Result<GatewayKeys, readonly Problem[]> {
  const { keys, security } = config
  const problems: Problem[] = []
  const text = (file: string): string => {
    const read = readText(file)
    if (read.ok) return read.value
    problems.push(problem(read.error, { file }))
    return ''
  }
  const ca = text(keys.ca)
  const cert = text(keys.cert)
  const key = text(keys.key)
  if (problems.length === 0) problems.push(...certificateProblems(keys, { ca, cert, key }))
  const shared = sharedWrap(config, problems)
  let serverKey: ServerKey | undefined
  if (keys.tlsCryptV2 !== undefined) {
    const parsed = parseServerKey(text(keys.tlsCryptV2))
    if (parsed.ok) serverKey = parsed.value
    else problems.push(problem(parsed.error, { file: keys.tlsCryptV2 }))
  }
  if (problems.length > 0) return err(problems)
  const wrapping = { shared, serverKey, allowsNoCookie: !security.forceCookie }
  return ok({ ca, cert, key, wrapping })
}

/** For clients without a key of their own. With tls-crypt-v2 alone there are none: "no wrapping" beside it would be a hole. */
function sharedWrap({ keys, security }: GatewayConfig, problems: Problem[]): Wrapping['shared'] {
  const file = keys.tlsCrypt ?? keys.tlsAuth
  if (file === undefined)
    return keys.tlsCryptV2 === undefined ? { wrap: PLAIN_WRAP, key: undefined } : undefined
  const read = readText(file)
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

function certificateProblems(
  files: { readonly ca: string; readonly cert: string; readonly key: string },
  pem: { readonly ca: string; readonly cert: string; readonly key: string },
): readonly Problem[] {
  const ca = attempt(() => new X509Certificate(pem.ca))
  const leaf = attempt(() => new X509Certificate(pem.cert))
  const key = attempt(() => createPrivateKey(pem.key))
  if (ca === undefined) return [problem('Expected a certificate in PEM form', { file: files.ca })]
  if (leaf === undefined)
    return [problem('Expected a certificate in PEM form', { file: files.cert })]
  if (key === undefined)
    return [problem('Expected a private key in PEM form without passphrase', { file: files.key })]
  if (!leaf.checkPrivateKey(key))
    return [problem(`Does not belong to the certificate in ${files.cert}`, { file: files.key })]
  return []
}

function readText(file: string): Result<string, string> {
  try {
    if (statSync(file).size > FILE_LIMIT_BYTES)
      return err(`Is larger than ${FILE_LIMIT_BYTES} bytes`)
    return ok(readFileSync(file, 'utf8'))
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    return err(`Cannot be read (${code})`)
  }
}

/** OpenSSL says by throwing that a text is not what it should be. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined // The caller names the file and what was expected.
  }
}
