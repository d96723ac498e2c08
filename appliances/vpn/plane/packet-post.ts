// Packets that one thread leaves to another: those of a round for the same thread as one run of octets, since each message
// between threads costs more than what is in it.
import type { Segments } from '../core/data/segments.ts'
import type { UdpAddress } from '../core/gateway/remote.ts'
import type { PacketLoop, PacketSender } from '../loop/packet-loop.ts'

/** Runs that may wait for one thread; what comes then is lost, as on any network. */
const WAITING_LIMIT = 64
/** A run is no longer: more than the largest packet of a tunnel device. */
const RUN_OCTETS = 256 * 1024
/** What it is, and the octets of its parts: 32 bits each. */
const HEADER_OCTETS = 16
/** In place of a port: it is the tunnel's. */
const FROM_TUNNEL = 0xffff_ffff
const NOTHING = new Uint8Array()

type Run = { readonly memory: Uint8Array; readonly view: DataView; end: number }

export class PacketPost implements PacketSender {
  readonly #loop: PacketLoop
  readonly #waiting: Int32Array
  readonly #send: (to: number, octets: Uint8Array<ArrayBuffer>) => void
  readonly #runs = new Map<number, Run>()

  /** `waiting` is shared by all threads: how many runs wait for each. */
  constructor(
    loop: PacketLoop,
    waiting: SharedArrayBuffer,
    send: (to: number, octets: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#loop = loop
    this.#waiting = new Int32Array(waiting)
    this.#send = send
    loop.addSender(this)
  }

  /** A packet as it came by UDP. False when that thread has enough to do. */
  packet(to: number, { port, sockaddr, control }: UdpAddress, packet: Uint8Array): boolean {
    return this.#put(to, port, packet, sockaddr, control)
  }

  /** A packet of the tunnel. */
  segments(to: number, segments: Segments): boolean {
    return this.#put(to, FROM_TUNNEL, ...segments.parts, NOTHING)
  }

  flush(): void {
    for (const [to, run] of this.#runs) if (run.end > 0) this.#leave(to, run)
  }

  /** A run that was sent to `self` has been worked through. */
  taken(self: number): void {
    Atomics.sub(this.#waiting, self, 1)
  }

  #put(to: number, what: number, a: Uint8Array, b: Uint8Array, c: Uint8Array): boolean {
    const octets = HEADER_OCTETS + a.length + b.length + c.length
    const run = this.#runOf(to)
    if (run.end + octets > RUN_OCTETS) this.#leave(to, run)
    if (run.end === 0 && Atomics.add(this.#waiting, to, 1) >= WAITING_LIMIT) {
      Atomics.sub(this.#waiting, to, 1)
      return false
    }
    const { memory, view } = run
    for (const [i, word] of [what, a.length, b.length, c.length].entries())
      view.setUint32(run.end + 4 * i, word, true)
    run.end += HEADER_OCTETS
    for (const part of [a, b, c]) {
      memory.set(part, run.end)
      run.end += part.length
    }
    if (!this.#loop.isInRound) this.#leave(to, run)
    return true
  }

  #runOf(to: number): Run {
    let run = this.#runs.get(to)
    if (run === undefined) {
      const memory = new Uint8Array(RUN_OCTETS)
      run = { memory, view: new DataView(memory.buffer), end: 0 }
      this.#runs.set(to, run)
    }
    return run
  }

  #leave(to: number, run: Run): void {
    const octets = new Uint8Array(run.memory.subarray(0, run.end))
    run.end = 0
    this.#send(to, octets)
  }
}

export interface PostReader {
  packet(address: UdpAddress, packet: Uint8Array): void
  /** For `Segments.take`. */
  segments(octets: Uint8Array): void
}

/** What is given to `reader` are views into `octets`, which a `PacketPost` sent. */
export function readPost(octets: Uint8Array, reader: PostReader): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  for (let at = 0; at < octets.length;) {
    const [what, a, b, c] = [0, 4, 8, 12].map((i) => view.getUint32(at + i, true))
    const aEnd = at + HEADER_OCTETS + a!
    const bEnd = aEnd + b!
    const end = bEnd + c!
    if (what === FROM_TUNNEL) reader.segments(octets.subarray(at + HEADER_OCTETS, end))
    else {
      const address = {
        port: what!,
        sockaddr: octets.slice(aEnd, bEnd),
        control: octets.slice(bEnd, end),
      }
      reader.packet(address, octets.subarray(at + HEADER_OCTETS, aEnd))
    }
    at = end
  }
}
