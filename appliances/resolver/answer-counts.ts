// Counts answers by transport and response code, and queries by type.
import { RCODE } from '../../shared/dns/message.ts'
import { typeText } from '../../shared/dns/record-types.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { ResponderCounts } from './core/serve/responder.ts'

export function answerCounts(metrics: Metrics): ResponderCounts {
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
    answered(transport, rcode, qtype) {
      answers.inc({ transport, rcode: RCODE_NAMES.get(rcode) ?? `RCODE${rcode}` })
      if (qtype !== undefined) types.inc({ type: COUNTED.has(qtype) ? typeText(qtype) : 'other' })
    },
    ignored: (transport) => ignored.inc({ transport }),
    limited: () => limited.inc(),
  }
}

const RCODE_NAMES = new Map<number, string>(
  Object.entries(RCODE).map(([name, code]) => [code, name]),
)
/** Types with a series of their own: A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, DS, DNSKEY, TLSA, SVCB, HTTPS, ANY. */
const COUNTED: ReadonlySet<number> = new Set([
  1, 2, 5, 6, 12, 15, 16, 28, 33, 43, 48, 52, 64, 65, 255,
])
