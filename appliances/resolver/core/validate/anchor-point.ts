// The keys of one trust anchor through their lives (RFC 5011): each look at the zone's DNSKEY RRset makes new keys wait,
// accepts those that waited long enough, and drops those that revoke themselves. Keys are known by their DS.
import type { RRset } from '../rrset.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { checkRdata } from '../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { dsRdata, KEY_FLAG } from '../../../../shared/dnssec/dnskey.ts'
import { parseRrsig } from '../../../../shared/dnssec/rrsig.ts'
import {
  CheckBudget,
  DS_LIMIT,
  KEY_LIMIT,
  SIGNATURE_LIMIT,
  type CheckPolicy,
} from './check-limits.ts'
import { checkSignatures } from './signature-check.ts'
import type { Anchors } from './trust-anchors.ts'
import { acceptedKey, checkKeys, isRevoked, namesKey, soundKey, usableDs } from './zone-keys.ts'

/** §4.2, without Start: a key in that state is one that is not known. */
export const ANCHOR_STATES = ['add-pending', 'valid', 'missing', 'revoked', 'removed'] as const
export type AnchorState = (typeof ANCHOR_STATES)[number]

export type AnchorKey = {
  /** Rdata of a DS of the key as it was before it was revoked. */
  readonly ds: Uint8Array
  readonly state: AnchorState
  /** When it came into the state, since 1970. */
  readonly sinceSeconds: number
  /** When its hold-down ends (§2.4); of what is `add-pending` or `revoked`. */
  readonly untilSeconds?: number
}

/** What a review takes from the one before: the times that the next one is set by. */
export type AnchorPoint = {
  readonly zone: Name
  readonly keys: readonly AnchorKey[]
  readonly times?: SetTimes
}

type SetTimes = { readonly ttlSeconds: number; readonly expirationSeconds: number }

export type AnchorChange = {
  readonly ds: Uint8Array
  readonly from: AnchorState | 'start'
  readonly to: AnchorState | 'start'
}

export type Review = {
  readonly point: AnchorPoint
  readonly changes: readonly AnchorChange[]
  /** Why the set says nothing of which keys there are. */
  readonly problem?: string
  /** When to look again. */
  readonly againSeconds: number
}

/** Keys of one zone that are kept track of, removed ones included: they must not come back. More are not taken up. */
export const ANCHOR_KEYS_LIMIT: number = DS_LIMIT

/** Looks at the DNSKEY RRset as it came from the servers; undefined when there was none. */
export function reviewAnchor(
  before: AnchorPoint,
  dnskeys: RRset | undefined,
  at: { readonly nowSeconds: number; readonly policy: CheckPolicy },
): Review {
  const { zone } = before
  const { nowSeconds } = at
  const ended = before.keys.map((key) =>
    key.state === 'revoked' && nowSeconds >= key.untilSeconds! ? moved(key, 'removed', at) : key,
  )
  if (dnskeys === undefined) {
    const problem = 'Its keys could not be had'
    return reviewed(before, { ...before, keys: ended }, { nowSeconds, problem })
  }
  // A key that revokes itself needs nobody else; for all that the set says besides, it is no longer a witness.
  const revoked = revocations(dnskeys, ended, at)
  const keys = ended.map((key) =>
    revoked.has(key)
      ? { ...moved(key, 'revoked', at), untilSeconds: nowSeconds + HOLD_DOWN_SECONDS }
      : key,
  )
  const problem = refusalOf(dnskeys, trustedDs(keys), at)
  if (problem !== undefined) return reviewed(before, { ...before, keys }, { nowSeconds, problem })
  const times = timesOf(dnskeys, nowSeconds)
  const point = { zone, keys: met(keys, dnskeys, { ...at, times }), times }
  return reviewed(before, point, { nowSeconds })
}

