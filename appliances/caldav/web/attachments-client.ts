// Files of an event, kept by the server (RFC 8607).
import type { Attached } from './core/attached.ts'
import { accepted, send } from './dav-client.ts'
import { saveFile } from './calendar-file.ts'

/** `occurrence`: only of this one of a series. */
export async function attach(
  href: string,
  file: File,
  occurrence: string | undefined,
): Promise<void> {
  const headers = {
    'content-type': file.type || 'application/octet-stream',
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name).replaceAll("'", '%27')}`,
  }
  await accepted(await send('POST', target(href, 'attachment-add', occurrence), headers, file))
}

export async function detach(
  href: string,
  id: string,
  occurrence: string | undefined,
): Promise<void> {
  const at = `${target(href, 'attachment-remove', occurrence)}&managed-id=${encodeURIComponent(id)}`
  await accepted(await send('POST', at))
}

export async function saveAttachment({ kept, name }: Attached): Promise<void> {
  const response = await accepted(await send('GET', kept?.path ?? ''))
  saveFile(await response.blob(), name)
}

function target(href: string, action: string, occurrence: string | undefined): string {
  const rid = occurrence === undefined ? '' : `&rid=${encodeURIComponent(occurrence)}`
  return `${href}?action=${action}${rid}`
}
