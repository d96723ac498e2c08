// `users.toml`: who may come in with a password, beside a certificate.
import { parsePasswordHash, type PasswordHash } from '../../../../shared/auth/password-hash.ts'
import { parseToml } from '../../../../shared/config/toml.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'

export type Users = ReadonlyMap<string, PasswordHash>

export function readUsers(
  text: string,
  file: string,
): { readonly users: Users; readonly problems: readonly Problem[] } {
  const users = new Map<string, PasswordHash>()
  const parsed = parseToml(text)
  if (!parsed.ok) {
    const { line, message } = parsed.error
    return { users, problems: [problem(message, { file, line })] }
  }
  const problems: Problem[] = []
  for (const [name, value] of Object.entries(parsed.value.table)) {
    const hash = typeof value === 'string' ? parsePasswordHash(value) : undefined
    if (hash !== undefined) users.set(name, hash)
    else {
      const line = text.split('\n').findIndex((each) => each.trim().startsWith(name)) + 1
      const message = `${name}: expected what "cairn-vpn hash-password" prints: "scrypt:..."`
      problems.push(problem(message, { file, line: Math.max(1, line) }))
    }
  }
  return { users, problems }
}
