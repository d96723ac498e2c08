// A return to an earlier state, as a change like any other: an object as a PUT of its old bytes, so that rights, locks, UIDs
// and invitations are looked at as ever; a whole collection as one change of its folder, of which nobody is sent a message.
import type { Oid, Snapshot } from '../../../../store/index.ts'
import type { Collection } from '../library/collection.ts'
import { textReply, type DavRequest } from '../request.ts'
import { mayWrite, type CollectionResource } from '../resource/resource.ts'
import { NOUNS } from '../write/delete.ts'
import { COLLECTIONS_LIMIT } from '../write/make-collection.ts'
import { checkLocks } from '../write/preconditions.ts'
import { put } from '../write/put.ts'
import {
  editSettings,
  needPrivileges,
  titleOf,
  type WriteOutcome,
  type WriteRequest,
} from '../write/written.ts'
import { wordsOf } from './fields.ts'
import { bringAttachments, missingAttachments } from './restore-attachments.ts'
import { countsText, minuteText, returnTo, settingsOf, type Place } from './past.ts'

/** An earlier commit. */
export type Earlier = { readonly snapshot: Snapshot; readonly seconds: number }

/** `write.path` is that of the object, which may be gone. */
export function restoreObject(
  write: WriteRequest,
  parent: CollectionResource,
  place: Place,
  file: string,
  earlier: Earlier,
): WriteOutcome {
  const bytes = earlier.snapshot.get(`${place.folder}/${file}`)
  if (bytes === undefined) return textReply(404, 'That version does not have it')
  const { title, uid } = wordsOf(place.kind, bytes)
  const holder = parent.collection.uids.get(uid)
  if (holder !== undefined && holder !== file)
    return textReply(
      409,
      `"${title}" is in ${titleOf(parent.collection)} already, under another name`,
    )
  const comeBack = missingAttachments([bytes], write.edit, earlier.snapshot)
  const request = putRequest(write.request, bytes)
  const outcome = put({ ...write, hasSlash: false, request, comeBack })
  if ('status' in outcome) return outcome
  bringAttachments(comeBack, write.edit, earlier.snapshot)
  const message = `restore "${title || file}" as of ${momentText(earlier)}: ${outcome.message}`
  return { ...outcome, message }
}

/** Its members as they were; name, colour and who may see it stay. `tree`: only if the folder is still this one. */
export function restoreMembers(
  write: WriteRequest,
  { collection, path, rights }: CollectionResource,
  place: Place,
  earlier: Earlier,
  tree: string | undefined,
): WriteOutcome {
  const { edit, view } = write
  if (!mayWrite(rights)) return needPrivileges('<d:write-content/>', 'Only to look at')
  if (tree !== undefined && tree !== collection.tree)
    return textReply(412, 'It was changed meanwhile; look again at what would change')
  if (earlier.snapshot.entry(place.folder) === undefined)
    return textReply(404, 'It was not there then')
  const isLocked = checkLocks([{ path, isDeep: true }], new Set(), view)
  if (isLocked !== undefined) return isLocked
  const changes = returnTo(place, earlier.snapshot, view.library.snapshot)
  // So that what others change meanwhile is seen, and not only where this writes too.
  edit.entry(place.folder)
  const back: Uint8Array[] = []
  for (const change of changes) {
    if (change.kind === 'removed') {
      edit.delete(change.path)
      continue
    }
    const bytes = earlier.snapshot.get(change.after)!
    back.push(bytes)
    edit.set(change.path, bytes)
  }
  bringAttachments(missingAttachments(back, edit, earlier.snapshot), edit, earlier.snapshot)
  const gone = changes.flatMap(({ kind, path: at }) => (kind === 'removed' ? [fileOf(at)] : []))
  forget(write, collection, gone)
  if (edit.entry(settingsOf(place)) === undefined) edit.set(settingsOf(place), '')
  return {
    kind: 'written',
    message: `restore ${titleOf(collection)} to ${momentText(earlier)}: ${countsText(changes) || 'nothing to change'}`,
    reply: () => ({ status: 204, headers: {} }),
  }
}

/** One that was deleted, with its settings. Only its owner may: who sees it is among them. */
export function restoreCollection(
  write: WriteRequest,
  place: Place,
  earlier: Earlier,
): WriteOutcome {
  const { edit, view, path } = write
  const files = [...earlier.snapshot.files(place.folder)]
  if (files.length === 0) return textReply(404, 'It was not there then')
  const home = place.folder.slice(0, place.folder.lastIndexOf('/'))
  if (view.library.collectionsIn(home).length >= COLLECTIONS_LIMIT)
    return textReply(507, `At most ${COLLECTIONS_LIMIT} in one place`)
  const isLocked = checkLocks(
    [{ path, isDeep: true }, { path: path.slice(0, -1) }],
    new Set(),
    view,
  )
  if (isLocked !== undefined) return isLocked
  const back = files.map((entry) => earlier.snapshot.get(entry)!)
  for (const [i, entry] of files.entries()) edit.set(entry.path, back[i]!)
  bringAttachments(missingAttachments(back, edit, earlier.snapshot), edit, earlier.snapshot)
  return {
    kind: 'written',
    message: `restore the ${NOUNS[place.kind]} ${fileOf(place.folder)} as of ${momentText(earlier)}`,
    reply: () => ({ status: 201, headers: {} }),
  }
}

/** What is kept of members that go away. */
function forget({ edit }: WriteRequest, collection: Collection, files: readonly string[]): void {
  const kept = files.filter((file) => collection.settings.ofMembers.has(file))
  if (kept.length === 0) return
  editSettings(edit, collection, (settings) => {
    for (const file of kept) settings.renameMember(file, undefined, [])
  })
}

function putRequest(request: DavRequest, body: Uint8Array): DavRequest {
  return {
    ...request,
    method: 'PUT',
    body,
    header: (name) => (PASSED.has(name) ? request.header(name) : undefined),
  }
}

function momentText({ snapshot, seconds }: Earlier): string {
  return `${minuteText(seconds)} (${shortId(snapshot.commit)})`
}

function shortId(oid: Oid | undefined): string {
  return oid?.slice(0, 7) ?? ''
}

function fileOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

const PASSED = new Set(['if', 'if-match', 'if-none-match', 'if-schedule-tag-match'])
