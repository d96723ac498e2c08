// RFC 5011 in virtual time: whole rolls, and everything that must not move a key.
import { describe, expect, test } from 'vitest'
import {
  ANCHOR_KEYS_LIMIT,
  anchorsOf,
  openAnchor,
  reviewAnchor,
  type AnchorPoint,
} from '../../../../../../appliances/resolver/core/validate/anchor-point.ts'
import { DEFAULT_POLICY } from '../../../../../../appliances/resolver/core/validate/check-limits.ts'
import type { RRset } from '../../../../../../appliances/resolver/core/rrset.ts'
import { ROOT } from '../../../../../../shared/dns/name.ts'
import { DIGEST_SHA384, dsRdata, keyTag } from '../../../../../../shared/dnssec/dnskey.ts'
import { keySet, revoked } from '../../../../../support/key-sets.ts'
import { makeKey } from '../../../../../support/signed-zone.ts'

const START = 1_800_000_000
const HOUR = 3600
const DAY = 86_400
const OLD = makeKey()
const NEW = makeKey()
const ZONE = makeKey('ECDSAP256SHA256', 256)

/** The root's keys as a resolver sees them whose clock is turned by hand. */
class Watch {
  nowSeconds = START
  point: AnchorPoint
  problem: string | undefined
  waitSeconds = 0

  constructor(configured: readonly Uint8Array[] = [dsRdata(ROOT, OLD.dnskey)]) {
    this.point = openAnchor(ROOT, [], { ds: configured, nowSeconds: START })
  }

  /** After some days; the changes, as `old valid>missing`. */
  sees(days: number, set: ((nowSeconds: number) => RRset) | undefined): string[] {
    this.nowSeconds += days * DAY
    const at = { nowSeconds: this.nowSeconds, policy: DEFAULT_POLICY }
    const review = reviewAnchor(this.point, set?.(this.nowSeconds), at)
    this.point = review.point
    this.problem = review.problem
    this.waitSeconds = review.againSeconds - this.nowSeconds
    return review.changes.map(({ ds, from, to }) => `${nameOf(ds)} ${from}>${to}`)
  }

  trusted(): string[] {
    return (anchorsOf([this.point]).get(ROOT) ?? []).map(nameOf)
  }
}

function nameOf(ds: Uint8Array): string {
  const tag = (ds[0]! << 8) | ds[1]!
  return tag === OLD.tag ? 'old' : tag === NEW.tag ? 'new' : String(tag)
}

const only = (nowSeconds: number) => keySet(ROOT, [OLD, ZONE], { by: [OLD], nowSeconds })
const both = (nowSeconds: number) => keySet(ROOT, [OLD, NEW, ZONE], { by: [OLD], nowSeconds })
const swapped = (nowSeconds: number) => keySet(ROOT, [OLD, NEW, ZONE], { by: [NEW], nowSeconds })
const revoking = (nowSeconds: number) =>
  keySet(ROOT, [revoked(OLD), NEW, ZONE], { by: [revoked(OLD), NEW], nowSeconds })
const done = (nowSeconds: number) => keySet(ROOT, [NEW, ZONE], { by: [NEW], nowSeconds })

