// Rdata that holds lengths and alternatives no plain field can say: IPSECKEY (RFC 4025), AMTRELAY (RFC 8777),
// APL (RFC 3123), HIP (RFC 8005).
import {
  base64,
  finishLength,
  formatIpv4,
  formatIpv6,
  hexText,
  ipv4,
  ipv6,
  nextName,
  plainName,
  writeBase64,
  writeHex,
  writeIpv4,
  writeIpv6,
  type Field,
} from './rdata-fields.ts'
import { readU16, type RdataTokens, type RdataWriter } from './rdata-text.ts'

/** Gateway type, algorithm, gateway and public key, in this order; the key may be absent. */
export const ipsecGateway: Field = {
  parse(tokens, out) {
    const kind = tokens.integer(3)
    out.u8(kind)
    out.u8(tokens.integer(255))
    parseGateway(kind, tokens, out)
    if (tokens.hasMore) base64.parse(tokens, out)
  },
  next(bytes, at) {
    const end = at + 2 <= bytes.length ? nextGateway(bytes[at]!, bytes, at + 2) : -1
    return end < 0 ? -1 : bytes.length
  },
  format(bytes, at, end) {
    const kind = bytes[at]!
    const keyAt = nextGateway(kind, bytes, at + 2)
    const gateway = `${kind} ${bytes[at + 1]} ${formatGateway(kind, bytes, at + 2, keyAt)}`
    return keyAt === end ? gateway : `${gateway} ${base64.format(bytes, keyAt, end)}`
  },
}

/** The D bit, relay type and relay. */
export const amtRelay: Field = {
  parse(tokens, out) {
    const discovery = tokens.integer(1)
    const kind = tokens.integer(3)
    out.u8((discovery << 7) | kind)
    parseGateway(kind, tokens, out)
  },
  next: (bytes, at) => (at < bytes.length ? nextGateway(bytes[at]! & 0x7f, bytes, at + 1) : -1),
  format(bytes, at, end) {
    const kind = bytes[at]! & 0x7f
    return `${bytes[at]! >>> 7} ${kind} ${formatGateway(kind, bytes, at + 1, end)}`
  },
}

/** Address prefixes up to the end, none too: `1:192.0.2.0/24 !2:2001:db8::/32`. */
export const addressPrefixes: Field = {
  parse(tokens, out) {
    while (tokens.hasMore && tokens.fault === undefined) parsePrefix(tokens, out)
  },
  next(bytes, at) {
    while (at < bytes.length) {
      if (at + 4 > bytes.length) return -1
      const family = FAMILIES[readU16(bytes, at)]
      const length = bytes[at + 3]! & 0x7f
      const prefix = bytes[at + 2]!
      at += 4 + length
      if (at > bytes.length || family === undefined) return -1
      // Trailing zero octets are not sent.
      if (length > family.octets || prefix > 8 * family.octets) return -1
      if (length > 0 && bytes[at - 1] === 0) return -1
    }
    return at
  },
  format(bytes, at, end) {
    const texts: string[] = []
    while (at < end) {
      const number = readU16(bytes, at)
      const { octets, format } = FAMILIES[number]!
      const length = bytes[at + 3]! & 0x7f
      const address = new Uint8Array(octets)
      address.set(bytes.subarray(at + 4, at + 4 + length))
      const negation = bytes[at + 3]! > 0x7f ? '!' : ''
      texts.push(`${negation}${number}:${format(address, 0)}/${bytes[at + 2]}`)
      at += 4 + length
    }
    return texts.join(' ')
  },
}

/** Host identity tag, public key and rendezvous servers; three lengths stand before them. */
export const hostIdentity: Field = {
  parse(tokens, out) {
    const lengthAt = out.at
    out.u8(0)
    out.u8(tokens.integer(255))
    const keyLengthAt = out.at
    out.u16(0)
    const tagAt = out.at
    writeHex(tokens.next(), tokens, out)
    if (out.at - tagAt > 255) tokens.fail('Host identity tag longer than 255 octets')
    out.patch8(lengthAt, out.at - tagAt)
    const keyAt = out.at
    writeBase64(tokens.next(), tokens, out)
    out.patch8(keyLengthAt, (out.at - keyAt) >>> 8)
    out.patch8(keyLengthAt + 1, out.at - keyAt)
    while (tokens.hasMore) plainName.parse(tokens, out)
  },
  next(bytes, at) {
    if (at + 4 > bytes.length || bytes[at] === 0 || readU16(bytes, at + 2) === 0) return -1
    let end = at + 4 + bytes[at]! + readU16(bytes, at + 2)
    if (end > bytes.length) return -1
    while (end >= 0 && end < bytes.length) end = nextName(bytes, end)
    return end
  },
  format(bytes, at, end) {
    const tagEnd = at + 4 + bytes[at]!
    const keyEnd = tagEnd + readU16(bytes, at + 2)
    const texts = [
      String(bytes[at + 1]),
      hexText(bytes, at + 4, tagEnd),
      base64.format(bytes, tagEnd, keyEnd),
    ]
    for (let next = keyEnd; next < end;) {
      const nameEnd = nextName(bytes, next)
      texts.push(plainName.format(bytes, next, nameEnd))
      next = nameEnd
    }
    return texts.join(' ')
  },
}

