// What every rdata field is read from and written to: tokens of a zone file, octets of a record, and the character
// strings between them (RFC 1035 §3.3, §5.1). A first fault sticks, so that fields need no checks of each other.
import { parseName, type Name } from './name.ts'

export const RDATA_LIMIT_OCTETS = 0xffff
export const STRING_LIMIT_OCTETS = 255

/** The tokens of one record's data, as they stand in the text: quotes and escapes still on them. */
export class RdataTokens {
  readonly origin: Name
  readonly #tokens: readonly string[]
  #at = 0
  #label = ''
  #fault: string | undefined

  constructor(tokens: readonly string[], origin: Name) {
    this.#tokens = tokens
    this.origin = origin
  }

  /** Of the field that is read from here on, for messages. */
  set label(label: string) {
    this.#label = label
  }

  get fault(): string | undefined {
    return this.#fault
  }

  get hasMore(): boolean {
    return this.#at < this.#tokens.length
  }

  fail(why: string): void {
    this.#fault ??= this.#label === '' ? why : `${this.#label}: ${why}`
  }

  /** '' and a fault when there is none. */
  next(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) this.#fault ??= `${this.#label} is missing`
    return token ?? ''
  }

  peek(): string | undefined {
    return this.#tokens[this.#at]
  }

  /** All that are left, at least one. */
  rest(): readonly string[] {
    if (!this.hasMore) this.next()
    const rest = this.#tokens.slice(this.#at)
    this.#at = this.#tokens.length
    return rest
  }

  /** Decimal digits up to `limit`. */
  integer(limit: number): number {
    const token = this.next()
    const value = /^[0-9]{1,10}$/.test(token) ? Number(token) : Infinity
    if (value <= limit) return value
    this.fail(`Expected a number from 0 to ${limit}, found ${token}`)
    return 0
  }

  name(): Name {
    const token = this.next()
    if (token.startsWith('"')) this.fail(`Name in quotes: ${token}`)
    const name = parseName(token, this.origin)
    if (!name.ok) this.fail(sentence(name.error))
    return name.ok ? name.value : this.origin
  }

  /** A fault when tokens are left over. */
  finish(): void {
    this.label = ''
    if (this.hasMore) this.fail(`Unexpected ${this.peek()} after the end of the data`)
  }
}

/** Octets of the record that is being read; what goes beyond the limit is counted and dropped. */
export class RdataWriter {
  readonly #bytes = Buffer.alloc(RDATA_LIMIT_OCTETS)
  at = 0

  get overflowed(): boolean {
    return this.at > RDATA_LIMIT_OCTETS
  }

  u8(value: number): void {
    this.#bytes[this.at++] = value
  }

  u16(value: number): void {
    this.u8(value >>> 8)
    this.u8(value)
  }

  u32(value: number): void {
    this.u16(value >>> 16)
    this.u16(value)
  }

  bytes(bytes: Uint8Array): void {
    if (this.at + bytes.length <= RDATA_LIMIT_OCTETS) this.#bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  latin1(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.at++] = text.charCodeAt(i)
  }

  /** Puts an octet where one was kept free before. */
  patch8(at: number, value: number): void {
    this.#bytes[at] = value
  }

  /** A copy of what was written from `start` on, which is taken out again. */
  take(start: number): Uint8Array {
    const end = Math.min(this.at, RDATA_LIMIT_OCTETS)
    const copy = new Uint8Array(Math.max(0, end - start))
    for (let i = start; i < end; i++) copy[i - start] = this.#bytes[i]!
    this.at = start
    return copy
  }
}

/**
 * The octets that a token means, quoted or not, one character each; undefined and a fault for a bad escape or a
 * character that is no octet.
 */
export function tokenOctets(token: string, tokens: RdataTokens): string {
  const isQuoted = token.charCodeAt(0) === QUOTE
  const text = isQuoted ? token.slice(1, -1) : token
  if (isQuoted && (token.length < 2 || !token.endsWith('"'))) {
    tokens.fail(`Quote without its end: ${token}`)
    return ''
  }
  return unescapeOctets(text, tokens)
}

/** `\DDD` and `\X` to what they stand for. */
export function unescapeOctets(text: string, tokens: RdataTokens): string {
  if (NOT_OCTETS.test(text)) tokens.fail(`Character that is not one octet in ${text}`)
  if (!text.includes('\\')) return text
  let octets = ''
  let from = 0
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    octets += text.slice(from, at)
    const digits = /^[0-9]{3}$/.test(text.slice(at + 1, at + 4)) ? text.slice(at + 1, at + 4) : ''
    const next = text.charAt(at + 1)
    if (next === '' || Number(digits) > 255 || (digits === '' && /[0-9]/.test(next))) {
      tokens.fail(`Bad escape in ${text}`)
      return ''
    }
    octets += digits === '' ? next : String.fromCharCode(Number(digits))
    from = at + (digits === '' ? 2 : 4)
  }
  return octets + text.slice(from)
}

/** In quotes, with everything escaped that would not come back as itself. */
export function formatString(bytes: Uint8Array, start: number, end: number): string {
  let text = '"'
  for (let at = start; at < end; at++) {
    const octet = bytes[at]!
    if (octet === QUOTE || octet === BACKSLASH) text += `\\${String.fromCharCode(octet)}`
    else if (octet >= 32 && octet < 127) text += String.fromCharCode(octet)
    else text += `\\${String(octet).padStart(3, '0')}`
  }
  return `${text}"`
}

/** Octets as one character each. */
export function octetText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function readU32(bytes: Uint8Array, at: number): number {
  return ((readU16(bytes, at) << 16) | readU16(bytes, at + 2)) >>> 0
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
// oxlint-disable-next-line no-control-regex -- all octets, controls too
const NOT_OCTETS = /[^\u0000-\u00ff]/
