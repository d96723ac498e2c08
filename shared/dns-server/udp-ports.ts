// Where UDP comes in and answers go out: what listen.ts needs of it. Packet workers are one way (plane/), Node's own
// sockets another (datagram-ports.ts).
import type { Endpoint } from '../net/endpoint.ts'

export interface UdpPorts {
  /** Takes an address and its port; throws `Fatal` when it cannot be had. */
  open(endpoint: Endpoint): Promise<UdpPort>
  /** When all of them are open. */
  start(): Promise<void>
  /** Answers what is under way, and gives all ports back. */
  close(): Promise<void>
}

export interface UdpPort {
  /** As the system chose it. */
  readonly port: number
  /** Gives it back before `start`. */
  discard(): void
}
