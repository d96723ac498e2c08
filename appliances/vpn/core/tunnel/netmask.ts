// IPv4 masks as OpenVPN writes them beside an address: 255.255.255.0 for a prefix of 24 bits.
import { formatAddress, parseAddress } from '../../../../shared/net/address.ts'
import { parsePrefix, type Prefix } from '../../../../shared/net/prefix.ts'

export function maskOf(bits: number): string {
  const word = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0
  return formatAddress(Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word))
}

/** Undefined when either is none, or the address has bits set behind the mask. */
export function prefixOfMask(address: string, mask: string): Prefix | undefined {
  const octets = parseAddress(mask)
  if (octets?.length !== 4) return undefined
  const word = ((octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!) >>> 0
  const bits = Math.clz32(~word >>> 0)
  return maskOf(bits) === formatAddress(octets) ? parsePrefix(`${address}/${bits}`) : undefined
}
