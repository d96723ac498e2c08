// When keys come, sign and go: ZSK rolls by pre-publication, KSK and CSK rolls by double signature with CDS and a look
// at the parent (RFC 6781 §4.1, 7583, 7344, 8078). A pure step from keys and facts to keys; a key that the parent may
// still point to never goes before the next one was seen there. Rolls of the algorithm are refused.
import type { Name } from '../../../../shared/dns/name.ts'
import {
  CDNSKEY_DELETE,
  CDS_DELETE,
  DIGEST_SHA256,
  dsRdata,
  KEY_FLAG,
} from '../../../../shared/dnssec/dnskey.ts'
import type { KeyTimes, ZoneKey } from './key-file.ts'
import type { ZoneKeys } from './signing-plan.ts'

export type KeyPolicy = {
  /** Number. */
  readonly algorithm: number
  readonly scheme: 'csk' | 'ksk-zsk'
  /** Seconds; undefined: only when it is asked for. */
  readonly zskLifetimeSeconds: number | undefined
  readonly kskLifetimeSeconds: number | undefined
  /** From a change here until all our servers have it. */
  readonly propagationSeconds: number
  readonly dnskeyTtlSeconds: number
  /** Of the parent's DS records, where no look at the parent says another. */
  readonly dsTtlSeconds: number
}

/** What is kept between runs beside the keys' own times. */
export type RollState = {
  /** When the parent was first seen with a DS of the key, by `keyId`. */
  readonly seen: { readonly [id: string]: number | undefined }
  /** Since when no signature is by the key any more. */
  readonly retired: { readonly [id: string]: number | undefined }
  /** Rolls that were asked for and have not begun. */
  readonly asked: readonly ('ksk' | 'zsk')[]
  /** Since when the parent is asked to take its DS away. */
  readonly leavingSince?: number
  /** Since when the parent has none. */
  readonly dsGoneSince?: number
}

export const FIRST_ROLL_STATE: RollState = { seen: {}, retired: {}, asked: [] }

export type RollFacts = {
  readonly nowSeconds: number
  /** The highest TTL in the zone. */
  readonly maximumTtlSeconds: number
  /** Whether every signature is by the keys that sign now. */
  readonly isFullySigned: boolean
  /** DS records that every server of the parent has; undefined when not all of them said. */
  readonly parentDs?: { readonly rdatas: readonly Uint8Array[]; readonly ttlSeconds: number }
}

export type RollStep = {
  readonly state: RollState
  /** Keys whose times changed. */
  readonly changed: readonly ZoneKey[]
  /** Keys to be made. */
  readonly make: readonly { readonly flags: number; readonly times: KeyTimes }[]
}

export function keyId({ algorithm, tag }: { algorithm: number; tag: number }): string {
  return `${algorithm}+${tag}`
}

export function isEntryKey(key: ZoneKey): boolean {
  return (key.flags & KEY_FLAG.entryPoint) !== 0
}

/** Whether DS records have one of this key. */
export function pointsTo(origin: Name, dnskey: Uint8Array, ds: readonly Uint8Array[]): boolean {
  return ds.some(
    (rdata) => Buffer.compare(dsRdata(origin, dnskey, rdata[3] ?? DIGEST_SHA256), rdata) === 0,
  )
}

export function rollStep(
  origin: Name,
  keys: readonly ZoneKey[],
  by: { readonly state: RollState; readonly policy: KeyPolicy; readonly facts: RollFacts },
): RollStep {
  return new Roll(origin, keys, by).step()
}

/** What the keys are good for at a moment. */
export function zoneKeysAt(
  origin: Name,
  keys: readonly ZoneKey[],
  at: { readonly nowSeconds: number; readonly state: RollState },
): ZoneKeys<ZoneKey> {
  const { nowSeconds, state } = at
  const published = keys.filter(
    ({ times }) => hasCome(times.publish, nowSeconds) && !isGone(times, nowSeconds),
  )
  const entryKeys = published.filter(isEntryKey)
  const split = published.some((key) => !isEntryKey(key))
  const zoneKeys = published.filter(
    (key) =>
      split !== isEntryKey(key) &&
      hasCome(key.times.activate, nowSeconds) &&
      !hasCome(key.times.inactive, nowSeconds),
  )
  const dnskeys = published.map(({ dnskey }) => dnskey)
  if (state.leavingSince !== undefined)
    return { dnskeys, entryKeys, zoneKeys, cds: [CDS_DELETE], cdnskeys: [CDNSKEY_DELETE] }
  const named = newest(entryKeys.filter(({ times }) => hasCome(times.syncPublish, nowSeconds)))
  const cds = named === undefined ? [] : [dsRdata(origin, named.dnskey)]
  return { dnskeys, entryKeys, zoneKeys, cds, cdnskeys: named === undefined ? [] : [named.dnskey] }
}

