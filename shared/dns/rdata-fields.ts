// The kinds of fields that rdata is made of, each from text, over wire octets and back to text (RFC 1035 §3.3, §5.1).
import type { Name } from './name.ts'
import { formatName } from './name.ts'
import { isMetaType, typeNumber, typeText } from './record-types.ts'
import {
  formatString,
  octetText,
  readU16,
  readU32,
  STRING_LIMIT_OCTETS,
  tokenOctets,
  type RdataTokens,
  type RdataWriter,
} from './rdata-text.ts'
import { parseTtl } from './ttl-text.ts'

export type Field = {
  /** Takes its tokens and writes its octets; a fault goes to `tokens`. */
  readonly parse: (tokens: RdataTokens, out: RdataWriter) => void
  /** The offset behind the field that begins at `at`, or -1 when it is broken. The rdata ends where `bytes` does. */
  readonly next: (bytes: Uint8Array, at: number) => number
  /** Text of a field known to be whole; undefined when the text form cannot say these octets. */
  readonly format: (bytes: Uint8Array, at: number, end: number) => string | undefined
  /** For fields that hold a name and nothing else. */
  readonly name?: 'compressible' | 'plain'
}

export const u8: Field = integer(1)
export const u16: Field = integer(2)
export const u32: Field = integer(4)

/** A number of seconds, in units too (`1h30m`). */
export const seconds: Field = {
  ...u32,
  parse(tokens, out) {
    const token = tokens.next()
    const value = parseTtl(token)
    if (value === undefined) tokens.fail(`Expected a time such as 3600 or 1h, found ${token}`)
    out.u32(value ?? 0)
  },
}

/** A number that also has names; it is printed as a number. */
export function mnemonic(width: 1 | 2, names: { readonly [name: string]: number }): Field {
  const field = integer(width)
  const values = new Map(Object.entries(names))
  return {
    ...field,
    parse(tokens, out) {
      const value = values.get(tokens.peek()?.toUpperCase() ?? '')
      if (value === undefined) return field.parse(tokens, out)
      tokens.next()
      if (width === 1) out.u8(value)
      else out.u16(value)
    },
  }
}

/** A record type by its mnemonic or as TYPEnnn. */
export const recordType: Field = {
  ...u16,
  parse(tokens, out) {
    const token = tokens.next()
    const type = typeNumber(token)
    if (type === undefined) tokens.fail(`Unknown record type ${token}`)
    out.u16(type ?? 0)
  },
  format: (bytes, at) => typeText(readU16(bytes, at)),
}

/** A name that a message may compress (RFC 3597 §4). */
export const name: Field = { ...nameField(), name: 'compressible' }
export const plainName: Field = { ...nameField(), name: 'plain' }

export const ipv4: Field = {
  parse(tokens, out) {
    const token = tokens.next()
    if (!writeIpv4(token, out)) tokens.fail(`Expected an IPv4 address, found ${token}`)
  },
  next: fixed(4),
  format: (bytes, at) => formatIpv4(bytes, at),
}

export const ipv6: Field = {
  parse(tokens, out) {
    const token = tokens.next()
    if (!writeIpv6(token, out)) tokens.fail(`Expected an IPv6 address, found ${token}`)
  },
  next: fixed(16),
  format: (bytes, at) => formatIpv6(bytes, at),
}

/** One character string of at most 255 octets. */
export const string: Field = {
  parse(tokens, out) {
    writeString(tokens.next(), tokens, out)
  },
  next(bytes, at) {
    const end = at + 1 + (bytes[at] ?? 0)
    return at < bytes.length && end <= bytes.length ? end : -1
  },
  format: (bytes, at, end) => formatString(bytes, at + 1, end),
}

/** One or more character strings up to the end. */
export const strings: Field = {
  parse(tokens, out) {
    for (const token of tokens.rest()) writeString(token, tokens, out)
  },
  next(bytes, at) {
    let end = string.next(bytes, at)
    while (end > 0 && end < bytes.length) end = string.next(bytes, end)
    return end
  },
  format(bytes, at, end) {
    const texts: string[] = []
    for (let next = at; next < end; next += 1 + bytes[next]!)
      texts.push(formatString(bytes, next + 1, next + 1 + bytes[next]!))
    return texts.join(' ')
  },
}

