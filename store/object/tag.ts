// Annotated tags, lossless: what stock git wrote comes out byte for byte, signed ones included.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { joinHeaders, splitHeaders, type Header } from './headers.ts'
import { isOid, type ObjectType, type Oid } from './oid.ts'
import { formatSignature, parseSignature, type Signature } from './signature-line.ts'

export type Tag = {
  readonly target: Oid
  readonly type: ObjectType
  readonly name: string
  /** Tags of git's first year have none. */
  readonly tagger?: Signature
  /** Headers behind the tagger; latin1, lines joined by \n. */
  readonly extra: readonly Header[]
  /** With the signature at its end, where there is one. */
  readonly message: Uint8Array
  /** See `HeadedObject`. */
  readonly bare?: true
}

export type TagError = {
  readonly kind: 'tag-malformed'
  readonly why: 'bad-header' | 'no-object' | 'no-type' | 'no-name'
}

export function decodeTag(bytes: Uint8Array): Result<Tag, TagError> {
  const refuse = (why: TagError['why']): Result<Tag, TagError> =>
    err({ kind: 'tag-malformed', why })
  const split = splitHeaders(bytes)
  if (split === undefined) return refuse('bad-header')
  const [object, type, name, next] = split.headers
  if (object?.[0] !== 'object' || !isOid(object[1])) return refuse('no-object')
  if (type?.[0] !== 'type' || !isType(type[1])) return refuse('no-type')
  if (name?.[0] !== 'tag' || name[1] === '' || name[1].includes('\n')) return refuse('no-name')
  const tagger = next?.[0] === 'tagger' && !next[1].includes('\n') ? next[1] : undefined
  return ok({
    target: object[1],
    type: type[1],
    name: Buffer.from(name[1], 'latin1').toString('utf8'),
    ...(tagger !== undefined && { tagger: parseSignature(tagger) }),
    extra: split.headers.slice(tagger === undefined ? 3 : 4),
    message: split.message,
    ...(split.bare && { bare: split.bare }),
  })
}

/** A name that is not UTF-8 comes out changed; decode and encode are else inverse. */
export function encodeTag(tag: Tag): Uint8Array {
  const { target, type, name, tagger, extra, message, bare } = tag
  const latin1 = Buffer.from(name, 'utf8').toString('latin1')
  const who: Header[] = tagger === undefined ? [] : [['tagger', formatSignature(tagger)]]
  const headers: Header[] = [['object', target], ['type', type], ['tag', latin1], ...who, ...extra]
  return joinHeaders({ headers, message, ...(bare && { bare }) })
}

function isType(text: string): text is ObjectType {
  return text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag'
}
