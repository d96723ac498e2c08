// A calendar, an address book, a folder of plain files or a schedule inbox as it is at one commit: its settings and its members by name.
import type { Oid } from '../../../../store/index.ts'
import type { Grant } from '../accounts/directory.ts'
import type { ObjectFacts } from './object-facts.ts'
import type { PersistentMap } from './persistent-map.ts'
import type { CollectionKind, Settings } from './settings.ts'
import type { SpanIndex } from './span-index.ts'

export type Area = 'calendars' | 'addressbooks' | 'files' | 'inbox'

export const AREA_OF: { readonly [kind in CollectionKind]: Area } = {
  calendar: 'calendars',
  addressbook: 'addressbooks',
  folder: 'files',
  inbox: 'inbox',
}

export type Member = {
  /** As in the folder of the branch. */
  readonly file: string
  /** The blob's id, and so the strong ETag. */
  readonly oid: Oid
  readonly bytes: number
  /** Undefined for a plain file, and for an object that cannot be read. */
  readonly facts?: ObjectFacts
}

export type Collection = {
  readonly kind: CollectionKind
  /** In the branch: `calendars/alice/work`. */
  readonly path: string
  readonly owner: string
  /** The folder's id: it changes with anything in it. Undefined for a home of files that has none yet. */
  readonly tree: Oid | undefined
  readonly settings: Settings
} & CollectionIndex

/** What is in it. */
export type CollectionIndex = {
  readonly members: PersistentMap<Member>
  /** File name by UID, for calendars and address books. */
  readonly uids: PersistentMap<string>
  /** Members of a calendar by their time. */
  readonly spans: SpanIndex
}

export type SharedCollection = { readonly collection: Collection; readonly grant: Grant }
