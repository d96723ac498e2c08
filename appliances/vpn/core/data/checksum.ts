// The Internet checksum (RFC 1071), two octets at a time in the machine's own order, which it allows for (§2).

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Sums; remembers the memory it looked at last, as most packets come from the same. */
export class Checksum {
  #buffer: ArrayBufferLike = new ArrayBuffer(0)
  #words = new Uint16Array(this.#buffer)

  /** The sum of the 16-bit words of up to 64 kB from `at` to `end`, an odd octet at the end padded with zero: 0 to 0xffff, not complemented. */
  sum(octets: Uint8Array, at: number, end: number): number {
    if (octets.buffer !== this.#buffer) {
      this.#buffer = octets.buffer
      this.#words = new Uint16Array(this.#buffer, 0, this.#buffer.byteLength >>> 1)
    }
    const isOdd = ((octets.byteOffset + at) & 1) === 1 && end > at
    const from = isOdd ? at + 1 : at
    const first = (octets.byteOffset + from) >>> 1
    const words = this.#words
    const count = (end - from) >>> 1
    // Sums of 64 kB fit; said to the compiler, which else leaves room for more.
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let i = first
    for (const last = first + count - 3; i < last; i += 4) {
      a = (a + words[i]!) | 0
      b = (b + words[i + 1]!) | 0
      c = (c + words[i + 2]!) | 0
      d = (d + words[i + 3]!) | 0
    }
    for (const last = first + count; i < last; i++) a = (a + words[i]!) | 0
    let sum = fold(a + b + c + d)
    if (IS_LITTLE_ENDIAN) sum = swap(sum)
    if (from + 2 * count < end) sum = fold(sum + (octets[end - 1]! << 8))
    // What stands at an odd address was summed one octet off.
    return isOdd ? fold(swap(sum) + (octets[at]! << 8)) : sum
  }

  /** Of a transport header and its payload from `at` to `end`, in a packet whose IP header starts at `ip`: RFC 9293 §3.1, RFC 8200 §8.1. */
  pseudo(octets: Uint8Array, ip: number, protocol: number, transportOctets: number): number {
    const isIpv6 = octets[ip]! >>> 4 === 6
    const addresses = isIpv6
      ? this.sum(octets, ip + 8, ip + 40)
      : this.sum(octets, ip + 12, ip + 20)
    return fold(addresses + protocol + (transportOctets & 0xffff) + (transportOctets >>> 16))
  }
}

/** Of up to 2^32. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16)
  return (once & 0xffff) + (once >>> 16)
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8)
}
