// Where things stand in a TOML 1.0 text: every statement and every value inside it with its line and offsets.
// It knows structure, not meaning: whether a date is a date or a key is repeated is the parser's to say (toml.ts).
import { err, ok, type Result } from '../result/result.ts'

/** A value inside an array or an inline table, by its path from the statement's own key. */
type TomlPart = {
  /** `['1']` for the second element, `['cert', 'file']` for a dotted key of an inline table. */
  readonly path: readonly string[]
  /** 1-based. */
  readonly line: number
  readonly start: number
  readonly end: number
}

export type TomlItem = {
  readonly kind: 'pair' | 'table' | 'array-table'
  /** Full path from the root; an element of an array of tables counts as its index: `['zone', '0', 'name']`. */
  readonly path: readonly string[]
  /** 1-based line of the key or header. */
  readonly line: number
  /** The whole statement: from the start of its first line up to and including its newline. */
  readonly start: number
  readonly end: number
  /** The value as written, without surrounding space or comment; for a header the text with its brackets. */
  readonly valueStart: number
  readonly valueEnd: number
  /** What is inside an array or inline table, in order, at any depth; empty for every other value. */
  readonly parts: readonly TomlPart[]
}

export type TomlOutlineError = { readonly line: number; readonly message: string }

/** Arrays and inline tables may nest this deep; configuration and hand-written data stay far below. */
export const TOML_NESTING_LIMIT = 64

/** Statements in the order they are written. Offsets are UTF-16 offsets into `text`. Linear in its length. */
export function outlineToml(text: string): Result<readonly TomlItem[], TomlOutlineError> {
  const scanner = new Scanner(text)
  try {
    return ok(scanner.document())
  } catch (stop) {
    if (stop instanceof Stop) return err({ line: scanner.lineAt(stop.at), message: stop.message })
    throw stop
  }
}

/** Leaves the recursive descent; never leaves this file. */
class Stop extends Error {
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

class Scanner {
  readonly #text: string
  #at = 0
  // Lines are counted forward from the last place asked for, so that the whole scan stays linear.
  #countedAt = 0
  #countedLine = 1
  /** Number of elements so far of each array of tables, by its path. */
  readonly #elements = new Map<string, number>()

  constructor(text: string) {
    this.#text = text
  }

  lineAt(offset: number): number {
    if (offset < this.#countedAt) {
      this.#countedAt = 0
      this.#countedLine = 1
    }
    for (;;) {
      const newline = this.#text.indexOf('\n', this.#countedAt)
      if (newline === -1 || newline >= offset) return this.#countedLine
      this.#countedAt = newline + 1
      this.#countedLine++
    }
  }

  document(): TomlItem[] {
    const items: TomlItem[] = []
    let table: readonly string[] = []
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1
    for (;;) {
      const start = this.#at
      this.#skipBlanks()
      const c = this.#text[this.#at]
      if (c === undefined) return items
      if (c === '\n' || c === '\r' || c === '#') {
        this.#endOfLine()
        continue
      }
      const item = c === '[' ? this.#header(start) : this.#pair(start, table)
      if (item.kind !== 'pair') table = item.path
      items.push(item)
    }
  }

  #header(start: number): TomlItem {
    const valueStart = this.#at
    const line = this.lineAt(valueStart)
    const isArray = this.#text.startsWith('[[', valueStart)
    this.#at += isArray ? 2 : 1
    const keys = this.#dottedKey()
    const close = isArray ? ']]' : ']'
    if (!this.#text.startsWith(close, this.#at)) {
      throw new Stop(this.#at, `Expected "${close}" after the table name`)
    }
    this.#at += close.length
    const valueEnd = this.#at
    this.#endOfLine()
    const path = this.#resolve(keys, isArray)
    const kind = isArray ? 'array-table' : 'table'
    return { kind, path, line, start, end: this.#at, valueStart, valueEnd, parts: [] }
  }

  /** A header's keys as a full path: the newest element stands for the array of tables it is in. */
  #resolve(keys: readonly string[], isArray: boolean): string[] {
    const path: string[] = []
    keys.forEach((key, i) => {
      path.push(key)
      const name = JSON.stringify(path)
      const count = this.#elements.get(name) ?? 0
      if (isArray && i === keys.length - 1) {
        this.#elements.set(name, count + 1)
        path.push(String(count))
      } else if (count > 0) path.push(String(count - 1))
    })
    return path
  }

