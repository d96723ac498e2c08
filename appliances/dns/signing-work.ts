// Drives a signer's work: at once within a limit, or in short slices between which packets are answered.
import { sign } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../shared/clock/clock.ts'
import { algorithmOf } from '../../shared/dnssec/algorithms.ts'
import type { ZoneKey } from './core/dnssec/key-file.ts'
import type { Pending, SigningWork } from './core/dnssec/zone-signer.ts'

const SLICE_MS = 3

export class Driver<T> {
  readonly #work: SigningWork<T>
  readonly #clock: Clock
  #step: IteratorResult<readonly Pending[], T>
  signatures = 0

  constructor(work: SigningWork<T>, clock: Clock) {
    this.#work = work
    this.#clock = clock
    this.#step = work.next()
  }

  /** Undefined when the time was not enough: `finish` goes on. */
  runFor(limitMs: number): { readonly value: T } | undefined {
    const until = this.#clock.monotonicMs() + limitMs
    while (this.#step.done !== true) {
      for (const pending of this.#step.value) {
        pending.signature ??= pending.key.sign(pending.data)
        this.signatures++
        if (this.#clock.monotonicMs() > until) return undefined
      }
      this.#step = this.#work.next()
      if (this.#step.done !== true && this.#clock.monotonicMs() > until) return undefined
    }
    return { value: this.#step.value }
  }

  /** Signs on Node's thread pool; `between` is called when other turns were had. Undefined when it says to stop. */
  async finish(between: () => boolean): Promise<T | undefined> {
    let turnEnds = this.#clock.monotonicMs() + SLICE_MS
    while (this.#step.done !== true) {
      const pending = this.#step.value.filter(({ signature }) => signature === undefined)
      if (pending.length > 0) await Promise.all(pending.map(signLater))
      else if (this.#clock.monotonicMs() > turnEnds) await nextTurn()
      this.signatures += pending.length
      if (pending.length > 0 || this.#clock.monotonicMs() > turnEnds) {
        if (!between()) return undefined
        turnEnds = this.#clock.monotonicMs() + SLICE_MS
      }
      this.#step = this.#work.next()
    }
    return this.#step.value
  }
}

function signLater(pending: Pending): Promise<void> {
  const { algorithm, privateKey: key } = pending.key as ZoneKey
  const { hash, family } = algorithmOf(algorithm)!
  const by = family.kind === 'ec' ? { key, dsaEncoding: 'ieee-p1363' as const } : key
  return new Promise((done, fail) => {
    sign(hash, pending.data, by, (fault, signature) => {
      if (fault !== null) return fail(fault)
      pending.signature = signature
      done()
    })
  })
}
