// DNS to upstreams over HTTPS (RFC 8484): one HTTP/2 connection for each server, kept while it is used, and a POST for each question.
// A message is believed when status, type and length are those of one; all else is no answer.
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
} from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { DNS_MESSAGE_TYPE } from '../../shared/dns-server/core/doh.ts'
import { MESSAGE_LIMIT_OCTETS } from '../../shared/dns/message.ts'
import { upstreamKey, type Upstream } from './core/iterate/upstream.ts'
import type { Arrivals, Send } from './upstream-sockets.ts'

/** An idle connection is kept for so long, in ms: a handshake costs more than the memory. */
const IDLE_MS = 10_000
/** Questions on one connection at a time, whatever more the server would take; the next ones are as unreachable. */
const STREAMS_LIMIT = 256
/** Of what a server may send before it is asked, and of its headers. */
const SESSION_MEGABYTES = 1
const HEADER_PAIRS = 64

export class UpstreamHttps {
  readonly #arrivals: Arrivals
  readonly #sessions = new Map<string, ClientHttp2Session>()
  readonly #streams = new Map<number, ClientHttp2Stream>()
  /** By connection. */
  readonly #counts = new Map<ClientHttp2Session, number>()

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  send({ exchange, upstream, packet }: Send): void {
    const session = this.#sessionOf(upstream)
    const count = this.#counts.get(session)!
    // The machine takes no news while it gives its outputs.
    if (count >= STREAMS_LIMIT) return void setImmediate(() => this.#arrivals.unreachable(exchange))
    this.#counts.set(session, count + 1)
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: upstream.path!,
      [constants.HTTP2_HEADER_AUTHORITY]: upstream.tlsName!,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: DNS_MESSAGE_TYPE,
      [constants.HTTP2_HEADER_ACCEPT]: DNS_MESSAGE_TYPE,
      [constants.HTTP2_HEADER_CONTENT_LENGTH]: String(packet.length),
    })
    this.#streams.set(exchange, stream)
    const answer = new AnswerBody()
    stream.on('response', (headers) => {
      const { ':status': status, 'content-type': type = '' } = headers
      answer.isExpected =
        status === constants.HTTP_STATUS_OK && type.split(';')[0]!.trim() === DNS_MESSAGE_TYPE
      if (!answer.isExpected) stream.close(constants.NGHTTP2_CANCEL)
    })
    stream.on('data', (chunk: Buffer) => {
      if (!answer.take(chunk)) stream.close(constants.NGHTTP2_CANCEL)
    })
    stream.on('end', () => (answer.isWhole = true))
    // 'close' follows, and tells whoever waits.
    stream.on('error', () => {})
    stream.on('close', () => {
      const left = this.#counts.get(session)
      if (left !== undefined) this.#counts.set(session, left - 1)
      // Given up before.
      if (this.#streams.get(exchange) !== stream) return
      this.#streams.delete(exchange)
      const isAnswer =
        stream.rstCode === constants.NGHTTP2_NO_ERROR && answer.isExpected && answer.isWhole
      const { address, port } = upstream
      if (isAnswer) this.#arrivals.received(exchange, answer.octets(), { address, port })
      else this.#arrivals.unreachable(exchange)
    })
    stream.end(packet)
  }

  end(exchange: number): void {
    const stream = this.#streams.get(exchange)
    this.#streams.delete(exchange)
    stream?.close(constants.NGHTTP2_CANCEL)
  }

  close(): void {
    this.#streams.clear()
    for (const session of this.#sessions.values()) session.destroy()
    this.#sessions.clear()
  }

  #sessionOf(upstream: Upstream): ClientHttp2Session {
    const key = upstreamKey(upstream)
    const known = this.#sessions.get(key)
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const session = openSession(upstream)
    this.#sessions.set(key, session)
    this.#counts.set(session, 0)
    const forget = (): void => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key)
    }
    session.setTimeout(IDLE_MS, () => session.destroy())
    // A server that is about to go answers what it was asked, and takes nothing more.
    session.on('goaway', forget)
    session.on('error', () => {})
    session.on('close', () => {
      forget()
      this.#counts.delete(session)
    })
    return session
  }
}

/** What came of an answer. */
class AnswerBody {
  /** By the headers before it, which a stream that is cut off may not have. */
  isExpected = false
  isWhole = false
  readonly #chunks: Buffer[] = []
  #octets = 0

  /** False when it is longer than a message can be. */
  take(chunk: Buffer): boolean {
    this.#octets += chunk.length
    if (this.#octets > MESSAGE_LIMIT_OCTETS) return false
    this.#chunks.push(chunk)
    return true
  }

  octets(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#chunks))
  }
}

function openSession({ address, port, tlsName }: Upstream): ClientHttp2Session {
  return connectHttp2(`https://${tlsName!}`, {
    maxSessionMemory: SESSION_MEGABYTES,
    maxHeaderListPairs: HEADER_PAIRS,
    settings: { enablePush: false },
    // By address: its name is for the certificate alone, and looking it up would be our own business.
    createConnection: () =>
      connectTls({
        host: address,
        port,
        servername: tlsName!,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
      }),
  })
}
