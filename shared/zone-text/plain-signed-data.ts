// The data of RRSIG, NSEC, NSEC3 and DS records as signers write it (RFC 4034, RFC 5155), read octet by octet like the
// entries of plain-entry.ts, also over several lines within parentheses. What is wrong, or written in another way, is left
// as it was for those who tell what is wrong.
import { TYPE } from '../dns/record-types.ts'
import type { EntryContext } from './entry-context.ts'
import { CLOSE, COMMENT, KINDS, LINE_END, OPEN, SPACE, WORD } from './zone-text-lexer.ts'
import { wordEnd, writeName } from './plain-name.ts'

/** Data of such a record. */
const RDATA_LIMIT_OCTETS = 4096
const HASH_OCTETS = 20
const HASH_CHARACTERS = 32
/** Types up to 511 stand in two windows of a bit map; others are rare. */
const WINDOWS = 2
const WINDOW_OCTETS = 32
/** Letters of a mnemonic that is read here, five bits each. */
const MNEMONIC_LETTERS = 6

export function isSignedDataType(type: number): boolean {
  return type === TYPE.RRSIG || type === TYPE.NSEC || type === TYPE.NSEC3 || type === TYPE.DS
}

export class PlainSignedData {
  /** Where the entry ends, and how many line ends were passed on the way. */
  at = 0
  lines = 0
  readonly #context: EntryContext
  readonly #bits = new Uint8Array(WINDOWS * WINDOW_OCTETS)
  #depth = 0
  #isOdd = false
  /** The word that was read last. */
  #start = 0
  #end = 0

  constructor(context: EntryContext) {
    this.#context = context
  }

  /** Writes the data that begins at `at` to `out`; gives its octets, or -1 when it is left. */
  read(text: Buffer, at: number, type: number, out: Buffer): number {
    this.at = at
    this.lines = 0
    this.#depth = 0
    this.#isOdd = false
    const octets = this.#readType(text, type, out)
    return this.#isOdd || this.#depth > 0 ? -1 : octets
  }

