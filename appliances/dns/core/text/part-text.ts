// The octets of a zone file that is edited: read in pieces, and written anew with others in some places. Nothing is made of
// the whole text but the octets of the next one.
import type { SlicedText } from './text-entries.ts'

export class PartText implements SlicedText {
  readonly octets: Buffer

  constructor(octets: Buffer) {
    this.octets = octets
  }

  /** A character for each octet. */
  slice(start: number, end: number): string {
    return this.octets.toString('latin1', start, end)
  }

  /** Of the line that ends at `at` or, on a last line without an end, of the one before it. */
  lineEndAt(at: number): string {
    const { octets } = this
    const end = at === 0 ? octets.indexOf(NEWLINE) : octets.lastIndexOf(NEWLINE, at - 1)
    return end > 0 && octets[end - 1] === CARRIAGE_RETURN ? '\r\n' : '\n'
  }
}

/** The text of one file, as it was but for some places, which come in order. */
export class PartWriter {
  readonly #text: PartText
  readonly #pieces: (Buffer | string)[] = []
  #copied = 0
  #endsLine = true

  constructor(text: PartText) {
    this.#text = text
  }

  get isChanged(): boolean {
    return this.#pieces.length > 0
  }

  replace(start: number, end: number, text: string): void {
    this.#copyTo(start)
    this.#pieces.push(text)
    if (text !== '') this.#endsLine = text.endsWith('\n')
    this.#copied = end
  }

  /** On a line of its own, ended as the lines around it are. */
  insertLine(at: number, line: string): void {
    this.#copyTo(at)
    const end = this.#text.lineEndAt(at)
    this.#pieces.push(`${this.#endsLine ? '' : end}${line}${end}`)
    this.#endsLine = true
  }

  finish(): Buffer {
    this.#copyTo(this.#text.octets.length)
    const octets = Buffer.allocUnsafeSlow(this.#pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of this.#pieces) {
      if (typeof piece === 'string') octets.write(piece, at, 'latin1')
      else octets.set(piece, at)
      at += piece.length
    }
    return octets
  }

  #copyTo(at: number): void {
    if (at <= this.#copied) return
    const { octets } = this.#text
    this.#pieces.push(octets.subarray(this.#copied, at))
    this.#endsLine = octets[at - 1] === NEWLINE
    this.#copied = at
  }
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
