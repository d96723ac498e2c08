// NSEC records whose signatures hold, by zone and in canonical order: what they deny is denied without asking (RFC 8198).
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { isAtOrBelow, parentName, type Name } from '../../../../shared/dns/name.ts'
import { orderKey } from '../../../../shared/dnssec/canonical.ts'
import { expiresMs, type Link } from '../link.ts'
import { rrsetOctets, type RRset } from '../rrset.ts'
import type { Flushing } from './flushing.ts'
import { NsecDenial, wildcardBeside } from '../validate/nsec-denial.ts'

export type DenialLimits = {
  readonly octets: number
  /** Records of one zone; beyond that it begins anew, so that no zone makes each insertion dear. */
  readonly recordsOfZone: number
}

export class DenialCache {
  readonly #limits: DenialLimits
  /** In the order they were used. */
  readonly #zones = new Map<Name, ZoneDenials>()
  #octets = 0

  constructor(limits: DenialLimits) {
    this.#limits = limits
  }

  get octets(): number {
    return this.#octets
  }

  /** `denial` is secure, and `nsecs` are those of its records that were checked. */
  put(denial: Link, nsecs: readonly RRset[]): void {
    const soa = denial.authority.find(({ type }) => type === TYPE.SOA)
    const usable = nsecs.filter(({ rdatas }) => rdatas.length === 1)
    if (soa === undefined || usable.length === 0) return
    const untilMs = expiresMs(denial)
    const zone = this.#zones.get(soa.owner) ?? new ZoneDenials()
    this.#drop(soa.owner, zone)
    zone.soa = { set: soa, untilMs }
    // An NSEC lives no longer than its denial (RFC 9077 §3).
    for (const set of usable) zone.put({ set, untilMs })
    if (zone.size > this.#limits.recordsOfZone) return
    this.#zones.set(soa.owner, zone)
    this.#octets += zone.octets
    while (this.#octets > this.#limits.octets) {
      const [oldest, denials] = this.#zones.entries().next().value!
      this.#drop(oldest, denials)
    }
  }

  /**
   * A secure denial made of what is known. `cut` is the zone whose servers would be asked: what a zone above it says does
   * not count.
   */
  find(qname: Name, qtype: number, cut: Name, nowMs: number): Link | undefined {
    // A DS is the parent's to deny; a signature has no NSEC of its own.
    if (this.#zones.size === 0 || qtype === TYPE.DS || qtype === TYPE.RRSIG) return undefined
    for (let zone: Name | undefined = qname; zone !== undefined; zone = parentName(zone)) {
      const denials = this.#zones.get(zone)
      if (denials === undefined) continue
      if (!isAtOrBelow(zone, cut)) return undefined
      this.#zones.delete(zone)
      this.#zones.set(zone, denials)
      return denials.find(zone, qname, qtype, nowMs)
    }
    return undefined
  }

  /** Zones that may deny a name that is meant: those at, above and below it. */
  flush({ name, isBelow }: Flushing): void {
    for (const [zone, denials] of this.#zones)
      if (isAtOrBelow(name, zone) || (isBelow && isAtOrBelow(zone, name))) this.#drop(zone, denials)
  }

  #drop(zone: Name, denials: ZoneDenials): void {
    if (this.#zones.delete(zone)) this.#octets -= denials.octets
  }
}

type Kept = { readonly set: RRset; readonly untilMs: number }

/** The records of one zone, each at the place of its owner's key. */
class ZoneDenials {
  soa: Kept | undefined
  octets = 0
  readonly #keys: string[] = []
  readonly #records: Kept[] = []

  get size(): number {
    return this.#records.length
  }

  put(kept: Kept): void {
    const key = orderKey(kept.set.owner)
    const at = this.#place(key)
    const isKnown = at >= 0 && this.#keys[at] === key
    if (isKnown) {
      this.octets -= keptOctets(this.#records[at]!)
      this.#records[at] = kept
    } else {
      this.#keys.splice(at + 1, 0, key)
      this.#records.splice(at + 1, 0, kept)
    }
    this.octets += keptOctets(kept)
  }

  find(zone: Name, qname: Name, qtype: number, nowMs: number): Link | undefined {
    const soa = alive(this.soa, nowMs)
    const nearest = this.#atOrBefore(qname, nowMs)
    if (soa === undefined || nearest === undefined) return undefined
    const used = [nearest]
    if (nearest.set.owner !== qname) {
      const beside = this.#atOrBefore(wildcardBeside(qname, nearest.set), nowMs)
      if (beside !== undefined && beside !== nearest) used.push(beside)
    }
    const sets = used.map(({ set }) => set)
    const denial = new NsecDenial(zone, sets)
    const isNoData = denial.noData(qname, qtype) !== undefined
    if (!isNoData && denial.noName(qname) === undefined) return undefined
    const untilMs = Math.min(soa.untilMs, ...used.map((each) => each.untilMs))
    const ttlSeconds = Math.floor((untilMs - nowMs) / 1000)
    if (ttlSeconds <= 0) return undefined
    return {
      kind: isNoData ? 'nodata' : 'nxdomain',
      qname,
      qtype,
      zone,
      rrsets: [],
      authority: [soa.set, ...sets],
      ttlSeconds,
      storedMs: nowMs,
      isFromReferral: false,
      security: 'secure',
    }
  }

  #atOrBefore(name: Name, nowMs: number): Kept | undefined {
    return alive(this.#records[this.#place(orderKey(name))], nowMs)
  }

  /** Of the last key that is not behind `key`, or -1. */
  #place(key: string): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#keys[middle]! <= key) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

function alive(kept: Kept | undefined, nowMs: number): Kept | undefined {
  return kept !== undefined && kept.untilMs > nowMs ? kept : undefined
}

function keptOctets({ set }: Kept): number {
  return KEY_OCTETS + 2 * set.owner.length + rrsetOctets(set)
}

const KEY_OCTETS = 64
