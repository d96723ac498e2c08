// Media types: of calendar objects and cards by what they hold, of plain files by their name.
import type { Collection, Member } from '../library/collection.ts'
import { COMPONENTS } from '../library/settings.ts'

export function contentTypeOf(collection: Collection, member: Member): string {
  switch (collection.kind) {
    case 'calendar':
    case 'inbox': {
      const component = member.facts?.component
      if (component === undefined) return CALENDAR
      return CALENDAR_OF.get(component) ?? `${CALENDAR}; component=${component}`
    }
    case 'addressbook':
      return 'text/vcard; charset=utf-8'
    default:
      return mediaTypeOf(member.file)
  }
}

/** By the name of a plain file. */
export function mediaTypeOf(name: string): string {
  const dot = name.lastIndexOf('.')
  const extension = dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
  return BY_EXTENSION.get(extension) ?? 'application/octet-stream'
}

const CALENDAR = 'text/calendar; charset=utf-8'
/** Made once: a listing says it of each of ten thousand members. */
const CALENDAR_OF: ReadonlyMap<string, string> = new Map(
  COMPONENTS.map((name) => [name, `${CALENDAR}; component=${name}`]),
)

/** Nothing that a browser would run in the name of this server. */
const BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ['txt', 'text/plain; charset=utf-8'],
  ['md', 'text/plain; charset=utf-8'],
  ['csv', 'text/csv; charset=utf-8'],
  ['ics', 'text/calendar; charset=utf-8'],
  ['vcf', 'text/vcard; charset=utf-8'],
  ['json', 'application/json'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
])
