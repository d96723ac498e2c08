// What a request is answered from: who asks, the state of the branch, the locks, and the time.
import type { Oid, Snapshot } from '../../../store/index.ts'
import type { User } from './accounts/directory.ts'
import type { Library } from './library/library.ts'
import type { LockTable } from './locks/lock-table.ts'

export type View = {
  readonly library: Library
  readonly user: User
  readonly locks: LockTable
  readonly nowMs: number
  /** Any tree of the history, by its id. */
  readonly tree: (oid: Oid) => Snapshot | undefined
  /** What all URLs begin with: `/`, or `/dav/` behind a proxy. */
  readonly base: string
  /** Largest object of a calendar or address book, and largest plain file. */
  readonly limits: { readonly objectBytes: number; readonly fileBytes: number }
}
