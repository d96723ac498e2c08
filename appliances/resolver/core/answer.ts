// What the machine answers a question with: the chain of links, and how far it is to be trusted.
import { RCODE } from '../../../shared/dns/message.ts'
import type { Name } from '../../../shared/dns/name.ts'
import type { Client } from '../../../shared/dns-server/core/client.ts'
import type { ExtendedError } from '../../../shared/dns/edns.ts'
import type { Link, Security } from './link.ts'

export type Question = {
  /** Canonical. */
  readonly qname: Name
  readonly qtype: number
  /** CD: what is bogus is handed out all the same (RFC 4035 §3.2.2). */
  readonly checkingDisabled: boolean
  /** Who asks, where that makes a difference. */
  readonly client?: Pick<Client, 'transport' | 'octets'>
}

export type Answer = {
  readonly rcode: number
  readonly links: readonly Link[]
  /** Of the weakest link; `unchecked` when nobody validates. */
  readonly security: Security
  readonly extendedErrors: readonly ExtendedError[]
  /** Beyond its TTL, since nothing better could be had (RFC 8767). */
  readonly isStale: boolean
  /** AA: made here, and nobody was asked. */
  readonly isAuthoritative?: boolean
  /** `drop`: the client gets nothing; `tcp-only`: by UDP it is told to come by TCP; `once`: others may be told otherwise. */
  readonly handling?: 'drop' | 'tcp-only' | 'once'
}

export function chainAnswer(links: readonly Link[], isStale: boolean): Answer {
  const end = links.at(-1)
  const extendedErrors: ExtendedError[] = []
  for (const { extendedError } of links) if (extendedError) extendedErrors.push(extendedError)
  if (isStale)
    extendedErrors.push(
      end?.kind === 'nxdomain'
        ? { code: STALE_NXDOMAIN, text: '' }
        : { code: STALE_ANSWER, text: '' },
    )
  return {
    rcode: end?.kind === 'nxdomain' ? RCODE.NXDOMAIN : RCODE.NOERROR,
    links,
    security: weakest(links),
    extendedErrors,
    isStale,
  }
}

export function failureAnswer(
  extendedErrors: readonly ExtendedError[],
  security: Security = 'indeterminate',
): Answer {
  return { rcode: RCODE.SERVFAIL, links: [], security, extendedErrors, isStale: false }
}

function weakest(links: readonly Link[]): Security {
  let worst: Security = 'secure'
  for (const { security } of links) if (RANK[security] > RANK[worst]) worst = security
  return links.length === 0 ? 'indeterminate' : worst
}

const RANK: { readonly [security in Security]: number } = {
  secure: 0,
  insecure: 1,
  indeterminate: 2,
  unchecked: 3,
  bogus: 4,
}

/** Info-codes of RFC 8914 §4. */
const STALE_ANSWER = 3
const STALE_NXDOMAIN = 19