/** Octets up to the end as one string without a length (CAA's value, a URI's target). */
export function longString(options: { readonly minOctets: number }): Field {
  return {
    parse(tokens, out) {
      const octets = tokenOctets(tokens.next(), tokens)
      if (octets.length < options.minOctets) tokens.fail('Empty string')
      out.latin1(octets)
    },
    next: (bytes, at) => (bytes.length - at >= options.minOctets ? bytes.length : -1),
    format: (bytes, at, end) => formatString(bytes, at, end),
  }
}

/** Hexadecimal digits up to the end, in as many tokens as one likes; at least one octet. */
export const hex: Field = {
  parse(tokens, out) {
    writeHex(tokens.rest().join(''), tokens, out)
  },
  next: (bytes, at) => (at < bytes.length ? bytes.length : -1),
  format: (bytes, at, end) => hexText(bytes, at, end),
}

/** Base64 up to the end, in as many tokens as one likes; at least one octet. */
export const base64: Field = {
  parse(tokens, out) {
    writeBase64(tokens.rest().join(''), tokens, out)
  },
  next: (bytes, at) => (at < bytes.length ? bytes.length : -1),
  format: (bytes, at, end) => octetsOf(bytes, at, end).toString('base64'),
}

/** Hexadecimal digits in one token with a length octet before them; `-` is none. */
export const salt: Field = {
  parse(tokens, out) {
    const token = tokens.next()
    const lengthAt = out.at
    out.u8(0)
    if (token !== '-') writeHex(token, tokens, out)
    finishLength(lengthAt, tokens, out)
  },
  next: (bytes, at) => string.next(bytes, at),
  format: (bytes, at, end) => (end === at + 1 ? '-' : hexText(bytes, at + 1, end)),
}

/** Seconds since 1970 as YYYYMMDDHHmmSS or as a plain number (RFC 4034 §3.2). */
export const time: Field = {
  ...u32,
  parse(tokens, out) {
    const token = tokens.next()
    const value = parseTime(token)
    if (value === undefined) tokens.fail(`Expected a time as YYYYMMDDHHmmSS, found ${token}`)
    out.u32(value ?? 0)
  },
  format(bytes, at) {
    const date = new Date(readU32(bytes, at) * 1000)
    return date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')
  },
}

/** A set of record types up to the end (RFC 4034 §4.1.2). */
export function typeBitmap(options: { readonly mayBeEmpty: boolean }): Field {
  return {
    parse(tokens, out) {
      if (options.mayBeEmpty && !tokens.hasMore) return
      const types = new Set<number>()
      for (const token of tokens.rest()) {
        const type = typeNumber(token)
        if (type === undefined) tokens.fail(`Unknown record type ${token}`)
        else if (isMetaType(type) && type !== NXNAME) tokens.fail(`No record has the type ${token}`)
        else types.add(type)
      }
      writeBitmap(types, out)
    },
    next(bytes, at) {
      if (at === bytes.length) return options.mayBeEmpty ? at : -1
      let last = -1
      while (at < bytes.length) {
        const window = bytes[at]!
        const length = bytes[at + 1] ?? 0
        at += 2 + length
        if (window <= last || length < 1 || length > 32 || at > bytes.length) return -1
        if (bytes[at - 1] === 0) return -1
        last = window
      }
      return at
    },
    format(bytes, at, end) {
      const types = bitmapTypes(bytes, at, end)
      return types.some((t) => isMetaType(t) && t !== NXNAME)
        ? undefined
        : types.map(typeText).join(' ')
    },
  }
}

