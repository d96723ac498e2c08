// Which lines of one text became which of another. Lines that occur once on both sides anchor the match (patience
// diff), what lies between the anchors is compared by shortest edit (Myers); both within a fixed amount of work.

/** Lines `[baseStart, baseEnd)` became lines `[start, end)`; either may be empty, not both. */
export type Hunk = {
  readonly baseStart: number
  readonly baseEnd: number
  readonly start: number
  readonly end: number
}

/** Line visits of one diff; a stretch left over when they are spent counts as changed as a whole. */
export const DIFF_WORK_LIMIT = 8_000_000
/** Edits a stretch without anchors may need before it counts as changed as a whole. */
export const DIFF_EDIT_LIMIT = 1024

/** Lines are compared by number: equal lines have equal ids, in both texts. Hunks in order, never touching. */
export function diffLines(base: Uint32Array, other: Uint32Array): Hunk[] {
  const matcher = new Matcher(base, other)
  matcher.run()
  return hunksOf(matcher.partners, other.length)
}

type Stretch = {
  readonly baseStart: number
  readonly baseEnd: number
  readonly start: number
  readonly end: number
}

class Matcher {
  /** For each base line the other side's line it is, or -1. */
  readonly partners: Int32Array
  readonly #base: Uint32Array
  readonly #other: Uint32Array
  readonly #open: Stretch[] = []
  #workLeft = DIFF_WORK_LIMIT

  constructor(base: Uint32Array, other: Uint32Array) {
    this.#base = base
    this.#other = other
    this.partners = new Int32Array(base.length).fill(-1)
  }

  run(): void {
    const { length } = this.#base
    this.#open.push({ baseStart: 0, baseEnd: length, start: 0, end: this.#other.length })
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      const stretch = this.#trim(next)
      const size = stretch.baseEnd - stretch.baseStart + stretch.end - stretch.start
      this.#workLeft -= size
      if (this.#workLeft < 0) return
      if (stretch.baseStart === stretch.baseEnd || stretch.start === stretch.end) continue
      const anchors = this.#anchors(stretch)
      if (anchors.length > 0) this.#split(stretch, anchors)
      else this.#shortestEdit(stretch)
    }
  }

  /** Matches what both begin and end with. */
  #trim({ baseStart, baseEnd, start, end }: Stretch): Stretch {
    while (baseStart < baseEnd && start < end && this.#base[baseStart] === this.#other[start]) {
      this.partners[baseStart++] = start++
    }
    while (baseStart < baseEnd && start < end && this.#base[baseEnd - 1] === this.#other[end - 1]) {
      this.partners[--baseEnd] = --end
    }
    return { baseStart, baseEnd, start, end }
  }

  /** The longest run of lines that occur once on each side and stand in the same order on both, as base lines. */
  #anchors(stretch: Stretch): Anchor[] {
    const seen = new Map<number, { base: number; other: number }>()
    for (let i = stretch.baseStart; i < stretch.baseEnd; i++) {
      const known = seen.get(this.#base[i]!)
      if (known === undefined) seen.set(this.#base[i]!, { base: i, other: ABSENT })
      else known.base = REPEATED
    }
    for (let i = stretch.start; i < stretch.end; i++) {
      const known = seen.get(this.#other[i]!)
      if (known !== undefined) known.other = known.other === ABSENT ? i : REPEATED
    }
    // A Map keeps the order of insertion: these are sorted by base line.
    return longestRising([...seen.values()].filter(({ base, other }) => base >= 0 && other >= 0))
  }

  #split(stretch: Stretch, anchors: readonly Anchor[]): void {
    let { baseStart, start } = stretch
    for (const { base, other } of anchors) {
      this.partners[base] = other
      this.#open.push({ baseStart, baseEnd: base, start, end: other })
      baseStart = base + 1
      start = other + 1
    }
    this.#open.push({ baseStart, baseEnd: stretch.baseEnd, start, end: stretch.end })
  }

  /** Myers' greedy search; the furthest points of each round are kept to walk the way back. */
  #shortestEdit({ baseStart, baseEnd, start, end }: Stretch): void {
    const width = baseEnd - baseStart
    const height = end - start
    const limit = Math.min(width + height, DIFF_EDIT_LIMIT)
    const furthest = new Int32Array(2 * limit + 3)
    const rounds: Int32Array[] = []
    for (let edits = 0; edits <= limit; edits++) {
      for (let k = -edits; k <= edits; k += 2) {
        const at = k + limit + 1
        const down = k === -edits || (k !== edits && furthest[at - 1]! < furthest[at + 1]!)
        let x = down ? furthest[at + 1]! : furthest[at - 1]! + 1
        const from = x
        while (
          x < width &&
          x - k < height &&
          this.#base[baseStart + x] === this.#other[start + x - k]
        ) {
          x++
        }
        this.#workLeft -= x - from + 1
        furthest[at] = x
        if (x >= width && x - k >= height) {
          this.#walkBack(rounds, { baseStart, start, width, height })
          return
        }
      }
      if (this.#workLeft < 0) return
      rounds.push(furthest.slice(limit + 1 - edits, limit + 2 + edits))
    }
  }

  /** `rounds[d]` holds x for the diagonals -d..d as they stood after d edits. */
  #walkBack(
    rounds: readonly Int32Array[],
    stretch: { baseStart: number; start: number; width: number; height: number },
  ): void {
    let x = stretch.width
    let y = stretch.height
    for (let edits = rounds.length; ; edits--) {
      const k = x - y
      const before = rounds[edits - 1]
      const xAt = (diagonal: number): number => before?.[diagonal + edits - 1] ?? -1
      const down = k === -edits || (k !== edits && xAt(k - 1) < xAt(k + 1))
      const fromX = edits === 0 ? 0 : down ? xAt(k + 1) : xAt(k - 1) + 1
      while (x > fromX) this.partners[stretch.baseStart + --x] = stretch.start + --y
      if (edits === 0) return
      if (down) y--
      else x--
    }
  }
}

type Anchor = { readonly base: number; readonly other: number }

const ABSENT = -1
const REPEATED = -2

/** The longest subsequence with rising `other` (patience sorting). */
function longestRising(pairs: readonly Anchor[]): Anchor[] {
  const tops: number[] = []
  const before = new Int32Array(pairs.length)
  pairs.forEach(({ other }, i) => {
    let low = 0
    let high = tops.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (pairs[tops[middle]!]!.other < other) low = middle + 1
      else high = middle
    }
    before[i] = low === 0 ? -1 : tops[low - 1]!
    tops[low] = i
  })
  const run: Anchor[] = []
  for (let i = tops.at(-1) ?? -1; i >= 0; i = before[i]!) run.push(pairs[i]!)
  return run.reverse()
}

function hunksOf(partners: Int32Array, otherLength: number): Hunk[] {
  const hunks: Hunk[] = []
  let base = 0
  let other = 0
  while (base < partners.length || other < otherLength) {
    let baseEnd = base
    while (baseEnd < partners.length && partners[baseEnd]! < 0) baseEnd++
    const end = baseEnd < partners.length ? partners[baseEnd]! : otherLength
    if (baseEnd > base || end > other) {
      hunks.push({ baseStart: base, baseEnd, start: other, end })
    }
    base = baseEnd + 1
    other = end + 1
  }
  return hunks
}
