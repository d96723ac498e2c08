// Signatures that are made while their question waits, kept for the next ones: what is kept is bounded in octets, what
// is made by a rate, so that a flood of names that nobody has asked for before takes its part of the processor and no more.
import type { Name } from '../../../../shared/dns/name.ts'
import {
  dataToSign,
  rrsigRdata,
  type RRset,
  type SigningKey,
} from '../../../../shared/dnssec/rrsig.ts'
import type { AnsweredZone } from '../zone/answered-zone.ts'
import { INCEPTION_SKEW_SECONDS } from './signing-plan.ts'

/** What an answer needs of it. */
export interface OnlineSignatures {
  /** Whether the zone is answered this way: it is signed and has no records that prove absence. */
  covers(zone: AnsweredZone): boolean
  /** Rdata of the RRSIG records over `rrset` by the zone's keys; undefined when there may be none now. */
  over(zone: AnsweredZone, rrset: RRset): readonly Uint8Array[] | undefined
}

export type OnlineKeys = {
  readonly keys: readonly SigningKey[]
  readonly lifetimeSeconds: number
}

export type OnlineSignerOptions = {
  /** The keys that sign the zone; undefined for one that is not answered this way. The same object until they change. */
  readonly keysOf: (zone: AnsweredZone) => OnlineKeys | undefined
  /** Since 1970. */
  readonly nowSeconds: () => number
  readonly monotonicMs: () => number
  /** By all zones together, of the quick algorithms; see `SLOW`. */
  readonly signaturesPerSecond: number
  readonly keptOctets: number
  readonly counted: (result: 'made' | 'kept' | 'refused', signatures: number) => void
}

/** A "no" that was true may be shown to others for so long: not for the weeks that signatures of records have. */
const LIFETIME_SECONDS = 2 * 86_400

export class OnlineSigner implements OnlineSignatures {
  readonly #options: OnlineSignerOptions
  readonly #kept: KeptSignatures
  readonly #budget: SignatureBudget

  constructor(options: OnlineSignerOptions) {
    this.#options = options
    this.#kept = new KeptSignatures(options.keptOctets)
    this.#budget = new SignatureBudget(options.signaturesPerSecond, options.monotonicMs())
  }

  get keptOctets(): number {
    return this.#kept.octets
  }

  covers(zone: AnsweredZone): boolean {
    return this.#options.keysOf(zone) !== undefined
  }

  over(zone: AnsweredZone, rrset: RRset): readonly Uint8Array[] | undefined {
    const { keysOf, nowSeconds, monotonicMs, counted } = this.#options
    const by = keysOf(zone)
    if (by === undefined) return undefined
    const now = nowSeconds()
    const key = keyOf(zone.origin, rrset)
    const kept = this.#kept.get(key)
    if (
      kept !== undefined &&
      kept.by === by &&
      now >= kept.madeSeconds &&
      now < kept.untilSeconds
    ) {
      counted('kept', kept.rdatas.length)
      return kept.rdatas
    }
    const { keys } = by
    let cost = 0
    for (const { algorithm } of keys) cost += SLOW.has(algorithm) ? SLOW_COST : 1
    if (!this.#budget.take(cost, monotonicMs())) {
      counted('refused', keys.length)
      return undefined
    }
    const lifetimeSeconds = Math.min(by.lifetimeSeconds, LIFETIME_SECONDS)
    const validity = {
      inception: now - INCEPTION_SKEW_SECONDS,
      expiration: now + lifetimeSeconds,
    }
    const rdatas = keys.map((one) => {
      const toSign = dataToSign(rrset, { key: one, signer: zone.origin }, validity)
      return rrsigRdata(toSign, one.sign(toSign.data))
    })
    counted('made', rdatas.length)
    const untilSeconds = now + lifetimeSeconds / 2
    this.#kept.set(key, { by, rdatas, madeSeconds: now, untilSeconds })
    return rdatas
  }
}

type Kept = {
  readonly by: OnlineKeys
  readonly rdatas: readonly Uint8Array[]
  /** Not before, should the clock go back, and not from then on. */
  readonly madeSeconds: number
  readonly untilSeconds: number
}

/** What an entry costs besides its octets: objects, and its place in the map. */
const ENTRY_OCTETS = 256

/** Signatures by what they sign; what was not used longest makes room. */
export class KeptSignatures {
  readonly #limitOctets: number
  /** The one used last stands last. */
  readonly #entries = new Map<string, Kept>()
  #octets = 0

  constructor(limitOctets: number) {
    this.#limitOctets = limitOctets
  }

  get octets(): number {
    return this.#octets
  }

  get(key: string): Kept | undefined {
    const kept = this.#entries.get(key)
    if (kept === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, kept)
    return kept
  }

  set(key: string, kept: Kept): void {
    this.#remove(key)
    this.#entries.set(key, kept)
    this.#octets += octetsOf(key, kept)
    for (const oldest of this.#entries.keys()) {
      if (this.#octets <= this.#limitOctets) break
      this.#remove(oldest)
    }
  }

  #remove(key: string): void {
    const kept = this.#entries.get(key)
    if (kept === undefined) return
    this.#entries.delete(key)
    this.#octets -= octetsOf(key, kept)
  }
}

/** So much a second, and as much at once after a quiet second. What costs more than that is made then, and waited for. */
export class SignatureBudget {
  readonly #perSecond: number
  #left: number
  #lastMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#lastMs = nowMs
  }

  /** Whether something of this cost may be made; `nowMs` never goes back. */
  take(cost: number, nowMs: number): boolean {
    const gained = ((nowMs - this.#lastMs) / 1000) * this.#perSecond
    this.#left = Math.min(this.#perSecond, this.#left + gained)
    this.#lastMs = nowMs
    if (this.#left < Math.min(cost, this.#perSecond)) return false
    this.#left -= cost
    return true
  }
}

/** Everything that is signed, so that what changed is another key. */
function keyOf(origin: Name, { owner, type, ttlSeconds, rdatas }: RRset): string {
  let key = `${type} ${ttlSeconds} ${origin.length} ${origin}${owner}`
  for (const rdata of rdatas) {
    const octets = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
    key += `${rdata.length} ${octets}`
  }
  return key
}

/** RSASHA256, RSASHA512 and ECDSAP384SHA384: one of theirs takes as long as so many by ECDSAP256SHA256 or ED25519. */
const SLOW: ReadonlySet<number> = new Set([8, 10, 14])
const SLOW_COST = 16

function octetsOf(key: string, { rdatas }: Kept): number {
  let octets = ENTRY_OCTETS + key.length
  for (const rdata of rdatas) octets += rdata.length
  return octets
}
