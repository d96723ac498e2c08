// Where the packets of the tunnel come out: a TUN device of the kernel, or a simulated one.
import type { Prefix } from '../../../shared/net/prefix.ts'

export interface TunnelDevice {
  /** For the log and /status. */
  readonly name: string
  /** May be called again and again; takes the packet as it is. */
  send(packet: Uint8Array): void
  /** A network behind a client. What went wrong, if anything did. */
  addRoute(network: Prefix): string | undefined
  close(): Promise<void>
}
