// The keys a gateway is configured with: what TLS needs, and what wraps the control channel.
import { readTextFile } from '../../shared/files/text-file.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { GatewayConfig } from './config.ts'
import type { Wrapping } from './core/gateway/opening.ts'
import { AuthWrap, CryptWrap, PLAIN_WRAP } from './core/wrap/control-wrap.ts'
import { parseStaticKey } from './core/wrap/static-key.ts'
import { parseServerKey, type ServerKey } from './core/wrap/wrapped-key.ts'
import { readLoginKeys } from './login-keys.ts'
import type { LoginKeys } from './logins.ts'
import { TlsFiles } from './tls-files.ts'

export type GatewayKeys = {
  readonly tls: TlsFiles
  /** Read once: clients have its other half. */
  readonly wrapping: Wrapping
  readonly logins: LoginKeys
}

export function readGatewayKeys(config: GatewayConfig): Result<GatewayKeys, readonly Problem[]> {
  const { keys, security } = config
  const problems: Problem[] = []
  const tls = TlsFiles.open(keys)
  if (!tls.ok) problems.push(...tls.error)
  const shared = sharedWrap(config, problems)
  let serverKey: ServerKey | undefined
  if (keys.tlsCryptV2 !== undefined) {
    const read = readTextFile(keys.tlsCryptV2)
    const parsed = read.ok ? parseServerKey(read.value) : read
    if (parsed.ok) serverKey = parsed.value
    else problems.push(problem(parsed.error, { file: keys.tlsCryptV2 }))
  }
  const logins = readLoginKeys(config.logins ?? {}, problems)
  if (problems.length > 0 || !tls.ok) return err(problems)
  const wrapping = { shared, serverKey, allowsNoCookie: !security.forceCookie }
  return ok({ tls: tls.value, wrapping, logins })
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
