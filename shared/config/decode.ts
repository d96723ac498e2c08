// Decoders: small functions that turn parsed TOML into a typed configuration and name every problem at once.
//
//   const decoder = object({ listen: list(endpoint), workers: withDefault(integer, 2) })
//   decodeConfig(text, 'configs/dns.toml', decoder, ['workers=4'])
//
// Fields are camelCase in code and snake_case in the file: `limitPush` reads the key `limit_push`.
import { err, ok, type Result } from '../result/result.ts'
import { problem, type Problem } from '../result/problem.ts'
import { parseEndpoint, type Endpoint } from '../net/endpoint.ts'
import { parsePrefix, type Prefix } from '../net/prefix.ts'
import { formatKeyPath, Lines, nearest, type KeyPath } from './key-path.ts'
import { applyOverride, parseOverride } from './overrides.ts'
import { parseToml } from './toml.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

/** What a decoder returns after it has reported why. */
const REFUSED: unique symbol = Symbol('refused')

/** Where a decoder stands, and where it reports. */
export type Place = {
  readonly path: KeyPath
  report(message: string): void
  inside(step: string | number): Place
}

export type Decoder<T> = {
  /** What belongs here, as the middle of a sentence: `a string`, `"address:port"`. */
  readonly expected: string
  /** `value` is undefined when the key is not there. Reports before it returns `REFUSED`. */
  decode(value: unknown, at: Place): T | typeof REFUSED
}

/** A decoder whose key may be left out; `object` then leaves the field out. */
export type Optional<T> = Decoder<T | undefined> & { readonly mayBeAbsent: true }

export type Shape = { readonly [field: string]: Decoder<unknown> }

type AbsentFields<S extends Shape> = {
  [K in keyof S]: S[K] extends { readonly mayBeAbsent: true } ? K : never
}[keyof S]

export type ObjectOf<S extends Shape> = {
  readonly [K in Exclude<keyof S, AbsentFields<S>>]: S[K] extends Decoder<infer T> ? T : never
} & {
  readonly [K in AbsentFields<S>]?: S[K] extends Decoder<infer T> ? Exclude<T, undefined> : never
}

