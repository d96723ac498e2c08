// The entries that nearly all of a large zone is made of: one line, `owner [ttl] [IN] type data`, an address, a host's
// name, a text or what a signer makes, nothing escaped and nothing to say about it. They are read octet by octet, without
// a word cut out; only a signer's go over several lines.
// Anything else is left as it was for zone-text-entry.ts, which tells what is wrong; here an entry is taken or not.
import { TYPE } from '../dns/record-types.ts'
import type { EntryContext } from './entry-context.ts'
import { wordEnd, writeName } from './plain-name.ts'
import { isSignedDataType, PlainSignedData } from './plain-signed-data.ts'
import { COMMENT, KINDS, LINE_END, QUOTE, SPACE, WORD } from './zone-text-lexer.ts'

const NAME_LIMIT_OCTETS = 255
const STRING_LIMIT_OCTETS = 255
/** Data of such an entry; a longer text is left. */
const RDATA_LIMIT_OCTETS = 4096
/** A TTL of so many digits fits 31 bits. */
const TTL_DIGITS_LIMIT = 9

export class PlainEntry {
  readonly #context: EntryContext
  readonly #rdata: Buffer = Buffer.alloc(RDATA_LIMIT_OCTETS + STRING_LIMIT_OCTETS + 2)
  readonly #owner: Buffer = Buffer.alloc(NAME_LIMIT_OCTETS)
  readonly #signed: PlainSignedData
  /** Line ends inside of the entry that was read last. */
  lines = 0
  /** Behind what was read last. */
  #at = 0
  #end = 0
  /** Written out in the entry; -1 for none. */
  #ttl = -1

  constructor(context: EntryContext) {
    this.#context = context
    this.#signed = new PlainSignedData(context)
  }

