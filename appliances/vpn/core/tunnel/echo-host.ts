// The only host of a simulated network: it answers pings to the gateway (RFC 792, RFC 4443 §4.2), so that a client sees
// its tunnel work where there is no device.

const ICMP = {
  protocol4: 1,
  request4: 8,
  reply4: 0,
  protocol6: 58,
  request6: 128,
  reply6: 129,
} as const

/** The answer, or undefined for anything but a ping. */
export function echoReply(packet: Uint8Array): Uint8Array | undefined {
  const version = packet.length > 0 ? packet[0]! >>> 4 : 0
  if (version === 4) return echoReply4(packet)
  return version === 6 ? echoReply6(packet) : undefined
}

function echoReply4(packet: Uint8Array): Uint8Array | undefined {
  const header = (packet[0]! & 15) * 4
  if (header < 20 || packet.length < header + 8) return undefined
  if (packet[9] !== ICMP.protocol4 || packet[header] !== ICMP.request4) return undefined
  const reply = new Uint8Array(packet)
  // The same sum of the header: its addresses change places.
  reply.set(packet.subarray(16, 20), 12)
  reply.set(packet.subarray(12, 16), 16)
  reply[header] = ICMP.reply4
  addToChecksum(reply, header + 2, (ICMP.request4 - ICMP.reply4) << 8)
  return reply
}

function echoReply6(packet: Uint8Array): Uint8Array | undefined {
  if (packet.length < 48 || packet[6] !== ICMP.protocol6 || packet[40] !== ICMP.request6)
    return undefined
  const reply = new Uint8Array(packet)
  reply.set(packet.subarray(24, 40), 8)
  reply.set(packet.subarray(8, 24), 24)
  reply[40] = ICMP.reply6
  addToChecksum(reply, 42, 0xffff - ((ICMP.reply6 - ICMP.request6) << 8))
  return reply
}

/** For a sum of words that became smaller by `difference` (RFC 1624). */
function addToChecksum(packet: Uint8Array, at: number, difference: number): void {
  let sum = ((packet[at]! << 8) | packet[at + 1]!) + difference
  sum = (sum & 0xffff) + (sum >>> 16)
  packet[at] = sum >>> 8
  packet[at + 1] = sum
}
