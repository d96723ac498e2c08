// UDP through Node's own sockets, answered by this thread: for machines without FFI or threads.
import type { Socket } from 'node:dgram'
import type { Log } from '../log/log.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { Client } from './core/client.ts'
import type { Defer } from './core/defer.ts'
import type { DnsLimits, Handle } from './handle.ts'
import { bindUdp, serveUdp } from './udp-listener.ts'
import type { UdpPort, UdpPorts } from './udp-ports.ts'

export class DatagramPorts implements UdpPorts {
  readonly #handle: Handle
  readonly #defer: Defer
  readonly #limits: DnsLimits
  readonly #log: Log
  readonly #sockets = new Set<Socket>()
  /** Aborts when the ports close: what is deferred ends then. */
  readonly #closing = new AbortController()

  /** `handle` must not throw. */
  constructor(options: {
    readonly handle: Handle
    readonly defer: Defer
    readonly limits: DnsLimits
    readonly log: Log
  }) {
    this.#handle = options.handle
    this.#defer = options.defer
    this.#limits = options.limits
    this.#log = options.log
  }

  async open(endpoint: Endpoint): Promise<UdpPort> {
    const socket = await bindUdp(endpoint, this.#log)
    this.#sockets.add(socket)
    serveUdp(socket, this.#handle, this.#deferUdp, this.#limits)
    return {
      port: socket.address().port,
      discard: () => {
        this.#sockets.delete(socket)
        socket.close()
      },
    }
  }

  async start(): Promise<void> {
    // Each answers since it was opened.
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const closed = [...this.#sockets].map(
      (socket) => new Promise<void>((done) => void socket.close(done)),
    )
    this.#sockets.clear()
    await Promise.all(closed)
  }

  readonly #deferUdp = (
    packet: Uint8Array,
    client: Client,
    send: (message: Uint8Array) => void,
  ): void => {
    const reply = {
      signal: this.#closing.signal,
      send: async (message: Uint8Array) => send(message),
    }
    void this.#defer(Uint8Array.from(packet), client, reply)
  }
}
