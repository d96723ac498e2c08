// The machine's validator: checks links by chains of trust that begin at the anchors.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Link } from '../link.ts'
import type { Evidence, Step, Validation, Validator } from '../validator.ts'
import type { Check, Verdict } from './claim.ts'
import { checkClaim } from './claim-check.ts'
import type { ChainSetup } from './trust-chain.ts'
import { trustStart } from './trust-anchors.ts'

export class ChainValidator implements Validator {
  readonly #setup: ChainSetup

  constructor(setup: ChainSetup) {
    this.#setup = setup
  }

  covers(name: Name): boolean {
    return trustStart(this.#setup.trust, name).kind === 'anchor'
  }

  /** `nowMs` since 1970. */
  begin(link: Link, nowMs: number, isRetry: boolean): Validation {
    const time = { nowSeconds: Math.floor(nowMs / 1000), isRetry }
    return new ChainValidation(checkClaim(link, this.#setup, time))
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
    const { security, reason, ttlSeconds, culprit } = value
    return {
      kind: 'verdict',
      security,
      ttlSeconds,
      ...(reason === undefined ? {} : { extendedError: reason }),
      // All that is checked here came as links.
      ...(culprit === undefined ? {} : { culprit: culprit as Link }),
    }
  }
}
