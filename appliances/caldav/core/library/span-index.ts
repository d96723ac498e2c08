// Members of a calendar by the time that their entries span, so that a query of a month looks at those of that month and
// not at all. Cells of several lengths, each member in one cell of the shortest that is as long as its span. Immutable,
// as the maps are: the next index shares the cells in which nothing changed.
import type { TimeRange } from '../calendar/filter.ts'
import type { Member } from './collection.ts'
import { MapEdit, PersistentMap } from './persistent-map.ts'

/** Twelve days. */
const SHORTEST_SECONDS = 2 ** 20
/** Each level's cells are four times as long as those of the one before; the last ones are 34 years. */
const LEVELS = Array.from({ length: 6 }, (_, level) => SHORTEST_SECONDS * 4 ** level)
/** A range of more cells of one level is answered with everything. */
const CELLS_LIMIT = 100
/** Of what has no time, no end, or lasts longer than any cell. */
const OPEN = 'open'

export class SpanIndex {
  static readonly EMPTY: SpanIndex = new SpanIndex(PersistentMap.EMPTY)

  readonly #cells: PersistentMap<readonly Member[]>

  private constructor(cells: PersistentMap<readonly Member[]>) {
    this.#cells = cells
  }

  /** Members without an entry are in no cell. */
  changed(removed: readonly Member[], added: readonly Member[]): SpanIndex {
    const gone = new Set(removed)
    const cells = new MapEdit(this.#cells)
    for (const cell of new Set(removed.flatMap(cellOf)))
      cells.set(cell, cells.get(cell)?.filter((member) => !gone.has(member)) ?? [])
    const come = new Map<string, Member[]>()
    for (const member of added) {
      const cell = cellOf(member)[0]
      if (cell === undefined) continue
      const others = come.get(cell)
      if (others === undefined) come.set(cell, [member])
      else others.push(member)
    }
    for (const [cell, members] of come) cells.set(cell, [...(cells.get(cell) ?? []), ...members])
    return new SpanIndex(cells.done())
  }

  /** Every member whose span touches the range, and others. */
  *near({ start, end }: TimeRange): Generator<Member> {
    if (end - start > CELLS_LIMIT * SHORTEST_SECONDS) {
      for (const members of this.#cells.values()) yield* members
      return
    }
    yield* this.#cells.get(OPEN) ?? []
    for (const [level, seconds] of LEVELS.entries()) {
      // A span begins in its cell and may end in the next.
      const last = Math.floor(end / seconds)
      for (let cell = Math.floor(start / seconds) - 1; cell <= last; cell++)
        yield* this.#cells.get(nameOf(level, cell)) ?? []
    }
  }
}

/** None or one. */
function cellOf({ facts }: Member): readonly string[] {
  if (facts?.entry === undefined) return []
  const { start, end } = facts.entry
  const level = LEVELS.findIndex((seconds) => end - start <= seconds)
  return [level < 0 ? OPEN : nameOf(level, Math.floor(start / LEVELS[level]!))]
}

function nameOf(level: number, cell: number): string {
  return `${level}:${cell}`
}
