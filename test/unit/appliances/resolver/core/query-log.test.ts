import { describe, expect, test } from 'vitest'
import { QueryLog } from '../../../../../appliances/resolver/core/query-log.ts'
import { TopCounter } from '../../../../../appliances/resolver/core/top-counter.ts'
import { RCODE } from '../../../../../shared/dns/message.ts'
import { TYPE } from '../../../../../shared/dns/record-types.ts'
import { parseAddress } from '../../../../../shared/net/address.ts'
import { name } from '../../../../support/zones.ts'

const NOW_MS = 1_700_000_000_000
const OPTIONS = { kept: 2, sample: 1, ipv4Bits: 24, ipv6Bits: 56 }

function note(log: QueryLog, text: string, from: string, isBlocked = false, nowMs = NOW_MS): void {
  const rcode = isBlocked ? RCODE.NXDOMAIN : RCODE.NOERROR
  log.note({ qname: name(text), qtype: TYPE.A, rcode, isBlocked }, parseAddress(from)!, nowMs)
}

describe('the query log', () => {
  test('has the last queries, and of a client its network', () => {
    const log = new QueryLog(OPTIONS, 7)
    note(log, 'a.example', '192.0.2.77')
    note(log, 'b.example', '2001:db8:1:2ff:ffff::1')
    note(log, 'a.example', '192.0.2.78', true)
    expect(log.show(5, NOW_MS)).toEqual({
      sample: 1,
      names: [
        { key: 'a.example.', count: 2 },
        { key: 'b.example.', count: 1 },
      ],
      blocked: [{ key: 'a.example.', count: 1 }],
      clients: [
        { key: '192.0.2.0/24', count: 2 },
        { key: '2001:db8:1:200::/56', count: 1 },
      ],
      last: [
        {
          atMs: NOW_MS,
          client: '192.0.2.0/24',
          name: 'a.example.',
          type: 'A',
          rcode: 'NXDOMAIN',
          isBlocked: true,
        },
        {
          atMs: NOW_MS,
          client: '2001:db8:1:200::/56',
          name: 'b.example.',
          type: 'A',
          rcode: 'NOERROR',
          isBlocked: false,
        },
      ],
    })
    expect(JSON.stringify(log.show(5, NOW_MS))).not.toMatch(/192\.0\.2\.7|ffff/)
  })

  test('looks at one query in so many', () => {
    const log = new QueryLog({ ...OPTIONS, sample: 10 }, 4711)
    for (let i = 0; i < 10_000; i++) note(log, 'a.example', '192.0.2.1')
    const { names } = log.show(1, NOW_MS) as { names: { count: number }[] }
    expect(names[0]!.count).toBeGreaterThan(800)
    expect(names[0]!.count).toBeLessThan(1200)
  })

  test('forgets what was asked more than an hour ago, and networks can be all there is', () => {
    const log = new QueryLog({ ...OPTIONS, kept: 0, ipv4Bits: 0 }, 7)
    note(log, 'old.example', '192.0.2.1')
    note(log, 'new.example', '198.51.100.1', false, NOW_MS + 3_600_001)
    expect(log.show(5, NOW_MS + 3_600_001)).toMatchObject({
      names: [{ key: 'new.example.', count: 1 }],
      clients: [{ key: '0.0.0.0/0', count: 1 }],
      last: [],
    })
  })
})

test('what comes often stays counted among any number of what comes once', () => {
  const counter = new TopCounter(10)
  for (let i = 0; i < 5000; i++) {
    counter.add(`rare-${i}`)
    if (i % 3 === 0) counter.add('often')
    if (i === 2500) counter.turn()
  }
  expect(counter.top(1)).toEqual([{ key: 'often', count: 1667 }])
})
