// S-expressions as OCaml's sexplib writes them: atoms, quoted strings with escapes, lists and comments. Pure.
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export type Expression = string | readonly Expression[]

/** Lists within lists. */
export const EXPRESSION_DEPTH_LIMIT = 64

/** The one expression of a file. The error is a sentence, with the byte where it happened. */
export function readExpression(bytes: Uint8Array): Result<Expression, string> {
  return new Reader(bytes).read()
}

class Reader {
  readonly #text: string
  readonly #open: Expression[][] = []
  #at = 0

  constructor(bytes: Uint8Array) {
    // A character for each byte: escapes are of bytes, UTF-8 is put together when an atom is whole.
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  }

  read(): Result<Expression, string> {
    let whole: Expression | undefined
    while (this.#skipBlanks()) {
      if (whole !== undefined) return this.#refuse('more than one expression')
      const mark = this.#text[this.#at]!
      let value: Expression | undefined
      if (mark === '(') {
        this.#at++
        if (this.#open.length === EXPRESSION_DEPTH_LIMIT) return this.#refuse('too deep')
        this.#open.push([])
        continue
      }
      if (mark === ')') {
        value = this.#open.pop()
        if (value === undefined) return this.#refuse('a ")" without its "("')
        this.#at++
      } else {
        value = mark === '"' ? this.#quoted() : this.#atom()
        if (value === undefined) return this.#refuse('a string that is not well-formed')
      }
      const around = this.#open.at(-1)
      if (around === undefined) whole = value
      else around.push(value)
    }
    if (this.#open.length > 0) return this.#refuse('a "(" without its ")"')
    return whole === undefined ? this.#refuse('nothing') : ok(whole)
  }

  /** False at the end. */
  #skipBlanks(): boolean {
    BLANKS.lastIndex = this.#at
    this.#at += BLANKS.exec(this.#text)![0].length
    return this.#at < this.#text.length
  }

  #atom(): string {
    ATOM.lastIndex = this.#at
    const atom = ATOM.exec(this.#text)![0]
    this.#at += atom.length
    return utf8(atom)
  }

  #quoted(): string | undefined {
    QUOTED.lastIndex = this.#at
    const quoted = QUOTED.exec(this.#text)?.[0]
    if (quoted === undefined) return undefined
    this.#at += quoted.length
    return utf8(
      quoted.slice(1, -1).replaceAll(ESCAPE, (_, code: string) => {
        if (/^[0-9]/.test(code)) return String.fromCharCode(Number(code) & 0xff)
        if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
        if (/^\r?\n/.test(code)) return '' // The string goes on in the next line.
        return NAMED[code] ?? `\\${code}`
      }),
    )
  }

  #refuse(what: string): Result<never, string> {
    return err(`Is no S-expression: ${what}, at byte ${this.#at}`)
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

const BLANKS = /(?:[ \t\r\n\f]|;[^\n]*)*/y
const ATOM = /[^ \t\r\n\f();"]+/y
const QUOTED = /"(?:[^"\\]|\\[^])*"/y
const ESCAPE = /\\([0-9]{3}|x[0-9A-Fa-f]{2}|\r?\n[ \t]*|[^])/g
const NAMED: { readonly [code: string]: string } = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  ' ': ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
}
