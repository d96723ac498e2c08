// What changed in a folder from one version of it to another, remembered: a version of a large calendar takes milliseconds to
// look into, and whoever asks for the history of one event asks for that of the next.
import type { Diff, Snapshot } from '../../../../store/index.ts'

/** Changed files that are remembered, of all folders together; each takes some hundred octets. */
const REMEMBERED_LIMIT = 50_000
/** A larger difference is no step of a history but a beginning: it is not kept. */
const KEPT_LIMIT = 1_000

export class FolderDiffs {
  /** Differences that had to be looked for so far. */
  looked = 0
  readonly #known = new Map<string, Diff>()
  #remembered = 0

  between(before: Snapshot, after: Snapshot, folder: string): Diff {
    const [from, to] = [before, after].map((snapshot) => snapshot.entry(folder)?.oid ?? '')
    if (from === to) return []
    const key = `${from} ${to} ${folder}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.looked++
    const diff = after.diff(before, folder)
    if (diff.length <= KEPT_LIMIT) this.#keep(key, diff)
    return diff
  }

  #keep(key: string, diff: Diff): void {
    this.#known.set(key, diff)
    this.#remembered += 1 + diff.length
    for (const [oldest, { length }] of this.#known) {
      if (this.#remembered <= REMEMBERED_LIMIT) return
      this.#known.delete(oldest)
      this.#remembered -= 1 + length
    }
  }
}
