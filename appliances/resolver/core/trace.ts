// What happens on the way to an answer, for people: each event at its depth of lookups within lookups.
import type { Name } from '../../../shared/dns/name.ts'
import type { Answer } from './answer.ts'
import type { Link } from './link.ts'
import type { Findings } from './iterate/response.ts'
import type { InquiryFailure } from './iterate/inquiry.ts'
import type { Upstream } from './iterate/upstream.ts'

export interface Trace {
  event(depth: number, event: TraceEvent): void
}

export type TraceEvent =
  | { readonly kind: 'asked'; readonly qname: Name; readonly qtype: number; readonly why: Why }
  /** Someone else is already looking for it. */
  | { readonly kind: 'joined'; readonly qname: Name; readonly qtype: number }
  | { readonly kind: 'cached'; readonly link: Link; readonly nowMs: number }
  | {
      readonly kind: 'sent'
      readonly zone: Name
      readonly upstream: Upstream
      readonly qname: Name
      readonly qtype: number
    }
  | {
      readonly kind: 'found'
      readonly findings: Findings
      readonly rcode: number
      readonly rttMs: number
    }
  | { readonly kind: 'refused'; readonly rcode: number; readonly rttMs: number }
  | { readonly kind: 'unanswered'; readonly upstream: Upstream; readonly why: InquiryFailure }
  | { readonly kind: 'checked'; readonly link: Link }
  | { readonly kind: 'answered'; readonly answer: Answer }

/** `client`: a question as it came. `address`: where a server is. `evidence`: what a chain of trust needs. */
export type Why = 'client' | 'address' | 'evidence' | 'priming' | 'prefetch'
