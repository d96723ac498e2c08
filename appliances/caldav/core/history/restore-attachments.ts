// Managed attachments (RFC 8607) of what is restored: what is gone from the branch meanwhile comes back with it.
import { readCalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Edit, Snapshot } from '../../../../store/index.ts'
import { attachmentFolder, attachmentsOf, type AttachmentRef } from '../attach/attachment.ts'

/** Of old objects: those that `now` does not have and the earlier state has. */
export function missingAttachments(
  objects: Iterable<Uint8Array>,
  now: Pick<Edit, 'entry'>,
  earlier: Snapshot,
): ReadonlySet<AttachmentRef> {
  const missing = new Set<AttachmentRef>()
  for (const bytes of objects) {
    // Most have none, and need not be read for that.
    const read = Buffer.from(bytes).includes('MANAGED-ID') ? readCalendarObject(bytes) : undefined
    for (const ref of read?.ok === true ? attachmentsOf(read.value) : []) {
      const folder = attachmentFolder(ref)
      if (now.entry(folder) === undefined && earlier.entry(folder) !== undefined) missing.add(ref)
    }
  }
  return missing
}

export function bringAttachments(
  refs: Iterable<AttachmentRef>,
  edit: Edit,
  earlier: Snapshot,
): void {
  for (const ref of refs)
    for (const entry of earlier.files(attachmentFolder(ref)))
      edit.set(entry.path, earlier.get(entry)!)
}
