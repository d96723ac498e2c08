// What a gateway looks at in IP packets (RFC 791, RFC 8200): where they come from and go to, and the segment size that
// a TCP connection opens with (RFC 9293 §3.7.1).

const PROTOCOL_TCP = 6
const FLAG_SYN = 2
const OPTION = { end: 0, noOperation: 1, segmentSize: 2 } as const

/** Whether the addresses of an IP packet are there. */
export function isIpPacket(packet: Uint8Array): boolean {
  const version = packet.length > 0 ? packet[0]! >>> 4 : 0
  return (version === 4 && packet.length >= 20) || (version === 6 && packet.length >= 40)
}

/** Whether it goes to everybody, or to a group. */
export function isMulticast(packet: Uint8Array): boolean {
  return packet[0]! >>> 4 === 6 ? packet[24] === 0xff : packet[16]! >= 224
}

/** Lowers the segment size that a SYN asks for, in place, so that sealed packets fit: `limit4` and `limit6` octets. */
export function clampSegmentSize(packet: Uint8Array, limit4: number, limit6: number): void {
  const version = packet.length > 0 ? packet[0]! >>> 4 : 0
  if (version === 4) {
    if (packet.length < 20 || packet[9] !== PROTOCOL_TCP) return
    // Only the first fragment has the header.
    if ((packet[6]! & 0x1f) !== 0 || packet[7] !== 0) return
    clampTcp(packet, (packet[0]! & 15) * 4, limit4)
  } else if (version === 6 && packet.length >= 40 && packet[6] === PROTOCOL_TCP)
    clampTcp(packet, 40, limit6)
}

function clampTcp(packet: Uint8Array, at: number, limit: number): void {
  if (packet.length < at + 20 || (packet[at + 13]! & FLAG_SYN) === 0) return
  const end = Math.min(packet.length, at + (packet[at + 12]! >>> 4) * 4)
  for (let option = at + 20; option < end;) {
    const kind = packet[option]!
    if (kind === OPTION.end) return
    if (kind === OPTION.noOperation) {
      option++
      continue
    }
    const length = packet[option + 1] ?? 0
    if (length < 2 || option + length > end) return
    if (kind === OPTION.segmentSize && length === 4) {
      const size = (packet[option + 2]! << 8) | packet[option + 3]!
      if (size <= limit) return
      packet[option + 2] = limit >>> 8
      packet[option + 3] = limit
      // At an odd offset the two octets count in the other order.
      const isOdd = (option - at) % 2 === 1
      updateChecksum(packet, at + 16, isOdd ? swap(size) : size, isOdd ? swap(limit) : limit)
      return
    }
    option += length
  }
}

/** RFC 1624 §3. */
function updateChecksum(packet: Uint8Array, at: number, before: number, after: number): void {
  const checksum = (packet[at]! << 8) | packet[at + 1]!
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  const updated = ~sum & 0xffff
  packet[at] = updated >>> 8
  packet[at + 1] = updated
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8)
}
