// Requests that a packet worker leaves to the main thread, and where their answers go: those of a batch as one run of octets,
// since each message between threads costs more than what is in it.
import { formatAddress } from '../../net/address.ts'
import type { Client } from '../core/client.ts'

export type DeferredRequest = {
  /** Index of the socket that it came in by. */
  readonly socket: number
  readonly packet: Uint8Array
  /** The client as a struct sockaddr. */
  readonly to: Uint8Array
  /** Which address of ours it asked, as `UdpSocket.send` wants it. */
  readonly control: Uint8Array
}

/** Before each request: its socket, and the octets of its parts, 16 bits each. */
const HEADER_WORDS = 4
const HEADER_OCTETS = 2 * HEADER_WORDS

export class DeferredWriter {
  readonly #memory: Uint8Array
  #end = 0
  #count = 0

  /** Room for a batch of `requests` that have no more than `octets` each. */
  constructor(requests: number, octets: number) {
    this.#memory = new Uint8Array(requests * (HEADER_OCTETS + octets))
  }

  get count(): number {
    return this.#count
  }

  put(socket: number, packet: Uint8Array, to: Uint8Array, control: Uint8Array): void {
    for (const word of [socket, packet.length, to.length, control.length]) {
      this.#memory[this.#end++] = word
      this.#memory[this.#end++] = word >>> 8
    }
    for (const part of [packet, to, control]) {
      this.#memory.set(part, this.#end)
      this.#end += part.length
    }
    this.#count++
  }

  /** What was put, and begins anew. */
  take(): Uint8Array {
    const octets = this.#memory.slice(0, this.#end)
    this.#end = this.#count = 0
    return octets
  }
}

/** Views into `octets`, which `take` gave. */
export function* readDeferred(octets: Uint8Array): Iterable<DeferredRequest> {
  for (let at = 0; at < octets.length;) {
    const word = (nth: number): number => octets[at + 2 * nth]! | (octets[at + 2 * nth + 1]! << 8)
    const packetAt = at + HEADER_OCTETS
    const toAt = packetAt + word(1)
    const controlAt = toAt + word(2)
    const end = controlAt + word(3)
    yield {
      socket: word(0),
      packet: octets.subarray(packetAt, toAt),
      to: octets.subarray(toAt, controlAt),
      control: octets.subarray(controlAt, end),
    }
    at = end
  }
}

/** Whoever a struct sockaddr means; nothing is worked out that nobody asks for. */
export class SockaddrClient implements Client {
  readonly transport = 'udp'
  readonly octets: Uint8Array
  readonly port: number

  constructor(sockaddr: Uint8Array) {
    this.port = (sockaddr[2]! << 8) | sockaddr[3]!
    this.octets = sockaddr.length > 16 ? sockaddr.subarray(8, 24) : sockaddr.subarray(4, 8)
  }

  get address(): string {
    return formatAddress(this.octets)
  }
}
