// Listens for DNS on UDP and TCP (RFC 1035 §4.2, RFC 7766): the same addresses and ports for both.
// Knows sockets, limits and buffers; what a packet means is the business of `handle`.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket as TcpSocket } from 'node:net'
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import { listenFault } from '../../shared/net/listen-fault.ts'
import type { Client } from './core/client.ts'
import { DEFERRED, type Defer, type Reply } from './core/request.ts'
import { FrameReader } from './core/tcp-frames.ts'
import { SocketClient } from './socket-client.ts'

/** Writes an answer to `out` and returns its length; 0 means none, DEFERRED that the packet goes to `defer`. */
export type Handle = (packet: Uint8Array, client: Client, out: Uint8Array) => number

export type DnsLimits = {
  /** Largest UDP answer `handle` writes. */
  readonly udpOctets: number
  /** A connection without a complete message for so long is closed (RFC 7766 §6.2.3). */
  readonly tcpIdleMs: number
  readonly tcpConnections: number
  /** Of one address, so that one client cannot take them all. */
  readonly tcpConnectionsPerClient: number
}

export const DEFAULT_DNS_LIMITS: DnsLimits = {
  udpOctets: 1232,
  tcpIdleMs: 10_000,
  tcpConnections: 1000,
  tcpConnectionsPerClient: 100,
}

export type DnsListener = {
  /** Where it listens, with the ports the system chose. */
  readonly addresses: readonly Endpoint[]
  connections(): number
  /** Takes nothing new, lets answers under way leave, and ends. */
  close(): Promise<void>
}

/** Asked of the kernel; it gives what net.core.rmem_max allows. A burst of queries waits there while we work. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024
/** Answers handed to the kernel and not yet taken; beyond it an answer is dropped, as a network would. */
const SENDS_LIMIT = 1024
/** A client that does not read its answers is not read from beyond this. */
const UNSENT_LIMIT_BYTES = 1024 * 1024
const TCP_BACKLOG = 1024
/** Requests of one connection that are being worked on; the next ones wait in the network. */
const DEFERRED_LIMIT = 16
const SWEEP_MS = 1000
/** What `close` leaves to answers that are on their way. */
const DRAIN_MS = 1000
/** With port 0 the port that UDP got may be taken for TCP. */
const PORT_TRIES = 16

/** Throws `Fatal` when an address cannot be had. `handle` may throw: that query gets no answer and the log says so. */
export async function listenDns(options: {
  readonly listen: readonly Endpoint[]
  readonly handle: Handle
  /** Takes over what `handle` deferred. */
  readonly defer: Defer
  readonly limits: DnsLimits
  readonly clock: Clock
  readonly log: Log
}): Promise<DnsListener> {
  const shell = new Shell(options)
  try {
    for (const endpoint of options.listen) await shell.open(endpoint)
  } catch (cause) {
    await shell.close()
    throw cause
  }
  return shell
}

class Shell implements DnsListener {
  readonly addresses: Endpoint[] = []
  readonly #handle: Handle
  readonly #defer: Defer
  /** Aborts when the listener closes: what is deferred by UDP ends then. */
  readonly #closing = new AbortController()
  readonly #limits: DnsLimits
  readonly #clock: Clock
  readonly #log: Log
  readonly #udp: UdpSocket[] = []
  readonly #tcp: Server[] = []
  readonly #connections = new Set<Connection>()
  readonly #perClient = new Map<string, number>()
  #sweep: Timer | undefined
  #closed: Promise<void> | undefined

