// Media types: of calendar objects and cards by what they hold, of plain files by their name.
import type { Collection, Member } from '../library/collection.ts'

export function contentTypeOf(collection: Collection, member: Member): string {
  switch (collection.kind) {
    case 'calendar': {
      const component = member.facts === undefined ? '' : `; component=${member.facts.component}`
      return `text/calendar; charset=utf-8${component}`
    }
    case 'addressbook':
      return 'text/vcard; charset=utf-8'
    default: {
      const dot = member.file.lastIndexOf('.')
      const extension = dot < 0 ? '' : member.file.slice(dot + 1).toLowerCase()
      return BY_EXTENSION.get(extension) ?? 'application/octet-stream'
    }
  }
}

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
