// Counts answers by transport and rcode, by type, and by zone. A query costs one addition here; the metrics hear of it once a second.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { typeText } from '../../shared/dns/record-types.ts'
import { RCODE } from '../../shared/dns/message.ts'
import type { Labels, Metrics } from '../../shared/metrics/metrics.ts'
import type { AnswerCounts } from './core/answer/nameserver.ts'
import type { Transport } from '../../shared/dns-server/core/client.ts'

const FLUSH_MS = 1000
const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls', 'https']

export type FlushedCounts = AnswerCounts & {
  /** Hands over what is counted so far, and ends. */
  flush(): void
}

export function countAnswers(metrics: Metrics, clock: Clock): FlushedCounts {
  const answers = metrics.counter('cairn_dns_answers', 'Answers, by transport and response code')
  const truncated = metrics.counter('cairn_dns_truncated', 'Answers with the TC bit')
  const types = metrics.counter('cairn_dns_queries', 'Answered queries, by type')
  const zones = metrics.counter(
    'cairn_dns_zone_answers',
    'Answers from a zone, by outcome; those of zones beyond the first hundred or so as "other"',
  )
  const byType = new Float64Array(COUNTED_TYPES.length + 1)
  const byZone = new Map<Name, ZoneCounts>()
  const limited = metrics.counter('cairn_dns_limited', 'Answers kept back by the rate limit')
  const ignored = metrics.counter('cairn_dns_ignored', 'Packets that got no answer, by transport')
  const byRcode = {
    udp: new Float64Array(RCODE_LIMIT),
    tcp: new Float64Array(RCODE_LIMIT),
    tls: new Float64Array(RCODE_LIMIT),
    https: new Float64Array(RCODE_LIMIT),
  }
  const silent = { udp: 0, tcp: 0, tls: 0, https: 0 }
  const held = { drop: 0, slip: 0 }
  let cut = 0
  const handOver = (): void => {
    for (const transport of TRANSPORTS) {
      for (const [rcode, labels] of LABELS[transport].entries()) {
        const count = byRcode[transport][rcode]!
        if (count > 0) answers.inc(labels, count)
      }
      byRcode[transport].fill(0)
      if (silent[transport] > 0) ignored.inc({ transport }, silent[transport])
      silent[transport] = 0
    }
    if (cut > 0) truncated.inc({}, cut)
    cut = 0
    for (const [i, count] of byType.entries())
      if (count > 0) types.inc({ type: COUNTED_TYPES[i] ?? 'other' }, count)
    byType.fill(0)
    for (const [origin, counted] of byZone) {
      const zone = origin === OTHER_ZONES ? 'other' : formatName(origin)
      for (const outcome of OUTCOMES) {
        if (counted[outcome] > 0) zones.inc({ zone, outcome }, counted[outcome])
        counted[outcome] = 0
      }
    }
    for (const verdict of ['drop', 'slip'] as const) {
      if (held[verdict] > 0) limited.inc({ verdict }, held[verdict])
      held[verdict] = 0
    }
  }
  let timer: Timer
  const again = (): void => {
    timer = clock.after(FLUSH_MS, () => {
      handOver()
      again()
    })
  }
  again()
  return {
    answered(transport, rcode, qtype, origin) {
      byRcode[transport][rcode]!++
      if (qtype !== undefined) byType[TYPE_INDEX[qtype] ?? COUNTED_TYPES.length]!++
      if (origin === undefined) return
      let counted = byZone.get(origin)
      if (counted === undefined) {
        const name = byZone.size < ZONES_LIMIT ? origin : OTHER_ZONES
        counted = byZone.get(name) ?? { NOERROR: 0, NXDOMAIN: 0, other: 0 }
        byZone.set(name, counted)
      }
      if (rcode === RCODE.NOERROR) counted.NOERROR++
      else if (rcode === RCODE.NXDOMAIN) counted.NXDOMAIN++
      else counted.other++
    },
    truncated: () => void cut++,
    ignored: (transport) => void silent[transport]++,
    limited: (verdict) => void held[verdict]++,
    flush() {
      timer.cancel()
      handOver()
    },
  }
}

/** One more than BADCOOKIE. */
const RCODE_LIMIT = 24

/** Three series each: as many as a metric may have. */
const ZONES_LIMIT = 160
/** No zone has this name. */
const OTHER_ZONES = '' as Name

type ZoneCounts = { NOERROR: number; NXDOMAIN: number; other: number }
const OUTCOMES = ['NOERROR', 'NXDOMAIN', 'other'] as const

const COUNTED_TYPES =
  'A AAAA NS SOA MX TXT CNAME PTR SRV DS DNSKEY NSEC3PARAM CDS CDNSKEY NAPTR TLSA SSHFP CAA SVCB HTTPS ANY'.split(
    ' ',
  )
/** By type; a plain array of a few hundred is the fastest map there is. */
const TYPE_INDEX: (number | undefined)[] = Array.from({ length: 258 }, (_, type) => {
  const index = COUNTED_TYPES.indexOf(typeText(type))
  return index === -1 ? undefined : index
})

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
