// `users.toml`: who may come in with a password, beside a certificate, and whose authenticator is asked for a code too.
import { parsePasswordHash, type PasswordHash } from '../../../../shared/auth/password-hash.ts'
import { parseToml } from '../../../../shared/config/toml.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { isSealedSecret } from '../access/sealed-secret.ts'

export type User = {
  readonly password: PasswordHash
  /** As `cairn-vpn totp` printed it. */
  readonly totp: string | undefined
}

export type Users = ReadonlyMap<string, User>

export function readUsers(
  text: string,
  file: string,
): { readonly users: Users; readonly problems: readonly Problem[] } {
  const users = new Map<string, User>()
  const parsed = parseToml(text)
  if (!parsed.ok) {
    const { line, message } = parsed.error
    return { users, problems: [problem(message, { file, line })] }
  }
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(parsed.value.table)) {
    const user = userOf(value)
    if (typeof user !== 'string') users.set(name, user)
    else {
      const line = text.split('\n').findIndex((each) => each.trim().startsWith(name)) + 1
      problems.push(problem(`${name}: ${user}`, { file, line: Math.max(1, line) }))
    }
  }
  return { users, problems }
}

/** Or what is wrong. */
function userOf(value: unknown): User | string {
  const { password, totp, ...rest } =
    typeof value === 'string' ? { password: value } : ((value ?? {}) as { [key: string]: unknown })
  const hash = typeof password === 'string' ? parsePasswordHash(password) : undefined
  if (hash === undefined) return 'expected what "cairn-vpn hash-password" prints: "scrypt:..."'
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return `"${unknown}" is not known; there are password and totp`
  if (totp === undefined) return { password: hash, totp: undefined }
  return typeof totp === 'string' && isSealedSecret(totp)
    ? { password: hash, totp }
    : 'expected for totp what "cairn-vpn totp" prints: "sealed:..."'
}
