// Makes finished answers of what the cache has, for the threads that answer from the arena, and takes them back when the
// cache says something else.
import { HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { MessageWriter } from '../../../../shared/dns/message-writer.ts'
import type { Answer, Question } from '../answer.ts'
import type { AnswerCache, CacheWatcher } from '../cache/answer-cache.ts'
import { expiresMs, wornMs, type Link } from '../link.ts'
import { writeSections } from '../serve/answer-writer.ts'
import { ArenaEntry } from './arena-entry.ts'
import { ArenaKey } from './arena-key.ts'
import { ENTRY, keyWord, SECTIONS_LIMIT_OCTETS, SECURE, TIME } from './arena-layout.ts'
import { ArenaReader } from './arena-reader.ts'
import { ArenaWriter } from './arena-writer.ts'

/** A name, type and class. */
const QUESTION_LIMIT_OCTETS = 255 + 4
/** Answers made with one link: whoever asks for random names below one that is not there gets no more of the arena. */
const MADE_LIMIT = 1024
/** More links or TTLs than that are answered by the main thread. */
const LINKS_LIMIT = 16
const TTLS_LIMIT = 256

export type PublisherOptions = {
  /** A power of two. */
  readonly octets: number
  /** A random 32-bit number. */
  readonly seed: number
  /** Whether links are fetched again before they expire. */
  readonly prefetch: boolean
  /** Types whose answers depend on more than their links. */
  readonly unpublished: readonly number[]
}

export class AnswerPublisher implements CacheWatcher {
  readonly #options: PublisherOptions
  readonly #cache: AnswerCache
  readonly #arena: ArenaWriter
  readonly #reader: ArenaReader
  readonly #key: ArenaKey
  readonly #entry = new ArenaEntry()
  readonly #found = new ArenaEntry()
  readonly #writer = new MessageWriter()
  readonly #out = new Uint8Array(HEADER_OCTETS + QUESTION_LIMIT_OCTETS + SECTIONS_LIMIT_OCTETS)
  readonly #ttlsAt = new Uint16Array(TTLS_LIMIT)
  readonly #linkOf = new Uint8Array(TTLS_LIMIT)
  /** Where answers made with a link stand. */
  readonly #madeOf = new WeakMap<Link, number[]>()
  /** Answers since the start, and those taken back. */
  readonly counts = { published: 0, withdrawn: 0 }

  constructor(cache: AnswerCache, options: PublisherOptions) {
    this.#options = options
    this.#cache = cache
    this.#arena = new ArenaWriter(options.octets, options.seed)
    this.#reader = new ArenaReader(this.#arena.memory)
    this.#key = new ArenaKey(options.seed)
    cache.watch(this)
  }

  get memory(): SharedArrayBuffer {
    return this.#arena.memory
  }

  /** `answer` is what the cache gave for `question` at `nowMs`. What cannot be repeated without more thought is left out. */
  offer(question: Question, dnssecOk: boolean, answer: Answer, nowMs: number): void {
    const { qname, qtype, checkingDisabled } = question
    const { links } = answer
    if (answer.isStale || answer.extendedErrors.length > 0 || links.length > LINKS_LIMIT) return
    if (this.#options.unpublished.includes(qtype)) return
    let worn = Infinity
    let gone = Infinity
    for (const link of links) {
      if (!this.#cache.holds(link) || this.#isExhausted(link)) return
      worn = Math.min(worn, wornMs(link))
      // From then on a TTL is 0.
      gone = Math.min(gone, expiresMs(link) - 1000)
    }
    if (nowMs > gone) return
    const word = keyWord(qtype, dnssecOk, checkingDisabled)
    this.#key.loadName(qname)
    if (this.#reader.take(this.#key, word, this.#found)) return
    const entry = this.#entry
    entry.setTime(TIME.worn, this.#options.prefetch ? worn : Infinity)
    entry.setTime(TIME.gone, gone)
    for (const [nth, link] of links.entries()) entry.setTime(TIME.links + nth, expiresMs(link))
    if (!this.#write(question, word, dnssecOk, answer, nowMs)) return
    const position = this.#arena.put(this.#key, entry)
    this.counts.published++
    for (const link of links) {
      const made = this.#madeOf.get(link)
      if (made === undefined) this.#madeOf.set(link, [position])
      else made.push(position)
    }
  }

  gone(link: Link): void {
    const made = this.#madeOf.get(link)
    if (made === undefined) return
    for (const position of made) this.#arena.kill(position)
    this.counts.withdrawn += made.length
    this.#madeOf.delete(link)
  }

  wasUsed(link: Link): boolean {
    const made = this.#madeOf.get(link)
    if (made === undefined) return false
    return made.some((position) => this.#arena.wasUsed(position))
  }

  /** For whoever changes what is said before the cache is asked. */
  clear(): void {
    this.#arena.clear()
  }

  #isExhausted(link: Link): boolean {
    const made = this.#madeOf.get(link)
    if (made === undefined || made.length < MADE_LIMIT) return false
    const left = made.filter((position) => this.#arena.holds(position))
    this.#madeOf.set(link, left)
    return left.length >= MADE_LIMIT
  }

  /** All of the entry but the times; false when it is too large. */
  #write(
    question: Question,
    word: number,
    dnssecOk: boolean,
    answer: Answer,
    nowMs: number,
  ): boolean {
    const { qname } = question
    const { links } = answer
    const writer = this.#writer
    const questionEnd = HEADER_OCTETS + qname.length + 4
    writer.start(this.#out, questionEnd + SECTIONS_LIMIT_OCTETS)
    writer.at = questionEnd
    let ttls = 0
    const { answers, authorities, isTruncated } = writeSections(writer, answer, {
      qname,
      wantsDnssec: dnssecOk,
      nowMs,
      // Nothing here is stale.
      staleTtlSeconds: 0,
      ttlWritten: (at, link) => {
        if (ttls < TTLS_LIMIT) {
          this.#ttlsAt[ttls] = at - questionEnd
          this.#linkOf[ttls] = link
        }
        ttls++
      },
    })
    if (isTruncated || ttls > TTLS_LIMIT) return false
    const entry = this.#entry
    const { words, octets } = entry
    const sectionOctets = writer.at - questionEnd
    words[ENTRY.key] = word
    words[ENTRY.nameOctets] = qname.length
    words[ENTRY.sectionOctets] = sectionOctets
    words[ENTRY.records] = answers | (authorities << 16)
    words[ENTRY.outcome] = answer.rcode | (answer.security === 'secure' ? SECURE : 0)
    words[ENTRY.places] = ttls | (links.length << 16)
    for (let i = 0; i < ttls; i++) entry.setPlace(i, this.#ttlsAt[i]!, this.#linkOf[i]!)
    const { nameAt, sectionsAt } = entry
    octets.set(this.#key.octets.subarray(0, qname.length), nameAt)
    octets.set(this.#out.subarray(questionEnd, writer.at), sectionsAt)
    const end = sectionsAt + sectionOctets
    words[ENTRY.words] = (end + 3) >> 2
    // The last word is summed whole.
    octets.fill(0, end, (end + 3) & ~3)
    return true
  }
}
