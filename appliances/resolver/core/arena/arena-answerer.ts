// Answers queries of clients from the arena, octet for octet what the responder (serve/responder.ts) says at that moment.
// What is not usual, not there, too long or about to expire is DEFERRED to it: there is one definition of the truth.
import { EDNS_OPTION, OPT, OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import type { Client } from '../../../../shared/dns-server/core/client.ts'
import { DEFERRED } from '../../../../shared/dns-server/core/defer.ts'
import {
  OPTION_HEADER_OCTETS,
  type CookieOptions,
} from '../../../../shared/dns-server/core/edns-options.ts'
import { COOKIE_OCTETS } from '../../../../shared/dns-server/core/server-cookies.ts'
import { UsualQuery } from '../../../../shared/dns-server/core/usual-query.ts'
import type { PrefixSet } from '../../../../shared/net/prefix.ts'
import type { ResponderCounts } from '../serve/responder.ts'
import { ArenaEntry } from './arena-entry.ts'
import { ArenaKey } from './arena-key.ts'
import { ENTRY, keyWord, SECURE, TIME } from './arena-layout.ts'
import { ArenaReader } from './arena-reader.ts'

export type ArenaAnswererOptions = {
  readonly udpLimitOctets: number
  /** Who is answered; others are told so elsewhere. */
  readonly allowed: PrefixSet
  readonly cookies?: CookieOptions
  /** As the responder has it. */
  readonly mayAnswer?: (client: Client) => boolean
  /** The machine's time. */
  readonly nowMs: () => number
}

export class ArenaAnswerer {
  readonly #options: ArenaAnswererOptions
  readonly #counts: Pick<ResponderCounts, 'answered' | 'limited'>
  readonly #reader: ArenaReader
  readonly #key: ArenaKey
  readonly #query = new UsualQuery()
  readonly #entry = new ArenaEntry()
  #isProven = false

  constructor(
    memory: SharedArrayBuffer,
    options: ArenaAnswererOptions,
    counts: Pick<ResponderCounts, 'answered' | 'limited'>,
  ) {
    this.#options = options
    this.#counts = counts
    this.#reader = new ArenaReader(memory)
    this.#key = new ArenaKey(this.#reader.seed)
  }

  /**
   * Answers the packet of `client`, which came by UDP, from `start` to `end` of `packet` into `out` from `to` on. Gives the
   * octets of the answer, 0 for none, DEFERRED.
   */
  respond(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
  ): number {
    const query = this.#query
    const { allowed, mayAnswer, nowMs } = this.#options
    if (!query.read(packet, start, end, this.#key)) return DEFERRED
    const asked = packet[start + 3]!
    if ((packet[start + 2]! & (FLAG.RD >>> 8)) === 0) return DEFERRED
    const entry = this.#entry
    const word = keyWord(query.qtype, query.dnssecOk, (asked & FLAG.CD) !== 0)
    if (!this.#reader.take(this.#key, word, entry)) return DEFERRED
    if (!allowed.has(client.octets)) return DEFERRED
    const optOctets = this.#optOctets(packet, client)
    if (optOctets < 0) return DEFERRED
    const questionOctets = query.end - start - HEADER_OCTETS
    const sectionsTo = to + HEADER_OCTETS + questionOctets
    const octets = sectionsTo - to + entry.words[ENTRY.sectionOctets]! + optOctets
    if (octets > this.#limitOctets) return DEFERRED
    const now = nowMs()
    if (now > entry.time(TIME.gone)) return DEFERRED
    // Whoever fetches it again is told by a client's question, one in a second.
    if (now > entry.time(TIME.worn) && this.#reader.mayReport(entry, now)) return DEFERRED
    if (!this.#isProven && mayAnswer?.(client) === false) {
      this.#counts.limited()
      return 0
    }
    this.#reader.markUsed(entry)
    for (let i = HEADER_OCTETS; i < HEADER_OCTETS + questionOctets; i++)
      out[to + i] = packet[start + i]!
    this.#writeSections(out, sectionsTo, now)
    const outcome = entry.words[ENTRY.outcome]!
    this.#writeHeader(packet, start, out, to, outcome)
    if (query.hasEdns) this.#writeOpt(out, to + octets - optOctets)
    this.#counts.answered('udp', outcome & 0xff, query.qtype)
    return octets
  }

  get #limitOctets(): number {
    return Math.min(this.#query.limitOctets, Math.max(this.#options.udpLimitOctets, 512))
  }

  /** Checks the cookie; -1 when it must be a good one, and is not. */
  #optOctets(packet: Uint8Array, client: Client): number {
    const { hasEdns, cookieAt, cookieOctets } = this.#query
    const { cookies } = this.#options
    this.#isProven = false
    if (!hasEdns) return 0
    if (cookieOctets === 0 || cookies === undefined) return OPT_OCTETS
    const now = cookies.nowSeconds()
    this.#isProven = cookies.server.check(packet, cookieAt, cookieOctets, client.octets, now)
    if (!this.#isProven && cookies.isProofRequired) return -1
    return OPT_OCTETS + OPTION_HEADER_OCTETS + COOKIE_OCTETS
  }

  #writeSections(out: Uint8Array, to: number, nowMs: number): void {
    const entry = this.#entry
    const { octets, sectionsAt, ttls } = entry
    const count = entry.words[ENTRY.sectionOctets]!
    for (let i = 0; i < count; i++) out[to + i] = octets[sectionsAt + i]!
    for (let nth = 0; nth < ttls; nth++) {
      const seconds = Math.floor((entry.time(TIME.links + entry.linkOf(nth)) - nowMs) / 1000)
      const at = to + entry.ttlAt(nth)
      out[at] = seconds >>> 24
      out[at + 1] = seconds >>> 16
      out[at + 2] = seconds >>> 8
      out[at + 3] = seconds
    }
  }

  #writeHeader(
    packet: Uint8Array,
    start: number,
    out: Uint8Array,
    to: number,
    outcome: number,
  ): void {
    const asked = packet[start + 3]!
    const records = this.#entry.words[ENTRY.records]!
    const wantsAd = this.#query.dnssecOk || (asked & FLAG.AD) !== 0
    const ad = wantsAd && (outcome & SECURE) !== 0 ? FLAG.AD : 0
    out[to] = packet[start]!
    out[to + 1] = packet[start + 1]!
    out[to + 2] = (FLAG.QR | FLAG.RD) >>> 8
    out[to + 3] = FLAG.RA | (asked & FLAG.CD) | ad | (outcome & 0xf)
    out[to + 4] = 0
    out[to + 5] = 1
    out[to + 6] = records >>> 8
    out[to + 7] = records
    out[to + 8] = records >>> 24
    out[to + 9] = records >>> 16
    out[to + 10] = 0
    out[to + 11] = this.#query.hasEdns ? 1 : 0
  }

  #writeOpt(out: Uint8Array, to: number): void {
    const { udpLimitOctets, cookies } = this.#options
    const hasCookie = this.#query.cookieOctets > 0 && cookies !== undefined
    out[to] = 0
    out[to + 1] = 0
    out[to + 2] = OPT
    out[to + 3] = udpLimitOctets >>> 8
    out[to + 4] = udpLimitOctets
    out[to + 5] = out[to + 6] = 0
    out[to + 7] = this.#query.dnssecOk ? 0x80 : 0
    out[to + 8] = 0
    out[to + 9] = 0
    out[to + 10] = hasCookie ? OPTION_HEADER_OCTETS + COOKIE_OCTETS : 0
    if (!hasCookie) return
    let at = to + OPT_OCTETS
    out[at++] = 0
    out[at++] = EDNS_OPTION.COOKIE
    out[at++] = 0
    out[at++] = COOKIE_OCTETS
    const { reply } = cookies.server
    for (let i = 0; i < COOKIE_OCTETS; i++) out[at++] = reply[i]!
  }
}
