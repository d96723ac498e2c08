// DNS over HTTPS (RFC 8484) on HTTP/2 and HTTP/1.1: one path, one message each way, bounds on all that a client decides.
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { CertificateSlot } from '../tls/certificate-slot.ts'
import {
  DNS_MESSAGE_TYPE,
  DOH_BODY_LIMIT_OCTETS,
  freshnessSeconds,
  readDohRequest,
} from './core/doh.ts'
import { DEFERRED, type Reply } from './core/defer.ts'
import type { SocketClient } from './socket-client.ts'
import type { OpenStream } from './admission.ts'
import { peerOf, type StreamWorld } from './dns-streams.ts'
import type { StreamService } from './stream-listener.ts'

const HEADER_LIMIT_BYTES = 16 * 1024
const HEADER_PAIRS_LIMIT = 64
const STREAMS_LIMIT = 100
/** Megabytes that one HTTP/2 connection may make us hold. */
const SESSION_MEGABYTES = 2

type Peer = {
  readonly open: OpenStream
  readonly client: SocketClient
  /** Requests that are still taken. */
  left: number
}

export class HttpsService implements StreamService {
  readonly transport = 'https'
  readonly #path: string
  readonly #world: StreamWorld
  readonly #server: Http2SecureServer
  readonly #detach: () => void
  /** By the peer's address and port, which requests know. */
  readonly #peers = new Map<string, Peer>()
  readonly #sessions = new Set<ServerHttp2Session>()

  constructor(slot: CertificateSlot, path: string, world: StreamWorld) {
    const { limits, log } = world
    this.#path = path
    this.#world = world
    const http1 = {
      maxHeaderSize: HEADER_LIMIT_BYTES,
      headersTimeout: limits.tcpIdleMs,
      requestTimeout: limits.tcpIdleMs,
      keepAliveTimeout: limits.tcpIdleMs,
    }
    this.#server = createSecureServer({
      ...slot.options,
      ...http1,
      ALPNProtocols: ['h2', 'http/1.1'],
      allowHTTP1: true,
      handshakeTimeout: limits.tcpIdleMs,
      maxSessionMemory: SESSION_MEGABYTES,
      maxHeaderListPairs: HEADER_PAIRS_LIMIT,
      settings: { maxConcurrentStreams: STREAMS_LIMIT, maxHeaderListSize: HEADER_LIMIT_BYTES },
    })
    this.#detach = slot.attach(this.#server)
    this.#server.on('tlsClientError', (error, socket) => {
      log.debug('tls-handshake', { client: socket.remoteAddress, why: error.message })
      socket.destroy()
    })
    this.#server.on('secureConnection', (socket) => socket.on('error', ignore))
    this.#server.on('session', (session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
    })
    // A client that breaks the protocol loses its connection, and that is all.
    this.#server.on('sessionError', ignore)
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('request', (request, response) => this.#receive(request, response))
  }

  take(open: OpenStream, client: SocketClient): void {
    const { socket } = open
    const peer = peerOf(socket)
    this.#peers.set(peer, { open, client, left: this.#world.limits.tcpQueries })
    socket.once('close', () => this.#peers.delete(peer))
    this.#server.emit('connection', socket)
  }

  end(): void {
    this.#detach()
    for (const session of this.#sessions) session.close()
  }

  #receive(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const peer = this.#peers.get(peerOf(request.socket))
    request.on('error', ignore)
    response.on('error', ignore)
    if (peer === undefined || peer.left === 0) return void request.socket.destroy()
    const { method, url: target, headers } = request
    const read = readDohRequest(this.#path, {
      method,
      target,
      contentType: headers['content-type'] ?? '',
    })
    if (read.kind === 'message') this.#answer(read.message, peer, response)
    else if (read.kind === 'body')
      readBody(request, (message) => {
        if (message !== undefined) this.#answer(message, peer, response)
        else refuse(response, 413, 'A DNS message has 65535 octets at most')
      })
    else {
      request.resume()
      refuse(response, read.status, read.why)
    }
  }

  #answer(message: Uint8Array, peer: Peer, response: Http2ServerResponse): void {
    const { open, client } = peer
    const { handle, defer } = this.#world
    open.touch()
    peer.left--
    if (peer.left === 0) endAfter(response)
    const length = handle(message, client, OUT)
    if (length > 0) return reply(response, Uint8Array.from(OUT.subarray(0, length)))
    if (length !== DEFERRED) return refuse(response, 400, 'Not a DNS query')
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const answers: Uint8Array[] = []
    const collect: Reply = {
      signal: gone.signal,
      send: async (answer) => {
        open.touch()
        // One response has one message: what takes several (a transfer) does not go this way.
        if (answers.push(Uint8Array.from(answer)) > 1) gone.abort()
      },
    }
    void defer(Uint8Array.from(message), client, collect).then(() => {
      if (answers.length === 1) reply(response, answers[0]!)
      else refuse(response, answers.length === 0 ? 400 : 501, 'Ask for it over TCP or TLS')
    })
  }
}

/** Undefined when it is too long. A client that goes away before the end is not called back for. */
function readBody(request: Http2ServerRequest, done: (body: Uint8Array | undefined) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= DOH_BODY_LIMIT_OCTETS) chunks.push(chunk)
    else chunks.length = 0
  })
  request.on('end', () => {
    done(length <= DOH_BODY_LIMIT_OCTETS ? Buffer.concat(chunks, length) : undefined)
  })
}

function reply(response: Http2ServerResponse, message: Uint8Array): void {
  if (response.writableEnded || response.destroyed) return
  response.writeHead(200, {
    'content-type': DNS_MESSAGE_TYPE,
    'content-length': message.length,
    'cache-control': `max-age=${freshnessSeconds(message)}`,
  })
  response.end(message)
}

function refuse(response: Http2ServerResponse, status: number, why: string): void {
  if (response.writableEnded || response.destroyed) return
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, POST' }),
  })
  response.end(`${why}\n`)
}

/** The connection has had its share of queries: this answer is the last. */
function endAfter(response: Http2ServerResponse): void {
  const { stream, socket } = response as Partial<Http2ServerResponse>
  response.on('finish', () => {
    if (stream?.session) stream.session.close()
    else socket?.end()
  })
}

function ignore(): void {
  // The end of a connection or stream is all there is to do about it.
}

/** `handle` is synchronous, so one buffer serves every request. */
const OUT = Buffer.alloc(65_535)
