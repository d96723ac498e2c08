// One question to one server until it is answered or given up: EDNS left out for who cannot, TCP for what is truncated
// or looks forged, the cookie sent again as the server wants it (RFC 6891 §6.2.2, RFC 7766, RFC 7873 §5.3).
import { decodeMessage, FLAG, RCODE, type Message } from '../../../../shared/dns/message.ts'
import { EDNS_OPTION } from '../../../../shared/dns/edns.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Random } from '../random.ts'
import {
  CLIENT_COOKIE_OCTETS,
  encodeQuery,
  matchResponse,
  randomCase,
  restoreCase,
  type UpstreamQuery,
} from './query-packet.ts'
import type { ServerMemory } from './server-memory.ts'
import type { Upstream, UpstreamTransport } from './upstream.ts'

export type Ask = {
  readonly upstream: Upstream
  /** Canonical. */
  readonly qname: Name
  readonly qtype: number
  readonly recursionDesired: boolean
}

export type Outcome =
  | { readonly kind: 'message'; readonly message: Message; readonly rttMs: number }
  | { readonly kind: 'failed'; readonly why: InquiryFailure }

export type InquiryFailure = 'timeout' | 'unreachable' | 'garbage' | 'refuses-edns' | 'no-budget'

/** What an inquiry needs of the machine. */
export interface InquiryWorld {
  readonly random: Random
  readonly servers: ServerMemory
  /** 8 octets that only this server is sent. */
  clientCookie(upstream: Upstream): Uint8Array
  /** False when the question has used up its share. */
  mayAsk(): boolean
  send(inquiry: Inquiry, transport: UpstreamTransport, packet: Uint8Array, deadlineMs: number): void
  done(inquiry: Inquiry, outcome: Outcome, nowMs: number): void
}

/** Packets that fit a port but not the query on it: after so many, someone is guessing, and TCP is asked instead. */
const STRANGERS_LIMIT = 3
const STREAM_TIMEOUT_MS = 3000
/** Packets that one inquiry may send: with and without EDNS, with another cookie, over TCP. */
const SENDS_LIMIT = 4

export class Inquiry {
  readonly ask: Ask
  readonly #world: InquiryWorld
  #query: UpstreamQuery | undefined
  #transport: UpstreamTransport
  #sentMs = 0
  #sends = 0
  #strangers = 0
  #hasNewCookie = false

  constructor(ask: Ask, world: InquiryWorld) {
    this.ask = ask
    this.#world = world
    this.#transport = ask.upstream.protocol === 'plain' ? 'udp' : ask.upstream.protocol
  }

  get transport(): UpstreamTransport {
    return this.#transport
  }

  begin(nowMs: number): void {
    this.#send(nowMs)
  }

