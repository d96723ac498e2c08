// The keys of [logins], read once at start: of tokens, and of sealed secrets.
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { readTextFile } from '../../shared/files/text-file.ts'
import { parseTokenKey } from './core/access/auth-token.ts'
import { SEALING_KEY_OCTETS } from './core/access/sealed-secret.ts'
import type { LoginKeys } from './logins.ts'

/** Problems go to `problems`. */
export function readLoginKeys(
  files: { readonly tokenKey?: string; readonly totpKey?: string },
  problems: Problem[],
): LoginKeys {
  const read = (
    file: string | undefined,
    parse: (text: string) => Result<Uint8Array, string>,
  ): Uint8Array | undefined => {
    if (file === undefined) return undefined
    const text = readTextFile(file)
    const key = text.ok ? parse(text.value) : text
    if (key.ok) return key.value
    problems.push(problem(key.error, { file }))
    return undefined
  }
  return { token: read(files.tokenKey, parseTokenKey), totp: read(files.totpKey, parseSealingKey) }
}

/** 32 octets in base64, as `cairn-vpn totp` makes them. */
export function parseSealingKey(text: string): Result<Uint8Array, string> {
  const octets = Buffer.from(text.trim(), 'base64')
  return octets.length === SEALING_KEY_OCTETS
    ? ok(octets)
    : err('expected a key as "cairn-vpn totp" makes it')
}