/** What is known at a start: the keys of before, and those that are configured and not known yet, which are valid. */
export function openAnchor(
  zone: Name,
  known: readonly AnchorKey[],
  configured: { readonly ds: readonly Uint8Array[]; readonly nowSeconds: number },
): AnchorPoint {
  const keys = [...known]
  for (const ds of configured.ds)
    if (!keys.some((key) => Buffer.compare(key.ds, ds) === 0))
      keys.push({ ds, state: 'valid', sinceSeconds: configured.nowSeconds })
  return { zone, keys }
}

/** Where trust begins; a zone whose keys are all revoked is an anchor no more (§5). */
export function anchorsOf(points: Iterable<AnchorPoint>): Anchors {
  const anchors = new Map<Name, readonly Uint8Array[]>()
  for (const { zone, keys } of points) {
    const ds = trustedDs(keys)
    if (ds.length > 0) anchors.set(zone, ds)
  }
  return anchors
}

/** Rdata of DS records that may be trusted: a key that is missing still may (§4.2). */
function trustedDs(keys: readonly AnchorKey[]): Uint8Array[] {
  return keys.filter(isTrusted).map(({ ds }) => ds)
}

type At = { readonly nowSeconds: number; readonly policy: CheckPolicy }

/** Undefined when a trusted key signed the set (§2.2). */
function refusalOf(
  dnskeys: RRset,
  trusted: readonly Uint8Array[],
  { nowSeconds, policy }: At,
): string | undefined {
  if (trusted.length === 0) return 'No key of it is trusted any more'
  const usable = usableDs(dnskeys.owner, trusted, policy)
  if (!usable.ok) return usable.error.text
  const time = { nowSeconds, budget: new CheckBudget() }
  const checked = checkKeys(dnskeys, usable.value, policy, time)
  return checked.ok ? undefined : checked.error.text
}

/** Trusted keys that stand in the set as revoked and signed it so (§2.1), whoever else signed it. */
function revocations(
  dnskeys: RRset,
  keys: readonly AnchorKey[],
  { nowSeconds, policy }: At,
): ReadonlySet<AnchorKey> {
  const { owner: zone } = dnskeys
  const budget = new CheckBudget()
  const found = new Set<AnchorKey>()
  for (const dnskey of soundRdatas(dnskeys)) {
    if (!isRevoked(dnskey)) continue
    const before = Uint8Array.from(dnskey)
    before[1]! &= ~KEY_FLAG.revoked
    const named = keys.filter((key) => isTrusted(key) && namesKey(key.ds, zone, before, budget))
    const key = named.length === 0 ? undefined : soundKey(dnskey, policy)
    if (key === undefined) continue
    if (!checkSignatures(dnskeys, { zone, keys: [key] }, { nowSeconds, budget }).ok) continue
    for (const one of named) found.add(one)
  }
  return found
}

/** What a set that is authentic makes of the keys. */
function met(
  keys: readonly AnchorKey[],
  dnskeys: RRset,
  at: At & { readonly times: SetTimes },
): AnchorKey[] {
  const { nowSeconds, policy, times } = at
  const { owner: zone } = dnskeys
  const budget = new CheckBudget()
  const seen = new Set<AnchorKey>()
  const fresh: AnchorKey[] = []
  const holdDown = Math.max(HOLD_DOWN_SECONDS, times.ttlSeconds)
  for (const dnskey of soundRdatas(dnskeys)) {
    if (isRevoked(dnskey)) continue
    const named = keys.filter(({ ds }) => namesKey(ds, zone, dnskey, budget))
    for (const key of named) seen.add(key)
    const isEntryPoint = (dnskey[1]! & KEY_FLAG.entryPoint) !== 0
    if (named.length > 0 || !isEntryPoint || acceptedKey(dnskey, policy) === undefined) continue
    fresh.push({
      ds: dsRdata(zone, dnskey),
      state: 'add-pending',
      sinceSeconds: nowSeconds,
      untilSeconds: nowSeconds + holdDown,
    })
  }
  const after = keys.flatMap((key): AnchorKey | [] => {
    const isThere = seen.has(key)
    if (key.state === 'add-pending') {
      if (!isThere) return []
      return nowSeconds >= key.untilSeconds! ? moved(key, 'valid', at) : key
    }
    if (key.state === 'valid' && !isThere) return moved(key, 'missing', at)
    return key.state === 'missing' && isThere ? moved(key, 'valid', at) : key
  })
  return [...after, ...fresh].slice(0, Math.max(after.length, ANCHOR_KEYS_LIMIT))
}

