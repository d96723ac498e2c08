// The type bit maps of NSEC and NSEC3 (RFC 4034 §4.1.2): windows of 256 types, only those that hold any.

/** Whether `type` is in the map that goes from `at` to the end of a rdata that was checked. */
export function bitmapHas(rdata: Uint8Array, at: number, type: number): boolean {
  const window = type >> 8
  const octet = (type & 0xff) >> 3
  for (; at < rdata.length; at += 2 + rdata[at + 1]!)
    if (rdata[at] === window)
      return octet < rdata[at + 1]! && (rdata[at + 2 + octet]! & (0x80 >> (type & 7))) !== 0
  return false
}

const WINDOW_OCTETS = 32

/** `types` in any order, each up to 65535; of no types, no octets. */
export function encodeTypeBitmap(types: Iterable<number>): Uint8Array {
  const sorted = [...types].sort((a, b) => a - b)
  const octets: number[] = []
  for (let i = 0; i < sorted.length;) {
    const window = sorted[i]! >> 8
    const bits = new Uint8Array(WINDOW_OCTETS)
    let length = 0
    for (; i < sorted.length && sorted[i]! >> 8 === window; i++) {
      const low = sorted[i]! & 0xff
      length = (low >> 3) + 1
      bits[low >> 3]! |= 0x80 >> (low & 7)
    }
    octets.push(window, length, ...bits.subarray(0, length))
  }
  return Uint8Array.from(octets)
}
