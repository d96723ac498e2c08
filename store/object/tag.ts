// Annotated tags: the object they name, their kind, name and tagger; the message is left as it is.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, type ObjectType, type Oid } from './oid.ts'

export type Tag = {
  readonly target: Oid
  readonly type: ObjectType
  readonly name: string
  /** The line behind `tagger `, latin1; the oldest tags have none. */
  readonly tagger?: string
  readonly message: Uint8Array
}

export type TagError = {
  readonly kind: 'tag-malformed'
  readonly why: 'no-object' | 'no-type' | 'no-name' | 'bad-tagger'
}

export function decodeTag(bytes: Uint8Array): Result<Tag, TagError> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = buffer.indexOf('\n\n')
  const lines = buffer.toString('latin1', 0, end < 0 ? buffer.length : end).split('\n')
  const refuse = (why: TagError['why']): Result<Tag, TagError> => err({ kind: 'tag-malformed', why })
  const target = valueOf(lines[0], 'object')
  if (target === undefined || !isOid(target)) return refuse('no-object')
  const type = valueOf(lines[1], 'type')
  if (!isObjectType(type)) return refuse('no-type')
  const latin1Name = valueOf(lines[2], 'tag')
  if (latin1Name === undefined || latin1Name === '') return refuse('no-name')
  const name = Buffer.from(latin1Name, 'latin1').toString('utf8')
  const message = end < 0 ? Buffer.alloc(0) : buffer.subarray(end + 2)
  const common = { target, type, name, message }
  if (lines[3] === undefined || lines[3] === '') return ok(common)
  const tagger = valueOf(lines[3], 'tagger')
  return tagger === undefined ? refuse('bad-tagger') : ok({ ...common, tagger })
}

function valueOf(line: string | undefined, key: string): string | undefined {
  return line?.startsWith(`${key} `) ? line.slice(key.length + 1) : undefined
}

function isObjectType(text: string | undefined): text is ObjectType {
  return text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag'
}