describe('a roll of the root', () => {
  test('the new key waits 30 days, the old one revokes itself, and is removed 30 days later', () => {
    const watch = new Watch()
    expect(watch.sees(0, only)).toEqual([])
    expect(watch.sees(1, both)).toEqual(['new start>add-pending'])
    for (let day = 1; day < 30; day++) expect(watch.sees(1, both)).toEqual([])
    expect(watch.trusted()).toEqual(['old'])
    expect(watch.sees(1, both)).toEqual(['new add-pending>valid'])
    expect(watch.trusted()).toEqual(['old', 'new'])
    expect(watch.sees(20, swapped)).toEqual([])
    expect(watch.sees(1, revoking)).toEqual(['old valid>revoked'])
    expect(watch.trusted()).toEqual(['new'])
    expect(watch.sees(29, done)).toEqual([])
    expect(watch.sees(1, done)).toEqual(['old revoked>removed'])
    expect(watch.point.keys.map(({ ds, state }) => `${nameOf(ds)} ${state}`)).toEqual([
      'old removed',
      'new valid',
    ])
  })

  test('the next look after the hold-down accepts, not the hold-down itself', () => {
    const watch = new Watch()
    watch.sees(0, both)
    expect(watch.sees(40, undefined)).toEqual([])
    expect(watch.trusted()).toEqual(['old'])
    expect(watch.sees(1, both)).toEqual(['new add-pending>valid'])
  })

  test('a TTL of more than 30 days makes the hold-down longer', () => {
    const watch = new Watch()
    const long = (nowSeconds: number) =>
      keySet(ROOT, [OLD, NEW], { by: [OLD], nowSeconds, ttlSeconds: 40 * DAY })
    watch.sees(0, long)
    expect(watch.sees(35, long)).toEqual([])
    expect(watch.sees(5, long)).toEqual(['new add-pending>valid'])
  })

  test('a key that vanishes while it waits starts anew', () => {
    const watch = new Watch()
    watch.sees(0, both)
    expect(watch.sees(29, only)).toEqual(['new add-pending>start'])
    expect(watch.sees(1, both)).toEqual(['new start>add-pending'])
    expect(watch.sees(29, both)).toEqual([])
    expect(watch.sees(1, both)).toEqual(['new add-pending>valid'])
  })

  test('a key that revokes itself while it waits is dropped', () => {
    const watch = new Watch()
    watch.sees(0, both)
    const early = (nowSeconds: number) =>
      keySet(ROOT, [OLD, revoked(NEW)], { by: [OLD, revoked(NEW)], nowSeconds })
    expect(watch.sees(1, early)).toEqual(['new add-pending>start'])
    expect(watch.sees(60, early)).toEqual([])
  })

  test('a key that is missing stays trusted, and may come back or revoke itself', () => {
    const watch = new Watch([OLD, NEW].map(({ dnskey }) => dsRdata(ROOT, dnskey)))
    expect(watch.sees(0, only)).toEqual(['new valid>missing'])
    expect(watch.trusted()).toEqual(['old', 'new'])
    expect(watch.sees(1, swapped)).toEqual(['new missing>valid'])
    expect(watch.sees(1, done)).toEqual(['old valid>missing'])
    expect(watch.sees(1, revoking)).toEqual(['old missing>revoked'])
  })

  test('what was revoked or removed never comes back', () => {
    const watch = new Watch([OLD, NEW].map(({ dnskey }) => dsRdata(ROOT, dnskey)))
    watch.sees(0, revoking)
    expect(watch.sees(1, swapped)).toEqual([])
    expect(watch.sees(30, swapped)).toEqual(['old revoked>removed'])
    expect(watch.sees(90, swapped)).toEqual([])
    expect(watch.trusted()).toEqual(['new'])
    const configured = { ds: [dsRdata(ROOT, OLD.dnskey)], nowSeconds: watch.nowSeconds }
    expect(openAnchor(ROOT, watch.point.keys, configured).keys).toEqual(watch.point.keys)
  })

  test('the last key revokes itself: the zone is an anchor no more, and nothing is believed of it', () => {
    const watch = new Watch()
    const last = (nowSeconds: number) =>
      keySet(ROOT, [revoked(OLD), NEW], { by: [revoked(OLD)], nowSeconds })
    expect(watch.sees(0, last)).toEqual(['old valid>revoked'])
    expect(watch.problem).toBe('No key of it is trusted any more')
    expect(anchorsOf([watch.point]).has(ROOT)).toBe(false)
    expect(watch.sees(40, both)).toEqual(['old revoked>removed'])
  })

  test('a key that is named by two digests moves in both', () => {
    const digests = [2, DIGEST_SHA384].map((type) => dsRdata(ROOT, OLD.dnskey, type))
    const watch = new Watch([...digests, dsRdata(ROOT, NEW.dnskey)])
    expect(watch.sees(0, revoking)).toEqual(['old valid>revoked', 'old valid>revoked'])
    expect(watch.trusted()).toEqual(['new'])
  })
})

