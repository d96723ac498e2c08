// Takes a pack apart, whoever made it: every entry inflated, every delta resolved, every object named by its id.
// gitformat-pack(5), versions 2 and 3. Refused, as `git index-pack --strict` does: the same object twice.
import { Bug, err, ok, type Result } from '../../shared/result/result.ts'
import { applyDelta, deltaSizes, type DeltaError } from '../object/delta.ts'
import { oidOf, type GitObject, type ObjectType, type Oid } from '../object/oid.ts'
import type { StoredEntry } from '../repository.ts'
import { ContentCache } from './content-cache.ts'
import {
  inflateEntry,
  scanPack,
  type PackLimits,
  type ScanError,
  type ScannedEntry,
} from './scan.ts'

export type { PackLimits } from './scan.ts'

export type PackError =
  | ScanError
  | { readonly kind: 'pack-bad-delta'; readonly at: number; readonly why: DeltaError['kind'] }
  | { readonly kind: 'pack-delta-too-deep'; readonly at: number }
  /** Neither in the pack nor given by `resolve`. */
  | { readonly kind: 'pack-missing-base'; readonly at: number; readonly oid: Oid }
  | { readonly kind: 'pack-duplicate'; readonly oid: Oid }

export type PackOptions = {
  /** Bases a thin pack leans on; what it has once given it must go on giving. */
  readonly resolve: (oid: Oid) => GitObject | undefined
  readonly limits: PackLimits
  /** Objects held inflated, beside the pack itself, unless that makes too much work (see ContentCache). */
  readonly cacheBytes?: number
}

const CACHE_BYTES = 32 << 20
/** Deltas kept from the first pass to the second, so that most are inflated once. */
const DELTAS_BYTES = 8 << 20

/** A pack in which everything fits together. It keeps the bytes given: entries are views of them. */
export interface ParsedPack {
  /** A base stands before the entries that lean on it; otherwise this is the order of the pack. */
  readonly entries: readonly StoredEntry[]
  readonly oids: Iterable<Oid>
  has(oid: Oid): boolean
  /** An object of this pack, inflated again unless it was asked for lately. */
  object(oid: Oid): GitObject | undefined
  /** The same when it is in memory anyway. */
  held(oid: Oid): GitObject | undefined
}

/** The whole of `bytes` must be one pack. Work and memory are bounded by `options.limits`. */
export function parsePack(bytes: Uint8Array, options: PackOptions): Result<ParsedPack, PackError> {
  const work = parsePackInTurns(bytes, options)
  for (;;) {
    const turn = work.next()
    if (turn.done) return turn.value
  }
}

/**
 * `parsePack` that yields every few milliseconds (a single large object is one turn), so that a push of thousands of
 * objects does not keep a server from answering.
 */
export function* parsePackInTurns(
  bytes: Uint8Array,
  options: PackOptions,
): Generator<undefined, Result<ParsedPack, PackError>> {
  const { limits, resolve } = options
  const cache = new ContentCache<GitObject>(options.cacheBytes ?? CACHE_BYTES)
  const known: (Known | undefined)[] = []
  const deltas = new Map<number, Buffer>()
  let deltaBytes = 0
  let inflatedBytes = 0
  const scanned = yield* inTurns(
    scanPack(bytes, limits, (index, { type }, content) => {
      inflatedBytes += content.length
      if (type === undefined) {
        deltaBytes += content.length
        if (deltaBytes <= DELTAS_BYTES) deltas.set(index, content)
        return
      }
      known[index] = { oid: oidOf(type, content), type, depth: 0 }
      cache.add(index, { type, bytes: content }, content.length)
    }),
  )
  if (!scanned.ok) return scanned
  const contents = new Contents(scanned.value, known, cache, { deltas, resolve })
  const resolver = new Resolver(scanned.value, known, contents, {
    ...limits,
    inflatedBytes: limits.inflatedBytes - inflatedBytes,
  })
  const resolved = yield* inTurns(resolver.run())
  if (!resolved.ok) return resolved
  deltas.clear()
  const indexes = resolved.value
  const entries = yield* inTurns(inOrder(scanned.value, known))
  return ok({
    entries,
    get oids() {
      return indexes.keys()
    },
    has: (oid) => indexes.has(oid),
    object: (oid) => {
      const index = indexes.get(oid)
      return index === undefined ? undefined : contents.object(index)
    },
    held: (oid) => {
      const index = indexes.get(oid)
      return index === undefined ? undefined : cache.get(index)
    },
  })
}

/** An entry whose object is known. */
type Known = {
  readonly oid: Oid
  readonly type: ObjectType
  /** Deltas between it and a whole object, or one from outside. */
  readonly depth: number
  readonly base?: Base
}