  constructor(options: Parameters<typeof listenDns>[0]) {
    this.#limits = options.limits
    this.#clock = options.clock
    this.#log = options.log
    this.#defer = options.defer
    this.#handle = (packet, client, out) => {
      try {
        return options.handle(packet, client, out)
      } catch (cause) {
        // A fault of ours that one packet finds must not end the service for all others.
        const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
        this.#log.error('answer-fault', { packet: Buffer.from(packet).toString('hex'), why })
        return 0
      }
    }
    this.#sweepLater()
  }

  async open(endpoint: Endpoint): Promise<void> {
    for (let left = PORT_TRIES; ; left--) {
      const udp = await bindUdp(endpoint, this.#log)
      const { port } = udp.address()
      const server = createServer({ allowHalfOpen: true, noDelay: true })
      try {
        await bindTcp(server, { ...endpoint, port })
      } catch (cause) {
        udp.close()
        if (endpoint.port === 0 && left > 1) continue
        throw listenFault(endpoint, cause as Error)
      }
      serveUdp(udp, this.#handle, this.#deferUdp, this.#limits)
      this.#udp.push(udp)
      server.on('connection', (socket) => this.#accept(socket))
      server.on('error', (error) => this.#log.warn('tcp-listener', { why: error.message }))
      this.#tcp.push(server)
      this.addresses.push({ host: endpoint.host, port })
      return
    }
  }

  connections(): number {
    return this.#connections.size
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#closeAll())
  }

  async #closeAll(): Promise<void> {
    this.#sweep?.cancel()
    this.#closing.abort()
    const closed = [
      ...this.#udp.map((udp) => new Promise<void>((done) => void udp.close(done))),
      ...this.#tcp.map((tcp) => new Promise<void>((done) => void tcp.close(() => done()))),
    ]
    for (const connection of this.#connections) connection.end()
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, DRAIN_MS)
    await Promise.all(closed)
    clearTimeout(cut)
  }

  #accept(socket: TcpSocket): void {
    const client = socket.remoteAddress ?? ''
    const ofClient = this.#perClient.get(client) ?? 0
    const { tcpConnections, tcpConnectionsPerClient } = this.#limits
    if (this.#connections.size >= tcpConnections || ofClient >= tcpConnectionsPerClient) {
      this.#log.debug('tcp-refused', { client, connections: this.#connections.size })
      socket.on('error', ignore)
      socket.destroy()
      return
    }
    const connection = new Connection(socket, this.#handle, this.#defer, this.#clock)
    this.#connections.add(connection)
    this.#perClient.set(client, ofClient + 1)
    socket.once('close', () => {
      this.#connections.delete(connection)
      const left = (this.#perClient.get(client) ?? 1) - 1
      if (left === 0) this.#perClient.delete(client)
      else this.#perClient.set(client, left)
    })
  }

  readonly #deferUdp = (packet: Buffer, client: Client, send: (message: Uint8Array) => void) => {
    const reply: Reply = {
      signal: this.#closing.signal,
      send: async (message) => send(message),
    }
    void this.#defer(Uint8Array.from(packet), client, reply)
  }

  #sweepLater(): void {
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      const oldest = this.#clock.monotonicMs() - this.#limits.tcpIdleMs
      for (const connection of this.#connections)
        if (connection.lastMessageMs < oldest) connection.destroy()
      this.#sweepLater()
    })
  }
}

/** One client's queries, answered in the order they came (RFC 7766 §6.2.1.1 allows any). */
class Connection {
  lastMessageMs: number
  readonly #socket: TcpSocket
  readonly #client: Client
  readonly #handle: Handle
  readonly #defer: Defer
  readonly #clock: Clock
  readonly #reader = new FrameReader()
  readonly #gone = new AbortController()
  /** Requests that were deferred and are not answered yet. */
  #deferred = 0
  #isEnding = false

