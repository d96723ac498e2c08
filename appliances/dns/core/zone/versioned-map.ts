// A map whose versions are all readable for ever, where the version in use costs what a plain map costs.
// One version holds the map, every other one holds how it differs from a neighbour on the way there (Baker's trick).
// So a candidate zone is an overlay on the served one, and publishing it moves the map and leaves an overlay behind.

/** What holds the map: a plain Map, or something smaller. A value that was read stays good when its key is set anew. */
export interface MapStore<V> {
  readonly size: number
  get(key: string): V | undefined
  set(key: string, value: V): unknown
  delete(key: string): unknown
  entries(): IterableIterator<[string, V]>
}

/** What a version says of a key it changes: the value, or that it is absent. */
type Changes<V> = Map<string, V | undefined>

/** Candidates that are never published may stand on each other; beyond this depth the map moves to them. */
const DEPTH_LIMIT = 8

export class VersionedMap<V, S extends MapStore<V> = MapStore<V>> {
  #map: S | undefined
  #changes: Changes<V> | undefined
  #next: VersionedMap<V, S> | undefined
  readonly size: number

  private constructor(size: number) {
    this.size = size
  }

  /** Takes `map` over: the caller must not change it any more. */
  static of<V, S extends MapStore<V>>(map: S & MapStore<V>): VersionedMap<V, S> {
    const versioned = new VersionedMap<V, S>(map.size)
    versioned.#map = map
    return versioned
  }

  get(key: string): V | undefined {
    if (this.#map !== undefined) return this.#map.get(key)
    return this.#getFromNeighbour(key)
  }

  /** A new version with `changes` (taken over; `undefined` removes) on top of this one, which stays as it is. */
  with(changes: Map<string, V | undefined>): VersionedMap<V, S> {
    let size = this.size
    for (const [key, value] of changes) {
      const before = this.get(key)
      if (before === undefined && value !== undefined) size++
      if (before !== undefined && value === undefined) size--
    }
    if (this.#depth() >= DEPTH_LIMIT) this.own()
    const version = new VersionedMap<V, S>(size)
    version.#changes = changes
    version.#next = this
    return version
  }

  /** Moves the map to this version at the cost of the changes between; nothing reads differently afterwards. */
  own(): void {
    const chain: VersionedMap<V, S>[] = []
    for (let v: VersionedMap<V, S> = this; v.#map === undefined; v = v.#next!) chain.push(v)
    for (const to of chain.reverse()) {
      const from = to.#next!
      const map = from.#map!
      const undo: Changes<V> = new Map()
      for (const [key, value] of to.#changes!) {
        undo.set(key, map.get(key))
        if (value === undefined) map.delete(key)
        else map.set(key, value)
      }
      from.#map = undefined
      from.#changes = undo
      from.#next = to
      to.#map = map
      to.#changes = undefined
      to.#next = undefined
    }
  }

  /** Keys that may read differently in `other`; undefined when neither version was made from the other's family. */
  changedKeys(other: VersionedMap<V, S>): ReadonlySet<string> | undefined {
    const depths = [this.#depth(), other.#depth()] as const
    let [a, b]: [VersionedMap<V, S>, VersionedMap<V, S>] = [this, other]
    const keys = new Set<string>()
    const step = (version: VersionedMap<V, S>): VersionedMap<V, S> => {
      for (const key of version.#changes!.keys()) keys.add(key)
      return version.#next!
    }
    for (let left = depths[0] - depths[1]; left > 0; left--) a = step(a)
    for (let left = depths[1] - depths[0]; left > 0; left--) b = step(b)
    while (a !== b) {
      if (a.#map !== undefined) return undefined
      a = step(a)
      b = step(b)
    }
    return keys
  }

  /** The map as it is, and what this version says otherwise. */
  layers(): { readonly map: S; readonly changes: ReadonlyMap<string, V | undefined> } {
    const changes = new Map<string, V | undefined>()
    let version: VersionedMap<V, S> = this
    for (; version.#map === undefined; version = version.#next!)
      for (const [key, value] of version.#changes!) if (!changes.has(key)) changes.set(key, value)
    return { map: version.#map, changes }
  }

  /** In no particular order. */
  *entries(): IterableIterator<[string, V]> {
    const seen = new Set<string>()
    let version: VersionedMap<V, S> = this
    for (; version.#map === undefined; version = version.#next!)
      for (const [key, value] of version.#changes!) {
        if (seen.has(key)) continue
        seen.add(key)
        if (value !== undefined) yield [key, value]
      }
    const entries = version.#map.entries()
    if (seen.size === 0) yield* entries
    else for (const entry of entries) if (!seen.has(entry[0])) yield entry
  }

  #getFromNeighbour(key: string): V | undefined {
    let version: VersionedMap<V, S> = this
    while (version.#map === undefined) {
      const value = version.#changes!.get(key)
      if (value !== undefined || version.#changes!.has(key)) return value
      version = version.#next!
    }
    return version.#map.get(key)
  }

  #depth(): number {
    let depth = 0
    for (let v: VersionedMap<V, S> = this; v.#map === undefined; v = v.#next!) depth++
    return depth
  }
}
