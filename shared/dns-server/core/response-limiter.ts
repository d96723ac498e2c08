// Response rate limiting: a server that is asked in someone else's name does not flood that someone. Like BIND's and
// NSD's: equal answers to one client prefix are counted; beyond the rate they are dropped, or every few of them sent
// as an empty truncated answer, which a real client repeats over TCP. One instance belongs to one thread; several may
// count in one memory, where two answers at the very same time may count as one.
import type { PrefixSet } from '../../net/prefix.ts'

/** What an answer is to the limiter; each kind has a rate of its own. */
export const RESPONSE_KIND = {
  /** Counted by the name asked, or by the wildcard that stood in. */
  POSITIVE: 0,
  /** NXDOMAIN and NODATA, by zone: random names must not make it many. */
  NEGATIVE: 1,
  /** By the delegated name. */
  REFERRAL: 2,
  /** REFUSED, SERVFAIL, FORMERR and the like, all as one. */
  ERROR: 3,
} as const

export type Verdict = 'send' | 'drop' | 'slip'

export type ResponseRates = {
  /** Equal answers a second to one prefix, by kind; 0 does not limit that kind. */
  readonly perSecond: readonly [positive: number, negative: number, referral: number, error: number]
  /** A prefix that goes on asking stays limited until it has kept below the rate for so long. */
  readonly windowSeconds: number
  /** Every so manieth limited answer is sent truncated; 0 drops all of them. */
  readonly slip: number
  /** Lengths of the prefixes that count as one client, in bits. */
  readonly ipv4Bits: number
  readonly ipv6Bits: number
  /** Clients that are never limited. */
  readonly exempt: PrefixSet
  /** What is counted at one time; beyond it what was quiet longest is forgotten. A power of two. */
  readonly entries: number
}

/** Entries that one answer may be counted in: the oldest of them makes room. */
const WAYS = 4

const ENTRY_OCTETS = 16
/** Clocks of threads that share a memory may differ by so much. */
const CLOCKS_DIFFER_MS = 1000

/** For `entries` of rates. */
export function limiterMemory<Memory extends ArrayBufferLike>(
  entries: number,
  make: new (octets: number) => Memory,
): Memory {
  const memory = new make(entries * ENTRY_OCTETS)
  new Float64Array(memory, 0, entries).fill(-Infinity)
  return memory
}

export class ResponseLimiter {
  readonly #rates: ResponseRates
  /** By kind. */
  readonly #perMs: Float64Array
  readonly #burst: Float64Array
  readonly #floor: Float64Array
  readonly #setMask: number
  readonly #seed: number
  readonly #tags: Uint32Array
  readonly #credits: Float32Array
  readonly #lastMs: Float64Array
  #limited = 0

  /** `seed` is a random 32-bit number. Limiters of one `memory` have one seed. */
  constructor(
    rates: ResponseRates,
    seed: number,
    memory: ArrayBufferLike = limiterMemory(rates.entries, ArrayBuffer),
  ) {
    this.#rates = rates
    this.#seed = seed | 0
    const { perSecond } = rates
    this.#perMs = Float64Array.from(perSecond, (rate) => rate / 1000)
    this.#burst = Float64Array.from(perSecond, (rate) => Math.max(rate, 1))
    this.#floor = Float64Array.from(perSecond, (rate) => -rate * rates.windowSeconds)
    this.#setMask = rates.entries / WAYS - 1
    const { entries } = rates
    this.#lastMs = new Float64Array(memory, 0, entries)
    this.#tags = new Uint32Array(memory, 8 * entries, entries)
    this.#credits = new Float32Array(memory, 12 * entries, entries)
  }

  /**
   * For an answer by UDP to a client without a valid cookie. `octets` is its address, 4 or 16; `nameHash` as `nameHash`
   * gives it for the name that the kind counts by, 0 for errors; `nowMs` never goes back.
   */
  decide(octets: Uint8Array, kind: number, nameHash: number, nowMs: number): Verdict {
    const perMs = this.#perMs[kind]!
    if (perMs === 0 || this.#rates.exempt.has(octets)) return 'send'
    const bits = octets.length === 4 ? this.#rates.ipv4Bits : this.#rates.ipv6Bits
    let hash = this.#seed ^ Math.imul(octets.length + kind, 0x9e37_79b1)
    for (let i = 0, left = bits; left > 0; i++, left -= 8)
      hash = mix(hash, left >= 8 ? octets[i]! : octets[i]! & (0xff00 >>> left))
    hash = mix(hash, nameHash)
    // Two numbers that know nothing of each other: where to look, and what to look for.
    const set = (finish(hash) & this.#setMask) * WAYS
    const tag = finish(hash ^ 0x5bd1_e995)
    const at = this.#entryOf(set, tag, nowMs)
    const burst = this.#burst[kind]!
    const last = this.#lastMs[at]!
    let credit = this.#credits[at]!
    if (last === -Infinity) credit = burst
    else credit = Math.min(burst, credit + Math.max(nowMs - last, 0) * perMs)
    credit = Math.max(credit - 1, this.#floor[kind]!)
    this.#credits[at] = credit
    this.#lastMs[at] = Math.max(last, nowMs)
    if (credit >= 0) return 'send'
    const { slip } = this.#rates
    return slip > 0 && ++this.#limited % slip === 0 ? 'slip' : 'drop'
  }

  /** The entry with this tag, or the one of its set that was quiet longest, emptied. */
  #entryOf(set: number, tag: number, nowMs: number): number {
    let oldest = set
    let oldestMs = Infinity
    for (let at = set; at < set + WAYS; at++) {
      const last = this.#lastMs[at]!
      if (this.#tags[at] === tag && last <= nowMs + CLOCKS_DIFFER_MS && last !== -Infinity)
        return at
      if (last < oldestMs) {
        oldest = at
        oldestMs = last
      }
    }
    this.#tags[oldest] = tag
    this.#lastMs[oldest] = -Infinity
    return oldest
  }
}

/** FNV-1a over a name in wire form, given as its character codes. */
export function nameHash(name: string): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193)
  return hash | 0
}

/** `nameHash` of a name that stands in octets. */
export function octetsHash(octets: Uint8Array, at: number, length: number): number {
  let hash = 0x811c_9dc5
  for (const end = at + length; at < end; at++) hash = Math.imul(hash ^ octets[at]!, 0x0100_0193)
  return hash | 0
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x85eb_ca6b)
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb_352d)
  const again = Math.imul(mixed ^ (mixed >>> 15), 0x846c_a68b)
  return (again ^ (again >>> 16)) >>> 0
}
