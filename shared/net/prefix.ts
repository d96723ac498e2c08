// Address prefixes as people write them (`10.0.0.0/8`, `2001:db8::/32`, or one address), and which of them an address
// is in: the longest one wins (RFC 4632 §5.1).
import { formatAddress, parseAddress } from './address.ts'

export type Prefix = {
  /** 4 or 16; nothing is set beyond `bits`. */
  readonly octets: Uint8Array
  readonly bits: number
}

/** Undefined when the text is no prefix, or has bits set behind its length, which is never what was meant. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text)
  const octets = match === null ? undefined : parseAddress(match[1]!)
  if (match === null || octets === undefined) return undefined
  const width = octets.length * 8
  const bits = match[2] === undefined ? width : Number(match[2])
  if (bits > width) return undefined
  for (let bit = bits; bit < width; bit++)
    if ((octets[bit >>> 3]! & (0x80 >>> (bit & 7))) !== 0) return undefined
  return { octets, bits }
}

export function formatPrefix({ octets, bits }: Prefix): string {
  return `${formatAddress(octets)}/${bits}`
}

/** What belongs to the longest prefix around an address. Looked up in turn: meant for tens of prefixes. */
export class PrefixMap<T> {
  readonly #entries: readonly (readonly [Prefix, T])[]

  constructor(entries: Iterable<readonly [Prefix, T]>) {
    this.#entries = [...entries].sort(([a], [b]) => b.bits - a.bits)
  }

  get size(): number {
    return this.#entries.length
  }

  /** `octets` are 4 or 16; an IPv4 address is in no IPv6 prefix. */
  get(octets: Uint8Array): T | undefined {
    for (const [prefix, value] of this.#entries) if (contains(prefix, octets)) return value
    return undefined
  }
}

export class PrefixSet {
  readonly #prefixes: readonly Prefix[]

  constructor(prefixes: readonly Prefix[]) {
    this.#prefixes = prefixes
  }

  get size(): number {
    return this.#prefixes.length
  }

  has(octets: Uint8Array): boolean {
    for (let i = 0; i < this.#prefixes.length; i++)
      if (contains(this.#prefixes[i]!, octets)) return true
    return false
  }
}

function contains(prefix: Prefix, octets: Uint8Array): boolean {
  if (prefix.octets.length !== octets.length) return false
  const { bits } = prefix
  const whole = bits >>> 3
  for (let i = 0; i < whole; i++) if (prefix.octets[i] !== octets[i]) return false
  const rest = bits & 7
  return rest === 0 || ((prefix.octets[whole]! ^ octets[whole]!) & (0xff00 >>> rest) & 0xff) === 0
}
