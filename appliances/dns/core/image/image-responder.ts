// What a packet worker answers with: the image itself where the query is usual, the name server on the image's zones
// where it is not, and nobody (DEFERRED) where it takes more than that. Answers again what a change ran through.
import {
  Nameserver,
  type AnswerCounts,
  type AnswerLimiter,
  type NameserverOptions,
} from '../answer/nameserver.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Client, Transport } from '../../../../shared/dns-server/core/client.ts'
import { DEFERRED } from '../../../../shared/dns-server/core/defer.ts'
import { ImageAnswer, PASSED } from './image-answer.ts'
import { ImageReader } from './image-reader.ts'
import { ImageZones } from './image-zone.ts'
import { NameKey } from './name-key.ts'

export class ImageResponder {
  readonly #reader: ImageReader
  readonly #answer: ImageAnswer
  readonly #zones: ImageZones
  readonly #server: Nameserver
  readonly #counts: AnswerCounts
  readonly #limiter: AnswerLimiter | undefined
  readonly #pending = new PendingCounts()
  readonly #origins: Origins
  readonly #viewOf: ((octets: Uint8Array) => number) | undefined
  #generation = -1

  /** `viewOf` gives the view that an address sees; without it all see the zones of everybody. */
  constructor(
    memory: SharedArrayBuffer,
    options: NameserverOptions,
    counts: AnswerCounts,
    viewOf?: (octets: Uint8Array) => number,
  ) {
    this.#viewOf = viewOf
    this.#reader = new ImageReader(memory)
    this.#answer = new ImageAnswer(this.#reader, options)
    this.#zones = new ImageZones(this.#reader, new NameKey(this.#reader.seed))
    const { online } = this.#zones
    const { limiter } = options
    const own = { ...options, online, ...(limiter && { limiter: this.#afterwards(limiter) }) }
    this.#server = new Nameserver(this.#zones, own, this.#pending)
    this.#counts = counts
    this.#origins = new Origins(this.#reader)
    this.#limiter = limiter
  }

  /**
   * Answers the packet from `start` to `end` of `packet` into `out` from `to` on, `outOctets` at most. Gives the octets of the
   * answer, 0 for none, DEFERRED. Throws for a fault of ours.
   */
  respond(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
    outOctets: number,
  ): number {
    if (this.#viewOf !== undefined) this.#reader.view = this.#viewOf(client.octets)
    for (;;) {
      const generation = this.#reader.generation()
      try {
        const octets = this.#answer.answer(packet, start, end, client, out, to)
        if (octets !== PASSED) {
          if (!this.#reader.isCurrent(generation)) continue
          return this.#limited(octets, packet, start, client, out, to)
        }
        if (generation !== this.#generation) this.#zones.forget()
        this.#generation = generation
        this.#pending.clear()
        this.#zones.metElsewhere = false
        const message = packet.subarray(start, end)
        const length = this.#server.handle(message, client, out.subarray(to, to + outOctets))
        if (!this.#reader.isCurrent(generation)) continue
        if (this.#zones.metElsewhere) return DEFERRED
        this.#pending.handOver(this.#counts)
        return length
      } catch (cause) {
        // What was read while it changed may have been no zone at all.
        if (this.#reader.isCurrent(generation)) throw cause
      }
    }
  }

  /** What is not to be sent, since the zone is elsewhere or changed meanwhile, does not count. */
  #afterwards(limiter: AnswerLimiter): AnswerLimiter {
    return {
      decide: (client, kind, hash) =>
        this.#zones.metElsewhere || !this.#reader.isCurrent(this.#generation)
          ? 'send'
          : limiter.decide(client, kind, hash),
    }
  }

  /** The answer, what a limiter leaves of it, or 0 when it may not be sent at all. */
  #limited(
    octets: number,
    packet: Uint8Array,
    start: number,
    client: Client,
    out: Uint8Array,
    to: number,
  ): number {
    const answer = this.#answer
    const verdict =
      this.#limiter === undefined || answer.isProven
        ? 'send'
        : this.#limiter.decide(client, answer.kind, answer.countedHash)
    if (verdict !== 'send') this.#counts.limited(verdict)
    if (verdict === 'drop') return 0
    const length = verdict === 'send' ? octets : answer.truncate(packet, start, out, to)
    this.#counts.answered('udp', answer.rcode, answer.qtype, this.#origins.of(answer.originZone))
    if (answer.isTruncated) this.#counts.truncated()
    return length
  }
}

/** Names of zones, made once for many answers. */
class Origins {
  readonly #reader: ImageReader
  /** By offset: a zone's block never changes. */
  readonly #known = new Map<number, Name>()
  #lastZone = 0
  #lastOrigin: Name | undefined

  constructor(reader: ImageReader) {
    this.#reader = reader
  }

  /** Of the zone at `zone`. */
  of(zone: number): Name | undefined {
    if (zone === this.#lastZone) return this.#lastOrigin
    let origin = this.#known.get(zone)
    if (origin === undefined) {
      origin = this.#reader.originAt(zone)
      if (this.#known.size >= ORIGINS_LIMIT) this.#known.clear()
      this.#known.set(zone, origin)
    }
    this.#lastZone = zone
    this.#lastOrigin = origin
    return origin
  }
}

const ORIGINS_LIMIT = 4096

/** Of one answer, until it is known to be good. */
class PendingCounts implements AnswerCounts {
  #transport: Transport = 'udp'
  #rcode = -1
  #qtype: number | undefined
  #origin: Name | undefined
  #isTruncated = false
  #isIgnored = false
  #verdict: 'drop' | 'slip' | undefined

  clear(): void {
    this.#rcode = -1
    this.#isTruncated = false
    this.#isIgnored = false
    this.#verdict = undefined
  }

  answered(transport: Transport, rcode: number, qtype?: number, origin?: Name): void {
    this.#transport = transport
    this.#rcode = rcode
    this.#qtype = qtype
    this.#origin = origin
  }

  truncated(): void {
    this.#isTruncated = true
  }

  ignored(transport: Transport): void {
    this.#transport = transport
    this.#isIgnored = true
  }

  limited(verdict: 'drop' | 'slip'): void {
    this.#verdict = verdict
  }

  handOver(counts: AnswerCounts): void {
    if (this.#rcode >= 0) counts.answered(this.#transport, this.#rcode, this.#qtype, this.#origin)
    if (this.#isTruncated) counts.truncated()
    if (this.#verdict !== undefined) counts.limited(this.#verdict)
    if (this.#isIgnored) counts.ignored(this.#transport)
  }
}
