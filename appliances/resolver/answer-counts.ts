// Counts answers by transport and response code, and queries by type: what the main thread answered, and what packet
// workers did, which is all from the cache.
import type { Clock } from '../../shared/clock/clock.ts'
import type { TallySink } from '../../shared/dns-server/core/answer-tally.ts'
import {
  answerLabels,
  CountedAnswers,
  type Tallies,
} from '../../shared/dns-server/counted-answers.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { ResponderCounts } from './core/serve/responder.ts'

export type FlushedCounts = ResponderCounts &
  Tallies & {
    /** Answers of packet workers. */
    workersAnswered(): number
    /** All answers, at most a second late. */
    allAnswered(): number
    /** Hands over what is counted so far, and ends. */
    flush(): void
  }

export function countAnswers(metrics: Metrics, clock: Clock): FlushedCounts {
  let answered = 0
  let all = 0
  const toMetrics = sinkTo(metrics)
  const sink: TallySink = {
    ...toMetrics,
    answers(transport, rcode, count) {
      all += count
      toMetrics.answers(transport, rcode, count)
    },
  }
  const counted = new CountedAnswers(clock, sink, {
    ...sink,
    answers(transport, rcode, count) {
      answered += count
      sink.answers(transport, rcode, count)
    },
  })
  const { tally } = counted
  return {
    answered: (transport, rcode, qtype) => tally.answered(transport, rcode, qtype),
    ignored: (transport) => tally.ignored(transport),
    limited: () => tally.limited('drop'),
    add: (memory) => counted.add(memory),
    workersAnswered: () => answered,
    allAnswered: () => all,
    flush: () => counted.flush(),
  }
}

function sinkTo(metrics: Metrics): TallySink {
  const answers = metrics.counter(
    'cairn_resolver_answers',
    'Answers, by transport and response code',
  )
  const types = metrics.counter('cairn_resolver_queries', 'Answered queries, by type')
  const ignored = metrics.counter(
    'cairn_resolver_ignored',
    'Packets that got no answer, by transport',
  )
  const limited = metrics.counter(
    'cairn_resolver_limited',
    'Answers kept back since the client gets too many',
  )
  return {
    answers: (transport, rcode, count) => answers.inc(answerLabels(transport, rcode), count),
    ignored: (transport, count) => ignored.inc({ transport }, count),
    queries: (type, count) => types.inc({ type }, count),
    limited: (_verdict, count) => limited.inc({}, count),
    truncated: () => {},
    zone: () => {},
  }
}