/** Every problem of the file and the overrides, each with its line and key. */
export function decodeConfig<T>(
  text: string,
  file: string,
  decoder: Decoder<T>,
  overrides: readonly string[] = [],
): Result<T, readonly Problem[]> {
  const parsed = parseToml(text)
  if (!parsed.ok) return err([problem(parsed.error.message, { file, line: parsed.error.line })])
  const { table, items } = parsed.value
  const lines = new Lines(items)
  const problems: Problem[] = []
  const overridden: KeyPath[] = []
  for (const override of overrides) {
    const read = parseOverride(override)
    const applied = read.ok ? applyOverride(table, read.value) : read
    if (!applied.ok) problems.push(problem(`--set ${override}: ${applied.error}`))
    else if (read.ok) overridden.push(read.value.path)
  }
  const place = (path: KeyPath): Partial<Problem> => {
    const key = path.length === 0 ? {} : { key: formatKeyPath(path) }
    // What came from the command line has no place in the file: the value itself, and a table made for it.
    const fromCommandLine = overridden.some((set) =>
      set.length <= path.length ? startsWith(path, set) : startsWith(set, path) && !lines.has(path),
    )
    if (path.length > 0 && fromCommandLine) return key
    const line = lines.of(path)
    return line === undefined ? { file, ...key } : { file, line, ...key }
  }
  const at = (path: KeyPath): Place => ({
    path,
    report: (message) => void problems.push(problem(message, place(path))),
    inside: (step) => at([...path, step]),
  })
  const value = decoder.decode(table, at([]))
  if (value !== REFUSED && problems.length === 0) return ok(value)
  // In the order of the file; what has no line (the command line) comes first.
  return err(problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
}

/** A table with exactly these fields; any other key is a problem that names the nearest known one. */
export function object<S extends Shape>(shape: S): Decoder<ObjectOf<S>> {
  const fields = Object.entries(shape).map(([field, decoder]) => ({
    field,
    key: snakeCase(field),
    decoder,
  }))
  const known = fields.map((f) => f.key)
  return {
    expected: 'a table',
    decode(value, at) {
      if (!isTable(value)) return refuse(this.expected, value, at)
      for (const key of Object.keys(value)) {
        if (!known.includes(key)) at.inside(key).report(unknownKey(key, known))
      }
      const result: { [field: string]: unknown } = {}
      let refused = false
      for (const { field, key, decoder } of fields) {
        const present = Object.hasOwn(value, key) ? value[key] : undefined
        const decoded = decoder.decode(present, at.inside(key))
        if (decoded === REFUSED) refused = true
        else if (decoded !== undefined) result[field] = decoded
      }
      return refused ? REFUSED : (result as ObjectOf<S>)
    },
  }
}

export const string: Decoder<string> = scalar('a string', (value) =>
  typeof value === 'string' && value !== '' ? value : undefined,
)

export const boolean: Decoder<boolean> = scalar('true or false', (value) =>
  typeof value === 'boolean' ? value : undefined,
)

export const integer: Decoder<number> = scalar('a whole number', wholeNumber)

export function integerBetween(lowest: number, highest: number): Decoder<number> {
  return scalar(`a whole number from ${lowest} to ${highest}`, (value) =>
    within(wholeNumber(value), lowest, highest),
  )
}

/** Milliseconds, written with a unit. */
export const duration: Decoder<number> = scalar('a duration such as "60s"', durationOf)

export function durationBetween(lowestMs: number, highestMs: number): Decoder<number> {
  const range = `from "${formatDuration(lowestMs)}" to "${formatDuration(highestMs)}"`
  return scalar(`a duration ${range}`, (value) => within(durationOf(value), lowestMs, highestMs))
}

/** Bytes, written with a unit. */
export const size: Decoder<number> = scalar('a size such as "64 MB"', sizeOf)

export function sizeBetween(lowestBytes: number, highestBytes: number): Decoder<number> {
  const range = `from "${formatSize(lowestBytes)}" to "${formatSize(highestBytes)}"`
  return scalar(`a size ${range}`, (value) => within(sizeOf(value), lowestBytes, highestBytes))
}

/** An IP address and a port to listen on or send to. */
export const endpoint: Decoder<Endpoint> = scalar('"address:port"', (value) =>
  typeof value === 'string' ? parseEndpoint(value) : undefined,
)

/** `10.0.0.0/8`, or one address. */
export const prefix: Decoder<Prefix> = scalar('an address or "address/bits"', (value) =>
  typeof value === 'string' ? parsePrefix(value) : undefined,
)

export const url: Decoder<URL> = scalar('a URL', (value) => urlOf(value))

/** A URL of one of these schemes, given without the colon. */
export function urlWith(...schemes: readonly string[]): Decoder<URL> {
  const expected = `a URL that begins with ${schemes.map((s) => `"${s}://"`).join(' or ')}`
  return scalar(expected, (value) => {
    const parsed = urlOf(value)
    return parsed !== undefined && schemes.includes(parsed.protocol.slice(0, -1))
      ? parsed
      : undefined
  })
}

/** A string for which `parse` gives a value; undefined refuses it. */
export function parsed<T>(expected: string, parse: (text: string) => T | undefined): Decoder<T> {
  return scalar(expected, (value) => (typeof value === 'string' ? parse(value) : undefined))
}

export function oneOf<const T extends string>(...words: readonly T[]): Decoder<T> {
  const expected = words.map((w) => `"${w}"`).join(words.length > 2 ? ', ' : ' or ')
  return scalar(words.length > 2 ? `one of ${expected}` : expected, (value) =>
    words.find((word) => word === value),
  )
}

export function list<T>(element: Decoder<T>): Decoder<readonly T[]> {
  return {
    expected: `a list, each entry ${element.expected}`,
    decode(value, at) {
      if (!Array.isArray(value)) return refuse(this.expected, value, at)
      const decoded = value.map((entry: unknown, i) => element.decode(entry, at.inside(i)))
      return decoded.includes(REFUSED) ? REFUSED : (decoded as T[])
    },
  }
}

/** A table with keys of the person's choice. The result has no prototype: any name is safe to look up. */
export function record<T>(element: Decoder<T>): Decoder<{ readonly [key: string]: T }> {
  return {
    expected: `a table, each value ${element.expected}`,
    decode(value, at) {
      if (!isTable(value)) return refuse(this.expected, value, at)
      const result: { [key: string]: T } = Object.create(null) as { [key: string]: T }
      let refused = false
      for (const [key, entry] of Object.entries(value)) {
        const decoded = element.decode(entry, at.inside(key))
        if (decoded === REFUSED) refused = true
        else result[key] = decoded
      }
      return refused ? REFUSED : result
    },
  }
}

export function optional<T>(decoder: Decoder<T>): Optional<T> {
  return {
    expected: decoder.expected,
    mayBeAbsent: true,
    decode: (value, at) => (value === undefined ? undefined : decoder.decode(value, at)),
  }
}

export function withDefault<T>(decoder: Decoder<T>, value: T): Decoder<T> {
  return {
    expected: decoder.expected,
    decode: (given, at) => (given === undefined ? value : decoder.decode(given, at)),
  }
}

/** A table that may be left out because every field in it may. */
export function section<T>(table: Decoder<T>): Decoder<T> {
  return {
    expected: table.expected,
    decode: (value, at) => table.decode(value === undefined ? {} : value, at),
  }
}

/** Looks at a decoded value as a whole; each thing it reports refuses the configuration. */
export function checked<T>(decoder: Decoder<T>, check: (value: T, at: Place) => void): Decoder<T> {
  return {
    expected: decoder.expected,
    decode(value, at) {
      const decoded = decoder.decode(value, at)
      if (decoded !== REFUSED) check(decoded, at)
      return decoded
    },
  }
}

/** `refuse` with the value left out of the message, for what must not reach a terminal or log. */
export function secret<T>(decoder: Decoder<T>): Decoder<T> {
  return {
    expected: decoder.expected,
    decode(value, at) {
      const hidden: Place = { ...at, report: () => at.report(`Expected ${decoder.expected}`) }
      return decoder.decode(value, hidden)
    },
  }
}

function scalar<T>(expected: string, read: (value: unknown) => T | undefined): Decoder<T> {
  return {
    expected,
    decode: (value, at) => {
      const decoded = value === undefined ? undefined : read(value)
      return decoded === undefined ? refuse(expected, value, at) : decoded
    },
  }
}

function refuse(expected: string, value: unknown, at: Place): typeof REFUSED {
  at.report(
    value === undefined
      ? `Missing; expected ${expected}`
      : `Expected ${expected}, found ${describe(value)}`,
  )
  return REFUSED
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  return near === undefined
    ? `Unknown key; the keys here are ${known.join(', ')}`
    : `Unknown key; the nearest known key is "${near}"`
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return 'a date'
  if (typeof value === 'string') {
    return JSON.stringify(value.length > SHOWN_LIMIT ? `${value.slice(0, SHOWN_LIMIT)}…` : value)
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a table'
}

function isTable(value: unknown): value is { readonly [key: string]: unknown } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  )
}

function startsWith(path: KeyPath, prefix: KeyPath): boolean {
  return prefix.every((step, i) => path[i] === step)
}

function wholeNumber(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

function within(value: number | undefined, lowest: number, highest: number): number | undefined {
  return value !== undefined && value >= lowest && value <= highest ? value : undefined
}

function durationOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}

function sizeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseSize(value) : undefined
}

function urlOf(value: unknown): URL | undefined {
  return typeof value === 'string' ? (URL.parse(value) ?? undefined) : undefined
}

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

const SHOWN_LIMIT = 60
