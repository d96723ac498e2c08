// Drives a signer's work: all of it at once, or in short slices between which packets are answered.
import { sign } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../../shared/clock/clock.ts'
import { algorithmOf } from '../../../shared/dnssec/algorithms.ts'
import type { ZoneKey } from '../core/dnssec/key-file.ts'
import type { Pending } from '../core/dnssec/signing-plan.ts'
import type { SigningWork } from '../core/dnssec/whole-signing.ts'

const SLICE_MS = 3

export type Finished<T> = { readonly value: T; readonly signatures: number }

export function runAtOnce<T>(work: SigningWork<T>): Finished<T> {
  let signatures = 0
  let step = work.next()
  while (step.done !== true) {
    for (const pending of step.value) pending.signature = pending.key.sign(pending.data)
    signatures += step.value.length
    step = work.next()
  }
  return { value: step.value, signatures }
}

/** Signs on Node's thread pool. Undefined when `isStopped` said so between two turns. */
export async function runInSlices<T>(
  work: SigningWork<T>,
  clock: Clock,
  isStopped: () => boolean,
): Promise<Finished<T> | undefined> {
  let signatures = 0
  let step = work.next()
  let sliceEnds = clock.monotonicMs() + SLICE_MS
  while (step.done !== true) {
    const pending = step.value
    if (pending.length > 0) await Promise.all(pending.map(signLater))
    if (pending.length > 0 || clock.monotonicMs() > sliceEnds) {
      await nextTurn()
      if (isStopped()) return undefined
      sliceEnds = clock.monotonicMs() + SLICE_MS
    }
    signatures += pending.length
    step = work.next()
  }
  return { value: step.value, signatures }
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
