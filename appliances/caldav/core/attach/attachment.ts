// Managed attachments (RFC 8607): files of a calendar's owner at `attachments/<owner>/<id>/<file>` of the branch, which ATTACH
// properties of objects name by the URL of the same path. One that is changed gets a new id: a URL is one content for ever.
import { itemsOf, type CalendarObject } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { encodeSegment, fileNameOf } from '../xml/path.ts'

export const ATTACHMENTS_AREA = 'attachments'
/** Of one object. */
export const ATTACHMENTS_LIMIT = 50

export type Attachment = {
  readonly owner: string
  /** The MANAGED-ID. */
  readonly id: string
  readonly filename: string
}

/** `alice/<id>`: what an index keeps of one. */
export type AttachmentRef = string

export function refOf({ owner, id }: Attachment): AttachmentRef {
  return `${owner}/${id}`
}

/** In the branch; undefined when the name is too long. */
export function attachmentPath({ owner, id, filename }: Attachment): string | undefined {
  const file = fileNameOf(filename, '')
  return file && `${ATTACHMENTS_AREA}/${owner}/${id}/${file}`
}

/** Its folder in the branch. */
export function attachmentFolder(ref: AttachmentRef): string {
  return `${ATTACHMENTS_AREA}/${ref}`
}

/** `base` is that of all URLs, with the server in front: `https://cal.example.org/`. */
export function attachProperty(
  attachment: Attachment,
  about: { readonly mediaType: string; readonly bytes: number; readonly base: string },
): Property {
  const { owner, id, filename } = attachment
  const segments = [ATTACHMENTS_AREA, owner, id, filename].map(encodeSegment)
  const params = [
    ['MANAGED-ID', id],
    ['FMTTYPE', about.mediaType],
    ['FILENAME', filename],
    ['SIZE', String(about.bytes)],
  ].map(([name, value]) => ({ name: name!, values: [value!] }))
  return { name: 'ATTACH', params, value: about.base + segments.join('/'), line: 0 }
}

/** What a property names; undefined for what is elsewhere, which is the clients' affair. */
export function attachmentOf(property: Property): Attachment | undefined {
  const id = property.name === 'ATTACH' ? paramOf(property, 'MANAGED-ID') : undefined
  const [, owner, inUrl, name] = (id && URL_END.exec(property.value)) || []
  if (id === undefined || inUrl !== id || owner === undefined) return undefined
  try {
    return { owner: decodeURIComponent(owner), id, filename: decodeURIComponent(name!) }
  } catch {
    return undefined // No URL that we have made.
  }
}

export function attachmentsOf(object: CalendarObject): readonly AttachmentRef[] {
  return [...new Set(itemsOf(object).flatMap(refsIn))]
}

function refsIn({ properties }: Component): readonly AttachmentRef[] {
  return properties.flatMap((property) => {
    const attachment = attachmentOf(property)
    return attachment === undefined ? [] : refOf(attachment)
  })
}

const URL_END = /\/attachments\/([^/?#]+)\/([\w-]{8,64})\/([^/?#]+)$/