/** Letters and digits with a length octet before them (CAA's tag, RFC 8659 §4.1). */
export const tag: Field = {
  parse(tokens, out) {
    const token = tokens.next()
    if (!/^[a-z0-9]{1,255}$/i.test(token))
      return tokens.fail(`Expected letters and digits, found ${token}`)
    out.u8(token.length)
    out.latin1(token)
  },
  next(bytes, at) {
    const end = string.next(bytes, at)
    return end > at + 1 && /^[a-z0-9]+$/i.test(octetText(bytes, at + 1, end)) ? end : -1
  },
  format: (bytes, at, end) => octetText(bytes, at + 1, end),
}

/** `octets` groups of hexadecimal digits, `width` octets each, with `separator` between (EUI-48, ILNP's locators). */
export function hexGroups(octets: number, width: number, separator: '-' | ':'): Field {
  const groups = octets / width
  const digits = width === 1 ? '{2}' : `{1,${width * 2}}`
  const pattern = new RegExp(
    `^[0-9a-f]${digits}(?:${separator}[0-9a-f]${digits}){${groups - 1}}$`,
    'i',
  )
  return {
    parse(tokens, out) {
      const token = tokens.next()
      if (!pattern.test(token)) {
        const example = Array<string>(groups).fill('0'.repeat(width * 2))
        return tokens.fail(`Expected the form ${example.join(separator)}, found ${token}`)
      }
      const padded = token.split(separator).map((group) => group.padStart(width * 2, '0'))
      out.bytes(Buffer.from(padded.join(''), 'hex'))
    },
    next: fixed(octets),
    format(bytes, at, end) {
      const texts: string[] = []
      for (let next = at; next < end; next += width) texts.push(hexText(bytes, next, next + width))
      return texts.join(separator).toLowerCase()
    },
  }
}

export function writeHex(digits: string, tokens: RdataTokens, out: RdataWriter): void {
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits))
    tokens.fail(`Expected pairs of hexadecimal digits, found ${shorten(digits)}`)
  else out.bytes(Buffer.from(digits, 'hex'))
}

/** Padded and without stray bits: every octet sequence has one form. */
export function writeBase64(text: string, tokens: RdataTokens, out: RdataWriter): void {
  const bytes = Buffer.from(text, 'base64')
  if (text === '' || bytes.toString('base64') !== text)
    tokens.fail(`Expected base64, found ${shorten(text)}`)
  else out.bytes(bytes)
}

export function hexText(bytes: Uint8Array, start: number, end: number): string {
  return octetsOf(bytes, start, end).toString('hex').toUpperCase()
}

/** Closes a length octet written as 0 at `lengthAt`. */
export function finishLength(lengthAt: number, tokens: RdataTokens, out: RdataWriter): void {
  const length = out.at - lengthAt - 1
  if (length > 255) tokens.fail('Longer than 255 octets')
  else out.patch8(lengthAt, length)
}

/** False for anything but four plain decimal octets. */
export function writeIpv4(text: string, out: RdataWriter): boolean {
  let value = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x30 && code <= 0x39) {
      // 010 is eight to some and ten to others.
      if (digits > 0 && value === 0) return false
      value = value * 10 + code - 0x30
      if (++digits > 3 || value > 255) return false
    } else if (code === 0x2e && digits > 0 && dots < 3) {
      out.u8(value)
      value = digits = 0
      dots++
    } else return false
  }
  if (dots !== 3 || digits === 0) return false
  out.u8(value)
  return true
}