  /**
   * Reads the entry at `at` into the context's record and gives the offset behind its line, which may be the text's
   * end; -1, and nothing has changed, when it is no such entry.
   */
  read(text: Buffer, at: number): number {
    const context = this.#context
    if (context.lost !== undefined) return -1
    this.#at = at
    this.lines = 0
    let ownerOctets = 0
    if (KINDS[text[at]!] === SPACE) {
      if (!context.hasOwner) return -1
    } else {
      ownerOctets = this.#readOwner(text)
      if (ownerOctets < 0) return -1
    }
    const ownerEnd = this.#at
    const type = this.#readHead(text)
    if (type < 0) return -1
    const explicit = this.#ttl
    const ttl = explicit >= 0 ? explicit : (context.defaultTtl ?? context.lastTtl)
    if (ttl === undefined) return -1
    const octets = this.#readData(text, type)
    if (octets < 0 || !this.#isAtLineEnd(text)) return -1
    const { record } = context
    if (ownerOctets > 0) {
      for (let i = 0; i < ownerOctets; i++) record.owner[i] = this.#owner[i]!
      record.settleOwner(ownerOctets)
      context.hasOwner = true
      context.ownerWordAt = at
      context.ownerWordEnd = ownerEnd
    }
    if (explicit >= 0 && context.defaultTtl === undefined) context.lastTtl = explicit
    record.type = type
    record.ttlSeconds = ttl
    record.rdata = this.#rdata
    record.rdataOctets = octets
    return this.#end
  }

  /** Octets of a new owner; 0 when it is the one before again. */
  #readOwner(text: Buffer): number {
    const context = this.#context
    const start = this.#at
    const end = wordEnd(text, start)
    if (end === start || KINDS[text[end]!] !== SPACE || text[start] === DOLLAR) return -1
    this.#at = end
    const known = context.ownerWordAt
    const length = end - start
    if (length === context.ownerWordEnd - known) {
      let i = 0
      while (i < length && text[known + i] === text[start + i]) i++
      if (i === length) return 0
    }
    if (context.lacksDot(text, start, end)) return -1
    return writeName(text, start, end, context.originOctets, this.#owner, 0)
  }

  /** TTL and class in either order, and the type. */
  #readHead(text: Buffer): number {
    let hasClass = false
    this.#ttl = -1
    for (;;) {
      const start = skipSpace(text, this.#at)
      const end = wordEnd(text, start)
      if (end === start || KINDS[text[end]!] !== SPACE) return -1
      this.#at = end
      const first = text[start]!
      if (first >= ZERO && first <= NINE) {
        if (this.#ttl >= 0 || end - start > TTL_DIGITS_LIMIT) return -1
        this.#ttl = number(text, start, end)
        if (this.#ttl < 0) return -1
      } else if (isIn(text, start, end)) {
        if (hasClass) return -1
        hasClass = true
      } else return typeOf(text, start, end)
    }
  }

  /** Octets of the data, written to `#rdata`. */
  #readData(text: Buffer, type: number): number {
    if (isSignedDataType(type)) return this.#readSigned(text, type)
    switch (type) {
      case TYPE.A:
        return this.#readIpv4(text)
      case TYPE.AAAA:
        return this.#readIpv6(text)
      case TYPE.TXT:
        return this.#readStrings(text)
      case TYPE.MX:
        return this.#readNumber(text, 0) ? this.#readTarget(text, 2) : -1
      case TYPE.SRV:
        return this.#readNumber(text, 0) && this.#readNumber(text, 2) && this.#readNumber(text, 4)
          ? this.#readTarget(text, 6)
          : -1
      default:
        return this.#readTarget(text, 0)
    }
  }

  #readSigned(text: Buffer, type: number): number {
    const signed = this.#signed
    const octets = signed.read(text, this.#at, type, this.#rdata)
    this.#at = signed.at
    this.lines = signed.lines
    return octets
  }

  #readIpv4(text: Buffer): number {
    let at = skipSpace(text, this.#at)
    for (let i = 0; i < 4; i++) {
      let octet = text[at]! - ZERO
      if (!(octet >= 0 && octet <= 9)) return -1
      at++
      for (let digit = text[at]! - ZERO; digit >= 0 && digit <= 9; digit = text[at]! - ZERO) {
        // 010 is eight to some and ten to others.
        if (octet === 0) return -1
        octet = octet * 10 + digit
        if (octet > 255) return -1
        at++
      }
      this.#rdata[i] = octet
      if (i < 3 && text[at++] !== DOT) return -1
    }
    this.#at = at
    return 4
  }

  /** RFC 4291 §2.2 without dotted octets. */
  #readIpv6(text: Buffer): number {
    const out = this.#rdata
    let at = skipSpace(text, this.#at)
    let groups = 0
    let gap = -1
    if (text[at] === COLON) {
      if (text[at + 1] !== COLON) return -1
      gap = 0
      at += 2
    }
    for (;;) {
      let value = 0
      let digits = 0
      for (let digit = hexDigit(text[at]); digit >= 0; digit = hexDigit(text[at])) {
        value = (value << 4) | digit
        digits++
        at++
      }
      if (digits > 4) return -1
      if (digits === 0) {
        // Only behind `::` may there be nothing.
        if (gap !== groups) return -1
        break
      }
      if (groups === 8) return -1
      out[2 * groups] = value >>> 8
      out[2 * groups + 1] = value
      groups++
      if (text[at] !== COLON) break
      at++
      if (text[at] === COLON) {
        if (gap >= 0) return -1
        gap = groups
        at++
      }
    }
    if (gap < 0 ? groups !== 8 : groups > 7) return -1
    if (gap >= 0) {
      const move = 16 - 2 * groups
      for (let i = 2 * groups - 1; i >= 2 * gap; i--) out[i + move] = out[i]!
      for (let i = 0; i < move; i++) out[2 * gap + i] = 0
    }
    this.#at = at
    return 16
  }

  #readNumber(text: Buffer, to: number): boolean {
    const start = skipSpace(text, this.#at)
    const end = wordEnd(text, start)
    if (end === start || end - start > 5 || KINDS[text[end]!] !== SPACE) return false
    const value = number(text, start, end)
    if (value < 0 || value > 0xffff) return false
    this.#rdata[to] = value >>> 8
    this.#rdata[to + 1] = value
    this.#at = end
    return true
  }

  #readTarget(text: Buffer, to: number): number {
    const context = this.#context
    const start = skipSpace(text, this.#at)
    const end = wordEnd(text, start)
    if (end === start || context.lacksDot(text, start, end)) return -1
    this.#at = end
    return writeName(text, start, end, context.originOctets, this.#rdata, to)
  }

  #readStrings(text: Buffer): number {
    const out = this.#rdata
    let to = 0
    for (;;) {
      let start = skipSpace(text, this.#at)
      const kind = KINDS[text[start]!]
      let end = start
      if (kind === QUOTE) {
        end = ++start
        while (end < text.length && IN_QUOTES[text[end]!] === 1) end++
        if (KINDS[text[end]!] !== QUOTE) return -1
        this.#at = end + 1
      } else if (kind === WORD && start < text.length) {
        end = wordEnd(text, start)
        this.#at = end
      } else return to === 0 ? -1 : to
      const length = end - start
      if (length > STRING_LIMIT_OCTETS || to > RDATA_LIMIT_OCTETS) return -1
      out[to++] = length
      for (let i = start; i < end; i++) out[to++] = text[i]!
    }
  }

  /** Moves behind the line when nothing but a comment is left of it. */
  #isAtLineEnd(text: Buffer): boolean {
    let at = skipSpace(text, this.#at)
    // Data that goes straight on is other data.
    if (at >= text.length) {
      this.#end = at
      return true
    }
    const kind = KINDS[text[at]!]
    if (kind === COMMENT) {
      at = text.indexOf(NEWLINE, at)
      this.#end = at < 0 ? text.length : at + 1
      return true
    }
    if (kind !== LINE_END) return false
    this.#end = at + 1
    return true
  }
}

function skipSpace(text: Uint8Array, at: number): number {
  let next = at
  while (next < text.length && KINDS[text[next]!] === SPACE) next++
  return next
}

/** -1 for anything but digits. */
function number(text: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text[at]! - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

function isIn(text: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && (text[start]! | 0x20) === 0x69 && (text[start + 1]! | 0x20) === 0x6e
}

/** -1 for a type whose data is not read here, and for no type. */
function typeOf(text: Uint8Array, start: number, end: number): number {
  if (end - start > 5) return -1
  let letters = 0
  for (let at = start; at < end; at++) letters = (letters << 5) | LETTERS[text[at]!]!
  const type = TYPES.get(letters) ?? -1
  // All that is no letter is the same in there.
  return type === TYPE.NSEC3 && text[end - 1] !== THREE ? -1 : type
}

function hexDigit(octet: number | undefined): number {
  return octet === undefined ? -1 : HEX_DIGITS[octet]!
}

const NEWLINE = 0x0a
const DOLLAR = 0x24
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const THREE = 0x33
const COLON = 0x3a

/** Five bits for each letter in either case; what is none is told from all of them by 31. */
const LETTERS = new Uint8Array(256).fill(31)
for (let i = 0; i < 26; i++) LETTERS[0x41 + i] = LETTERS[0x61 + i] = i + 1

const HEX_DIGITS = new Int8Array(256).fill(-1)
for (let i = 0; i < 10; i++) HEX_DIGITS[ZERO + i] = i
for (let i = 10; i < 16; i++) HEX_DIGITS[0x41 + i - 10] = HEX_DIGITS[0x61 + i - 10] = i

/** Octets that stand for themselves between quotes. */
const IN_QUOTES = new Uint8Array(256).fill(1)
for (const octet of [0x22, 0x5c, NEWLINE]) IN_QUOTES[octet] = 0

/** By their letters, five bits each. */
const TYPES: ReadonlyMap<number, number> = new Map(
  (
    [
      ['A', 'AAAA', 'NS', 'CNAME', 'PTR', 'DNAME', 'MX', 'SRV', 'TXT'],
      ['RRSIG', 'NSEC', 'NSEC3', 'DS'],
    ] as const
  )
    .flat()
    .map((text) => {
      let letters = 0
      for (const letter of text) letters = (letters << 5) | LETTERS[letter.charCodeAt(0)]!
      return [letters, TYPE[text]]
    }),
)
