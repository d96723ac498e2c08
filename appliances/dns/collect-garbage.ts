// Gives memory back that the collector would keep until it has other work, which it may not have for days.
import { queryObjects } from 'node:v8'

/** Takes some tens of milliseconds. */
export function collectGarbage(): void {
  // Counts objects of a kind after a full collection; nobody here wants the count.
  queryObjects(AbortController)
}