  #pair(start: number, table: readonly string[]): TomlItem {
    const line = this.lineAt(this.#at)
    const keys = this.#dottedKey()
    this.#equals()
    const valueStart = this.#at
    const parts: TomlPart[] = []
    this.#value([], parts, 0)
    const valueEnd = this.#at
    this.#endOfLine()
    const path = [...table, ...keys]
    return { kind: 'pair', path, line, start, end: this.#at, valueStart, valueEnd, parts }
  }

  #equals(): void {
    if (this.#text[this.#at] !== '=') throw new Stop(this.#at, 'Expected "=" after the key')
    this.#at++
    this.#skipBlanks()
  }

  #dottedKey(): string[] {
    const keys: string[] = []
    for (;;) {
      this.#skipBlanks()
      keys.push(this.#key())
      this.#skipBlanks()
      if (this.#text[this.#at] !== '.') return keys
      this.#at++
    }
  }

  #key(): string {
    const start = this.#at
    const c = this.#text[start]
    if (c === '"' || c === "'") {
      this.#string(c)
      const inner = this.#text.slice(start + 1, this.#at - 1)
      return c === '"' ? unescapeKey(inner, start) : inner
    }
    BARE_KEY.lastIndex = start
    const bare = BARE_KEY.exec(this.#text)
    if (bare === null) throw new Stop(start, 'Expected a key')
    this.#at = BARE_KEY.lastIndex
    return bare[0]
  }

  #value(path: readonly string[], parts: TomlPart[], depth: number): void {
    const c = this.#text[this.#at]
    if (c === '"' || c === "'") {
      if (this.#text.startsWith(c.repeat(3), this.#at)) this.#multilineString(c)
      else this.#string(c)
    } else if (c === '[' || c === '{') {
      if (depth >= TOML_NESTING_LIMIT) throw new Stop(this.#at, 'Values are nested too deeply')
      if (c === '[') this.#array(path, parts, depth + 1)
      else this.#inlineTable(path, parts, depth + 1)
    } else {
      PLAIN_VALUE.lastIndex = this.#at
      const plain = PLAIN_VALUE.exec(this.#text)
      if (plain === null) throw new Stop(this.#at, 'Expected a value')
      this.#at += plain[0].trimEnd().length
    }
  }

  #part(path: readonly string[], parts: TomlPart[], depth: number): void {
    const start = this.#at
    const line = this.lineAt(start)
    // Kept in reading order: the value itself before what it holds.
    const index = parts.push({ path, line, start, end: start }) - 1
    this.#value(path, parts, depth)
    parts[index] = { path, line, start, end: this.#at }
  }

  #array(path: readonly string[], parts: TomlPart[], depth: number): void {
    const open = this.#at++
    for (let index = 0; ; index++) {
      this.#skipSpace()
      if (this.#take(']')) return
      this.#part([...path, String(index)], parts, depth)
      this.#skipSpace()
      if (this.#take(']')) return
      if (!this.#take(',')) throw this.#unclosed(open, 'array', ']')
    }
  }

  #inlineTable(path: readonly string[], parts: TomlPart[], depth: number): void {
    const open = this.#at++
    for (;;) {
      this.#skipSpace()
      if (this.#take('}')) return
      const keys = this.#dottedKey()
      this.#equals()
      this.#part([...path, ...keys], parts, depth)
      this.#skipSpace()
      if (this.#take('}')) return
      if (!this.#take(',')) throw this.#unclosed(open, 'inline table', '}')
    }
  }

  #unclosed(open: number, what: string, close: string): Stop {
    return this.#at >= this.#text.length
      ? new Stop(open, `The ${what} that starts here is never closed`)
      : new Stop(this.#at, `Expected "," or "${close}" in the ${what}`)
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false
    this.#at++
    return true
  }

  /** Moves over a one-line string with its quotes. */
  #string(quote: string): void {
    const start = this.#at
    let at = start + 1
    for (;;) {
      const c = this.#text[at]
      if (c === undefined || c === '\n') throw new Stop(start, 'The string is not closed')
      at += c === '\\' && quote === '"' ? 2 : 1
      if (c === quote) break
    }
    this.#at = at
  }

  #multilineString(quote: string): void {
    const start = this.#at
    const close = quote.repeat(3)
    let at = start + 3
    for (;;) {
      if (at >= this.#text.length) throw new Stop(start, 'The string is not closed')
      if (quote === '"' && this.#text[at] === '\\') at += 2
      else if (this.#text.startsWith(close, at)) break
      else at++
    }
    at += 3
    // Up to two quotes may stand directly before the closing three.
    for (let more = 0; more < 2 && this.#text[at] === quote; more++) at++
    this.#at = at
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++
  }

  /** Blanks, newlines and comments, as allowed between the elements of an array. */
  #skipSpace(): void {
    for (;;) {
      const c = this.#text[this.#at]
      if (c === '#') {
        const newline = this.#text.indexOf('\n', this.#at)
        this.#at = newline === -1 ? this.#text.length : newline + 1
      } else if (c === ' ' || c === '\t' || c === '\n' || c === '\r') this.#at++
      else return
    }
  }

  /** Moves over blanks, a comment and the newline; nothing else may stand there. */
  #endOfLine(): void {
    this.#skipBlanks()
    if (this.#text[this.#at] === '#') {
      const newline = this.#text.indexOf('\n', this.#at)
      this.#at = newline === -1 ? this.#text.length : newline + 1
      return
    }
    if (this.#text.startsWith('\r\n', this.#at)) this.#at += 2
    else if (this.#text[this.#at] === '\n') this.#at++
    else if (this.#at < this.#text.length) throw new Stop(this.#at, 'Expected the end of the line')
  }
}

function unescapeKey(inner: string, at: number): string {
  return inner.replace(ESCAPE, (whole, hex: string | undefined, simple: string | undefined) => {
    if (hex !== undefined) {
      const code = Number.parseInt(hex.slice(1), 16)
      if (code <= 0x10ffff) return String.fromCodePoint(code)
    } else if (simple !== undefined) {
      const character = SIMPLE_ESCAPES[simple]
      if (character !== undefined) return character
    }
    throw new Stop(at, `Unknown escape ${whole} in the key`)
  })
}

const BARE_KEY = /[A-Za-z0-9_-]+/y
// Numbers, booleans and dates: a date may hold one blank, so the end is trimmed afterwards.
const PLAIN_VALUE = /[A-Za-z0-9+\-_.:][A-Za-z0-9+\-_.: \t]*/y
const ESCAPE = /\\(?:(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.?))/gs
const SIMPLE_ESCAPES: { readonly [letter: string]: string } = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\u001b',
  '"': '"',
  '\\': '\\',
}
