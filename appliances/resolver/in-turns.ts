// Long work in turns with everything else that the process does.
import { setImmediate } from 'node:timers/promises'
import type { Steps } from './core/policy/steps.ts'

export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (let next = steps.next(); ; next = steps.next()) {
    if (next.done === true) return next.value
    await setImmediate()
  }
}
