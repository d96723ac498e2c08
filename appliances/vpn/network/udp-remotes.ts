// Whom a UDP socket of the kernel's has heard of, and what leaves to them: runs of equal packets in one system call (UDP_SEGMENT).
import { formatAddress } from '../../../shared/net/address.ts'
import { formatEndpoint } from '../../../shared/net/endpoint.ts'
import type { UdpBatch } from '../../../shared/native/udp-batch.ts'
import { UdpRuns } from '../../../shared/native/udp-runs.ts'
import {
  SOCKADDR_BYTES,
  type UdpSocket,
  type UdpSystem,
} from '../../../shared/native/udp-socket.ts'
import type { Remote, UdpAddress } from '../core/gateway/remote.ts'
import type { PacketLoop, PacketSender } from '../loop/packet-loop.ts'

/** An inner packet of 1500 octets in any cipher; longer ones leave one by one. */
const SLOT_OCTETS = 1664
/** Of IPv4. */
const SOCKADDR_IN_BYTES = 16
/** Remotes that are kept: each packet of a known one costs a look. */
const REMOTES_LIMIT = 16_384

export type UdpRemote = Remote & { readonly address: UdpAddress }

export class UdpRemotes implements PacketSender {
  readonly #socket: UdpSocket
  readonly #port: number
  readonly #loop: PacketLoop
  readonly #runs: UdpRuns
  readonly #remotes = new Map<string, UdpRemote>()
  /** Of the packet before: the next is mostly of the same. */
  #last: UdpRemote | undefined
  #isClosed = false

  /** `port` tells other threads which of our ports it is. The socket is somebody else's to read and to close. */
  constructor(system: UdpSystem, socket: UdpSocket, port: number, loop: PacketLoop) {
    this.#socket = socket
    this.#port = port
    this.#loop = loop
    this.#runs = new UdpRuns(system, SLOT_OCTETS)
  }

  /** The sender of packet `i`. */
  senderOf(batch: UdpBatch, i: number): UdpRemote {
    const { memory } = batch
    const at = batch.portAt(i) - 2
    if (this.#last !== undefined && isAt(memory, at, this.#last.address.sockaddr)) return this.#last
    const octets = this.#socket.isIpv6 ? SOCKADDR_BYTES : SOCKADDR_IN_BYTES
    const known = this.#remotes.get(Buffer.from(memory.buffer, at, octets).toString('latin1'))
    const { to, control } = known === undefined ? batch.senderOf(i) : NOBODY
    this.#last = known ?? this.at(to, control)
    return this.#last
  }

  /** Whoever is at a struct sockaddr, and which address of ours it was told of. */
  at(sockaddr: Uint8Array, control: Uint8Array): UdpRemote {
    const key = Buffer.from(sockaddr).toString('latin1')
    let remote = this.#remotes.get(key)
    if (remote === undefined) {
      if (this.#remotes.size >= REMOTES_LIMIT)
        this.#remotes.delete(this.#remotes.keys().next().value!)
      remote = this.#make(sockaddr, control)
      this.#remotes.set(key, remote)
    }
    return remote
  }

  flush(): void {
    this.#runs.flush()
  }

  /** Nothing leaves from now on. */
  close(): void {
    this.#runs.flush()
    this.#isClosed = true
  }

  #make(sockaddr: Uint8Array, control: Uint8Array): UdpRemote {
    const { isIpv6 } = this.#socket
    const octets = isIpv6 ? sockaddr.slice(8, 24) : sockaddr.slice(4, 8)
    const port = (sockaddr[2]! << 8) | sockaddr[3]!
    const runs = this.#runs
    const target = runs.target(this.#socket, sockaddr, control)
    return {
      address: { port: this.#port, sockaddr, control },
      name: `udp ${formatEndpoint({ host: formatAddress(octets), port })}`,
      octets,
      isStream: false,
      room: (size) => (size <= runs.slotOctets ? runs.slot() : new Uint8Array(size)),
      send: (packet) => {
        if (this.#isClosed) return
        if (runs.isSlot(packet)) runs.send(target, packet.length)
        else {
          // In its place behind those that wait.
          runs.flush()
          this.#socket.send(packet, sockaddr, control)
        }
        if (!this.#loop.isInRound) runs.flush()
      },
    }
  }
}

const NOBODY = { to: new Uint8Array(), control: new Uint8Array() } as const

function isAt(memory: Uint8Array, at: number, octets: Uint8Array): boolean {
  for (let i = 0; i < octets.length; i++) if (memory[at + i] !== octets[i]) return false
  return true
}
