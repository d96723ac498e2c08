// How often one client may come without an account: so many at once, then one a second. Pure, bounded.
import { clientOf } from '../../../../shared/net/per-client.ts'

/** Visits in a row. */
export const VISITS_AT_ONCE = 60
const MS_PER_VISIT = 1_000
/** Of clients; the one that was quiet longest goes. */
const ENTRIES_LIMIT = 10_000

export class VisitLimit {
  /** When all visits of a client are paid for, by client. */
  readonly #paidMs = new Map<string, number>()

  /** Milliseconds until the client may come; 0: it has come. */
  waitMs(address: string, nowMs: number): number {
    const client = clientOf(address)
    const paid = Math.max(this.#paidMs.get(client) ?? 0, nowMs) + MS_PER_VISIT
    const wait = paid - nowMs - VISITS_AT_ONCE * MS_PER_VISIT
    if (wait > 0) return wait
    this.#paidMs.delete(client)
    this.#paidMs.set(client, paid)
    const [oldest] = this.#paidMs.keys()
    if (this.#paidMs.size > ENTRIES_LIMIT && oldest !== undefined) this.#paidMs.delete(oldest)
    return 0
  }
}
