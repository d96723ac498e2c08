// What a request that changes something comes to: an answer at once, or a change made in the transaction it was given and
// the answer for when that is durable.
import type { Edit, Oid } from '../../../../store/index.ts'
import type { ObjectReading } from '../library/object-facts.ts'
import { SettingsEdit } from '../library/settings-edit.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import type { Collection } from '../library/collection.ts'
import type { DavRequest, Reply } from '../request.ts'
import { errorReply } from '../xml/multistatus.ts'
import type { DavPath } from '../xml/path.ts'
import type { View } from '../view.ts'

export type Written = {
  readonly kind: 'written'
  /** Of the commit, behind the user's name: `add "Dentist" to Work`. */
  readonly message: string
  /** Once it is durable. */
  readonly reply: () => Reply
  /** When the commit comes to nothing. */
  readonly undo?: () => void
}

export type WriteOutcome = Reply | Written

export type WriteRequest = {
  readonly request: DavRequest
  readonly path: DavPath
  readonly hasSlash: boolean
  readonly view: View
  /** The transaction, on the tree that `view.library` is of. Nothing is written to it before all is checked. */
  readonly edit: Edit
  /** So that what was read here is not read again when the commit is accepted. */
  readonly keep: (oid: Oid, reading: ObjectReading) => void
  /** Attachments that come back in the same change, by a restore of what had them. */
  readonly comeBack?: ReadonlySet<string>
  /** One that was never used, for LOCK. */
  readonly newToken: () => string
}

export function needPrivileges(privilege: string, why: string): Reply {
  return errorReply(403, `<d:need-privileges>${privilege}</d:need-privileges>`, why)
}

/** Changes what a collection's settings file says. */
export function editSettings(
  edit: Edit,
  { kind, path }: Pick<Collection, 'kind' | 'path'>,
  change: (settings: SettingsEdit) => void,
): void {
  const file = `${path}/${SETTINGS_FILES[kind]}`
  const bytes = edit.get(file)
  const settings = new SettingsEdit(kind, Buffer.from(bytes ?? []).toString('utf8'))
  change(settings)
  if (bytes === undefined || settings.text !== Buffer.from(bytes).toString('utf8'))
    edit.set(file, settings.text)
}

/** Takes a member away, and what is kept of it; a collection stays when its last member goes, which git would forget. */
export function removeMember(edit: Edit, collection: Collection, file: string): void {
  edit.delete(`${collection.path}/${file}`)
  if (collection.settings.ofMembers.has(file))
    editSettings(edit, collection, (settings) => settings.renameMember(file, undefined, []))
  if (collection.members.size > 1) return
  const settings = `${collection.path}/${SETTINGS_FILES[collection.kind]}`
  if (edit.entry(settings) === undefined) edit.set(settings, '')
}

export function titleOf(collection: Collection): string {
  const name = collection.settings.properties.get('{DAV:}displayname')?.children[0]
  return typeof name === 'string'
    ? name
    : collection.path.slice(collection.path.lastIndexOf('/') + 1)
}
