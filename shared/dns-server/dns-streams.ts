// DNS on streams: over TCP as it is (RFC 7766), and over TLS (RFC 7858; transfers too, RFC 9103).
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { Log } from '../log/log.ts'
import type { CertificateSlot } from '../tls/certificate-slot.ts'
import type { Defer } from './core/defer.ts'
import type { SocketClient } from './socket-client.ts'
import type { OpenStream } from './admission.ts'
import { Connection } from './connection.ts'
import type { DnsLimits, Handle } from './handle.ts'
import type { StreamService } from './stream-listener.ts'

export type StreamWorld = {
  readonly handle: Handle
  readonly defer: Defer
  readonly limits: DnsLimits
  readonly log: Log
}

export class TcpService implements StreamService {
  readonly transport = 'tcp'
  readonly #world: StreamWorld
  readonly #streams = new Set<Duplex>()

  constructor(world: StreamWorld) {
    this.#world = world
  }

  take(open: OpenStream, client: SocketClient): void {
    converse(open.socket, this.#streams, { ...this.#world, open, client })
  }

  end(): void {
    for (const stream of this.#streams) stream.end()
  }
}

/** The name that DNS over TLS goes by in ALPN. */
const ALPN = 'dot'

export class TlsService implements StreamService {
  readonly transport = 'tls'
  readonly #server
  readonly #detach: () => void
  readonly #streams = new Set<Duplex>()
  /** Handshakes under way, by the peer's address and port, which the secure side has too. */
  readonly #waiting = new Map<string, { open: OpenStream; client: SocketClient }>()

  constructor(slot: CertificateSlot, world: StreamWorld) {
    const { limits, log } = world
    this.#server = createServer({
      ...slot.options,
      ALPNProtocols: [ALPN],
      handshakeTimeout: limits.tcpIdleMs,
    })
    this.#detach = slot.attach(this.#server)
    this.#server.on('tlsClientError', (error, socket) => {
      log.debug('tls-handshake', { client: socket.remoteAddress, why: error.message })
      socket.destroy()
    })
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      const one = this.#waiting.get(peerOf(socket))
      if (one === undefined) {
        socket.destroy()
        return
      }
      one.client.isOldTls = socket.getProtocol() !== 'TLSv1.3'
      converse(socket, this.#streams, { ...world, ...one })
    })
  }

  take(open: OpenStream, client: SocketClient): void {
    const { socket } = open
    const peer = peerOf(socket)
    this.#waiting.set(peer, { open, client })
    socket.once('close', () => this.#waiting.delete(peer))
    this.#server.emit('connection', socket)
  }

  end(): void {
    this.#detach()
    for (const stream of this.#streams) stream.end()
  }
}

/** The same for a connection and for TLS inside it. */
export function peerOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

function converse(
  stream: Duplex,
  streams: Set<Duplex>,
  world: StreamWorld & { readonly open: OpenStream; readonly client: SocketClient },
): void {
  const { handle, defer, limits, open, client } = world
  streams.add(stream)
  stream.once('close', () => streams.delete(stream))
  void new Connection(stream, client, { handle, defer, open, queriesLimit: limits.tcpQueries })
  // Nothing was read while it was not yet known who reads.
  stream.resume()
}
