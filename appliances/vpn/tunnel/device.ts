// Where the packets of the tunnel come out: a TUN device of the kernel, or a simulated one.
import type { Prefix } from '../../../shared/net/prefix.ts'
import type { Segments } from '../core/data/segments.ts'

/** Gets what comes out of a device, a packet at a time; valid during the call alone. */
export type TakeSegments = (segments: Segments) => void

export interface TunnelDevice {
  /** For the log and /status. */
  readonly name: string
  /** The packet may be changed, and in a round of the packet loop has to stay until its end. */
  send(packet: Uint8Array): void
  /** A network behind a client. What went wrong, if anything did. */
  addRoute(network: Prefix): string | undefined
  close(): Promise<void>
}
