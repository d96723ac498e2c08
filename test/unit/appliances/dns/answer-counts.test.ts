import { expect, test } from 'vitest'
import { countAnswers } from '../../../../appliances/dns/answer-counts.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
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
  counts.truncated()
  counts.ignored('udp')
  expect(seen).toEqual([])
  clock.advance(1000)
  expect(seen.splice(0)).toEqual([
    'cairn_dns_answers udp NOERROR 2',
    'cairn_dns_ignored udp 1',
    'cairn_dns_answers tcp BADVERS 1',
    'cairn_dns_truncated 1',
  ])
  clock.advance(1000)
  expect(seen).toEqual([])
  counts.answered('udp', 3)
  counts.flush()
  expect(seen).toEqual(['cairn_dns_answers udp NXDOMAIN 1'])
  clock.advance(5000)
  expect(seen).toHaveLength(1)
})
