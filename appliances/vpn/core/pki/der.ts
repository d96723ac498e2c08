// DER as certificates need it (X.690 §8, §10): values written from the inside out.

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, ...parts)
}

export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x31, ...parts)
}

/** Constructed and explicit: `[n]`. */
export function context(n: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0xa0 | n, ...parts)
}

/** Primitive and implicit: `[n] IMPLICIT` of octets. */
export function contextOctets(n: number, octets: Uint8Array): Uint8Array {
  return tagged(0x80 | n, octets)
}

/** A positive number, big-endian. */
export function integer(octets: Uint8Array): Uint8Array {
  let start = 0
  while (start < octets.length - 1 && octets[start] === 0) start++
  const trimmed = octets.subarray(start)
  const isHigh = (trimmed[0] ?? 0) >= 0x80
  return isHigh ? tagged(0x02, Uint8Array.of(0), trimmed) : tagged(0x02, trimmed)
}

export function boolean(value: boolean): Uint8Array {
  return tagged(0x01, Uint8Array.of(value ? 0xff : 0))
}

export function octetString(octets: Uint8Array): Uint8Array {
  return tagged(0x04, octets)
}

/** `unused` bits at the end count for nothing. */
export function bitString(octets: Uint8Array, unused = 0): Uint8Array {
  return tagged(0x03, Uint8Array.of(unused), octets)
}

export function utf8(text: string): Uint8Array {
  return tagged(0x0c, Buffer.from(text))
}

/** `1.2.840.10045.4.3.2` */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    octets.push(...groups)
  }
  return tagged(0x06, Uint8Array.from(octets))
}

/** RFC 5280 §4.1.2.5: two digits of the year until 2049. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits))
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content])
  const octets: number[] = []
  for (let left = length; left > 0; left >>>= 8) octets.unshift(left & 0xff)
  return Buffer.concat([Uint8Array.of(tag, 0x80 | octets.length, ...octets), content])
}
