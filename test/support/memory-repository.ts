// A repository in memory with the manners of the real one, for tests of the rooms that stand on it.
import { inflateSync } from 'node:zlib'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isAncestor } from '../../store/history/ancestry.ts'
import { applyDelta } from '../../store/object/delta.ts'
import {
  oidOf,
  ZERO_OID,
  type GitObject,
  type ObjectType,
  type Oid,
} from '../../store/object/oid.ts'
import { toStoredEntry } from '../../store/pack/entry.ts'
import type {
  RefUpdate,
  Repository,
  StoredEntry,
  UpdateDone,
  UpdateError,
  UpdateRequest,
} from '../../store/repository.ts'

export type MemoryRepositoryOptions = {
  readonly headRef?: string
  /** What the appliance says of a ref about to move; the new objects can be read already. */
  readonly accept?: (update: RefUpdate, repository: MemoryRepository) => readonly Problem[]
  readonly notes?: readonly string[]
}

export class MemoryRepository implements Repository {
  readonly headRef: string
  /** Set to refuse every update, as a store whose disk is full does. */
  readOnly: string | undefined
  /** Every update asked for, also those refused. */
  readonly requests: UpdateRequest[] = []
  readonly #options: MemoryRepositoryOptions
  readonly #entries = new Map<Oid, StoredEntry>()
  readonly #objects = new Map<Oid, GitObject>()
  #refs: ReadonlyMap<string, Oid> = new Map()

  constructor(options: MemoryRepositoryOptions = {}) {
    this.#options = options
    this.headRef = options.headRef ?? 'refs/heads/main'
  }

  get oids(): Iterable<Oid> {
    return this.#entries.keys()
  }

  refs(): ReadonlyMap<string, Oid> {
    return this.#refs
  }

  has(oid: Oid): boolean {
    return this.#entries.has(oid)
  }

  stored(oid: Oid): StoredEntry | undefined {
    return this.#entries.get(oid)
  }

  /** Throws when what was stored is not the object it was stored as: a fault of whoever made the entry. */
  read(oid: Oid): GitObject | undefined {
    const known = this.#objects.get(oid)
    if (known !== undefined) return known
    const entry = this.#entries.get(oid)
    if (entry === undefined) return undefined
    const inflated = inflateSync(entry.deflated)
    const bytes = entry.base === undefined ? inflated : this.#apply(entry.base, inflated)
    if (inflated.length !== entry.size || oidOf(entry.type, bytes) !== oid) {
      throw new Error(`${oid}: the entry is not this object`)
    }
    const object = { type: entry.type, bytes }
    this.#objects.set(oid, object)
    return object
  }

  /** Puts an object in without any ref to it. */
  put(type: ObjectType, bytes: Uint8Array | string): Oid {
    const entry = toStoredEntry(type, Buffer.from(bytes))
    this.#entries.set(entry.oid, entry)
    return entry.oid
  }

  /** Moves a ref as nobody may: no checks. ZERO_OID takes it away. */
  setRef(name: string, oid: Oid): void {
    this.#refs = moved(this.#refs, [{ name, old: undefined, new: oid }])
  }

  async update(request: UpdateRequest): Promise<Result<UpdateDone, UpdateError>> {
    return this.#update(request)
  }

  #update(request: UpdateRequest): Result<UpdateDone, UpdateError> {
    this.requests.push(request)
    if (this.readOnly !== undefined) return err({ kind: 'read-only', reason: this.readOnly })
    for (const { name, old } of request.updates) {
      const actual = this.#refs.get(name) ?? ZERO_OID
      if (old !== undefined && old !== actual) return err({ kind: 'moved', name, actual })
    }
    const fresh = request.entries.filter(({ oid }) => !this.#entries.has(oid))
    for (const entry of fresh) this.#add(entry)
    for (const update of request.updates) {
      const problems = this.#vet(update, request.force === true)
      if (problems.length === 0) continue
      for (const { oid } of fresh) {
        this.#entries.delete(oid)
        this.#objects.delete(oid)
      }
      return err({ kind: 'refused', name: update.name, problems })
    }
    this.#refs = moved(this.#refs, request.updates)
    return ok({ notes: this.#options.notes ?? [] })
  }

  /** Entries come base first; reading each at once keeps chains from growing the stack. */
  #add(entry: StoredEntry): void {
    if (entry.base !== undefined && !this.#entries.has(entry.base)) {
      throw new Error(`${entry.oid} came before its base ${entry.base}`)
    }
    this.#entries.set(entry.oid, entry)
    this.read(entry.oid)
  }

  #vet(update: RefUpdate, force: boolean): readonly Problem[] {
    const before = this.#refs.get(update.name)
    const deletes = update.new === ZERO_OID
    if (!deletes && !this.has(update.new)) return [problem(`no object ${update.new}`)]
    if (update.name === this.headRef) {
      if (deletes) return [problem('the served branch cannot be deleted')]
      const rewinds = before !== undefined && !isAncestor(this, before, update.new)
      if (rewinds && !force) return [problem('not a fast-forward: fetch and merge first')]
    }
    return this.#options.accept?.(update, this) ?? []
  }

  #apply(base: Oid, delta: Uint8Array): Uint8Array {
    const object = this.read(base)
    if (object === undefined) throw new Error(`base ${base} is missing`)
    const made = applyDelta(object.bytes, delta, Infinity)
    if (!made.ok) throw new Error(`delta on ${base}: ${made.error.kind}`)
    return made.value
  }
}

function moved(
  refs: ReadonlyMap<string, Oid>,
  updates: readonly RefUpdate[],
): ReadonlyMap<string, Oid> {
  const next = new Map(refs)
  for (const { name, new: oid } of updates) {
    if (oid === ZERO_OID) next.delete(name)
    else next.set(name, oid)
  }
  return new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)))
}
