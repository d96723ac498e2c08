// TCP packets for tests, their checksums made the slow way.

export type TcpPacket = {
  readonly version: 4 | 6
  readonly port: number
  readonly id: number
  readonly isUncut: boolean
  readonly sequence: number
  readonly acknowledged: number
  readonly window: number
  readonly flags: number
  /** A multiple of 4. */
  readonly options: Uint8Array
  readonly payload: Uint8Array
}

/** A whole packet with right checksums. */
export function tcpPacket(of: TcpPacket): Uint8Array {
  const at = of.version === 4 ? 20 : 40
  const tcpOctets = 20 + of.options.length
  const packet = Buffer.alloc(at + tcpOctets + of.payload.length)
  if (of.version === 4) {
    packet[0] = 0x45
    packet.writeUInt16BE(packet.length, 2)
    packet.writeUInt16BE(of.id, 4)
    packet[6] = of.isUncut ? 0x40 : 0
    packet[8] = 64
    packet[9] = 6
    packet.set([10, 0, 0, 1, 10, 0, 0, 2], 12)
    packet.writeUInt16BE(slowChecksum(packet.subarray(0, 20)), 10)
  } else {
    packet[0] = 0x60
    packet.writeUInt16BE(packet.length - 40, 4)
    packet[6] = 6
    packet[7] = 64
    packet.set([0xfd, 1], 8)
    packet.set([0xfd, 2], 24)
  }
  packet.writeUInt16BE(of.port, at)
  packet.writeUInt16BE(443, at + 2)
  packet.writeUInt32BE(of.sequence, at + 4)
  packet.writeUInt32BE(of.acknowledged, at + 8)
  packet[at + 12] = (tcpOctets / 4) << 4
  packet[at + 13] = of.flags
  packet.writeUInt16BE(of.window, at + 14)
  packet.set(of.options, at + 20)
  packet.set(of.payload, at + tcpOctets)
  packet.writeUInt16BE(slowChecksum(pseudoHeader(packet), packet.subarray(at)), at + 16)
  return packet
}

/** Of the IP header and of TCP. */
export function hasRightChecksums(packet: Uint8Array): boolean {
  const isIpv4 = packet[0]! >>> 4 === 4
  if (isIpv4 && slowChecksum(packet.subarray(0, 20)) !== 0) return false
  return slowChecksum(pseudoHeader(packet), packet.subarray(isIpv4 ? 20 : 40)) === 0
}

export function pseudoHeader(packet: Uint8Array): Uint8Array {
  const isIpv4 = packet[0]! >>> 4 === 4
  const addresses = isIpv4 ? packet.subarray(12, 20) : packet.subarray(8, 40)
  const length = packet.length - (isIpv4 ? 20 : 40)
  const rest = [0, 0, length >>> 8, length & 255, 0, 6]
  return Buffer.concat([addresses, Uint8Array.of(...rest)])
}

/** RFC 1071, an octet at a time; the first part is of even length. */
export function slowChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const [i, octet] of Buffer.concat(parts).entries()) {
    sum += i % 2 === 0 ? octet * 256 : octet
    if (sum > 0xffff) sum -= 0xffff
  }
  return 0xffff - sum
}
