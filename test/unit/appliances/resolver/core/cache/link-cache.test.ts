// The cache against a model that knows no order but that of use, and no name but by its key.
import { describe, expect, test } from 'vitest'
import { LinkCache } from '../../../../../../appliances/resolver/core/cache/answer-cache.ts'
import { linkOctets, type Link } from '../../../../../../appliances/resolver/core/link.ts'
import type { Name } from '../../../../../../shared/dns/name.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { Random } from '../../../../../fuzz/harness.ts'

const NAMES = ['\x01a\0', '\x01b\0', '\x01c\x01a\0', '\x01d\x01c\x01a\0'] as Name[]
const TYPES = [TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.DS]

describe.each([1, 2, 3, 4, 5, 6, 7, 8])('steps of seed %i', (seed) => {
  test('the cache finds what the model finds, and makes room as it does', () => {
    const random = new Random(seed)
    const one = linkOctets(link('data', NAMES[0]!, TYPE.A, 0))
    const limits = { octets: 9 * one, staleSeconds: 0 }
    const cache = new LinkCache(limits)
    /** In the order of use. */
    const model = new Map<string, Link>()
    for (let step = 0; step < 3000; step++) {
      const nowMs = step * 10
      const name = NAMES[random.below(NAMES.length)]!
      const type = TYPES[random.below(TYPES.length)]!
      const what = random.below(10)
      if (what < 4) {
        const kind = (['data', 'alias', 'nodata', 'nxdomain'] as const)[random.below(4)]!
        const made = link(kind, name, type, nowMs)
        cache.put(made)
        model.delete(keyOf(made))
        model.set(keyOf(made), made)
        while (octetsOf(model) > limits.octets) model.delete(model.keys().next().value!)
      } else if (what === 4) {
        const [some] = [...model.values()].slice(random.below(model.size + 1))
        if (some !== undefined) {
          expect(cache.holds(some)).toBe(true)
          cache.drop(some)
          model.delete(keyOf(some))
          expect(cache.holds(some)).toBe(false)
        }
      } else expect(cache.find(name, type, nowMs)).toBe(findIn(model, name, type, nowMs))
      expect([...cache.links()]).toEqual([...model.values()])
      expect([cache.size, cache.octets]).toEqual([model.size, octetsOf(model)])
    }
  })
})

test('of one name there are 64 links at most, and what came first makes room', () => {
  const cache = new LinkCache({ octets: 1 << 30, staleSeconds: 0 })
  for (let type = 1000; type < 1100; type++) cache.put(link('data', NAMES[0]!, type, 0))
  expect(cache.size).toBe(64)
  expect(cache.find(NAMES[0]!, 1035, 0)).toBeUndefined()
  expect(cache.find(NAMES[0]!, 1036, 0)?.qtype).toBe(1036)
  // One that is there is replaced, and takes nobody's place.
  cache.put(link('data', NAMES[0]!, 1036, 5))
  expect(cache.size).toBe(64)
})

function findIn(
  model: Map<string, Link>,
  name: Name,
  type: number,
  nowMs: number,
): Link | undefined {
  const take = (key: string): Link | undefined => {
    const found = model.get(key)
    if (found === undefined || found.storedMs + found.ttlSeconds * 1000 <= nowMs) return undefined
    model.delete(key)
    model.set(key, found)
    return found
  }
  const exact = take(`${name} ${type}`)
  if (exact !== undefined) return exact
  const alias = type === TYPE.CNAME ? undefined : take(`${name} ${TYPE.CNAME}`)
  if (alias?.kind === 'alias') return alias
  for (let at = 0; at < name.length; at += 1 + name.charCodeAt(at)) {
    const denial = take(`${name.slice(at)} gone`)
    if (denial !== undefined) return denial
    if (name.charCodeAt(at) === 0) break
  }
  return undefined
}

function keyOf({ kind, qname, qtype }: Link): string {
  if (kind === 'nxdomain') return `${qname} gone`
  return `${qname} ${kind === 'alias' ? TYPE.CNAME : qtype}`
}

function octetsOf(model: Map<string, Link>): number {
  let octets = 0
  for (const each of model.values()) octets += linkOctets(each)
  return octets
}

function link(kind: Link['kind'], qname: Name, qtype: number, nowMs: number): Link {
  return {
    kind,
    qname,
    qtype,
    zone: '\0' as Name,
    rrsets: [],
    authority: [],
    ...(kind === 'alias' && { target: '\x01z\0' as Name }),
    ttlSeconds: 1 + (nowMs % 7),
    storedMs: nowMs,
    isFromReferral: false,
    security: 'insecure',
  }
}
