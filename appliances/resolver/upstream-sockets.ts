// Packets to upstreams and back: a UDP socket of its own for each exchange, on a port the system draws anew (RFC 5452 §9.2);
// TCP and TLS connections that are shared and kept for a while (RFC 7766 §6.2).
import { createSocket, type Socket } from 'node:dgram'
import type { Output, Sender } from './core/resolver.ts'
import { UpstreamStreams } from './upstream-streams.ts'

export type Send = Extract<Output, { readonly kind: 'send' }>

export interface Arrivals {
  received(exchange: number, packet: Uint8Array, from: Sender): void
  unreachable(exchange: number): void
}

/** Sockets that are open at once; more exchanges wait for one to close. */
const SOCKETS_LIMIT = 2048

export class UpstreamSockets {
  readonly #arrivals: Arrivals
  readonly #streams: UpstreamStreams
  readonly #open = new Map<number, Socket>()
  readonly #queue = new Map<number, Send>()

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
    this.#streams = new UpstreamStreams(arrivals)
  }

  send(output: Send): void {
    if (output.transport !== 'udp') this.#streams.send(output)
    else if (this.#open.size >= SOCKETS_LIMIT) this.#queue.set(output.exchange, output)
    else this.#sendUdp(output)
  }

  /** Nothing of the exchange matters any more. */
  end(exchange: number): void {
    const socket = this.#open.get(exchange)
    if (socket === undefined) {
      if (!this.#queue.delete(exchange)) this.#streams.end(exchange)
      return
    }
    this.#open.delete(exchange)
    socket.close()
    const [next] = this.#queue
    if (next === undefined) return
    this.#queue.delete(next[0])
    this.#sendUdp(next[1])
  }

  close(): void {
    for (const socket of this.#open.values()) socket.close()
    this.#open.clear()
    this.#queue.clear()
    this.#streams.close()
  }

  #sendUdp({ exchange, upstream, packet }: Send): void {
    const { address, port } = upstream
    const family = address.includes(':') ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // An address is no name: no look-up, and no turn of the event loop for one.
      lookup: (host, _options, done) => done(null, host, family),
    })
    this.#open.set(exchange, socket)
    socket.on('message', (message) => {
      // Connected: the kernel lets nobody else in.
      if (this.#open.get(exchange) === socket)
        this.#arrivals.received(exchange, message, { address, port })
    })
    socket.on('error', () => {
      if (this.#open.get(exchange) === socket) this.#arrivals.unreachable(exchange)
    })
    socket.connect(port, address, () => {
      if (this.#open.get(exchange) === socket) socket.send(packet)
    })
  }
}
