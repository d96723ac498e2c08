// The first pass over a pack: where each entry begins and ends, and that it inflates to the size it states.
import { hash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { oidAt, type ObjectType, type Oid } from '../object/oid.ts'
import { decodeEntryHeader, decodeOfsDistance, PACK_TYPE, type EntryError } from './entry.ts'

/** What a pack from a stranger may cost. */
export type PackLimits = {
  readonly objects: number
  /** Sum over all entries of what they inflate to, and of what the deltas make. */
  readonly inflatedBytes: number
  /** Longest chain of deltas inside the pack. */
  readonly deltaDepth: number
  /** One object, or one delta. */
  readonly objectBytes: number
}

/** `at` is the offset of the entry in the pack. */
export type ScanError =
  | { readonly kind: 'pack-truncated' }
  | { readonly kind: 'pack-bad-magic' }
  | { readonly kind: 'pack-bad-version'; readonly version: number }
  | { readonly kind: 'pack-bad-checksum' }
  | { readonly kind: 'pack-trailing-bytes' }
  | { readonly kind: 'pack-too-many-objects'; readonly count: number }
  | { readonly kind: 'pack-inflates-too-large' }
  | { readonly kind: 'pack-object-too-large'; readonly at: number; readonly size: number }
  | { readonly kind: 'pack-bad-entry'; readonly at: number; readonly why: BadEntry }

export type BadEntry = EntryError['kind'] | 'does-not-inflate' | 'wrong-size' | 'no-entry-at-base'

/** An entry as it stands in the pack; its object may not be known before its base is. */
export type ScannedEntry = {
  readonly at: number
  /** undefined for a delta. */
  readonly type: ObjectType | undefined
  /** Inflated size of `deflated`. */
  readonly size: number
  readonly deflated: Uint8Array
  /** Index of the entry this one is a delta of (OFS_DELTA). */
  readonly baseIndex?: number
  /** Id of the object this one is a delta of (REF_DELTA). */
  readonly baseOid?: Oid
}

/**
 * All entries in the order of the pack. `seen` gets the inflated bytes of each while they are there. Bounded by
 * `limits` before anything is inflated; the checksum is compared last. Yields what each entry cost, in bytes.
 */
export function* scanPack(
  pack: Uint8Array,
  limits: PackLimits,
  seen: (index: number, entry: ScannedEntry, inflated: Buffer) => void,
): Generator<number, Result<ScannedEntry[], ScanError>> {
  const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.length)
  const head = readHeader(bytes)
  if (!head.ok) return head
  const count = head.value
  if (count > limits.objects) return err({ kind: 'pack-too-many-objects', count })
  const body = bytes.subarray(0, -TRAILER_BYTES)
  const entries: ScannedEntry[] = []
  const indexes = new Map<number, number>()
  let inflatedBytes = 0
  for (let at = HEADER_BYTES; entries.length < count;) {
    const entryHead = readEntryHead(body, at, indexes)
    if (!entryHead.ok) return entryHead
    const { size, next } = entryHead.value
    if (size > limits.objectBytes) return err({ kind: 'pack-object-too-large', at, size })
    inflatedBytes += size
    if (inflatedBytes > limits.inflatedBytes) return err({ kind: 'pack-inflates-too-large' })
    const inflated = inflateAt(body, next, size)
    if (typeof inflated === 'string') return err({ kind: 'pack-bad-entry', at, why: inflated })
    const { type, baseIndex, baseOid } = entryHead.value
    const entry = {
      at,
      type,
      size,
      deflated: body.subarray(next, inflated.end),
      ...(baseIndex !== undefined && { baseIndex }),
      ...(baseOid !== undefined && { baseOid }),
    }
    indexes.set(at, entries.length)
    entries.push(entry)
    seen(entries.length - 1, entry, inflated.content)
    at = inflated.end
    yield size
  }
  const last = entries.at(-1)
  const end =
    last === undefined
      ? HEADER_BYTES
      : last.deflated.byteOffset + last.deflated.length - body.byteOffset
  if (end !== body.length) return err({ kind: 'pack-trailing-bytes' })
  if (!hash('sha1', body, 'buffer').equals(bytes.subarray(-TRAILER_BYTES))) {
    return err({ kind: 'pack-bad-checksum' })
  }
  return ok(entries)
}

/** Inflates what `scanPack` has inflated before. */
export function inflateEntry(entry: ScannedEntry): Buffer {
  return inflateSync(entry.deflated, { chunkSize: chunkSize(entry.size) })
}

function readHeader(bytes: Buffer): Result<number, ScanError> {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) return err({ kind: 'pack-truncated' })
  if (bytes.toString('latin1', 0, 4) !== 'PACK') return err({ kind: 'pack-bad-magic' })
  const version = bytes.readUInt32BE(4)
  if (version !== 2 && version !== 3) return err({ kind: 'pack-bad-version', version })
  return ok(bytes.readUInt32BE(8))
}

type EntryHead = Pick<ScannedEntry, 'type' | 'size' | 'baseIndex' | 'baseOid'> & {
  /** Where the zlib stream begins. */
  readonly next: number
}

function readEntryHead(
  body: Buffer,
  at: number,
  indexes: ReadonlyMap<number, number>,
): Result<EntryHead, ScanError> {
  const bad = (why: BadEntry): Result<EntryHead, ScanError> =>
    why === 'entry-truncated'
      ? err({ kind: 'pack-truncated' })
      : err({ kind: 'pack-bad-entry', at, why })
  const head = decodeEntryHeader(body, at)
  if (!head.ok) return bad(head.error.kind)
  const { type: number, size, next } = head.value
  if (number === PACK_TYPE.OFS_DELTA) {
    const distance = decodeOfsDistance(body, next)
    if (!distance.ok) return bad(distance.error.kind)
    const baseIndex = indexes.get(at - distance.value.distance)
    if (baseIndex === undefined) return bad('no-entry-at-base')
    return ok({ type: undefined, size, baseIndex, next: distance.value.next })
  }
  if (number === PACK_TYPE.REF_DELTA) {
    if (next + ID_BYTES > body.length) return bad('entry-truncated')
    return ok({ type: undefined, size, baseOid: oidAt(body, next), next: next + ID_BYTES })
  }
  return ok({ type: TYPES[number], size, next })
}

/** Never more than one byte beyond `size` comes out, whatever the stream holds. */
function inflateAt(
  body: Buffer,
  at: number,
  size: number,
): { content: Buffer; end: number } | BadEntry {
  try {
    // With `info` the result is { buffer, engine }, which @types/node does not know.
    const { buffer, engine } = inflateSync(body.subarray(at), {
      info: true,
      chunkSize: chunkSize(size),
      maxOutputLength: Math.max(1, size),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    if (buffer.length !== size) return 'wrong-size'
    return { content: buffer, end: at + engine.bytesWritten }
  } catch (error) {
    // zlib throws on every fault of the stream; more output than `size` is one of its own.
    const tooMuch =
      error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    return tooMuch ? 'wrong-size' : 'does-not-inflate'
  }
}

/** Room for all and one byte more saves zlib a second buffer. A size that is only stated gets no more than 1 MB. */
function chunkSize(size: number): number {
  return Math.min(Math.max(size + 1, CHUNK_MIN_BYTES), CHUNK_LIMIT_BYTES)
}

const HEADER_BYTES = 12
const TRAILER_BYTES = 20
const ID_BYTES = 20
/** Node takes none below. */
const CHUNK_MIN_BYTES = 64
const CHUNK_LIMIT_BYTES = 1 << 20
const TYPES: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag']
