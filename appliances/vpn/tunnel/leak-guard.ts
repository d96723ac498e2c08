// Keeps a client's traffic from going beside its tunnel, from the first connection until it stops. A client that is killed
// leaves the rules behind, so that nothing leaks then either; the next start lifts them.
import { openNetfilter, type Netfilter } from '../../../shared/native/netfilter.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { LEAK_TABLE, leakTable, type LeakLimits } from '../core/filter/leak-table.ts'
import { removeTable, replaceTable } from '../core/filter/nft-messages.ts'

export class LeakGuard {
  readonly #netfilter: Netfilter
  #isClosed = false

  private constructor(netfilter: Netfilter) {
    this.#netfilter = netfilter
  }

  /** Lifts what a client before this one left. Throws `Fatal` where there can be no rules. */
  static async open(): Promise<LeakGuard> {
    const netfilter = await openNetfilter()
    if (netfilter === undefined) throw new Fatal('block_leak needs Linux and Node with FFI')
    const guard = new LeakGuard(netfilter)
    const fault = guard.lift()
    if (fault !== undefined)
      throw new Fatal(
        `The rules of block_leak cannot be set (${fault}): run as root or with CAP_NET_ADMIN, and load nf_tables`,
      )
    return guard
  }

  /** Whether rules are in force. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Throws `Fatal`: without rules there must be no tunnel. */
  close(limits: LeakLimits): void {
    const made = this.#netfilter.request(replaceTable(leakTable(limits)))
    if (!made.ok)
      throw new Fatal(`The kernel does not take the rules of block_leak (${made.error})`)
    this.#isClosed = true
  }

  /** What went wrong, if anything did. */
  lift(): string | undefined {
    const removed = this.#netfilter.request(removeTable(LEAK_TABLE))
    if (!removed.ok && removed.error !== 'ENOENT') return removed.error
    this.#isClosed = false
    return undefined
  }
}
