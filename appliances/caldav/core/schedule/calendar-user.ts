// Calendar user addresses (RFC 6638 §2.4.1): a user of this server by mail address or by the URL of its principal.
import type { User } from '../accounts/directory.ts'
import type { View } from '../view.ts'
import { parsePath } from '../xml/path.ts'

/** Undefined for everybody else. */
export function calendarUser(
  address: string,
  { library, base }: Pick<View, 'library' | 'base'>,
): User | undefined {
  const text = address.trim()
  const [, mail] = /^mailto:([^?]*)/i.exec(text) ?? []
  if (mail !== undefined) return library.directory.userAt(mail.toLowerCase())
  const parsed = parsePath(text, base)
  if (!parsed.ok) return undefined
  const [area, name, ...deeper] = parsed.value.path
  const isPrincipal = area === 'principals' && name !== undefined && deeper.length === 0
  return isPrincipal ? library.directory.user(name) : undefined
}