  /** A packet from the server's address and port, which may be written over. True when the port it came to has done its work. */
  received(packet: Uint8Array, nowMs: number): boolean {
    const query = this.#query!
    const match = matchResponse(packet, query)
    if (match === 'stranger' || (match === 'other-case' && this.#transport === 'udp')) {
      // Who folds the case of every name is found out over TCP, where nobody forges.
      if (match === 'stranger' && ++this.#strangers < STRANGERS_LIMIT) return false
      this.#sendStream(nowMs)
      return true
    }
    const { servers } = this.#world
    const { upstream } = this.ask
    if (match === 'other-case') servers.markFoldsCase(upstream, nowMs)
    const rttMs = nowMs - this.#sentMs
    servers.answered(upstream, rttMs)
    restoreCase(packet, this.ask.qname)
    const decoded = decodeMessage(packet)
    if (!decoded.ok) {
      // Half a message over UDP: the rest may come whole by another way.
      if ((packet[2]! & 0x02) !== 0 && this.#transport === 'udp') this.#sendStream(nowMs)
      else this.#fail('garbage', nowMs)
      return true
    }
    this.#judge(decoded.value, rttMs, nowMs)
    return true
  }

  expired(nowMs: number): void {
    this.#world.servers.unanswered(this.ask.upstream, nowMs)
    this.#fail('timeout', nowMs)
  }

  unreachable(nowMs: number): void {
    // A server without TCP is not gone for it.
    if (this.#transport === 'tcp') this.#world.servers.unanswered(this.ask.upstream, nowMs)
    else this.#world.servers.unreachable(this.ask.upstream, nowMs)
    this.#fail('unreachable', nowMs)
  }

  #judge(message: Message, rttMs: number, nowMs: number): void {
    const { servers } = this.#world
    const { upstream } = this.ask
    const query = this.#query!
    const cookie = message.edns?.options.find(({ code }) => code === EDNS_OPTION.COOKIE)?.data
    if (cookie !== undefined && query.cookie.length > 0) {
      if (!isOurCookie(cookie, query.cookie)) return this.#distrust(nowMs)
      if (cookie.length > CLIENT_COOKIE_OCTETS) servers.of(upstream).cookie = cookie
    }
    const { rcode } = message
    if (rcode === RCODE.BADCOOKIE) {
      if (this.#hasNewCookie || cookie === undefined) return this.#sendStream(nowMs)
      this.#hasNewCookie = true
      return this.#send(nowMs)
    }
    if (query.hasEdns && message.edns === undefined && NO_EDNS_RCODES.has(rcode)) {
      servers.markNoEdns(upstream, nowMs)
      return this.#send(nowMs)
    }
    if (rcode === RCODE.BADVERS) return this.#fail('refuses-edns', nowMs)
    if ((message.flags & FLAG.TC) !== 0 && this.#transport === 'udp') return this.#sendStream(nowMs)
    if (message.questions.length === 0 && rcode === RCODE.NOERROR)
      return this.#fail('garbage', nowMs)
    this.#world.done(this, { kind: 'message', message, rttMs }, nowMs)
  }

  /** Someone who saw the query, or guessed well, but is not the server. */
  #distrust(nowMs: number): void {
    if (this.#transport === 'udp') this.#sendStream(nowMs)
    else this.#fail('garbage', nowMs)
  }

  #sendStream(nowMs: number): void {
    if (this.#transport === 'udp') this.#transport = 'tcp'
    this.#send(nowMs)
  }

  #send(nowMs: number): void {
    const { servers, random } = this.#world
    const { upstream, qname, qtype, recursionDesired } = this.ask
    if (this.#sends >= SENDS_LIMIT) return this.#fail('garbage', nowMs)
    if (!this.#world.mayAsk()) return this.#fail('no-budget', nowMs)
    this.#sends++
    const state = servers.of(upstream)
    const foldsCase = state.foldsCaseUntilMs > nowMs
    const hasEdns = state.noEdnsUntilMs <= nowMs
    const query: UpstreamQuery = {
      id: random.below(0x1_0000),
      qname: foldsCase ? qname : randomCase(qname, random),
      qtype,
      recursionDesired,
      // We check ourselves, and want to see what there is to check.
      checkingDisabled: recursionDesired,
      hasEdns,
      cookie: this.#transport === 'udp' ? this.#cookie(state.cookie) : NO_COOKIE,
      isPadded: upstream.protocol !== 'plain',
    }
    this.#query = query
    this.#sentMs = nowMs
    this.#strangers = 0
    const timeoutMs = this.#transport === 'udp' ? servers.timeoutMs(upstream) : STREAM_TIMEOUT_MS
    this.#world.send(this, this.#transport, encodeQuery(query), nowMs + timeoutMs)
  }

  #cookie(serverCookie: Uint8Array | undefined): Uint8Array {
    const client = this.#world.clientCookie(this.ask.upstream)
    if (serverCookie !== undefined && isOurCookie(serverCookie, client)) return serverCookie
    return client
  }

  #fail(why: InquiryFailure, nowMs: number): void {
    this.#world.done(this, { kind: 'failed', why }, nowMs)
  }
}

function isOurCookie(cookie: Uint8Array, ours: Uint8Array): boolean {
  if (cookie.length < CLIENT_COOKIE_OCTETS) return false
  for (let i = 0; i < CLIENT_COOKIE_OCTETS; i++) if (cookie[i] !== ours[i]) return false
  return true
}

const NO_COOKIE = new Uint8Array(0)
/** What servers without EDNS say to it; any of them with an OPT record means what it says. */
const NO_EDNS_RCODES: ReadonlySet<number> = new Set([RCODE.FORMERR, RCODE.NOTIMP, RCODE.BADVERS])