function reviewed(
  before: AnchorPoint,
  point: AnchorPoint,
  end: { readonly nowSeconds: number; readonly problem?: string },
): Review {
  const { nowSeconds, problem } = end
  const waitSeconds =
    problem === undefined ? interval(point.times, nowSeconds) : retry(point.times, nowSeconds)
  return {
    point,
    changes: changesOf(before.keys, point.keys),
    ...(problem !== undefined && { problem }),
    againSeconds: nowSeconds + waitSeconds,
  }
}

function changesOf(before: readonly AnchorKey[], after: readonly AnchorKey[]): AnchorChange[] {
  const was = new Map(before.map(({ ds, state }) => [ds, state]))
  const is = new Map(after.map(({ ds, state }) => [ds, state]))
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((ds): AnchorChange => ({ ds, from: was.get(ds) ?? 'start', to: is.get(ds) ?? 'start' }))
    .filter(({ from, to }) => from !== to)
}

function moved(
  { ds }: AnchorKey,
  state: AnchorState,
  { nowSeconds }: { nowSeconds: number },
): AnchorKey {
  return { ds, state, sinceSeconds: nowSeconds }
}

function isTrusted({ state }: AnchorKey): boolean {
  return state === 'valid' || state === 'missing'
}

function soundRdatas({ rdatas }: RRset): Uint8Array[] {
  return rdatas.slice(0, KEY_LIMIT).filter((one) => checkRdata(TYPE.DNSKEY, one) === undefined)
}

/** Of the set's signatures that still run, the longest TTL and the first end. */
function timesOf({ signatures, ttlSeconds }: RRset, nowSeconds: number): SetTimes {
  let times = { ttlSeconds, expirationSeconds: Infinity }
  for (const rrsig of signatures.slice(0, SIGNATURE_LIMIT)) {
    if (checkRdata(TYPE.RRSIG, rrsig) !== undefined) continue
    const { ttlSeconds: originalSeconds, expiration } = parseRrsig(rrsig)
    const expirationSeconds = nowSeconds + ((expiration - nowSeconds) | 0)
    if (expirationSeconds < nowSeconds) continue
    times = {
      ttlSeconds: Math.max(times.ttlSeconds, originalSeconds),
      expirationSeconds: Math.min(times.expirationSeconds, expirationSeconds),
    }
  }
  return times
}

/** §2.3, of a set that was had. */
function interval(times: SetTimes | undefined, nowSeconds: number): number {
  return share(times, nowSeconds, { of: 2, limitSeconds: 15 * DAY_SECONDS })
}

/** §2.3, when there was none. */
function retry(times: SetTimes | undefined, nowSeconds: number): number {
  return share(times, nowSeconds, { of: 10, limitSeconds: DAY_SECONDS })
}

function share(
  times: SetTimes | undefined,
  nowSeconds: number,
  { of, limitSeconds }: { readonly of: number; readonly limitSeconds: number },
): number {
  if (times === undefined) return HOUR_SECONDS
  const leftSeconds = times.expirationSeconds - nowSeconds
  const least = Math.floor(Math.min(times.ttlSeconds, leftSeconds) / of)
  return Math.max(HOUR_SECONDS, Math.min(limitSeconds, least))
}

const HOUR_SECONDS = 3600
const DAY_SECONDS = 86_400
/** §2.4.1, §2.4.2. */
const HOLD_DOWN_SECONDS = 30 * DAY_SECONDS
