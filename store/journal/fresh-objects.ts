// Objects that are in the journal but in no pack yet, held as the entries the pack will get.
import { DamagedObject, inflateExactly, OBJECT_LIMIT_BYTES } from '../disk/object-folder.ts'
import { applyDelta } from '../object/delta.ts'
import { oidOf, type GitObject, type Oid } from '../object/oid.ts'
import type { ObjectReader, StoredEntry } from '../repository.ts'

export class FreshObjects {
  readonly #entries = new Map<Oid, { readonly entry: StoredEntry; readonly depth: number }>()

  has(oid: Oid): boolean {
    return this.#entries.has(oid)
  }

  entry(oid: Oid): StoredEntry | undefined {
    return this.#entries.get(oid)?.entry
  }

  /** Deltas between the object and a whole one, as far as they are fresh; undefined for what is not. */
  depthOf(oid: Oid): number | undefined {
    return this.#entries.get(oid)?.depth
  }

  /** `depth`: deltas below this one. */
  add(entry: StoredEntry, depth: number): void {
    this.#entries.set(entry.oid, { entry, depth })
  }

  delete(oid: Oid): void {
    this.#entries.delete(oid)
  }

  /** `known` gives a base that is in memory anyway; `below` is asked for the first one that is not fresh itself. */
  read(
    oid: Oid,
    below: ObjectReader,
    known: (base: Oid) => GitObject | undefined = () => undefined,
  ): GitObject | undefined {
    const chain: StoredEntry[] = []
    let object: GitObject | undefined
    for (let next: Oid | undefined = oid; next !== undefined;) {
      object = next === oid ? undefined : known(next)
      if (object !== undefined) break
      const fresh = this.#entries.get(next)
      if (fresh === undefined) {
        // The chain left the journal: the rest is in a pack, or the object is not ours at all.
        if (chain.length === 0) return undefined
        object = below.read(next)
        if (object === undefined) throw new DamagedObject(`delta base ${next} is missing`)
        break
      }
      chain.push(fresh.entry)
      next = fresh.entry.base
    }
    for (const entry of chain.reverse()) object = unpack(entry, object)
    if (object === undefined || oidOf(object.type, object.bytes) !== oid) {
      throw new DamagedObject(`${oid}: the journal's bytes are not this object`)
    }
    return object
  }
}

function unpack(entry: StoredEntry, base: GitObject | undefined): GitObject {
  const { type, oid } = entry
  const bytes = inflateExactly(entry.deflated, entry.size)
  if (entry.base === undefined || base === undefined) return { type, bytes }
  const result = applyDelta(base.bytes, bytes, OBJECT_LIMIT_BYTES)
  if (!result.ok) throw new DamagedObject(`${oid}: ${result.error.kind}`)
  return { type, bytes: result.value }
}
