// Which files of the branch are zones: `zones/<origin>`, a file at the root that is named like its zone, or one of a view:
// `views/<view>/zones/<origin>`.
import { canonicalName, parseName, ROOT, type Name } from '../../../../shared/dns/name.ts'

export const ZONE_FOLDER = 'zones'
/** Holds a folder for each view. */
export const VIEWS_FOLDER = 'views'
/** The view of all who are in no other. */
export const DEFAULT_VIEW = ''

export type ZoneFileName =
  | { readonly kind: 'zone'; readonly origin: Name; readonly view: string }
  /** In a zone folder, and named like nothing that could be a zone. */
  | { readonly kind: 'misnamed'; readonly why: string; readonly view: string }
  | { readonly kind: 'other' }

/** Where the zones of a view lie. */
export function zoneFolder(view: string): string {
  return inView(view, ZONE_FOLDER)
}

/** The path of what a view has of its own: that of the default is at the root. */
export function inView(view: string, path: string): string {
  return view === DEFAULT_VIEW ? path : `${VIEWS_FOLDER}/${view}/${path}`
}

/**
 * What a path says of its file. Names that begin with `_` or `.` are for keys, fragments that zones include, and the
 * like. `@` is the root zone; `\047` stands for the slash of RFC 2317.
 */
export function zoneFileName(path: string): ZoneFileName {
  const parts = path.split('/')
  const base = parts.at(-1)!
  const view = viewOf(parts)
  if (view === undefined || /^[._]/.test(base) || base.endsWith('._keys')) return OTHER
  const origin = parseName(base, ROOT)
  if (origin.ok) return { kind: 'zone', origin: canonicalName(origin.value), view }
  return parts.length === 1 ? OTHER : { kind: 'misnamed', why: origin.error, view }
}

/** Undefined for a path of none. */
function viewOf(parts: readonly string[]): string | undefined {
  const [top, view, folder] = parts
  if (parts.length === 1) return DEFAULT_VIEW
  if (parts.length === 2) return top === ZONE_FOLDER ? DEFAULT_VIEW : undefined
  const isOfView = parts.length === 4 && top === VIEWS_FOLDER && folder === ZONE_FOLDER
  return isOfView ? view : undefined
}

/**
 * Whether a file at the root holds a zone: it has a line that can only be a SOA record. Other files may lie there,
 * a README.md too, which is a fine domain name.
 */
export function looksLikeZone(text: string): boolean {
  return /^[^;\n"]*?(?<=[ \t])SOA[ \t]+[^\s;]+[ \t]+[^\s;]+[ \t]*(?:\(|;|[0-9]|\r?$)/im.test(text)
}

/** The zone folder wins over the root; of two spellings of one name the first in git's order. */
export function comparePaths(a: string, b: string): number {
  const flat = Number(!a.includes('/')) - Number(!b.includes('/'))
  return flat !== 0 ? flat : a < b ? -1 : 1
}

/** Where an `$INCLUDE` leads: relative to the folder of the file that has it; never out of the branch. */
export function includePath(from: string, name: string): string | undefined {
  const parts = name.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const part of name.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return undefined
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.length === 0 ? undefined : parts.join('/')
}

const OTHER: ZoneFileName = { kind: 'other' }
