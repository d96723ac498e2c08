// `key.path=value` from the command line, laid over the values of the file.
import { err, ok, type Result } from '../result/result.ts'
import { formatKeyPath, type KeyPath } from './key-path.ts'
import { parseToml, type TomlTable } from './toml.ts'

export type Override = { readonly path: KeyPath; readonly value: unknown }

/**
 * Splits at the first `=` after the key. The value is TOML (`true`, `53`, `["127.0.0.1:53"]`, `"text"`); what is not
 * TOML is taken as a string, so that `store.path=var/zones.git` needs no quotes in a shell.
 */
export function parseOverride(text: string): Result<Override, string> {
  if (text.length > OVERRIDE_LIMIT) return err(`Is longer than ${OVERRIDE_LIMIT} characters`)
  // One way only to match any text: no piece of a key can be cut differently.
  const match = /^((?:[A-Za-z0-9_-]|"(?:[^"\\]|\\.)*"|\[\d{1,4}\]|\.)+)=(.*)$/s.exec(text)
  const [, key, written] = match ?? []
  if (key === undefined || written === undefined) {
    return err(`Expected "key.path=value", found ${JSON.stringify(text)}`)
  }
  const path: (string | number)[] = []
  for (const [step, index] of key.matchAll(STEP)) {
    path.push(index === undefined ? unquote(step.replace(/^\./, '')) : Number(index))
  }
  if (formatKeyPath(path) !== key) {
    return err(`Expected "key.path=value", found ${JSON.stringify(text)}`)
  }
  return ok({ path, value: parseValue(written) })
}

/** Sets the value in `table`, making tables and one more array element where needed. */
export function applyOverride(table: TomlTable, override: Override): Result<void, string> {
  let here: unknown = table
  for (const [i, step] of override.path.entries()) {
    const isLast = i === override.path.length - 1
    const next = isLast ? override.value : empty(override.path[i + 1])
    if (typeof step === 'number') {
      if (!Array.isArray(here)) return err(`${place(override.path, i)} is not a list`)
      if (step > here.length)
        return err(`${place(override.path, i)} has only ${here.length} entries`)
      if (isLast || here[step] === undefined) here[step] = next
      here = here[step]
    } else {
      if (!isTable(here)) return err(`${place(override.path, i)} is not a table`)
      if (isLast || !Object.hasOwn(here, step)) define(here, step, next)
      here = here[step]
    }
  }
  return ok(undefined)
}

function parseValue(written: string): unknown {
  const parsed = parseToml(`value = ${written}`)
  // More keys than ours: the text held a newline and was not one value.
  if (!parsed.ok || parsed.value.items.length !== 1) return written
  return parsed.value.table['value']
}

function empty(next: string | number | undefined): unknown {
  return typeof next === 'number' ? [] : {}
}

function place(path: KeyPath, length: number): string {
  return length === 0 ? 'The configuration' : formatKeyPath(path.slice(0, length))
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `__proto__` becomes an ordinary key, which the decoder then refuses as unknown. */
function define(table: TomlTable, key: string, value: unknown): void {
  Object.defineProperty(table, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

function unquote(step: string): string {
  return step.startsWith('"') ? String(parseValue(step)) : step
}

/** More does not fit one argument of a command line anyway. */
const OVERRIDE_LIMIT = 100_000

const STEP = /\[(\d+)\]|\.?(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*")/g
