// History read beside the requests of others: a long one a few milliseconds at a time, and few at once for one user.
import type { Clock } from '../../shared/clock/clock.ts'
import type { Store } from '../../store/index.ts'
import { FolderDiffs } from './core/history/folder-diffs.ts'
import { readHistory } from './core/history/history-request.ts'
import { textReply, type Reply } from './core/request.ts'
import type { View } from './core/view.ts'

/** Without a turn for others. */
const SLICE_MS = 5
/** Of one user; a page asks for one or two. */
const READINGS_LIMIT = 4

export class HistoryReader {
  readonly #source: Pick<Store, 'log' | 'snapshot'>
  readonly #clock: Clock
  readonly #diffs = new FolderDiffs()
  readonly #running = new Map<string, number>()

  constructor(source: Pick<Store, 'log' | 'snapshot'>, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  async read(target: string, view: View): Promise<Reply> {
    const { name } = view.user
    const running = this.#running.get(name) ?? 0
    if (running >= READINGS_LIMIT)
      return textReply(429, 'The history is being read already; wait a little', {
        'retry-after': '1',
      })
    this.#running.set(name, running + 1)
    let sinceMs = this.#clock.monotonicMs()
    const pause = async (): Promise<void> => {
      if (this.#clock.monotonicMs() - sinceMs < SLICE_MS) return
      await new Promise((resolve) => setImmediate(resolve))
      sinceMs = this.#clock.monotonicMs()
    }
    try {
      return await readHistory(target, view, {
        source: this.#source,
        diffs: this.#diffs,
        pause,
      })
    } finally {
      const left = this.#running.get(name)! - 1
      if (left === 0) this.#running.delete(name)
      else this.#running.set(name, left)
    }
  }
}
