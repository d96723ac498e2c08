// Packets on a stream: each behind its length in 16 bits.

/** A longer packet is no OpenVPN packet. */
const PACKET_LIMIT = 65_535 - 2

export class StreamFrames {
  #pending: Uint8Array = new Uint8Array(0)

  /** The packets that are whole now; undefined for a stream that cannot be one of OpenVPN. */
  take(octets: Uint8Array): readonly Uint8Array[] | undefined {
    let rest: Uint8Array =
      this.#pending.length === 0 ? octets : Buffer.concat([this.#pending, octets])
    const packets: Uint8Array[] = []
    while (rest.length >= 2) {
      const length = (rest[0]! << 8) | rest[1]!
      if (length === 0 || length > PACKET_LIMIT) return undefined
      if (rest.length < 2 + length) break
      packets.push(rest.subarray(2, 2 + length))
      rest = rest.subarray(2 + length)
    }
    this.#pending = new Uint8Array(rest)
    return packets
  }
}

export function framed(packet: Uint8Array): Uint8Array {
  const octets = Buffer.allocUnsafe(2 + packet.length)
  octets.writeUInt16BE(packet.length)
  octets.set(packet, 2)
  return octets
}
