// A calendar as a file: saved whole, and one of another program taken in, some objects a request.
import { accepted, DAV, responsesIn, send, textIn, type Calendar } from './dav-client.ts'
import type { ImportBatch } from './core/import-batches.ts'

/** What became of one object; `there`: the same was in the calendar before. */
export type Imported =
  | { readonly kind: 'taken' | 'there' }
  | { readonly kind: 'refused'; readonly why: string }

export async function saveCalendar({ href, name }: Calendar): Promise<void> {
  const response = await accepted(await send('GET', href))
  saveFile(await response.blob(), `${name}.ics`)
}

/** As a download of the browser. */
export function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = name.replaceAll(/[\p{Cc}/\\:*?"<>|]/gu, '_')
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS)
}

/** In the order of the batch's objects. */
export async function importBatch({ href }: Calendar, { body }: ImportBatch): Promise<Imported[]> {
  const type = { 'content-type': 'text/calendar; charset=utf-8' }
  const response = await accepted(await send('POST', href, type, body))
  return responsesIn(await response.text()).map(({ answer }) => {
    const status = textIn(answer, DAV, 'status').split(' ')[1]
    if (status === '201') return { kind: 'taken' }
    if (status === '200') return { kind: 'there' }
    return { kind: 'refused', why: textIn(answer, DAV, 'responsedescription') }
  })
}

const REVOKE_MS = 60_000
