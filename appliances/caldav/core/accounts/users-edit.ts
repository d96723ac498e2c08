// Changes of users.toml that leave the rest of it as people wrote it.
import { parseToml } from '../../../../shared/config/toml.ts'
import type { TomlItem } from '../../../../shared/config/toml-outline.ts'
import { tomlKey, tomlString } from '../library/settings-edit.ts'

export type NewUser = {
  readonly name: string
  readonly displayName?: string
  readonly emails: readonly string[]
  /** Without one the user cannot sign in yet. */
  readonly password?: string
}

export function addUser(text: string, user: NewUser): string {
  const lines = [
    `[users.${tomlKey(user.name)}]`,
    ...(user.displayName === undefined ? [] : [`name = ${tomlString(user.displayName)}`]),
    ...(user.emails.length === 0 ? [] : [`email = [${user.emails.map(tomlString).join(', ')}]`]),
    ...(user.password === undefined ? [] : [`password = ${tomlString(user.password)}`]),
  ]
  return appended(text, lines)
}

export function addGroup(text: string, name: string, members: readonly string[]): string {
  return appended(text, [
    `[groups.${tomlKey(name)}]`,
    `members = [${members.map(tomlString).join(', ')}]`,
  ])
}

/**
 * A value of a user, in its line when it is there, else below the user's header: `path` is `['password']` or
 * `['devices', 'phone']`. Undefined when the text does not give the user a table of its own.
 */
export function setUserValue(
  text: string,
  user: string,
  path: readonly string[],
  value: string,
): string | undefined {
  const parsed = parseToml(text)
  if (!parsed.ok) return undefined
  const { items } = parsed.value
  const full = ['users', user, ...path]
  const pair = items.find((item) => item.kind === 'pair' && isAt(item.path, full))
  if (pair !== undefined)
    return text.slice(0, pair.valueStart) + tomlString(value) + text.slice(pair.valueEnd)
  const inline = items.find((item) => item.kind === 'pair' && isAt(item.path, full.slice(0, -1)))
  const part = inline?.parts.find(({ path: inside }) => isAt(inside, path.slice(-1)))
  if (part !== undefined)
    return text.slice(0, part.start) + tomlString(value) + text.slice(part.end)
  if (inline !== undefined) {
    const inner = text.slice(inline.valueStart + 1, inline.valueEnd - 1).trim()
    const entry = `${tomlKey(path.at(-1)!)} = ${tomlString(value)}`
    const table = `{ ${inner === '' ? entry : `${inner}, ${entry}`} }`
    return text.slice(0, inline.valueStart) + table + text.slice(inline.valueEnd)
  }
  const headerOf = (at: readonly string[]): TomlItem | undefined =>
    items.find((item) => item.kind === 'table' && isAt(item.path, at))
  const own = headerOf(full.slice(0, -1))
  const header = own ?? headerOf(['users', user])
  if (header === undefined) return undefined
  const below = own === undefined ? path : path.slice(-1)
  const line = `${below.map(tomlKey).join('.')} = ${tomlString(value)}\n`
  const separator = text[header.end - 1] === '\n' ? '' : '\n'
  return text.slice(0, header.end) + separator + line + text.slice(header.end)
}

/** Undefined when it is not there. */
export function removeUserValue(
  text: string,
  user: string,
  path: readonly string[],
): string | undefined {
  const parsed = parseToml(text)
  if (!parsed.ok) return undefined
  const { items } = parsed.value
  const full = ['users', user, ...path]
  const pair = items.find((item) => item.kind === 'pair' && isAt(item.path, full))
  if (pair !== undefined) return text.slice(0, pair.start) + text.slice(pair.end)
  const inline = items.find((item) => item.kind === 'pair' && isAt(item.path, full.slice(0, -1)))
  const gone = path.slice(-1)
  if (inline?.parts.some((part) => isAt(part.path, gone)) !== true) return undefined
  const kept = inline.parts
    .filter((part) => part.path.length === 1 && !isAt(part.path, gone))
    .map(({ path: [name], start, end }) => `${tomlKey(name!)} = ${text.slice(start, end)}`)
  const table = kept.length === 0 ? '{}' : `{ ${kept.join(', ')} }`
  return text.slice(0, inline.valueStart) + table + text.slice(inline.valueEnd)
}

function isAt(at: readonly string[], wanted: readonly string[]): boolean {
  return at.length === wanted.length && wanted.every((step, i) => at[i] === step)
}

function appended(text: string, lines: readonly string[]): string {
  const before = text.trimEnd()
  return `${before === '' ? '' : `${before}\n\n`}${lines.join('\n')}\n`
}
