// What the main thread and the packet workers say to each other.
import type { UdpAddress } from '../core/gateway/remote.ts'
import type { DropReason, PlaneNews, PlaneSettings } from '../core/plane/data-plane.ts'

/** News as they travel: a client whose packets come by no UDP port has no address here. */
export type TravellingNews = PlaneNews<UdpAddress | undefined>

export type WorkerStart = {
  /** Its number as an owner of clients, from 1. */
  readonly self: number
  /** One for each of our ports, in order. */
  readonly sockets: readonly { readonly fd: number; readonly isIpv6: boolean }[]
  readonly queue: { readonly fd: number; readonly name: string }
  readonly settings: PlaneSettings
  /** Of the `PacketPost` of each thread. */
  readonly waiting: SharedArrayBuffer
}

export type ToWorker =
  | { readonly kind: 'news'; readonly news: TravellingNews }
  /** As `PacketPost` puts them. */
  | { readonly kind: 'packets'; readonly octets: Uint8Array }
  | { readonly kind: 'stop' }

export type FromWorker =
  /** It has all it needs, and takes packets from now on. */
  | { readonly kind: 'ready' }
  /** For that thread. */
  | { readonly kind: 'packets'; readonly to: number; readonly octets: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'moved'; readonly id: number; readonly address: UdpAddress }
  | { readonly kind: 'left'; readonly id: number }
  /** Packets since the last time that were not taken. */
  | { readonly kind: 'dropped'; readonly counts: ReadonlyMap<DropReason, number> }
