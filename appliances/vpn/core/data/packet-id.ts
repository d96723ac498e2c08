// The 32-bit id of a data packet: counts from 1, and never comes round.

export const PACKET_ID_OCTETS = 4

/** What it may reach before a new key must be there, and beyond which nothing is sent. */
export const PACKET_ID = { renegotiateAt: 0xff00_0000, last: 0xffff_ffff } as const

export function packetIdAt(octets: Uint8Array, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  )
}
