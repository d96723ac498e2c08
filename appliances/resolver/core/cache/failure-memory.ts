// Questions that could not be answered, so that they are not tried again at once (RFC 9520): for longer each time.
import type { Name } from '../../../../shared/dns/name.ts'
import type { ExtendedError } from '../../../../shared/dns/edns.ts'
import { isFlushed, type Flushing } from './flushing.ts'

/** RFC 9520 §3.2: at least a second, at most five minutes. */
const FIRST_MS = 2000
const LONGEST_MS = 60_000
/** A failure is forgotten, and the next one counts as the first, when nothing failed for so long. */
const FORGET_MS = 300_000

export type Failure = { readonly errors: readonly ExtendedError[]; readonly isBogus: boolean }

export class FailureMemory {
  readonly #failures = new Map<string, Remembered>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#failures.size
  }

  find(key: string, nowMs: number): Failure | undefined {
    const remembered = this.#failures.get(key)
    return remembered !== undefined && remembered.untilMs > nowMs ? remembered : undefined
  }

  put(key: string, failure: Failure, nowMs: number): void {
    const before = this.#failures.get(key)
    const isAgain = before !== undefined && nowMs - before.untilMs < FORGET_MS
    const lastsMs = isAgain ? Math.min(before.lastsMs * 2, LONGEST_MS) : FIRST_MS
    this.#failures.delete(key)
    this.#failures.set(key, { ...failure, lastsMs, untilMs: nowMs + lastsMs })
    if (this.#failures.size > this.#limit)
      this.#failures.delete(this.#failures.keys().next().value!)
  }

  drop(key: string): void {
    this.#failures.delete(key)
  }

  flush(flushing: Flushing): void {
    for (const key of this.#failures.keys())
      if (isFlushed(flushing, key.slice(KEY_PREFIX_LENGTH) as Name)) this.#failures.delete(key)
  }
}

/** `isChecked`: whether signatures were looked at. */
export function failureKey(qname: Name, qtype: number, isChecked: boolean): string {
  return (isChecked ? 'c' : 'r') + String.fromCharCode(qtype) + qname
}

/** Before the name. */
const KEY_PREFIX_LENGTH = 2

type Remembered = Failure & { readonly lastsMs: number; readonly untilMs: number }