/** NSEC3's next hashed owner (RFC 5155 §3.3): base32 with extended hex alphabet, a length octet before it. */
export const base32hex: Field = {
  parse(tokens, out) {
    const token = tokens.next()
    const lengthAt = out.at
    out.u8(0)
    let buffer = 0
    let bits = 0
    for (const digit of token.toUpperCase()) {
      const value = BASE32_DIGITS.indexOf(digit)
      if (value < 0) return tokens.fail(`Expected base32hex, found ${token}`)
      buffer = ((buffer << 5) | value) & 0xfff
      bits += 5
      if (bits < 8) continue
      bits -= 8
      out.u8(buffer >>> bits)
    }
    if (token === '' || bits >= 5 || (buffer & ((1 << bits) - 1)) !== 0)
      tokens.fail(`Expected base32hex, found ${token}`)
    finishLength(lengthAt, tokens, out)
  },
  next(bytes, at) {
    const end = at + 1 + (bytes[at] ?? 0)
    return end > at + 1 && end <= bytes.length ? end : -1
  },
  format(bytes, at, end) {
    let text = ''
    let buffer = 0
    let bits = 0
    for (let i = at + 1; i < end; i++) {
      buffer = ((buffer << 8) | bytes[i]!) & 0xfff
      for (bits += 8; bits >= 5; bits -= 5) text += BASE32_DIGITS[(buffer >>> (bits - 5)) & 31]!
    }
    return bits === 0 ? text : text + BASE32_DIGITS[(buffer << (5 - bits)) & 31]!
  },
}

function parseGateway(kind: number, tokens: RdataTokens, out: RdataWriter): void {
  if (kind === 1) ipv4.parse(tokens, out)
  else if (kind === 2) ipv6.parse(tokens, out)
  else if (kind === 3) plainName.parse(tokens, out)
  else {
    const token = tokens.next()
    if (token !== '.') tokens.fail(`Expected . for no gateway, found ${token}`)
  }
}

function nextGateway(kind: number, bytes: Uint8Array, at: number): number {
  if (kind === 0) return at
  return kind > 3 ? -1 : GATEWAY_FIELDS[kind]!.next(bytes, at)
}

function formatGateway(kind: number, bytes: Uint8Array, at: number, end: number): string {
  return kind === 0 ? '.' : GATEWAY_FIELDS[kind]!.format(bytes, at, end)!
}

function parsePrefix(tokens: RdataTokens, out: RdataWriter): void {
  const token = tokens.next()
  const match = /^(!?)([12]):([^/]+)\/([0-9]{1,3})$/.exec(token)
  const family = FAMILIES[Number(match?.[2])]
  const start = out.at
  const isAddress = match !== null && family?.write(match[3]!, out) === true
  const octets = out.take(start)
  if (!isAddress) return tokens.fail(`Expected a prefix such as 1:192.0.2.0/24, found ${token}`)
  const prefix = Number(match[4])
  if (prefix > family.octets * 8) return tokens.fail(`Prefix too long in ${token}`)
  const length = octets.findLastIndex((octet) => octet !== 0) + 1
  out.u16(Number(match[2]))
  out.u8(prefix)
  out.u8(length | (match[1] === '!' ? 0x80 : 0))
  out.bytes(octets.subarray(0, length))
}

const BASE32_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUV'
const GATEWAY_FIELDS: readonly Field[] = [plainName, ipv4, ipv6, plainName]

type Family = {
  readonly octets: number
  readonly write: (text: string, out: RdataWriter) => boolean
  readonly format: (bytes: Uint8Array, at: number) => string
}
const FAMILIES: { readonly [number: number]: Family | undefined } = {
  1: { octets: 4, write: writeIpv4, format: formatIpv4 },
  2: { octets: 16, write: writeIpv6, format: formatIpv6 },
}
