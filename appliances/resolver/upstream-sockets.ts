// Packets to upstreams and back: a UDP socket for each exchange, on a port that the system drew (RFC 5452 §9.2);
// TCP, TLS and HTTPS connections that are shared and kept for a while (RFC 7766 §6.2).
import type { Output, Sender } from './core/resolver.ts'
import type { Random } from './core/random.ts'
import { NodeDatagrams } from './node-datagrams.ts'
import { UpstreamHttps } from './upstream-https.ts'
import { UpstreamStreams } from './upstream-streams.ts'

export type Send = Extract<Output, { readonly kind: 'send' }>

export interface Arrivals {
  /** `packet` is not kept: it may be written over when this is done. */
  received(exchange: number, packet: Uint8Array, from: Sender): void
  unreachable(exchange: number): void
}

/** Exchanges over UDP, each from a port of its own that nothing but its upstream reaches. */
export interface Datagrams {
  readonly size: number
  /** False for an upstream that it cannot send to. */
  send(output: Send): boolean
  /** Whether it was one of these. */
  end(exchange: number): boolean
  close(): void
}

export type DatagramOpener = (arrivals: Arrivals, random: Random) => Datagrams

/** Sockets that are open at once; more exchanges wait for one to close. */
const SOCKETS_LIMIT = 2048

export class UpstreamSockets {
  readonly #streams: UpstreamStreams
  readonly #https: UpstreamHttps
  /** The first that can is used; Node's own can all. */
  readonly #datagrams: readonly Datagrams[]
  readonly #queue = new Map<number, Send>()

  /** `open` gives the datagrams that are better than Node's own, where there are any. */
  constructor(arrivals: Arrivals, random: Random, open?: DatagramOpener) {
    this.#streams = new UpstreamStreams(arrivals)
    this.#https = new UpstreamHttps(arrivals)
    const plain = new NodeDatagrams(arrivals)
    this.#datagrams = open === undefined ? [plain] : [open(arrivals, random), plain]
  }

  send(output: Send): void {
    if (output.transport === 'https') this.#https.send(output)
    else if (output.transport !== 'udp') this.#streams.send(output)
    else if (this.#openSockets() >= SOCKETS_LIMIT) this.#queue.set(output.exchange, output)
    else this.#sendUdp(output)
  }

  /** Nothing of the exchange matters any more. */
  end(exchange: number): void {
    if (!this.#datagrams.some((each) => each.end(exchange))) {
      if (this.#queue.delete(exchange)) return
      this.#streams.end(exchange)
      this.#https.end(exchange)
      return
    }
    if (this.#queue.size === 0) return
    const [next] = this.#queue
    this.#queue.delete(next![0])
    this.#sendUdp(next![1])
  }

  close(): void {
    for (const each of this.#datagrams) each.close()
    this.#queue.clear()
    this.#streams.close()
    this.#https.close()
  }

  #sendUdp(output: Send): void {
    this.#datagrams.some((each) => each.send(output))
  }

  #openSockets(): number {
    return this.#datagrams.reduce((sum, { size }) => sum + size, 0)
  }
}
