// Hands what was answered to the metrics, once a second: what this thread counted, and what packet workers did.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { RCODE } from '../../shared/dns/message.ts'
import type { Labels, Metrics } from '../../shared/metrics/metrics.ts'
import {
  AnswerTally,
  RCODE_LIMIT,
  TallyReader,
  ZONES_LIMIT,
  type TallySink,
} from './core/answer/answer-tally.ts'
import type { AnswerCounts } from './core/answer/nameserver.ts'
import type { Transport } from '../../shared/dns-server/core/client.ts'

const FLUSH_MS = 1000

/** Takes the tallies of other threads. */
export interface Tallies {
  /** `memory` of an AnswerTally, until the end. */
  add(memory: ArrayBufferLike): void
}

export type FlushedCounts = AnswerCounts &
  Tallies & {
    /** Hands over what is counted so far, and ends. */
    flush(): void
  }

export function countAnswers(metrics: Metrics, clock: Clock): FlushedCounts {
  const sink = sinkTo(metrics)
  const tally = new AnswerTally()
  const readers = [new TallyReader(tally.memory)]
  let timer: Timer
  const handOver = (): void => {
    for (const reader of readers) reader.read(sink)
  }
  const again = (): void => {
    timer = clock.after(FLUSH_MS, () => {
      handOver()
      again()
    })
  }
  again()
  return {
    answered: (transport, rcode, qtype, origin) => tally.answered(transport, rcode, qtype, origin),
    truncated: () => tally.truncated(),
    ignored: (transport) => tally.ignored(transport),
    limited: (verdict) => tally.limited(verdict),
    add: (memory) => void readers.push(new TallyReader(memory)),
    flush() {
      timer.cancel()
      handOver()
    },
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
    answers: (transport, rcode, count) => answers.inc(LABELS[transport][rcode]!, count),
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

const NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]))

const LABELS: { readonly [transport in Transport]: readonly Labels[] } = {
  udp: labelsOf('udp'),
  tcp: labelsOf('tcp'),
  tls: labelsOf('tls'),
  https: labelsOf('https'),
}

function labelsOf(transport: Transport): readonly Labels[] {
  return Array.from({ length: RCODE_LIMIT }, (_, code) => {
    return { transport, rcode: NAMES.get(code) ?? `RCODE${code}` }
  })
}
