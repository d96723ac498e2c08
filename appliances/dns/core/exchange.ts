// What the name server defers: signatures are verified, requests go to who handles them, and the answers are signed
// on their way (RFC 8945 §5.2, §5.3). Whatever nobody handles is answered by the name server as ever.
import { PLAIN_UDP_OCTETS } from '../../../shared/dns/edns.ts'
import { HEADER_OCTETS, MESSAGE_LIMIT_OCTETS, OPCODE, RCODE } from '../../../shared/dns/message.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import type { AnswerCounts } from './answer/nameserver.ts'
import { bareAnswer } from '../../../shared/dns-server/core/bare-answer.ts'
import { isStream, type Client } from '../../../shared/dns-server/core/client.ts'
import type { Key, KeyRing } from '../../../shared/tsig/key.ts'
import {
  outlineMessage,
  type MessageOutline,
} from '../../../shared/dns-server/core/message-outline.ts'
import type { Defer, Reply } from '../../../shared/dns-server/core/defer.ts'
import type { Request, RequestHandler } from './request.ts'
import type { TsigFault, TsigPolicy } from '../../../shared/tsig/tsig-check.ts'
import { verifyRequest } from '../../../shared/tsig/tsig-request.ts'
import { TsigSigner } from '../../../shared/tsig/tsig-signer.ts'

/** What the exchange needs of the name server. */
export interface PlainAnswers {
  /** Writes the answer to `out`, with `keptOctets` of the client's limit left free, and returns its length. */
  answer(
    packet: Uint8Array,
    client: Client,
    out: Uint8Array,
    keptOctets: number,
    key: Key | undefined,
  ): number
}

export type Handlers = {
  readonly update?: RequestHandler
  readonly notify?: RequestHandler
  /** AXFR and IXFR over streams, and IXFR over UDP. */
  readonly transfer?: RequestHandler
}

export type ExchangeOptions = {
  readonly server: PlainAnswers
  readonly ring: KeyRing
  readonly handlers: Handlers
  readonly policy: TsigPolicy
  /** Largest UDP answer. */
  readonly udpLimitOctets: number
  /** Milliseconds since 1970. */
  readonly wallMs: () => number
  readonly counts: AnswerCounts
  /** Of each request whose signature is refused. */
  readonly refused: (kind: TsigFault, client: Client) => void
  /** A handler threw: a fault of ours, which its client hears of as SERVFAIL. */
  readonly fault: (cause: unknown, packet: Uint8Array) => void
}

/** Requests that handlers work on at once, of all clients; more get SERVFAIL, or silence over UDP. */
export const REQUESTS_LIMIT = 1024

export class Exchange {
  readonly #options: ExchangeOptions
  readonly #out = new Uint8Array(MESSAGE_LIMIT_OCTETS)
  #inWork = 0

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** Requests that handlers are working on. */
  get inWork(): number {
    return this.#inWork
  }

  readonly defer: Defer = async (packet, client, reply) => {
    const outline = outlineMessage(packet)
    if (outline === undefined) {
      if (packet.length < HEADER_OCTETS) return
      return await this.#sendBare(packet, undefined, RCODE.FORMERR, client, reply)
    }
    const { tsigAt } = outline
    if (tsigAt === undefined) return await this.#route(packet, outline, client, reply, undefined)
    const verified = verifyRequest(packet, { ...outline, tsigAt }, this.#options.ring, {
      nowSeconds: this.#nowSeconds(),
      policy: this.#options.policy,
    })
    if (verified.ok) {
      const { key, plain, mac } = verified.value
      const signed = { key, mac, signer: new TsigSigner(key, mac) }
      return await this.#route(plain, outline, client, reply, signed)
    }
    const { kind, answer, rcode } = verified.error
    this.#options.refused(kind, client)
    this.#options.counts.answered(client.transport, rcode)
    await reply.send(answer)
  }

  async #route(
    packet: Uint8Array,
    outline: MessageOutline,
    client: Client,
    reply: Reply,
    signed: Signed | undefined,
  ): Promise<void> {
    const handler = this.#handlerFor(packet, outline, client)
    if (handler === undefined) {
      const room = signed?.signer.octets ?? 0
      const length = this.#options.server.answer(packet, client, this.#out, room, signed?.key)
      if (length > 0) await this.#send(this.#out.slice(0, length), reply, signed)
      return
    }
    if (this.#inWork >= REQUESTS_LIMIT) {
      if (isStream(client.transport))
        await this.#sendBare(packet, outline, RCODE.SERVFAIL, client, reply, signed)
      else this.#options.counts.ignored(client.transport)
      return
    }
    this.#inWork++
    let sent = 0
    try {
      const limitOctets = this.#limitOctets(packet, outline, client) - (signed?.signer.octets ?? 0)
      const request: Request = {
        packet,
        client: keepClient(client),
        key: signed?.key,
        mac: signed?.mac,
        limitOctets,
        signal: reply.signal,
      }
      for await (const message of handler(request)) {
        if (sent === 0) this.#options.counts.answered(client.transport, message[3]! & 0xf)
        sent++
        await this.#send(message, reply, signed)
        if (reply.signal.aborted) break
      }
    } catch (cause) {
      this.#options.fault(cause, packet)
      if (sent === 0) await this.#sendBare(packet, outline, RCODE.SERVFAIL, client, reply, signed)
    } finally {
      this.#inWork--
    }
  }

  #handlerFor(
    packet: Uint8Array,
    { questionEnd }: MessageOutline,
    client: Client,
  ): RequestHandler | undefined {
    const { update, notify, transfer } = this.#options.handlers
    const opcode = (packet[2]! >>> 3) & 0xf
    if (opcode === OPCODE.UPDATE) return update
    if (opcode === OPCODE.NOTIFY) return notify
    const hasOneQuestion = packet[4] === 0 && packet[5] === 1
    if (opcode !== OPCODE.QUERY || !hasOneQuestion) return undefined
    const qtype = (packet[questionEnd - 4]! << 8) | packet[questionEnd - 3]!
    if (qtype === TYPE.IXFR) return transfer
    return qtype === TYPE.AXFR && isStream(client.transport) ? transfer : undefined
  }

  #limitOctets(packet: Uint8Array, { optAt }: MessageOutline, client: Client): number {
    if (isStream(client.transport)) return MESSAGE_LIMIT_OCTETS
    const offered = optAt === undefined ? 0 : (packet[optAt + 2]! << 8) | packet[optAt + 3]!
    return Math.max(PLAIN_UDP_OCTETS, Math.min(offered, this.#options.udpLimitOctets))
  }

  async #sendBare(
    packet: Uint8Array,
    outline: MessageOutline | undefined,
    rcode: number,
    client: Client,
    reply: Reply,
    signed?: Signed,
  ): Promise<void> {
    this.#options.counts.answered(client.transport, rcode)
    await this.#send(bareAnswer(packet, outline, rcode), reply, signed)
  }

  async #send(message: Uint8Array, reply: Reply, signed: Signed | undefined): Promise<void> {
    await reply.send(
      signed === undefined ? message : signed.signer.sign(message, this.#nowSeconds()),
    )
  }

  #nowSeconds(): number {
    return Math.floor(this.#options.wallMs() / 1000)
  }
}

type Signed = { readonly key: Key; readonly mac: Uint8Array; readonly signer: TsigSigner }

/** The listener may use its object for the next packet. */
function keepClient({ transport, octets, address, port, isOldTls = false }: Client): Client {
  return { transport, octets, address, port, isOldTls }
}
