// An HTTP/1.1 listener (RFC 9112) with bounds on everything a client decides: header, body, time, connections.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { listenFault } from '../net/listen-fault.ts'
import { PerClient } from '../net/per-client.ts'
import type { CertificateSlot } from '../tls/certificate-slot.ts'
import { replyText } from './reply.ts'

export { readBody, type BodyError } from './body.ts'

/** The promise ends when the response has been ended. What it throws is a fault of ours: 500, logged. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export type HttpLimits = {
  /** Request line and header fields together. */
  readonly headerBytes: number
  /** Of a body that states its length; `readBody` bounds the others. */
  readonly bodyBytes: number
  /** From the first byte of the request to its last. */
  readonly requestMs: number
  /** From the connection, or the first byte, to the end of the header. */
  readonly headerMs: number
  /** Without a byte in either direction, between requests or inside one. */
  readonly idleMs: number
  readonly connections: number
  /** From one address, so that one client cannot take them all; loopback, where proxies are, is not counted. */
  readonly connectionsPerClient: number
  /** What `close` leaves to requests that are under way. */
  readonly drainMs: number
}

const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headerBytes: 16_384,
  bodyBytes: 1_000_000,
  requestMs: 300_000,
  headerMs: 10_000,
  idleMs: 60_000,
  connections: 256,
  connectionsPerClient: 64,
  drainMs: 3_000,
}

export type HttpListener = {
  readonly address: string
  readonly port: number
  /** Takes no new request, lets those whose header is here end within `drainMs`, then cuts. */
  close(): Promise<void>
}

/** Throws `Fatal` when the address cannot be had. */
export async function listenHttp(options: {
  readonly listen: Endpoint
  readonly tls?: CertificateSlot
  readonly limits?: Partial<HttpLimits>
  readonly handler: HttpHandler
  readonly log: Log
}): Promise<HttpListener> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const { log, tls } = options
  const busy = new Set<string>()
  const onRequest: RequestListener = (request, response) => {
    const peer = peerOf(request.socket)
    busy.add(peer)
    response.on('close', () => busy.delete(peer))
    void answer(request, response, { handler: options.handler, limits, log })
  }
  const settings = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: Math.min(limits.headerMs, limits.requestMs),
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headerMs / 4)),
    noDelay: true,
  }
  const { server, detach } = makeServer(settings, onRequest, tls)
  server.maxConnections = limits.connections
  server.maxHeadersCount = HEADER_COUNT_LIMIT
  server.timeout = limits.idleMs
  server.on('drop', () => log.warn('http-connections-exceeded', { limit: limits.connections }))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (statedLength(request) <= limits.bodyBytes) response.writeContinue()
    onRequest(request, response)
  })
  const sockets = new Map<Socket, string>()
  const perClient = new PerClient(limits.connectionsPerClient)
  server.prependListener('connection', (socket: Socket) => {
    const client = socket.remoteAddress ?? ''
    sockets.set(socket, peerOf(socket))
    socket.on('close', () => {
      sockets.delete(socket)
      perClient.leave(client)
    })
    if (perClient.enter(client)) return
    log.warn('http-client-connections-exceeded', { client, limit: limits.connectionsPerClient })
    socket.destroy()
  })
  const bound = await bind(server, options.listen)
  return {
    address: bound.address,
    port: bound.port,
    async close() {
      detach()
      const idle = [...sockets].filter(([, peer]) => !busy.has(peer))
      for (const [socket] of idle) socket.destroy()
      await drain(server, sockets, limits.drainMs)
    },
  }
}

function makeServer(
  settings: ServerOptions,
  onRequest: RequestListener,
  tls: CertificateSlot | undefined,
): { readonly server: Server; readonly detach: () => void } {
  if (tls === undefined) return { server: createServer(settings, onRequest), detach: () => {} }
  const handshakeTimeout = settings.headersTimeout ?? DEFAULT_HTTP_LIMITS.headerMs
  const alpn = { handshakeTimeout, ALPNProtocols: ['http/1.1'] }
  const server = createTlsServer({ ...settings, ...tls.options, ...alpn }, onRequest)
  return { server, detach: tls.attach(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  world: { readonly handler: HttpHandler; readonly limits: HttpLimits; readonly log: Log },
): Promise<void> {
  const { limits, log } = world
  response.on('finish', () => dropUnreadBody(request))
  // A client that goes away mid-answer is its own affair; without a listener it would end the process.
  response.on('error', () => {})
  if (statedLength(request) > limits.bodyBytes) {
    return replyText(response, 413, `The body is larger than ${limits.bodyBytes} bytes`)
  }
  try {
    await world.handler(request, response)
    if (response.writableEnded || response.destroyed) return
    log.error('http-response-unfinished', describe(request))
  } catch (fault) {
    if (isClientGone(fault, response)) {
      log.debug('http-client-gone', describe(request))
      response.destroy()
      return
    }
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
    log.error('http-handler-failed', { ...describe(request), error })
  }
  if (response.headersSent) response.destroy()
  else replyText(response, 500, 'The server made a mistake; its log says more')
}

/** Answered before the body was read: node discards what still comes, but not for longer than this. */
function dropUnreadBody(request: IncomingMessage): void {
  if (request.complete) return
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy()
  }, LINGER_MS)
  timer.unref()
  request.on('end', () => clearTimeout(timer)).on('close', () => clearTimeout(timer))
}

function statedLength(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0)
}

/** The same for a connection and for TLS inside it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/** Without the query, which may hold what a log should not. */
function describe(request: IncomingMessage): { method: string; path: string } {
  return { method: request.method ?? '', path: (request.url ?? '').split('?')[0] ?? '' }
}

function isClientGone(fault: unknown, response: ServerResponse): boolean {
  const code = fault instanceof Error && 'code' in fault ? fault.code : undefined
  return response.destroyed && typeof code === 'string' && CLIENT_GONE.has(code)
}

function bind(server: Server, listen: Endpoint): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refused = (cause: Error): void => reject(listenFault(listen, cause))
    server.once('error', refused)
    server.listen(listen.port, listen.host, () => {
      server.off('error', refused)
      resolve(server.address() as AddressInfo)
    })
  })
}

function drain(
  server: Server,
  sockets: ReadonlyMap<Socket, string>,
  drainMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    // Connections become idle one by one as their answers end.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    const cut = setTimeout(() => {
      for (const socket of sockets.keys()) socket.destroy()
    }, drainMs)
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

/** `http://127.0.0.1:9153`, for log lines and people. */
export function httpUrl(listener: HttpListener, scheme: 'http' | 'https' = 'http'): string {
  return `${scheme}://${formatEndpoint({ host: listener.address, port: listener.port })}`
}

const HEADER_COUNT_LIMIT = 100
const LINGER_MS = 2_000
const SWEEP_MS = 50
const CLIENT_GONE: ReadonlySet<string> = new Set([
  'ABORT_ERR',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
])