  constructor(socket: TcpSocket, handle: Handle, defer: Defer, clock: Clock) {
    this.#socket = socket
    this.#client = new SocketClient('tcp', socket.remoteAddress ?? '', socket.remotePort ?? 0)
    this.#handle = handle
    this.#defer = defer
    this.#clock = clock
    this.lastMessageMs = clock.monotonicMs()
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk)
      this.#answer()
    })
    socket.on('drain', () => {
      socket.resume()
      this.#answer()
    })
    socket.on('end', () => {
      this.#isEnding = true
      this.#answer()
    })
    // A reset is how clients end; 'close' follows and tidies up.
    socket.on('error', ignore)
    socket.on('close', () => this.#gone.abort())
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #answer(): void {
    const socket = this.#socket
    if (!socket.writable) return
    socket.cork()
    while (socket.writableLength < UNSENT_LIMIT_BYTES && this.#deferred < DEFERRED_LIMIT) {
      const message = this.#reader.next()
      if (message === undefined) {
        if (this.#isEnding && this.#deferred === 0) socket.end()
        break
      }
      this.lastMessageMs = this.#clock.monotonicMs()
      const length = this.#handle(message, this.#client, TCP_OUT)
      if (length === DEFERRED) this.#deferMessage(message)
      else if (length > 0) socket.write(framed(TCP_OUT.subarray(0, length)))
    }
    socket.uncork()
    if (socket.writableNeedDrain || this.#deferred === DEFERRED_LIMIT) socket.pause()
  }

  #deferMessage(message: Buffer): void {
    this.#deferred++
    const reply: Reply = { signal: this.#gone.signal, send: (answer) => this.#send(answer) }
    void this.#defer(Uint8Array.from(message), this.#client, reply).finally(() => {
      this.#deferred--
      this.lastMessageMs = this.#clock.monotonicMs()
      if (!this.#socket.writableNeedDrain) this.#socket.resume()
      this.#answer()
    })
  }

  async #send(message: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (!socket.writable) return
    this.lastMessageMs = this.#clock.monotonicMs()
    if (socket.write(framed(message))) return
    await new Promise<void>((done) => {
      const settled = (): void => {
        socket.off('drain', settled).off('close', settled)
        done()
      }
      socket.on('drain', settled).on('close', settled)
    })
  }
}

/** Behind its length, as a stream carries it. */
function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(message.length + 2)
  bytes.writeUInt16BE(message.length, 0)
  bytes.set(message, 2)
  return bytes
}

function serveUdp(
  socket: UdpSocket,
  handle: Handle,
  defer: (packet: Buffer, client: Client, send: (message: Uint8Array) => void) => void,
  limits: DnsLimits,
): void {
  const free: Buffer[] = []
  let lent = 0
  const answer = (packet: Buffer, from: RemoteInfo): void => {
    // Nobody listens on port 0, and `send` would take it for a fault of ours.
    if (from.port === 0 || lent >= SENDS_LIMIT) return
    const out = free.pop() ?? Buffer.allocUnsafeSlow(limits.udpOctets)
    const client = new SocketClient('udp', from.address, from.port)
    const length = handle(packet, client, out)
    if (length <= 0) {
      free.push(out)
      if (length === DEFERRED)
        defer(packet, client, (message) => socket.send(message, from.port, from.address, ignore))
      return
    }
    lent++
    socket.send(out, 0, length, from.port, from.address, () => {
      // Whether it left or not: UDP promises nothing, and the client asks again.
      lent--
      free.push(out)
    })
  }
  socket.on('message', answer)
}

async function bindUdp(endpoint: Endpoint, log: Log): Promise<UdpSocket> {
  const isIpv6 = endpoint.host.includes(':')
  const socket = createSocket({
    type: isIpv6 ? 'udp6' : 'udp4',
    ipv6Only: isIpv6,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // Answers go to addresses, never to names: no look-up, and no turn of the event loop for one.
    lookup: (host, _options, done) => done(null, host, isIpv6 ? 6 : 4),
  })
  await new Promise<void>((done, fail) => {
    socket.once('error', (cause) => fail(listenFault(endpoint, cause)))
    socket.bind({ port: endpoint.port, address: endpoint.host }, done)
  })
  socket.removeAllListeners('error')
  socket.on('error', (error) => {
    log.warn('udp-socket', { address: formatEndpoint(endpoint), why: error.message })
  })
  return socket
}

function bindTcp(server: Server, endpoint: Endpoint): Promise<AddressInfo> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    const { host, port } = endpoint
    server.listen({ host, port, backlog: TCP_BACKLOG, ipv6Only: host.includes(':') }, () => {
      server.removeListener('error', fail)
      done(server.address() as AddressInfo)
    })
  })
}

function ignore(): void {
  // A connection's end is all there is to do about it.
}

/** `handle` is synchronous, so one buffer serves every connection. */
const TCP_OUT = Buffer.alloc(65_535)