/** RFC 4291 §2.2, all three forms; no zone index. */
export function writeIpv6(text: string, out: RdataWriter): boolean {
  const mapped = /^(.*:)([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text)
  if (mapped !== null) {
    const octets = mapped.slice(2).map(Number)
    if (mapped.slice(2).some((o) => o.length > 3 || (o.length > 1 && o.startsWith('0'))))
      return false
    if (octets.some((o) => o > 255)) return false
    const high = ((octets[0]! << 8) | octets[1]!).toString(16)
    text = `${mapped[1]}${high}:${((octets[2]! << 8) | octets[3]!).toString(16)}`
  }
  const halves = text.split('::')
  if (halves.length > 2) return false
  const [before, after] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const groups = [...before!, ...(after ?? [])]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false
  if (after === undefined ? groups.length !== 8 : groups.length > 7) return false
  for (const group of before!) out.u16(Number.parseInt(group, 16))
  for (let missing = 8 - groups.length; missing > 0; missing--) out.u16(0)
  for (const group of after ?? []) out.u16(Number.parseInt(group, 16))
  return true
}

export function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

/** RFC 5952: the first longest run of two or more zero groups is `::`. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => readU16(bytes, at + 2 * i))
  let start = -1
  let longest = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === 0) run++
    if (run <= longest) continue
    start = i
    longest = run
  }
  const texts = groups.map((group) => group.toString(16))
  if (start < 0) return texts.join(':')
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + longest).join(':')}`
}

/** The offset behind an uncompressed name, or -1. */
export function nextName(bytes: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    const length = bytes[at]
    if (length === undefined || length > 63 || at - start >= 255) return -1
    at += 1 + length
    if (length === 0) return at - start <= 255 ? at : -1
  }
}

export function nameAt(bytes: Uint8Array, start: number, end: number): Name {
  return octetText(bytes, start, end) as Name
}

/** A `next` for fields of a fixed size. */
export function fixed(octets: number): Field['next'] {
  return (bytes, at) => (at + octets <= bytes.length ? at + octets : -1)
}

function integer(width: 1 | 2 | 4): Field {
  const limit = 2 ** (8 * width) - 1
  return {
    parse(tokens, out) {
      const value = tokens.integer(limit)
      if (width === 1) out.u8(value)
      else if (width === 2) out.u16(value)
      else out.u32(value)
    },
    next: fixed(width),
    format(bytes, at) {
      if (width === 1) return String(bytes[at])
      return String(width === 2 ? readU16(bytes, at) : readU32(bytes, at))
    },
  }
}

function nameField(): Field {
  return {
    parse(tokens, out) {
      out.latin1(tokens.name())
    },
    next: nextName,
    format: (bytes, at, end) => formatName(nameAt(bytes, at, end)),
  }
}

function writeString(token: string, tokens: RdataTokens, out: RdataWriter): void {
  const octets = tokenOctets(token, tokens)
  if (octets.length > STRING_LIMIT_OCTETS)
    tokens.fail(`String of ${octets.length} octets: write it as several of at most 255`)
  out.u8(octets.length)
  out.latin1(octets)
}

function writeBitmap(types: ReadonlySet<number>, out: RdataWriter): void {
  const sorted = [...types].sort((a, b) => a - b)
  for (let i = 0; i < sorted.length;) {
    const window = sorted[i]! >>> 8
    const bits = new Uint8Array(32)
    let length = 0
    for (; i < sorted.length && sorted[i]! >>> 8 === window; i++) {
      const low = sorted[i]! & 0xff
      bits[low >>> 3]! |= 0x80 >>> (low & 7)
      length = (low >>> 3) + 1
    }
    out.u8(window)
    out.u8(length)
    out.bytes(bits.subarray(0, length))
  }
}

function bitmapTypes(bytes: Uint8Array, at: number, end: number): number[] {
  const types: number[] = []
  while (at < end) {
    const window = bytes[at]!
    const length = bytes[at + 1]!
    for (let bit = 0; bit < length * 8; bit++)
      if ((bytes[at + 2 + (bit >>> 3)]! & (0x80 >>> (bit & 7))) !== 0)
        types.push((window << 8) | bit)
    at += 2 + length
  }
  return types
}

function parseTime(text: string): number | undefined {
  if (!/^(?:[0-9]{1,10}|[0-9]{14})$/.test(text)) return undefined
  if (text.length < 14) return Number(text) <= 0xffff_ffff ? Number(text) : undefined
  const iso = text.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6.000Z')
  const date = new Date(iso)
  // 30 February is read as 1 March by some and not at all by others.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) return undefined
  const value = date.getTime() / 1000
  return value >= 0 && value <= 0xffff_ffff ? value : undefined
}

function octetsOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}...`
}

/** The one number in the range of meta types that stands in bitmaps (RFC 9824 §2). */
const NXNAME = 128
