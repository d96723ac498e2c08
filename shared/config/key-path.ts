// Paths into a configuration, as people read and write them: `store.serve.users`, `listen[0]`.
import type { TomlItem } from './toml-outline.ts'

/** A number is the index of an array element. */
export type KeyPath = readonly (string | number)[]

export function formatKeyPath(path: KeyPath): string {
  return path
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`
      const key = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step)
      return i === 0 ? key : `.${key}`
    })
    .join('')
}

/** Finds the line a path was written on; for what is not written, the line of the nearest table around it. */
export class Lines {
  readonly #lines = new Map<string, number>()

  constructor(items: readonly TomlItem[]) {
    for (const item of items) {
      // A table named only inside longer keys stands where it is first mentioned.
      for (let n = 1; n <= item.path.length; n++) this.#add(item.path.slice(0, n), item.line)
      for (const part of item.parts) this.#add([...item.path, ...part.path], part.line)
    }
  }

  #add(path: readonly string[], line: number): void {
    const name = JSON.stringify(path)
    if (!this.#lines.has(name)) this.#lines.set(name, line)
  }

  has(path: KeyPath): boolean {
    return this.#lines.has(JSON.stringify(path.map(String)))
  }

  of(path: KeyPath): number | undefined {
    const steps = path.map(String)
    for (let n = steps.length; n > 0; n--) {
      const line = this.#lines.get(JSON.stringify(steps.slice(0, n)))
      if (line !== undefined) return line
    }
    return undefined
  }
}

/** The known word nearest to a mistyped one, if any is near enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(word, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, substitutions and swaps of neighbours, each counting one. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
