// Local time and UTC by a sorted table of transitions, with RFC 5545's reading of the hours that do not exist or exist
// twice (section 3.3.5). Where the table comes from is iana-zone.ts' and vtimezone.ts' matter.

/** Seconds since 1970 in both directions; local seconds count the wall clock as if it were UTC. */
export interface Zone {
  readonly id: string
  /** In a gap the offset before it holds; what exists twice is the first of the two. */
  toUtc(local: number): number
  toLocal(utc: number): number
}

export const UTC: Zone = { id: 'UTC', toUtc: (local) => local, toLocal: (utc) => utc }

export type Transition = {
  /** UTC seconds at which `offset` (local minus UTC, seconds) begins to hold. */
  readonly utc: number
  readonly offset: number
}

export class TransitionZone implements Zone {
  readonly id: string
  readonly #utc: Float64Array
  /** First local second at which the offset behind the transition is the only reading. */
  readonly #local: Float64Array
  /** `[0]` holds before the first transition. */
  readonly #offsets: Float64Array

  /** `transitions` sorted by time. */
  constructor(id: string, initialOffset: number, transitions: readonly Transition[]) {
    this.id = id
    const { length } = transitions
    this.#utc = new Float64Array(length)
    this.#local = new Float64Array(length)
    this.#offsets = new Float64Array(length + 1)
    this.#offsets[0] = initialOffset
    for (let i = 0; i < length; i++) {
      const { utc, offset } = transitions[i]!
      this.#utc[i] = utc
      this.#offsets[i + 1] = offset
      this.#local[i] = utc + Math.max(offset, this.#offsets[i]!)
    }
  }

  toUtc(local: number): number {
    return local - this.#offsets[countUpTo(this.#local, local)]!
  }

  toLocal(utc: number): number {
    return utc + this.#offsets[countUpTo(this.#utc, utc)]!
  }
}

/** How many of the sorted numbers are at most `value`. */
function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
