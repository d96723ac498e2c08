// Answers that are made here, without asking anyone: what the machine would only bother others with.
import type { ExtendedError } from '../../../../shared/dns/edns.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { chainAnswer, type Answer, type Question } from '../answer.ts'
import type { Link } from '../link.ts'
import type { RRset } from '../rrset.ts'

export interface LocalAnswers {
  /** Undefined for what is none of its business. */
  find(question: Question, nowMs: number): Answer | undefined
}

/** An answer of one link that nobody signed: `rrset` is the data; without, `denied` says whether the name is not there. */
export function localAnswer(
  { qname, qtype }: Question,
  made: {
    readonly zone: Name
    readonly rrset?: RRset
    readonly soa?: RRset
    readonly isDenied?: boolean
    readonly ttlSeconds: number
    readonly nowMs: number
    readonly extendedError?: ExtendedError
  },
): Answer {
  const link: Link = {
    kind: made.rrset !== undefined ? 'data' : made.isDenied === true ? 'nxdomain' : 'nodata',
    qname,
    qtype,
    zone: made.zone,
    rrsets: made.rrset === undefined ? [] : [made.rrset],
    authority: made.rrset === undefined && made.soa !== undefined ? [made.soa] : [],
    ttlSeconds: made.ttlSeconds,
    storedMs: made.nowMs,
    isFromReferral: false,
    security: 'insecure',
    ...(made.extendedError && { extendedError: made.extendedError }),
  }
  return chainAnswer([link], false)
}
