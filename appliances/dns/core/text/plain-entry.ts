// The entries that nearly all of a large zone is made of: one line, `owner [ttl] [IN] type data`, an address, a host's
// name or a text, nothing escaped and nothing to say about it. They are read octet by octet, without a word cut out.
// Anything else is left as it was for zone-text-entry.ts, which tells what is wrong; here an entry is taken or not.
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { EntryContext } from './entry-context.ts'
import { COMMENT, KINDS, LINE_END, QUOTE, SPACE, WORD } from './zone-text-lexer.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63
const STRING_LIMIT_OCTETS = 255
/** Data of such an entry; a longer text is left. */
const RDATA_LIMIT_OCTETS = 4096
/** A TTL of so many digits fits 31 bits. */
const TTL_DIGITS_LIMIT = 9

export class PlainEntry {
  readonly #context: EntryContext
  readonly #rdata: Buffer = Buffer.alloc(RDATA_LIMIT_OCTETS + STRING_LIMIT_OCTETS + 2)
  readonly #owner: Buffer = Buffer.alloc(NAME_LIMIT_OCTETS)
  /** Behind what was read last. */
  #at = 0
  #end = 0
  /** Written out in the entry; -1 for none. */
  #ttl = -1

  constructor(context: EntryContext) {
    this.#context = context
  }

  /**
   * Reads the entry at `at` into the context's record and gives the offset behind its line, which may be the text's
   * end; -1, and nothing has changed, when it is no such entry.
   */
  read(text: Buffer, at: number): number {
    const context = this.#context
    if (context.lost !== undefined) return -1
    this.#at = at
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

/** Behind the word at `at`, which is `at` itself when none is there. */
function wordEnd(text: Uint8Array, at: number): number {
  let end = at
  while (end < text.length && KINDS[text[end]!] === WORD) end++
  return end
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
  return TYPES.get(letters) ?? -1
}

/**
 * Wire form of the name in `[start, end)` to `out` from `to` on, spelled as it is; the offset behind it, or -1 for a name
 * that is wrong, or too strange for here.
 */
function writeName(
  text: Uint8Array,
  start: number,
  end: number,
  origin: Uint8Array,
  out: Uint8Array,
  to: number,
): number {
  let at = to + 1
  let lengthAt = to
  const first = text[start]!
  if (end - start === 1 && (first === AT_SIGN || first === DOT)) {
    if (first === DOT) out[to] = 0
    else for (let i = 0; i < origin.length; i++) out[to + i] = origin[i]!
    return first === DOT ? to + 1 : to + origin.length
  }
  if (end - start > NAME_LIMIT_OCTETS) return -1
  for (let i = start; i < end; i++) {
    const octet = text[i]!
    if (octet === DOT) {
      const length = at - lengthAt - 1
      if (length === 0 || length > LABEL_LIMIT_OCTETS) return -1
      out[lengthAt] = length
      lengthAt = at++
    } else if (octet > 126 || octet < 33) return -1
    else {
      if (at - to >= NAME_LIMIT_OCTETS) return -1
      out[at++] = octet
    }
  }
  const length = at - lengthAt - 1
  if (length > LABEL_LIMIT_OCTETS) return -1
  if (length === 0) {
    if (at - to > NAME_LIMIT_OCTETS) return -1
    out[lengthAt] = 0
    return at
  }
  out[lengthAt] = length
  if (at - to + origin.length > NAME_LIMIT_OCTETS) return -1
  for (let i = 0; i < origin.length; i++) out[at++] = origin[i]!
  return at
}

function hexDigit(octet: number | undefined): number {
  return octet === undefined ? -1 : HEX_DIGITS[octet]!
}

const NEWLINE = 0x0a
const DOLLAR = 0x24
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const AT_SIGN = 0x40

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
  (['A', 'AAAA', 'NS', 'CNAME', 'PTR', 'DNAME', 'MX', 'SRV', 'TXT'] as const).map((text) => {
    let letters = 0
    for (const letter of text) letters = (letters << 5) | LETTERS[letter.charCodeAt(0)]!
    return [letters, TYPE[text]]
  }),
)
