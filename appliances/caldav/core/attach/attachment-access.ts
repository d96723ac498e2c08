// Who sees an attachment: whoever sees an object that has it. And when nothing has it any more it goes from the branch.
import { readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import { textReply, type DavRequest, type Reply } from '../request.ts'
import { mediaTypeOf } from '../resource/content-type.ts'
import type { View } from '../view.ts'
import type { WriteRequest } from '../write/written.ts'
import { encodeSegment, type DavPath } from '../xml/path.ts'
import {
  attachmentFolder,
  attachmentPath,
  attachmentsOf,
  refOf,
  type AttachmentRef,
} from './attachment.ts'

/** GET and HEAD of `/attachments/<owner>/<id>/<file>`. */
export function getAttachment(request: DavRequest, path: DavPath, view: View): Reply {
  const [, owner = '', id = '', filename = '', ...deeper] = path
  const attachment = { owner, id, filename }
  const file = deeper.length > 0 || filename === '' ? undefined : attachmentPath(attachment)
  const entry = file === undefined ? undefined : view.library.snapshot.entry(file)
  if (file === undefined || entry === undefined) return nothing()
  if (!isSeen(refOf(attachment), view)) return nothing()
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return textReply(405, 'It is changed by POST to the event it is attached to', {
      allow: 'GET, HEAD',
    })
  const etag = `"${entry.oid}"`
  const headers = {
    etag,
    'content-type': mediaTypeOf(filename),
    'content-disposition': `attachment; filename*=UTF-8''${encodeSegment(filename)}`,
    'cache-control': 'private, no-cache',
    'content-security-policy': "default-src 'none'; sandbox",
  }
  const known = request.header('if-none-match')?.split(',')
  if (known?.some((each) => each.trim().replace(/^W\//, '') === etag) === true)
    return { status: 304, headers }
  const bytes = view.library.snapshot.get(file)
  return bytes === undefined ? nothing() : { status: 200, headers, body: bytes }
}

/** Whether it is there, and the user may attach it to something else. */
export function isThereFor(ref: AttachmentRef, view: View): boolean {
  return view.library.snapshot.entry(attachmentFolder(ref)) !== undefined && isSeen(ref, view)
}

/** Whether an object that the user sees has it. */
function isSeen(ref: AttachmentRef, { library, user }: View): boolean {
  const { directory } = library
  for (const collection of library.collections()) {
    if (collection.kind !== 'calendar') continue
    const owner = directory.user(collection.owner)
    const isVisible =
      collection.owner === user.name ||
      directory.grantOf(collection.settings.share, user.name) !== undefined ||
      (owner !== undefined && directory.grantOf(owner.delegates, user.name) !== undefined)
    if (!isVisible) continue
    for (const { facts } of collection.members.values())
      if (facts?.attachments?.includes(ref) === true) return true
  }
  return false
}

/** Takes those away that nothing has after this change, which is in `edit` already. History keeps them. */
export function removeUnused(
  { edit, view: { library } }: Pick<WriteRequest, 'edit' | 'view'>,
  refs: readonly AttachmentRef[],
): void {
  for (const ref of refs) {
    const folder = attachmentFolder(ref)
    if (edit.entry(folder) !== undefined && !isUsed(ref)) edit.delete(folder)
  }

  function isUsed(ref: AttachmentRef): boolean {
    for (const collection of library.collections())
      for (const { file, facts } of collection.kind === 'calendar'
        ? collection.members.values()
        : []) {
        if (facts?.attachments?.includes(ref) !== true) continue
        const bytes = edit.get(`${collection.path}/${file}`)
        const read = bytes && readCalendarObject(bytes)
        if (read?.ok === true && attachmentsOf(read.value).includes(ref)) return true
      }
    return false
  }
}

function nothing(): Reply {
  return textReply(404, 'Nothing is here')
}