  #readType(text: Buffer, type: number, out: Buffer): number {
    if (type === TYPE.RRSIG) return this.#readRrsig(text, out)
    if (type === TYPE.NSEC) {
      const to = this.#readName(text, out, 0)
      return to < 0 ? -1 : this.#readBitmap(text, out, to, false)
    }
    if (type === TYPE.NSEC3) return this.#readNsec3(text, out)
    const isHead =
      this.#readNumber(text, out, 0, 2) &&
      this.#readNumber(text, out, 2, 1) &&
      this.#readNumber(text, out, 3, 1)
    if (!isHead) return -1
    const to = this.#readHex(text, out, 4)
    return to - 4 === DIGEST_OCTETS[out[3]!] ? to : -1
  }

  #readRrsig(text: Buffer, out: Buffer): number {
    if (!this.#next(text)) return -1
    const covered = mnemonic(text, this.#start, this.#end)
    if (covered < 0) return -1
    out[0] = covered >>> 8
    out[1] = covered
    const isHead =
      this.#readNumber(text, out, 2, 1) &&
      this.#readNumber(text, out, 3, 1) &&
      this.#readNumber(text, out, 4, 4) &&
      this.#readTime(text, out, 8) &&
      this.#readTime(text, out, 12) &&
      this.#readNumber(text, out, 16, 2)
    if (!isHead) return -1
    const to = this.#readName(text, out, 18)
    return to < 0 ? -1 : this.#readBase64(text, out, to)
  }

  #readNsec3(text: Buffer, out: Buffer): number {
    const isHead =
      this.#readNumber(text, out, 0, 1) &&
      this.#readNumber(text, out, 1, 1) &&
      this.#readNumber(text, out, 2, 2)
    if (!isHead || !this.#next(text)) return -1
    const saltEnd = this.#writeSalt(text, out)
    if (saltEnd < 0 || !this.#next(text)) return -1
    if (this.#end - this.#start !== HASH_CHARACTERS) return -1
    out[saltEnd] = HASH_OCTETS
    let to = saltEnd + 1
    let value = 0
    let bits = 0
    for (let at = this.#start; at < this.#end; at++) {
      const digit = BASE32[text[at]!]!
      if (digit < 0) return -1
      value = ((value << 5) | digit) & 0xfff
      bits += 5
      if (bits < 8) continue
      bits -= 8
      out[to++] = value >>> bits
    }
    return this.#readBitmap(text, out, to, true)
  }

  #writeSalt(text: Buffer, out: Buffer): number {
    const length = this.#end - this.#start
    if (length === 1 && text[this.#start] === HYPHEN) {
      out[4] = 0
      return 5
    }
    out[4] = length / 2
    return length > 510 ? -1 : this.#writeHexWord(text, out, 5)
  }

  /** The word's digits, in pairs. */
  #writeHexWord(text: Buffer, out: Buffer, to: number): number {
    if ((this.#end - this.#start) % 2 !== 0 || this.#end - this.#start > RDATA_LIMIT_OCTETS)
      return -1
    let next = to
    for (let at = this.#start; at < this.#end; at += 2) {
      const high = HEX[text[at]!]!
      const low = HEX[text[at + 1]!]!
      if (high < 0 || low < 0) return -1
      out[next++] = (high << 4) | low
    }
    return next
  }

  /** Up to the end, each word of whole octets. */
  #readHex(text: Buffer, out: Buffer, from: number): number {
    let to = from
    while (this.#next(text)) {
      if (to > RDATA_LIMIT_OCTETS / 2) return -1
      to = this.#writeHexWord(text, out, to)
      if (to < 0) return -1
    }
    return to
  }

  /** Up to the end; padded and without stray bits. */
  #readBase64(text: Buffer, out: Buffer, from: number): number {
    let to = from
    let value = 0
    let digits = 0
    let padding = 0
    while (this.#next(text)) {
      if (to + this.#end - this.#start > RDATA_LIMIT_OCTETS) return -1
      for (let at = this.#start; at < this.#end; at++) {
        const octet = text[at]!
        if (octet === EQUALS) {
          padding++
          continue
        }
        const digit = BASE64[octet]!
        if (digit < 0 || padding > 0) return -1
        value = ((value << 6) | digit) & 0xff_ffff
        if ((++digits & 3) !== 0) continue
        out[to] = value >>> 16
        out[to + 1] = value >>> 8
        out[to + 2] = value
        to += 3
      }
    }
    const rest = digits & 3
    if (digits === 0 || rest === 1 || padding !== (rest === 0 ? 0 : 4 - rest)) return -1
    if (rest === 0) return to
    if ((value & (rest === 2 ? 0xf : 0x3)) !== 0) return -1
    out[to++] = rest === 2 ? value >>> 4 : value >>> 10
    if (rest === 3) out[to++] = value >>> 2
    return to
  }

  #readBitmap(text: Buffer, out: Buffer, from: number, mayBeEmpty: boolean): number {
    const bits = this.#bits
    bits.fill(0)
    let words = 0
    for (; this.#next(text); words++) {
      const type = mnemonic(text, this.#start, this.#end)
      if (type < 0) return -1
      bits[type >>> 3]! |= 0x80 >>> (type & 7)
    }
    if (words === 0 && !mayBeEmpty) return -1
    let to = from
    for (let window = 0; window < WINDOWS; window++) {
      const start = window * WINDOW_OCTETS
      let length = WINDOW_OCTETS
      while (length > 0 && bits[start + length - 1] === 0) length--
      if (length === 0) continue
      out[to] = window
      out[to + 1] = length
      for (let i = 0; i < length; i++) out[to + 2 + i] = bits[start + i]!
      to += 2 + length
    }
    return to
  }

  #readName(text: Buffer, out: Buffer, to: number): number {
    if (!this.#next(text)) return -1
    return writeName(text, this.#start, this.#end, this.#context.originOctets, out, to)
  }

  /** A decimal number of `octets`. */
  #readNumber(text: Buffer, out: Buffer, to: number, octets: number): boolean {
    if (!this.#next(text)) return false
    const value = decimal(text, this.#start, this.#end)
    if (value < 0 || value >= 256 ** octets) return false
    writeNumber(out, to, value, octets)
    return true
  }

  /** YYYYMMDDHHmmSS. */
  #readTime(text: Buffer, out: Buffer, to: number): boolean {
    if (!this.#next(text) || this.#end - this.#start !== 14) return false
    const at = this.#start
    const year = decimal(text, at, at + 4)
    const month = decimal(text, at + 4, at + 6)
    const day = decimal(text, at + 6, at + 8)
    const hour = decimal(text, at + 8, at + 10)
    const minute = decimal(text, at + 10, at + 12)
    const second = decimal(text, at + 12, at + 14)
    // Later ones do not fit, and are not worth the arithmetic.
    if (year < 1970 || year > 2105 || month < 1 || month > 12 || day < 1) return false
    const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    if (day > (month === 2 && isLeap ? 29 : MONTH_DAYS[month - 1]!)) return false
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
      return false
    const years = year - 1970
    const leapDays = ((year - 1969) >> 2) - (year > 2100 ? 1 : 0)
    const days =
      years * 365 + leapDays + DAYS_BEFORE[month - 1]! + (month > 2 && isLeap ? 1 : 0) + day - 1
    writeNumber(out, to, days * 86_400 + hour * 3600 + minute * 60 + second, 4)
    return true
  }

  /** Moves on to the next word; false at the end of the entry, or at what is odd. */
  #next(text: Buffer): boolean {
    let { at } = this
    for (; at < text.length; at++) {
      const kind = KINDS[text[at]!]
      if (kind === SPACE) continue
      if (kind === WORD) {
        this.#start = at
        this.#end = this.at = wordEnd(text, at)
        return true
      }
      if (kind === OPEN) this.#depth++
      else if (kind === CLOSE && this.#depth > 0) this.#depth--
      else if ((kind === LINE_END || kind === COMMENT) && this.#depth === 0) break
      else if (kind === LINE_END) this.lines++
      else if (kind === COMMENT) {
        const end = text.indexOf(NEWLINE, at)
        at = (end < 0 ? text.length : end) - 1
      } else {
        this.#isOdd = true
        break
      }
    }
    this.at = at
    return false
  }
}

/** -1 for what is no mnemonic of letters, or none that is read here. NSEC3 is one. */
function mnemonic(text: Uint8Array, start: number, end: number): number {
  let last = end
  const isNsec3 = end - start === 5 && text[end - 1] === THREE
  if (isNsec3) last--
  if (last - start > MNEMONIC_LETTERS) return -1
  let letters = 0
  for (let at = start; at < last; at++) {
    const letter = LETTERS[text[at]!]!
    if (letter === 0) return -1
    letters = (letters << 5) | letter
  }
  const type = MNEMONICS.get(letters) ?? -1
  if (!isNsec3) return type
  return type === TYPE.NSEC ? TYPE.NSEC3 : -1
}

/** -1 for anything but digits. */
function decimal(text: Uint8Array, start: number, end: number): number {
  if (end - start > 10) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text[at]! - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

function writeNumber(out: Uint8Array, to: number, value: number, octets: number): void {
  for (let i = octets - 1, left = value; i >= 0; i--) {
    out[to + i] = left
    left = Math.floor(left / 256)
  }
}

const NEWLINE = 0x0a
const HYPHEN = 0x2d
const ZERO = 0x30
const THREE = 0x33
const EQUALS = 0x3d
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DAYS_BEFORE = MONTH_DAYS.map((_, i) => MONTH_DAYS.slice(0, i).reduce((a, b) => a + b, 0))

/** Of a DS, by its digest's type: others are checked elsewhere. */
const DIGEST_OCTETS: { readonly [type: number]: number | undefined } = { 1: 20, 2: 32, 4: 48 }

/** From 1; 0 for what is no letter. */
const LETTERS = new Uint8Array(256)
for (let i = 0; i < 26; i++) LETTERS[0x41 + i] = LETTERS[0x61 + i] = i + 1

const HEX = digitsOf('0123456789abcdef', '0123456789ABCDEF')
const BASE32 = digitsOf('0123456789abcdefghijklmnopqrstuv', '0123456789ABCDEFGHIJKLMNOPQRSTUV')
const BASE64 = digitsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** What each octet is worth, -1 for most. */
function digitsOf(...alphabets: readonly string[]): Int8Array {
  const digits = new Int8Array(256).fill(-1)
  for (const alphabet of alphabets)
    for (let i = 0; i < alphabet.length; i++) digits[alphabet.charCodeAt(i)] = i
  return digits
}

/** Types of records of letters alone that are not too long, and fit the windows; those of no record are left. */
const MNEMONICS: ReadonlyMap<number, number> = new Map(
  Object.entries(TYPE)
    .filter(
      ([text, type]) =>
        /^[A-Z]{1,6}$/.test(text) &&
        (type < 128 || type === TYPE.CAA || type === TYPE.URI) &&
        type !== TYPE.OPT,
    )
    .map(([text, type]) => {
      let letters = 0
      for (const letter of text) letters = (letters << 5) | LETTERS[letter.charCodeAt(0)]!
      return [letters, type]
    }),
)