describe('what moves nothing', () => {
  const forger = makeKey()
  const sets: readonly (readonly [string, (nowSeconds: number) => RRset])[] = [
    [
      'a set that a stranger signed',
      (nowSeconds) => keySet(ROOT, [OLD, forger], { by: [forger], nowSeconds }),
    ],
    ['a set that nobody signed', (nowSeconds) => keySet(ROOT, [OLD, NEW], { by: [], nowSeconds })],
    ['a set whose signature has expired', (nowSeconds) => both(nowSeconds - 21 * DAY)],
    ['a set of the future', (nowSeconds) => both(nowSeconds + 2 * HOUR)],
    [
      'a set that was changed after it was signed',
      (nowSeconds) => {
        const set = only(nowSeconds)
        return { ...set, rdatas: [...set.rdatas, NEW.dnskey] }
      },
    ],
    [
      'a key that waits and signs',
      (nowSeconds) => keySet(ROOT, [NEW, forger], { by: [NEW], nowSeconds }),
    ],
    [
      'a revocation that the key did not sign',
      (nowSeconds) => keySet(ROOT, [revoked(OLD), forger], { by: [forger], nowSeconds }),
    ],
  ]
  test.each(sets)('%s', (_what, set) => {
    const watch = new Watch()
    watch.sees(0, both)
    expect(watch.sees(1, set)).toEqual([])
    expect(watch.problem).toMatch(/./)
    expect(watch.trusted()).toEqual(['old'])
  })

  test('a key that is no entry point, is revoked or of an algorithm that is not spoken', () => {
    const watch = new Watch()
    const unknown = Uint8Array.from(NEW.dnskey)
    unknown[3] = 200
    const odd = { ...NEW, dnskey: unknown, algorithm: 200, tag: keyTag(unknown) }
    const set = (nowSeconds: number) =>
      keySet(ROOT, [OLD, ZONE, revoked(forger), odd], { by: [OLD], nowSeconds })
    expect(watch.sees(0, set)).toEqual([])
    expect(watch.problem).toBeUndefined()
  })

  test('more keys than a zone may have: the first of them are taken', () => {
    const watch = new Watch()
    const many = Array.from({ length: ANCHOR_KEYS_LIMIT + 3 }, () => makeKey())
    const set = (nowSeconds: number) => keySet(ROOT, [OLD, ...many], { by: [OLD], nowSeconds })
    expect(watch.sees(0, set)).toHaveLength(ANCHOR_KEYS_LIMIT - 1)
    expect(watch.sees(30, set)).toHaveLength(ANCHOR_KEYS_LIMIT - 1)
    expect(watch.trusted()).toHaveLength(ANCHOR_KEYS_LIMIT)
  })
})

describe('the next look (RFC 5011 §2.3)', () => {
  const after = (ttlSeconds: number, lifetimeSeconds: number) => {
    const watch = new Watch()
    watch.sees(0, (nowSeconds) =>
      keySet(ROOT, [OLD], { by: [OLD], nowSeconds, ttlSeconds, lifetimeSeconds }),
    )
    const good = watch.waitSeconds
    watch.sees(0, undefined)
    return [good, watch.waitSeconds]
  }

  test('half of the TTL or of the signature, a tenth when it fails; within an hour and 15 days, or a day', () => {
    expect(after(2 * DAY, 20 * DAY)).toEqual([DAY, 0.2 * DAY])
    expect(after(20 * DAY, 4 * DAY)).toEqual([2 * DAY, 0.4 * DAY])
    expect(after(300, 20 * DAY)).toEqual([HOUR, HOUR])
    expect(after(90 * DAY, 90 * DAY)).toEqual([15 * DAY, DAY])
  })

  test('an hour when nothing was ever seen', () => {
    const watch = new Watch()
    watch.sees(0, undefined)
    expect(watch.waitSeconds).toBe(HOUR)
    expect(watch.problem).toBe('Its keys could not be had')
  })
})