/**
 * The keys of a zone that was unsigned, to be signed by again: the same ones, since a parent that still has, or gets again,
 * a DS of one would make others worthless. CDS names them once answers without signatures are forgotten.
 */
export function keysSignedAgain(
  keys: readonly ZoneKey[],
  by: { readonly nowSeconds: number; readonly waitSeconds: number },
): readonly ZoneKey[] {
  const syncPublish = by.nowSeconds + by.waitSeconds
  return keys
    .filter((key) => isEntryKey(key) && !isGone(key.times, by.nowSeconds))
    .map((key) => ({ ...key, times: { ...key.times, syncPublish } }))
}

/** Whether the parent has had no DS for so long that nobody can have one any more: the zone may be unsigned. */
export function mayBeUnsigned(state: RollState, policy: KeyPolicy, nowSeconds: number): boolean {
  const { leavingSince, dsGoneSince } = state
  if (leavingSince === undefined || dsGoneSince === undefined) return false
  return nowSeconds >= dsGoneSince + policy.propagationSeconds + policy.dsTtlSeconds
}

class Roll {
  readonly #origin: Name
  readonly #policy: KeyPolicy
  readonly #facts: RollFacts
  #keys: readonly ZoneKey[]
  #state: RollState
  readonly #changed = new Map<string, ZoneKey>()
  readonly #make: { flags: number; times: KeyTimes }[] = []

  constructor(
    origin: Name,
    keys: readonly ZoneKey[],
    by: { readonly state: RollState; readonly policy: KeyPolicy; readonly facts: RollFacts },
  ) {
    this.#origin = origin
    this.#policy = by.policy
    this.#facts = by.facts
    this.#state = by.state
    this.#keys = keys.filter(({ times }) => !isGone(times, by.facts.nowSeconds))
  }

