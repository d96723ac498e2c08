// What the machine asks of whoever checks signatures: it hands over a link and fetches what the check needs, in its own
// time. A check is a conversation, so that it can run in virtual time and be abandoned at any step.
import type { Name } from '../../../shared/dns/name.ts'
import type { ExtendedError } from '../../../shared/dns/edns.ts'
import type { Flushing } from './cache/flushing.ts'
import type { Link, Security } from './link.ts'
import type { RRset } from './rrset.ts'

export interface Validator {
  /** Whether links at `name` are to be checked at all; without, they are `insecure`. */
  covers(name: Name): boolean
  /** `isRetry`: some of the evidence is new, so that what failed before may hold now. */
  begin(link: Link, nowMs: number, isRetry: boolean): Validation
  /** Forgets what was found out of zones that are meant. */
  flush(flushing: Flushing): void
}

export interface Validation {
  /** `given` answers the need before; undefined at the first step. */
  step(given: Evidence | undefined, nowMs: number): Step
}

export type Step =
  | { readonly kind: 'needs'; readonly qname: Name; readonly qtype: number }
  | {
      readonly kind: 'verdict'
      readonly security: Exclude<Security, 'unchecked'>
      /** How much longer the link may be kept. */
      readonly ttlSeconds: number
      readonly extendedError?: ExtendedError
      /** Of a secure denial: those of its NSEC RRsets whose signatures hold. */
      readonly nsecs?: readonly RRset[]
      /** Of what is bogus: the link that is to blame, the one that is checked or evidence. */
      readonly culprit?: Link
    }

/** The answer to what a check needs, itself unchecked; undefined when nobody could be asked. */
export type Evidence = { readonly link: Link | undefined }
