// The exchange with what it needs of this process: the clock, the log and the metrics.
import type { Clock } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { AnswerCounts } from './core/answer/nameserver.ts'
import { Exchange, type Handlers, type PlainAnswers } from './core/exchange.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'

export function openExchange(parts: {
  readonly server: PlainAnswers
  readonly ring: KeyRing
  readonly handlers: Handlers
  readonly tsig: { readonly truncated: boolean; readonly sha1: boolean }
  readonly udpLimitOctets: number
  readonly counts: AnswerCounts
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}): Exchange {
  const { server, ring, handlers, tsig, udpLimitOctets, counts, clock, log, metrics } = parts
  const refusals = metrics.counter(
    'cairn_dns_tsig_refused',
    'Requests whose signature was refused, by reason',
  )
  const exchange = new Exchange({
    server,
    ring,
    handlers,
    policy: tsig,
    udpLimitOctets,
    counts,
    wallMs: () => clock.wallMs(),
    refused(kind, client) {
      refusals.inc({ reason: kind })
      // Anyone may send these at any rate: the log is not for them to fill.
      log.debug('tsig-refused', { client: client.address, why: kind })
    },
    fault(cause, packet) {
      const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      log.error('request-fault', { packet: Buffer.from(packet).toString('hex'), why })
    },
  })
  metrics.gauge(
    'cairn_dns_requests_in_work',
    'Updates, transfers and notifies that are being worked on',
    () => exchange.inWork,
  )
  return exchange
}