/** What a delta was resolved against; `index` when that is an entry of the pack. */
type Base = { readonly oid: Oid; readonly index?: number }

/** Names the objects behind the deltas: from what is known to what leans on it, with a stack of its own. */
class Resolver {
  readonly #entries: readonly ScannedEntry[]
  readonly #known: (Known | undefined)[]
  readonly #contents: Contents
  readonly #limits: PackLimits
  readonly #indexes = new Map<Oid, number>()
  readonly #byIndex = new Map<number, number[]>()
  readonly #byOid = new Map<Oid, number[]>()
  readonly #open: number[] = []
  #madeBytes = 0

  /** `limits.inflatedBytes` is what the deltas may make. */
  constructor(
    entries: readonly ScannedEntry[],
    known: (Known | undefined)[],
    contents: Contents,
    limits: PackLimits,
  ) {
    this.#entries = entries
    this.#known = known
    this.#contents = contents
    this.#limits = limits
    for (const [index, { baseIndex, baseOid }] of entries.entries()) {
      if (baseIndex !== undefined) append(this.#byIndex, baseIndex, index)
      else if (baseOid !== undefined) append(this.#byOid, baseOid, index)
    }
  }

  /** Gives the index of every object, and yields what each delta cost. Inside the pack first; what then still waits for its base asks outside. */
  *run(): Generator<number, Result<Map<Oid, number>, PackError>> {
    for (const [index, { type }] of this.#entries.entries()) {
      if (type === undefined) continue
      const named = this.#name(index)
      if (!named.ok) return named
      yield 0
    }
    const inside = yield* this.#follow()
    if (!inside.ok) return inside
    let missing: PackError | undefined
    for (const [oid, users] of this.#byOid) {
      const waiting = users.filter((index) => this.#known[index] === undefined)
      if (waiting.length === 0) continue
      if (!this.#contents.hasOutside(oid)) {
        // Not the last word: it may be made of what another base outside leads to.
        missing ??= { kind: 'pack-missing-base', at: this.#entries[waiting[0]!]!.at, oid }
        continue
      }
      this.#open.push(...waiting.reverse())
      const outside = yield* this.#follow()
      if (!outside.ok) return outside
    }
    if (missing !== undefined && this.#indexes.size < this.#entries.length) return err(missing)
    return ok(this.#indexes)
  }

  *#follow(): Generator<number, Result<undefined, PackError>> {
    for (let index = this.#open.pop(); index !== undefined; index = this.#open.pop()) {
      if (this.#known[index] !== undefined) continue
      const settled = this.#settle(index)
      if (!settled.ok) return settled
      const named = this.#name(index)
      if (!named.ok) return named
      yield settled.value
    }
    return ok(undefined)
  }

  /** Gives the size of the object made. */
  #settle(index: number): Result<number, PackError> {
    const { at } = this.#entries[index]!
    const { objectBytes, inflatedBytes, deltaDepth } = this.#limits
    const base = this.#baseOf(index)
    const depth = 1 + (base.index === undefined ? 0 : this.#known[base.index]!.depth)
    if (depth > deltaDepth) return err({ kind: 'pack-delta-too-deep', at })
    const made = this.#contents.apply(
      index,
      base,
      Math.min(objectBytes, inflatedBytes - this.#madeBytes),
    )
    if (!made.ok) {
      const { error } = made
      if (error.kind !== 'delta-too-large')
        return err({ kind: 'pack-bad-delta', at, why: error.kind })
      if (error.size <= objectBytes) return err({ kind: 'pack-inflates-too-large' })
      return err({ kind: 'pack-object-too-large', at, size: error.size })
    }
    const { type, bytes } = made.value
    this.#madeBytes += bytes.length
    this.#known[index] = { oid: oidOf(type, bytes), type, depth, base }
    return ok(bytes.length)
  }

  #baseOf(index: number): Base {
    const { baseIndex, baseOid } = this.#entries[index]!
    if (baseIndex !== undefined) return { oid: this.#known[baseIndex]!.oid, index: baseIndex }
    if (baseOid === undefined) throw new Bug('a whole object was taken for a delta')
    const inside = this.#indexes.get(baseOid)
    return inside === undefined ? { oid: baseOid } : { oid: baseOid, index: inside }
  }

  /** Enters an object that is known now; what leans on it can be made next. */
  #name(index: number): Result<undefined, PackError> {
    const { oid } = this.#known[index]!
    if (this.#indexes.has(oid)) return err({ kind: 'pack-duplicate', oid })
    this.#indexes.set(oid, index)
    for (const user of this.#byIndex.get(index) ?? []) this.#open.push(user)
    for (const user of this.#byOid.get(oid) ?? []) this.#open.push(user)
    return ok(undefined)
  }
}

/** The objects of a pack by index, inflated when asked for. */
class Contents {
  readonly #entries: readonly ScannedEntry[]
  readonly #known: readonly (Known | undefined)[]
  readonly #cache: ContentCache<GitObject>
  readonly #deltas: ReadonlyMap<number, Buffer>
  readonly #resolve: (oid: Oid) => GitObject | undefined

  constructor(
    entries: readonly ScannedEntry[],
    known: readonly (Known | undefined)[],
    cache: ContentCache<GitObject>,
    sources: {
      readonly deltas: ReadonlyMap<number, Buffer>
      readonly resolve: (oid: Oid) => GitObject | undefined
    },
  ) {
    this.#entries = entries
    this.#known = known
    this.#cache = cache
    this.#deltas = sources.deltas
    this.#resolve = sources.resolve
  }

  hasOutside(oid: Oid): boolean {
    return this.#resolve(oid) !== undefined
  }

  /** Applies a delta for the first time. */
  apply(index: number, base: Base, limitBytes: number): Result<GitObject, DeltaError> {
    const delta = this.#deltas.get(index) ?? inflateEntry(this.#entries[index]!)
    const sizes = deltaSizes(delta)
    if (!sizes.ok) return sizes
    const size = sizes.value.result
    // Before the base is made: a delta that will be refused costs nothing.
    if (size > limitBytes) return err({ kind: 'delta-too-large', size })
    const { type, bytes } =
      base.index === undefined ? this.#outside(base.oid) : this.object(base.index)
    const made = applyDelta(bytes, delta, limitBytes)
    if (!made.ok) return made
    const object = { type, bytes: made.value }
    this.#cache.add(index, object, size + delta.length)
    return ok(object)
  }

  /** Down the chain to what is held or whole, and up again. */
  object(index: number): GitObject {
    const chain: number[] = []
    let object: GitObject | undefined
    for (let at = index; object === undefined;) {
      const held = this.#cache.get(at)
      const base = this.#known[at]?.base
      if (held !== undefined) object = held
      else if (base === undefined) object = this.#whole(at)
      else {
        chain.push(at)
        if (base.index === undefined) object = this.#outside(base.oid)
        else at = base.index
      }
    }
    for (let at = chain.pop(); at !== undefined; at = chain.pop()) {
      const delta = inflateEntry(this.#entries[at]!)
      const made = applyDelta(object.bytes, delta, Infinity)
      if (!made.ok) throw new Bug(`a delta that fitted does not any more: ${made.error.kind}`)
      object = { type: object.type, bytes: made.value }
      this.#cache.addAgain(at, object, made.value.length + delta.length)
    }
    return object
  }

  #whole(index: number): GitObject {
    const entry = this.#entries[index]!
    if (entry.type === undefined) throw new Bug('a delta is read before its base is known')
    const object = { type: entry.type, bytes: inflateEntry(entry) }
    this.#cache.addAgain(index, object, entry.size)
    return object
  }

  #outside(oid: Oid): GitObject {
    const object = this.#resolve(oid)
    if (object === undefined) throw new Bug(`the base ${oid} was there and is gone`)
    return object
  }
}

/** One turn of the work of some entries: about TURN_BYTES inflated and hashed. */
function* inTurns<T>(work: Generator<number, T>): Generator<undefined, T> {
  let bytes = 0
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    bytes += step.value + ENTRY_COST_BYTES
    if (bytes < TURN_BYTES) continue
    bytes = 0
    yield
  }
}

const TURN_BYTES = 2 << 20
/** What an entry costs beside its bytes, in bytes. */
const ENTRY_COST_BYTES = 5000

function* inOrder(
  entries: readonly ScannedEntry[],
  known: readonly (Known | undefined)[],
): Generator<number, StoredEntry[]> {
  const ordered: StoredEntry[] = []
  const done = new Uint8Array(entries.length)
  for (let index = 0; index < entries.length; index++) {
    const chain: number[] = []
    for (let at: number | undefined = index; at !== undefined && done[at] === 0;) {
      chain.push(at)
      at = known[at]?.base?.index
    }
    for (let at = chain.pop(); at !== undefined; at = chain.pop()) {
      const { size, deflated } = entries[at]!
      const { oid, type, base } = known[at]!
      ordered.push({ oid, type, size, deflated, ...(base !== undefined && { base: base.oid }) })
      done[at] = 1
      yield 0
    }
  }
  return ordered
}

function append<K>(lists: Map<K, number[]>, key: K, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
