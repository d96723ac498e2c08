// The zones of a branch at one commit, those of each view apart.
import type { Snapshot } from '../../../../store/api.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { DEFAULT_VIEW, VIEWS_FOLDER, zoneFolder } from './zone-files.ts'
import { differingOrigins, loadZones, type ZoneSet } from './zone-set.ts'

/** A zone among those of all views. */
export type ViewedOrigin = { readonly view: string; readonly origin: Name }

export class BranchZones {
  readonly snapshot: Snapshot
  readonly #sets: ReadonlyMap<string, ZoneSet>

  constructor(snapshot: Snapshot, sets: ReadonlyMap<string, ZoneSet>) {
    this.snapshot = snapshot
    this.#sets = sets
  }

  /** Of all views. */
  get size(): number {
    let size = 0
    for (const set of this.#sets.values()) size += set.size
    return size
  }

  get default(): ZoneSet {
    return this.of(DEFAULT_VIEW)
  }

  of(view: string): ZoneSet {
    const set = this.#sets.get(view)
    if (set === undefined) throw new Bug(`No view ${view}`)
    return set
  }

  /** The default's first. */
  [Symbol.iterator](): IterableIterator<ZoneSet> {
    return this.#sets.values()
  }

  /** The same zones at a snapshot that holds the same. */
  at(snapshot: Snapshot): BranchZones {
    const sets = Array.from(this.#sets, ([view, set]) => [view, set.at(snapshot)] as const)
    return new BranchZones(snapshot, new Map(sets))
  }

  /** Makes this, and the zones named, the fast ones to read. */
  own(origins: readonly ViewedOrigin[]): void {
    for (const [view, set] of this.#sets)
      set.own(origins.filter((one) => one.view === view).map(({ origin }) => origin))
  }
}

/** `views` without the default; `previous`, with the same views, saves reading what is the same. */
export function loadBranch(
  snapshot: Snapshot,
  views: readonly string[],
  previous?: BranchZones,
): { readonly zones: BranchZones; readonly problems: readonly Problem[] } {
  const sets = new Map<string, ZoneSet>()
  const problems: Problem[] = []
  for (const view of [DEFAULT_VIEW, ...views]) {
    const loaded = loadZones(snapshot, previous?.of(view), view)
    sets.set(view, loaded.zones)
    problems.push(...loaded.problems)
  }
  return { zones: new BranchZones(snapshot, sets), problems }
}

/** All zones, when there was nothing `before`. */
export function differingZones(
  before: BranchZones | undefined,
  after: BranchZones,
): readonly ViewedOrigin[] {
  return [...after].flatMap((set) => {
    const { view } = set
    const origins =
      before === undefined
        ? Array.from(set, ({ origin }) => origin)
        : differingOrigins(before.of(view), set)
    return origins.map((origin) => ({ view, origin }))
  })
}

/** Views that a branch has zones for, whatever the configuration calls them. */
export function viewsIn(snapshot: Snapshot): readonly string[] {
  return snapshot
    .list(VIEWS_FOLDER)
    .map(({ path }) => path.slice(VIEWS_FOLDER.length + 1))
    .filter((view) => snapshot.entry(zoneFolder(view)) !== undefined)
}