  step(): RollStep {
    this.#lookAtParent()
    const entries = this.#keys.filter(isEntryKey)
    const others = this.#keys.filter((key) => !isEntryKey(key))
    const isSplit = this.#keys.length === 0 ? this.#policy.scheme === 'ksk-zsk' : others.length > 0
    this.#roll(entries, isSplit ? 'ksk' : 'csk')
    if (isSplit) this.#roll(others, 'zsk')
    return { state: this.#state, changed: [...this.#changed.values()], make: this.#make }
  }

  #lookAtParent(): void {
    const { parentDs, nowSeconds } = this.#facts
    if (parentDs === undefined) return
    const seen = { ...this.#state.seen }
    for (const key of this.#keys)
      if (isEntryKey(key) && pointsTo(this.#origin, key.dnskey, parentDs.rdatas))
        seen[keyId(key)] ??= nowSeconds
    const { dsGoneSince: _, ...rest } = this.#state
    const isGoing = rest.leavingSince !== undefined && parentDs.rdatas.length === 0
    const since = this.#state.dsGoneSince ?? nowSeconds
    this.#state = { ...rest, seen, ...(isGoing && { dsGoneSince: since }) }
  }

  #roll(keys: readonly ZoneKey[], role: 'csk' | 'ksk' | 'zsk'): void {
    const { nowSeconds } = this.#facts
    const last = newest(keys)
    if (last === undefined) {
      this.#make.push({ flags: flagsOf(role), times: this.#firstTimes(role) })
      return
    }
    if (role !== 'zsk') this.#announce(last)
    for (const key of keys) if (key !== last) this.#retire(key, last, role)
    const isSettled = keys.length === 1 && hasCome(last.times.activate, nowSeconds)
    const asked = role === 'zsk' ? 'zsk' : 'ksk'
    if (!isSettled || this.#state.leavingSince !== undefined) return
    if (!this.#state.asked.includes(asked) && !this.#isOld(last, role)) return
    this.#state = {
      ...this.#state,
      asked: this.#state.asked.filter((word) => word !== asked),
    }
    this.#make.push({ flags: flagsOf(role), times: this.#nextTimes(role) })
  }

  /** A key that was given without a word on when CDS names it: once everyone may have its DNSKEY. */
  #announce(key: ZoneKey): void {
    if (key.times.syncPublish !== undefined || key.times.publish === undefined) return
    const syncPublish = key.times.publish + this.#publishSeconds()
    this.#changed.set(keyId(key), { ...key, times: { ...key.times, syncPublish } })
  }

  #isOld({ times }: ZoneKey, role: 'csk' | 'ksk' | 'zsk'): boolean {
    const { zskLifetimeSeconds, kskLifetimeSeconds } = this.#policy
    const lifetime = role === 'zsk' ? zskLifetimeSeconds : kskLifetimeSeconds
    if (lifetime === undefined) return false
    // So that the next one signs when this one's life is over.
    return this.#facts.nowSeconds >= (times.activate ?? 0) + lifetime - this.#publishSeconds()
  }

  /** Until everyone may have a new DNSKEY (RFC 7583 §3.2.1, Ipub). */
  #publishSeconds(): number {
    return this.#policy.propagationSeconds + this.#policy.dnskeyTtlSeconds
  }

  #firstTimes(role: 'csk' | 'ksk' | 'zsk'): KeyTimes {
    const now = this.#facts.nowSeconds
    const times = { created: now, publish: now, activate: now }
    if (role === 'zsk') return times
    // Answers without signatures must be forgotten before the parent says that there are some.
    const { maximumTtlSeconds } = this.#facts
    const wait = Math.max(maximumTtlSeconds, this.#policy.dnskeyTtlSeconds)
    return { ...times, syncPublish: now + this.#policy.propagationSeconds + wait }
  }

  #nextTimes(role: 'csk' | 'ksk' | 'zsk'): KeyTimes {
    const now = this.#facts.nowSeconds
    const ready = now + this.#publishSeconds()
    if (role === 'zsk') return { created: now, publish: now, activate: ready }
    const activate = role === 'csk' ? ready : now
    return { created: now, publish: now, activate, syncPublish: ready }
  }

  /** `key` goes as far as `next` has taken its place. */
  #retire(key: ZoneKey, next: ZoneKey, role: 'csk' | 'ksk' | 'zsk'): void {
    const { nowSeconds, isFullySigned, maximumTtlSeconds } = this.#facts
    const { propagationSeconds, dsTtlSeconds } = this.#policy
    const id = keyId(key)
    let { times } = key
    if (role !== 'ksk' && times.inactive === undefined && hasCome(next.times.activate, nowSeconds))
      times = { ...times, inactive: nowSeconds }
    const since = role === 'ksk' ? nowSeconds : this.#state.retired[id]
    // It signed until this very step, if it was taken away in it.
    const wasInactive = hasCome(key.times.inactive, nowSeconds)
    if (since === undefined && wasInactive && isFullySigned)
      this.#state = { ...this.#state, retired: { ...this.#state.retired, [id]: nowSeconds } }
    const seen = role === 'zsk' ? 0 : this.#state.seen[keyId(next)]
    const retired = role === 'ksk' ? 0 : this.#state.retired[id]
    if (times.delete === undefined && seen !== undefined && retired !== undefined) {
      // Nobody may hold a DS of it (RFC 7583 §3.3.2), nor a signature by it (§3.2.1, Iret).
      const parent = role === 'zsk' ? 0 : seen + propagationSeconds + this.#dsTtl(dsTtlSeconds)
      const zone = role === 'ksk' ? 0 : retired + propagationSeconds + maximumTtlSeconds
      const gone = Math.max(parent, zone, nowSeconds)
      times = { ...times, inactive: times.inactive ?? gone, delete: gone }
    }
    if (times !== key.times) this.#changed.set(id, { ...key, times })
  }

  #dsTtl(assumed: number): number {
    return Math.max(assumed, this.#facts.parentDs?.ttlSeconds ?? 0)
  }
}

function flagsOf(role: 'csk' | 'ksk' | 'zsk'): number {
  return role === 'zsk' ? KEY_FLAG.zone : KEY_FLAG.zone | KEY_FLAG.entryPoint
}

function hasCome(time: number | undefined, nowSeconds: number): boolean {
  return time !== undefined && time <= nowSeconds
}

function isGone(times: KeyTimes, nowSeconds: number): boolean {
  return hasCome(times.delete, nowSeconds)
}

function newest(keys: readonly ZoneKey[]): ZoneKey | undefined {
  const at = ({ times }: ZoneKey): number => times.publish ?? times.created ?? 0
  return keys.reduce<ZoneKey | undefined>(
    (best, key) => (best === undefined || at(key) > at(best) ? key : best),
    undefined,
  )
}
