// What the parts of one resolver share: what it remembers, and what it can have done.
import type { Message } from '../../../shared/dns/message.ts'
import type { Name } from '../../../shared/dns/name.ts'
import type { AnswerCache } from './cache/answer-cache.ts'
import type { DenialCache } from './cache/denial-cache.ts'
import type { FailureMemory } from './cache/failure-memory.ts'
import type { Descent } from './iterate/descent.ts'
import type { Ask, Inquiry } from './iterate/inquiry.ts'
import type { ServerMemory } from './iterate/server-memory.ts'
import type { ZoneCuts } from './iterate/zone-cuts.ts'
import type { Link } from './link.ts'
import type { ResolverOptions } from './options.ts'
import type { Random } from './random.ts'
import type { Validator } from './validator.ts'

/** What one question of a client, and all that comes of it, may still do. */
export type Budget = { queries: number; serverLookups: number }

export interface World {
  readonly options: ResolverOptions
  readonly random: Random
  readonly cache: AnswerCache
  /** Undefined where nobody validates, or nothing is to be made of what is known. */
  readonly denials: DenialCache | undefined
  readonly failures: FailureMemory
  readonly cuts: ZoneCuts
  readonly servers: ServerMemory
  readonly validator: Validator | undefined
  /** A secure denial that nobody was asked for. */
  denied(qname: Name, qtype: number, nowMs: number): Link | undefined
  inquire(ask: Ask, budget: Budget, descent: Descent): Inquiry
  /** Nobody waits for its answer any more. */
  abandon(inquiry: Inquiry): void
  /** Someone had to begin with the root's hints. */
  hintsUsed(nowMs: number): void
  /** The root's servers said who they are. */
  primed(message: Message, links: readonly Link[], nowMs: number): void
}
