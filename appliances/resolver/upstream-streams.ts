// DNS to upstreams over TCP and TLS (RFC 7766, RFC 7858): one connection for each server, questions on it at the same time,
// told apart by their ids.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader } from '../../shared/dns-server/core/tcp-frames.ts'
import { upstreamKey, type Upstream } from './core/iterate/upstream.ts'
import type { Arrivals, Send } from './upstream-sockets.ts'

/** An idle connection is kept for so long, in ms: a handshake costs more than the memory. */
const IDLE_MS = 10_000
/** Questions on one connection at a time; more open another. */
const PIPELINE_LIMIT = 64

export class UpstreamStreams {
  readonly #arrivals: Arrivals
  readonly #connections = new Map<string, Connection>()
  readonly #connectionOf = new Map<number, Connection>()

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  send({ exchange, upstream, packet }: Send): void {
    const key = upstreamKey(upstream)
    let connection = this.#connections.get(key)
    if (connection === undefined || !connection.takes(idOf(packet))) {
      connection = new Connection(upstream, {
        answered: (to, message) => {
          this.#connectionOf.delete(to)
          const { address, port } = upstream
          this.#arrivals.received(to, message, { address, port })
        },
        broken: (from, exchanges) => {
          if (this.#connections.get(key) === from) this.#connections.delete(key)
          for (const each of exchanges) {
            this.#connectionOf.delete(each)
            this.#arrivals.unreachable(each)
          }
        },
      })
      this.#connections.set(key, connection)
    }
    this.#connectionOf.set(exchange, connection)
    connection.send(exchange, packet)
  }

  end(exchange: number): void {
    this.#connectionOf.get(exchange)?.forget(exchange)
    this.#connectionOf.delete(exchange)
  }

  close(): void {
    for (const connection of this.#connectionOf.values()) connection.close()
    for (const connection of this.#connections.values()) connection.close()
    this.#connections.clear()
    this.#connectionOf.clear()
  }
}

type Owner = {
  answered(exchange: number, message: Uint8Array): void
  broken(connection: Connection, exchanges: readonly number[]): void
}

class Connection {
  readonly #socket: Socket
  readonly #owner: Owner
  readonly #reader = new FrameReader()
  /** By the id of the question. */
  readonly #exchanges = new Map<number, number>()
  #isGone = false

  constructor(upstream: Upstream, owner: Owner) {
    this.#owner = owner
    const socket = openStream(upstream)
    this.#socket = socket
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // 'close' follows, and tells whoever waits.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isGone = true
      const exchanges = [...this.#exchanges.values()]
      this.#exchanges.clear()
      owner.broken(this, exchanges)
    })
  }

  takes(id: number): boolean {
    return !this.#isGone && this.#exchanges.size < PIPELINE_LIMIT && !this.#exchanges.has(id)
  }

  send(exchange: number, packet: Uint8Array): void {
    this.#exchanges.set(idOf(packet), exchange)
    const framed = Buffer.allocUnsafe(packet.length + 2)
    framed.writeUInt16BE(packet.length, 0)
    framed.set(packet, 2)
    this.#socket.write(framed)
  }

  forget(exchange: number): void {
    for (const [id, each] of this.#exchanges) if (each === exchange) this.#exchanges.delete(id)
  }

  close(): void {
    this.#exchanges.clear()
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk)
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      if (message.length < 2) return void this.#socket.destroy()
      const id = idOf(message)
      const exchange = this.#exchanges.get(id)
      // The answer to a question that was given up.
      if (exchange === undefined) continue
      this.#exchanges.delete(id)
      this.#owner.answered(exchange, Uint8Array.from(message))
    }
  }
}

function openStream({ address, port, protocol, tlsName }: Upstream): Socket {
  if (protocol === 'plain') return connectTcp({ host: address, port, noDelay: true })
  return connectTls({
    host: address,
    port,
    ALPNProtocols: ['dot'],
    minVersion: 'TLSv1.2',
    // Without a name it keeps out who only listens (RFC 7858 §4.1).
    rejectUnauthorized: tlsName !== undefined,
    ...(tlsName !== undefined && { servername: tlsName }),
  })
}

function idOf(packet: Uint8Array): number {
  return (packet[0]! << 8) | packet[1]!
}
