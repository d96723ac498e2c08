import { expect, test } from 'vitest'
import { countAnswers } from '../../../../appliances/dns/answer-counts.ts'
import { AnswerTally, TALLY_OCTETS } from '../../../../shared/dns-server/core/answer-tally.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { name } from '../../../support/zones.ts'
import { silentMetrics, type Metrics } from '../../../../shared/metrics/metrics.ts'

test('counts reach the metrics once a second, and the last ones at the end', () => {
  const seen: string[] = []
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (name) => ({
      inc: (labels, by) => void seen.push([name, ...Object.values(labels ?? {}), by].join(' ')),
    }),
  }
  const clock = new VirtualClock()
  const counts = countAnswers(metrics, clock)
  counts.answered('udp', 0)
  counts.answered('udp', 0)
  counts.answered('tcp', 16)
  counts.answered('udp', 3, 1, name('example.org.'))
  counts.answered('udp', 3, 65_400, name('example.org.'))
  counts.truncated()
  counts.ignored('udp')
  expect(seen).toEqual([])
  clock.advance(1000)
  expect(seen.splice(0)).toEqual([
    'cairn_dns_answers udp NOERROR 2',
    'cairn_dns_answers udp NXDOMAIN 2',
    'cairn_dns_ignored udp 1',
    'cairn_dns_answers tcp BADVERS 1',
    'cairn_dns_truncated 1',
    'cairn_dns_queries A 1',
    'cairn_dns_queries other 1',
    'cairn_dns_zone_answers example.org. NXDOMAIN 2',
  ])
  clock.advance(1000)
  expect(seen).toEqual([])
  counts.answered('udp', 3)
  counts.flush()
  expect(seen).toEqual(['cairn_dns_answers udp NXDOMAIN 1'])
  clock.advance(5000)
  expect(seen).toHaveLength(1)
})

test('zones are counted one by one up to a bound, and together beyond it', () => {
  const seen = new Set<string>()
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (metric) => ({
      inc: (labels) => void (metric === 'cairn_dns_zone_answers' && seen.add(labels!['zone']!)),
    }),
  }
  const counts = countAnswers(metrics, new VirtualClock())
  for (let i = 0; i < 10_000; i++) counts.answered('udp', 0, 1, name(`z${i}.`))
  counts.flush()
  expect(seen.has('other')).toBe(true)
  expect(seen.size).toBeLessThan(170)
})

test('what other threads count goes to the same metrics, zones beyond the bound of all together', () => {
  const seen = new Map<string, number>()
  const metrics: Metrics = {
    ...silentMetrics,
    counter: (metric) => ({
      inc: (labels, by) => {
        const key = [metric, ...Object.values(labels ?? {})].join(' ')
        seen.set(key, (seen.get(key) ?? 0) + (by ?? 1))
      },
    }),
  }
  const counts = countAnswers(metrics, new VirtualClock())
  const threads = [1, 2].map(() => new AnswerTally(new SharedArrayBuffer(TALLY_OCTETS)))
  for (const [nth, tally] of threads.entries()) {
    counts.add(tally.memory)
    for (let i = 0; i < 300; i++) tally.answered('udp', 0, 1, name(`z${i % 150}-${nth}.`))
    tally.answered('udp', 3, 28, name('both.'))
    tally.limited('slip')
  }
  counts.answered('udp', 3, 28, name('both.'))
  counts.flush()
  counts.flush()
  expect(seen.get('cairn_dns_answers udp NOERROR')).toBe(600)
  expect(seen.get('cairn_dns_queries AAAA')).toBe(3)
  expect(seen.get('cairn_dns_zone_answers both. NXDOMAIN')).toBe(3)
  expect(seen.get('cairn_dns_limited slip')).toBe(2)
  const zones = [...seen].filter(([key]) => key.startsWith('cairn_dns_zone_answers'))
  expect(zones.reduce((sum, [, count]) => sum + count, 0)).toBe(603)
  const named = new Set(zones.map(([key]) => key.split(' ')[1]))
  expect(named.size).toBe(161)
})
