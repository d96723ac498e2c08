// A UDP socket whose packets come in batches: recvmmsg and UDP_GRO. What leaves does so by `UdpRemotes`.
import { getSystemErrorName } from 'node:util'
import type { Endpoint } from '../../../shared/net/endpoint.ts'
import { UdpBatch } from '../../../shared/native/udp-batch.ts'
import {
  openUdpSystem,
  sockaddrOf,
  type UdpFault,
  type UdpSocket,
  type UdpSystem,
} from '../../../shared/native/udp-socket.ts'
import { ok, type Result } from '../../../shared/result/result.ts'
import { isData } from '../core/control/opcode.ts'
import type { Remote } from '../core/gateway/remote.ts'
import type { PacketLoop, PacketSource } from '../loop/packet-loop.ts'
import { UdpRemotes, type UdpRemote } from './udp-remotes.ts'

const BUFFER_BYTES = 4 * 1024 * 1024
/** A message is what the kernel put together, up to 64 kB. Not a power of two, which would crowd a cache. */
const MESSAGE_OCTETS = 65_536 + 192

export type BatchedUdpEvents = {
  /** A packet of data may be written over, and is gone after the call. */
  receive(remote: UdpRemote, packet: Uint8Array): void
  failed(cause: Error): void
}

/** With `isShared` several sockets of ours have the port. */
export function openUdpSocket(
  system: UdpSystem,
  endpoint: Endpoint,
  isShared: boolean,
): Result<UdpSocket, UdpFault> {
  return system.open({
    endpoint,
    receiveBufferBytes: BUFFER_BYTES,
    sendBufferBytes: BUFFER_BYTES,
    isShared,
    isGrouped: true,
    waitMs: 1,
  })
}

export class BatchedUdp implements PacketSource {
  readonly fd: number
  readonly remotes: UdpRemotes
  readonly #socket: UdpSocket
  readonly #loop: PacketLoop
  readonly #events: BatchedUdpEvents
  readonly #batch: UdpBatch
  #isClosed = false

  /** Reads the socket in rounds of the loop; `port` as of `UdpRemotes`. */
  constructor(
    system: UdpSystem,
    socket: UdpSocket,
    port: number,
    loop: PacketLoop,
    events: BatchedUdpEvents,
  ) {
    this.fd = socket.fd
    this.#socket = socket
    this.#loop = loop
    this.#events = events
    this.#batch = new UdpBatch(system, MESSAGE_OCTETS, 8)
    this.remotes = new UdpRemotes(system, socket, port, loop)
    loop.add(this)
  }

  /** Undefined where there is no FFI. */
  static async open(
    loop: PacketLoop,
    endpoint: Endpoint,
    events: BatchedUdpEvents,
  ): Promise<Result<BatchedUdp, UdpFault> | undefined> {
    const system = await openUdpSystem()
    if (system === undefined) return undefined
    const socket = openUdpSocket(system, endpoint, false)
    return socket.ok ? ok(new BatchedUdp(system, socket.value, 0, loop, events)) : socket
  }

  /** As the system chose it. */
  get port(): number {
    return this.#socket.port
  }

  /** To an address that nothing came from yet. */
  remote(endpoint: Endpoint): Remote {
    return this.remotes.at(sockaddrOf(endpoint), new Uint8Array())
  }

  drain(): boolean {
    if (this.#isClosed) return false
    const batch = this.#batch
    const count = batch.receive(this.#socket, false)
    if (count < 0) {
      this.#events.failed(new Error(`recvmmsg: ${getSystemErrorName(count)}`))
      return false
    }
    for (let i = 0; i < count; i++) {
      const length = batch.lengthOf(i)
      if (length <= 0) continue
      const remote = this.remotes.senderOf(batch, i)
      const from = batch.inAt(i)
      const step = batch.segmentOf(i) || length
      for (let at = 0; at < length; at += step)
        this.#take(remote, from + at, from + Math.min(at + step, length))
      if (this.#isClosed) break
    }
    return count > 0
  }

  flush(): void {
    this.remotes.flush()
  }

  close(): void {
    if (this.#isClosed) return
    this.remotes.close()
    this.#isClosed = true
    this.#loop.remove(this)
    this.#socket.close()
  }

  #take(remote: UdpRemote, at: number, end: number): void {
    const { memory } = this.#batch
    // What is no data may be kept: it waits for its turn, or goes into TLS.
    const packet = isData(memory[at]! >>> 3) ? memory.subarray(at, end) : memory.slice(at, end)
    this.#events.receive(remote, packet)
  }
}
