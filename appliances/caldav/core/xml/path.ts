// Where a resource is: the path of a URL as decoded segments (RFC 3986), and the same place in the branch. Pure.
import { err, ok, type Result } from '../../../../shared/result/result.ts'

/** Decoded segments; empty for `/`. */
export type DavPath = readonly string[]

export type ParsedPath = { readonly path: DavPath; readonly hasSlash: boolean }

export const PATH_LIMIT_CHARS = 4096
/** Segments of a path: files may lie in folders, calendars are three deep. */
export const SEGMENT_LIMIT = 32
/** What file systems take as a name, so that every clone can be checked out. */
export const FILE_NAME_LIMIT_BYTES = 240

/**
 * The path of a request target or of an absolute URL, below `base` (`/` or `/dav/`). Refused: what leaves `base`, dot
 * segments, empty segments, bytes that are no UTF-8, control characters.
 */
export function parsePath(target: string, base: string): Result<ParsedPath, 'bad-path'> {
  if (target.length > PATH_LIMIT_CHARS) return err('bad-path')
  const [whole = ''] = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/)
  const text = whole === '' ? '/' : whole
  if (!text.startsWith(base)) return `${text}/` === base ? parsePath(base, base) : err('bad-path')
  const rest = text.slice(base.length)
  if (rest === '') return ok({ path: [], hasSlash: true })
  const hasSlash = rest.endsWith('/')
  const path: string[] = []
  for (const part of (hasSlash ? rest.slice(0, -1) : rest).split('/')) {
    const segment = decodeSegment(part)
    if (segment === undefined || path.length === SEGMENT_LIMIT) return err('bad-path')
    path.push(segment)
  }
  return ok({ path, hasSlash })
}

/** Host and port of an absolute URL, lower case; undefined for a path. */
export function authorityOf(target: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1]?.toLowerCase()
}

export function formatHref(path: DavPath, isCollection: boolean, base: string): string {
  if (path.length === 0) return base
  return `${base}${path.map(encodeSegment).join('/')}${isCollection ? '/' : ''}`
}

/** What clients compare with: everything but letters, digits and `-._~()@:` is percent-encoded. */
export function encodeSegment(segment: string): string {
  if (PLAIN.test(segment)) return segment
  return encodeURIComponent(segment)
    .replaceAll(/[!'*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%40', '@')
    .replaceAll('%3A', ':')
}

/**
 * The name of a file for a segment: the segment itself, with the few characters percent-encoded that git or a file system
 * would not take, and the first one of `reserved` names. Undefined when it is too long.
 */
export function fileNameOf(segment: string, reserved: string): string | undefined {
  let name = segment
  if (UNSAFE.test(name)) name = name.replaceAll(UNSAFE_ALL, percentEncoded)
  if (name.startsWith('.') || /^git~/i.test(name) || name.toLowerCase() === reserved)
    name = percentEncoded(name[0]!) + name.slice(1)
  return Buffer.byteLength(name) > FILE_NAME_LIMIT_BYTES ? undefined : name
}

/** The segment a file of the branch is seen as; undefined for a name that `fileNameOf` does not make. */
export function segmentOf(fileName: string, reserved: string): string | undefined {
  const segment = fileName.includes('%') ? decodeSegment(fileName) : fileName
  return segment !== undefined && fileNameOf(segment, reserved) === fileName ? segment : undefined
}

function decodeSegment(part: string): string | undefined {
  let segment = part
  if (part.includes('%')) {
    try {
      segment = decodeURIComponent(part)
    } catch {
      return undefined // Not UTF-8, or a broken escape.
    }
  }
  const isRefused = segment === '' || segment === '.' || segment === '..' || CONTROL.test(segment)
  return isRefused || !segment.isWellFormed() ? undefined : segment
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}

const PLAIN = /^[A-Za-z0-9\-._~()@:]+$/
const CONTROL = /[\u0000-\u001f\u007f]/
/** Separators, and characters that some systems leave out of names, so that `.g\u200cit` is `.git` there. */
const UNSAFE = /[%/\\\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/
const UNSAFE_ALL = new RegExp(UNSAFE.source, 'g')
