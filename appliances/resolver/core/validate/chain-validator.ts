// The machine's validator: checks links by chains of trust that begin at the anchors.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Flushing } from '../cache/flushing.ts'
import type { Link } from '../link.ts'
import type { Evidence, Step, Validation, Validator } from '../validator.ts'
import type { Check, Verdict } from './claim.ts'
import { checkClaim } from './claim-check.ts'
import type { ChainSetup } from './trust-chain.ts'
import { trustStart, type Anchors } from './trust-anchors.ts'
import { TrustMemory } from './trust-memory.ts'

export class ChainValidator implements Validator {
  #setup: ChainSetup

  constructor(setup: ChainSetup) {
    this.#setup = setup
  }

  /** Trust begins at these from now on; what was found out by others is forgotten. */
  trust(anchors: Anchors): void {
    const { trust, policy } = this.#setup
    // A memory of its own: checks under way go on writing what they find to the one they began with.
    this.#setup = { trust: { ...trust, anchors }, memory: new TrustMemory(), policy }
  }

  covers(name: Name): boolean {
    return trustStart(this.#setup.trust, name).kind === 'anchor'
  }

  /** `nowMs` since 1970. */
  begin(link: Link, nowMs: number, isRetry: boolean): Validation {
    const time = { nowSeconds: Math.floor(nowMs / 1000), isRetry }
    return new ChainValidation(checkClaim(link, this.#setup, time))
  }

  flush(flushing: Flushing): void {
    this.#setup.memory.flush(flushing)
  }
}

class ChainValidation implements Validation {
  readonly #check: Check<Verdict>

  constructor(check: Check<Verdict>) {
    this.#check = check
  }

  step(given: Evidence | undefined): Step {
    const { done, value } = this.#check.next(given?.link)
    if (done !== true) return { kind: 'needs', qname: value.qname, qtype: value.qtype }
    const { security, reason, ttlSeconds, nsecs, culprit } = value
    return {
      kind: 'verdict',
      security,
      ttlSeconds,
      ...(reason === undefined ? {} : { extendedError: reason }),
      ...(nsecs === undefined ? {} : { nsecs }),
      // All that is checked here came as links.
      ...(culprit === undefined ? {} : { culprit: culprit as Link }),
    }
  }
}
