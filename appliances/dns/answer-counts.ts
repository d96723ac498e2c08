// Hands what was answered to the metrics, once a second: what this thread counted, and what packet workers did.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { ZONES_LIMIT, type TallySink } from '../../shared/dns-server/core/answer-tally.ts'
import {
  answerLabels,
  CountedAnswers,
  type Tallies,
} from '../../shared/dns-server/counted-answers.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { AnswerCounts } from './core/answer/nameserver.ts'

export type FlushedCounts = AnswerCounts &
  Tallies & {
    /** Hands over what is counted so far, and ends. */
    flush(): void
  }

export function countAnswers(metrics: Metrics, clock: Clock): FlushedCounts {
  const counted = new CountedAnswers(clock, sinkTo(metrics))
  const { tally } = counted
  return {
    answered: (transport, rcode, qtype, origin) => tally.answered(transport, rcode, qtype, origin),
    truncated: () => tally.truncated(),
    ignored: (transport) => tally.ignored(transport),
    limited: (verdict) => tally.limited(verdict),
    add: (memory) => counted.add(memory),
    flush: () => counted.flush(),
  }
}

function sinkTo(metrics: Metrics): TallySink {
  const answers = metrics.counter('cairn_dns_answers', 'Answers, by transport and response code')
  const truncated = metrics.counter('cairn_dns_truncated', 'Answers with the TC bit')
  const types = metrics.counter('cairn_dns_queries', 'Answered queries, by type')
  const zones = metrics.counter(
    'cairn_dns_zone_answers',
    'Answers from a zone, by outcome; those of zones beyond the first hundred or so as "other"',
  )
  const limited = metrics.counter('cairn_dns_limited', 'Answers kept back by the rate limit')
  const ignored = metrics.counter('cairn_dns_ignored', 'Packets that got no answer, by transport')
  /** Each thread has zones of its own. */
  const named = new Set<Name>()
  return {
    answers: (transport, rcode, count) => answers.inc(answerLabels(transport, rcode), count),
    ignored: (transport, count) => ignored.inc({ transport }, count),
    truncated: (count) => truncated.inc({}, count),
    queries: (type, count) => types.inc({ type }, count),
    zone(origin, outcome, count) {
      if (origin !== undefined && named.size < ZONES_LIMIT) named.add(origin)
      const isNamed = origin !== undefined && named.has(origin)
      zones.inc({ zone: isNamed ? formatName(origin) : 'other', outcome }, count)
    },
    limited: (verdict, count) => limited.inc({ verdict }, count),
  }
}
