// Words of a zone file (RFC 1035 §5.1): an entry ends with its line, or with the line on which its parentheses close.

/** Whether a quote behind `=` belongs to the word it stands in, as in SVCB's `alpn="h2,h3"` (RFC 9460 §2.1). */
export type WordForm = 'plain' | 'key=value'

export class ZoneLexer {
  /** The text's octets. */
  readonly text: Buffer
  /** Offset of the next one. */
  at: number
  /** Line ends passed, on top of what the lexer was started with. */
  line: number
  /** The first fault of the entry and its line. */
  fault: { readonly message: string; readonly line: number } | undefined
  #hasEnded = false
  #depth = 0
  #openLine = 0

  constructor(text: Buffer, at: number, line: number) {
    this.text = text
    this.at = at
    this.line = line
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  /** Whether the entry that begins here leaves its owner out. */
  get isIndented(): boolean {
    return KINDS[this.text[this.at]!] === SPACE
  }

  beginEntry(): void {
    this.fault = undefined
    this.#hasEnded = false
    this.#depth = 0
  }

  /**
   * The next word of the entry as it stands there, quotes and escapes included; undefined at its end, which is then
   * behind us, and from there on until `beginEntry`.
   */
  next(form: WordForm): string | undefined {
    const { text } = this
    const end = text.length
    let at = this.at
    while (!this.#hasEnded) {
      if (at >= end) return this.#endOfText(at)
      const kind = KINDS[text[at]!]
      if (kind === WORD || kind === BACKSLASH) return this.#word(at, form)
      if (kind === QUOTE) return this.#quoted(at)
      if (kind === COMMENT) {
        at = text.indexOf(NEWLINE, at)
        if (at < 0) at = end
        continue
      }
      at++
      if (kind === LINE_END) {
        this.line++
        if (this.#depth > 0) continue
        this.at = at
        this.#hasEnded = true
        return undefined
      }
      if (kind === OPEN) {
        if (this.#depth++ === 0) this.#openLine = this.line
      } else if (kind === CLOSE) {
        if (this.#depth === 0) this.#fail('Closing parenthesis without an opening one', this.line)
        else this.#depth--
      }
    }
    return undefined
  }

  /** Goes behind the end of the entry. */
  skipEntry(): void {
    while (this.next('plain') !== undefined);
  }

  #word(start: number, form: WordForm): string {
    const { text } = this
    let at = start
    while (at < text.length) {
      const kind = KINDS[text[at]!]
      if (kind === WORD) at++
      else if (kind === BACKSLASH) at = this.#escaped(at)
      else if (kind === QUOTE && form === 'key=value' && text[at - 1] === EQUALS)
        at = this.#closingQuote(at)
      else break
    }
    this.at = at
    return text.toString('latin1', start, at)
  }

  #quoted(start: number): string {
    this.at = this.#closingQuote(start)
    return this.text.toString('latin1', start, this.at)
  }

  /** The offset behind the quote that closes the one at `start`, or of the line's end when none does. */
  #closingQuote(start: number): number {
    const { text } = this
    let at = start + 1
    while (at < text.length) {
      const kind = KINDS[text[at]!]
      if (kind === QUOTE) return at + 1
      if (kind === LINE_END) break
      at = kind === BACKSLASH ? this.#escaped(at) : at + 1
    }
    this.#fail('Quote without its end on the line', this.line)
    return at
  }

  /** Behind a backslash and what it takes along, which is never a line's end. */
  #escaped(at: number): number {
    if (at + 1 < this.text.length && KINDS[this.text[at + 1]!] !== LINE_END) return at + 2
    this.#fail('Backslash at the end of the line', this.line)
    return at + 1
  }

  #endOfText(at: number): undefined {
    this.at = at
    if (this.#depth > 0) this.#fail('Parenthesis that is never closed', this.#openLine)
    this.#hasEnded = true
    return undefined
  }

  #fail(message: string, line: number): void {
    this.fault ??= { message, line }
  }
}

export const WORD = 0
export const SPACE = 1
export const LINE_END = 2
export const COMMENT = 3
export const OPEN = 4
export const CLOSE = 5
export const QUOTE = 6
const BACKSLASH = 7

const NEWLINE = 0x0a
const EQUALS = 0x3d

/** What each octet is to a zone file. */
export const KINDS: Uint8Array = new Uint8Array(256)
for (const [characters, kind] of [
  [' \t\r', SPACE],
  ['\n', LINE_END],
  [';', COMMENT],
  ['(', OPEN],
  [')', CLOSE],
  ['"', QUOTE],
  ['\\', BACKSLASH],
] as const)
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind
