// IP addresses as octets and as text (RFC 4291 §2.2, RFC 5952).
import { isIpv4, isIpv6 } from './endpoint.ts'

/** 4 or 16 octets; an IPv4 address mapped into IPv6 gives 4. Undefined for anything but an address. A zone index is dropped. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIpv4(text)) return Uint8Array.from(text.split('.'), Number)
  const address = text.split('%')[0]!
  if (!isIpv6(text)) return undefined
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail = ''] = canonical.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === '' ? [] : tail.split(':')
  const octets = new Uint8Array(16)
  const put = (group: string, i: number): void => {
    octets[2 * i] = Number.parseInt(group, 16) >>> 8
    octets[2 * i + 1] = Number.parseInt(group, 16)
  }
  front.forEach((group, i) => put(group, i))
  back.forEach((group, i) => put(group, 8 - back.length + i))
  return isMapped(octets) ? octets.slice(12) : octets
}

/** Of 4 or 16 octets. */
export function formatAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
function isMapped(octets: Uint8Array): boolean {
  return octets[10] === 0xff && octets[11] === 0xff && octets.subarray(0, 10).every((o) => o === 0)
}
