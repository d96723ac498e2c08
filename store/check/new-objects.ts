// The objects of a push before anything is decided: held in memory, read as if they lay over the repository.
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { GitObject, ObjectType, Oid } from '../object/oid.ts'
import type { EntryReader, ObjectReader, StoredEntry } from '../repository.ts'

/** What a parsed pack offers. */
export type PackContent = {
  /** A base stands before the entries that lean on it. */
  readonly entries: readonly StoredEntry[]
  object(oid: Oid): GitObject | undefined
  /** The same when it is in memory anyway. */
  held(oid: Oid): GitObject | undefined
}

export type Collision = { readonly kind: 'collision'; readonly oid: Oid }

export class NewObjects implements ObjectReader {
  /** In the order of the pack, each id once, without those the repository has. */
  readonly entries: readonly StoredEntry[]
  readonly #byOid: ReadonlyMap<Oid, StoredEntry>
  readonly #pack: PackContent
  readonly #repository: EntryReader

  private constructor(
    repository: EntryReader,
    pack: PackContent,
    byOid: ReadonlyMap<Oid, StoredEntry>,
  ) {
    this.#repository = repository
    this.#pack = pack
    this.#byOid = byOid
    this.entries = [...byOid.values()]
  }

  /**
   * Leaves out what the repository has already. An object with a known id but other bytes is refused: SHA-1 collisions
   * can be made, and the first to come stays.
   */
  static over(repository: EntryReader, pack: PackContent): Result<NewObjects, Collision> {
    const byOid = new Map<Oid, StoredEntry>()
    for (const entry of pack.entries) {
      const { oid } = entry
      if (byOid.has(oid)) continue
      if (!repository.has(oid)) byOid.set(oid, entry)
      else if (!sameObject(repository.read(oid), pack.object(oid)))
        return err({ kind: 'collision', oid })
    }
    return ok(new NewObjects(repository, pack, byOid))
  }

  read(oid: Oid): GitObject | undefined {
    return this.#byOid.has(oid) ? this.#pack.object(oid) : this.#repository.read(oid)
  }

  has(oid: Oid): boolean {
    return this.#byOid.has(oid) || this.#repository.has(oid)
  }

  /** Content of the new files that are in memory anyway. */
  heldBlobs(): ReadonlyMap<Oid, Uint8Array> {
    const blobs = new Map<Oid, Uint8Array>()
    for (const { oid, type } of this.entries) {
      const held = type === 'blob' ? this.#pack.held(oid) : undefined
      if (held !== undefined) blobs.set(oid, held.bytes)
    }
    return blobs
  }

  /** undefined for what is not new. */
  typeOf(oid: Oid): ObjectType | undefined {
    return this.#byOid.get(oid)?.type
  }

  baseOf(oid: Oid): Oid | undefined {
    return this.#byOid.get(oid)?.base
  }
}

function sameObject(a: GitObject | undefined, b: GitObject | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.type === b.type &&
    Buffer.compare(a.bytes, b.bytes) === 0
  )
}
