// Exchanges over UDP by Node's own sockets, on every system.
import { createSocket, type Socket } from 'node:dgram'
import type { Arrivals, Datagrams, Send } from './upstream-sockets.ts'

export class NodeDatagrams implements Datagrams {
  readonly #arrivals: Arrivals
  readonly #open = new Map<number, Socket>()

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  get size(): number {
    return this.#open.size
  }

  send({ exchange, upstream, packet }: Send): boolean {
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
    return true
  }

  end(exchange: number): boolean {
    const socket = this.#open.get(exchange)
    if (socket === undefined) return false
    this.#open.delete(exchange)
    socket.close()
    return true
  }

  close(): void {
    for (const socket of this.#open.values()) socket.close()
    this.#open.clear()
  }
}
