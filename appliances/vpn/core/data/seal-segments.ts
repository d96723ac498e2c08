// A packet of the tunnel device, or the segments it counts as, sealed one by one where they are to leave from.
import { clampSegmentSize } from '../tunnel/ip-packet.ts'
import type { DataChannel } from './data-channel.ts'
import type { Segments } from './segments.ts'

/** As `Remote`. */
export interface Outlet {
  room(octets: number): Uint8Array
  send(packet: Uint8Array): void
}

/** False when there is no key to seal with. `limits` are those of TCP segments. */
export function sealSegments(
  channel: DataChannel,
  segments: Segments,
  limits: { readonly ipv4: number; readonly ipv6: number },
  nowMs: number,
  outlet: Outlet,
): boolean {
  for (let i = 0; i < segments.count; i++) {
    const room = channel.room(nowMs)
    if (room === undefined) return false
    const octets = segments.octetsOf(i)
    const packet = outlet.room(room.overhead + octets)
    segments.write(i, packet, room.payloadAt)
    // What opens a connection is never so large that it is cut.
    if (segments.count === 1) {
      const payload = packet.subarray(room.payloadAt, room.payloadAt + octets)
      clampSegmentSize(payload, limits.ipv4, limits.ipv6)
    }
    outlet.send(packet.subarray(0, channel.sealAt(packet, octets, nowMs)))
  }
  return true
}
