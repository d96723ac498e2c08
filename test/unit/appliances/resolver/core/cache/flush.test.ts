import { describe, expect, test } from 'vitest'
import { LinkCache } from '../../../../../../appliances/resolver/core/cache/answer-cache.ts'
import type { Link } from '../../../../../../appliances/resolver/core/link.ts'
import {
  FailureMemory,
  failureKey,
} from '../../../../../../appliances/resolver/core/cache/failure-memory.ts'
import { RateHistory } from '../../../../../../appliances/resolver/core/rate-history.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { name } from '../../../../../support/zones.ts'

const NOW_MS = 1_700_000_000_000

function link(kind: Link['kind'], qname: string): Link {
  return {
    kind,
    qname: name(qname),
    qtype: TYPE.A,
    zone: name('example'),
    rrsets: [],
    authority: [],
    ttlSeconds: 300,
    storedMs: NOW_MS,
    isFromReferral: false,
    security: 'insecure',
  }
}

describe('a flush of the cache', () => {
  const filled = (): { cache: LinkCache; gone: string[] } => {
    const cache = new LinkCache({ octets: 1_000_000, staleSeconds: 60 })
    const gone: string[] = []
    cache.watch({ gone: ({ qname }) => void gone.push(formatName(qname)), wasUsed: () => false })
    for (const each of ['a.example', 'b.a.example', 'ba.example']) cache.put(link('data', each))
    cache.put(link('nxdomain', 'no.example'))
    gone.length = 0
    return { cache, gone }
  }

  test('takes one name, or all below it', () => {
    const one = filled()
    expect(one.cache.flush({ name: name('a.example'), isBelow: false })).toBe(1)
    expect(one.gone).toEqual(['a.example.'])
    expect(one.cache.find(name('b.a.example'), TYPE.A, NOW_MS)).toBeDefined()
    const all = filled()
    expect(all.cache.flush({ name: name('a.example'), isBelow: true })).toBe(2)
    expect(all.cache.find(name('ba.example'), TYPE.A, NOW_MS)).toBeDefined()
    const every = filled()
    expect(every.cache.flush({ name: name('.'), isBelow: true })).toBe(4)
    expect(every.cache.octets).toBe(0)
  })

  test('takes the denial above a name, which denies it too', () => {
    const { cache } = filled()
    expect(cache.find(name('x.no.example'), TYPE.A, NOW_MS)).toBeDefined()
    expect(cache.flush({ name: name('x.no.example'), isBelow: false })).toBe(1)
    expect(cache.find(name('x.no.example'), TYPE.A, NOW_MS)).toBeUndefined()
  })
})

test('failures of flushed names are forgotten', () => {
  const failures = new FailureMemory(10)
  const keyOf = (text: string): string => failureKey(name(text), TYPE.A, true)
  for (const each of ['a.example', 'b.a.example', 'c.example'])
    failures.put(keyOf(each), { errors: [], isBogus: false }, NOW_MS)
  failures.flush({ name: name('a.example'), isBelow: true })
  expect(failures.size).toBe(1)
  expect(failures.find(keyOf('c.example'), NOW_MS)).toBeDefined()
})

test('a history keeps the differences of the last intervals', () => {
  const history = new RateHistory(['a'], 2)
  for (const a of [5, 7, 7, 17]) history.note({ a })
  expect(history.of('a')).toEqual([0, 10])
})
