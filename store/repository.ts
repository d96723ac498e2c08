// What the rooms of the store (merge, wire, serve, remote) may ask of the engine below them.
import type { Result } from '../shared/result/result.ts'
import type { Problem } from '../shared/result/problem.ts'
import type { GitObject, ObjectType, Oid } from './object/oid.ts'

/** Objects by id. Synchronous: a pack is read with positioned reads, trees and small blobs are cached. */
export interface ObjectReader {
  /** Throws `DamagedObject` when the stored bytes are broken; undefined when there is no such object. */
  read(oid: Oid): GitObject | undefined
  has(oid: Oid): boolean
}

/** An object in the form a pack holds it: a zlib stream of the content, or of a delta against `base`. */
export type StoredEntry = {
  readonly oid: Oid
  /** Type of the object itself, not of the delta. */
  readonly type: ObjectType
  /** Inflated size of `deflated`: of the content, or of the delta when there is a base. */
  readonly size: number
  readonly deflated: Uint8Array
  readonly base?: Oid
}

export interface EntryReader extends ObjectReader {
  /** The entry as it is stored, so that it can be sent or copied without inflating and deflating it again. */
  stored(oid: Oid): StoredEntry | undefined
}

/** `old`/`new` are ZERO_OID for "absent". `old: undefined` means: whatever it is now. */
export type RefUpdate = { readonly name: string; readonly old: Oid | undefined; readonly new: Oid }

export type UpdateError =
  | { kind: 'moved'; name: string; actual: Oid }
  | { kind: 'refused'; name: string; problems: readonly Problem[] }
  | { kind: 'read-only'; reason: string }

export type UpdateDone = {
  /** Lines for the person who asked: warnings, and what was repaired (a raised serial). */
  readonly notes: readonly string[]
}

export type UpdateRequest = {
  /** New objects; a base stands before the entries that lean on it, or is already stored. */
  readonly entries: readonly StoredEntry[]
  /** Content of some of them, as their ids say, for whoever checks them; it must not change any more. */
  readonly blobs?: ReadonlyMap<Oid, Uint8Array>
  readonly updates: readonly RefUpdate[]
  /** For the reflog: `push`, `pull`, … */
  readonly reason: string
  /** Who did it, for the log; undefined for the appliance itself. */
  readonly user?: string
  /** Whether rewinding the served branch is allowed to this caller. */
  readonly force?: boolean
}

/** A repository that can be read, served and moved forward. The engine implements it; tests use `MemoryRepository`. */
export interface Repository extends EntryReader {
  /** Every ref with a full name (`refs/heads/main`), sorted by name; HEAD is not among them. */
  refs(): ReadonlyMap<string, Oid>
  /** Target of HEAD, e.g. `refs/heads/main`, which may be unborn. */
  readonly headRef: string
  /** Checks content (`accept`), writes objects and moves all refs as one durable transaction, or none of them. */
  update(request: UpdateRequest): Promise<Result<UpdateDone, UpdateError>>
}
