// The head of a pack entry (gitformat-pack): type and size, and for a delta the way to its base.
import { deflateSync } from 'node:zlib'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { oidOf, type ObjectType, type Oid } from '../object/oid.ts'
import type { StoredEntry } from '../repository.ts'

export const PACK_TYPE = {
  commit: 1,
  tree: 2,
  blob: 3,
  tag: 4,
  OFS_DELTA: 6,
  REF_DELTA: 7,
} as const

export type EntryError = { readonly kind: 'entry-truncated' | 'entry-bad-type' | 'entry-bad-size' }

/** Seven size bits a byte: 2^53 takes eight bytes and more is not a number we can hold. */
const SIZE_SHIFT_LIMIT = 46
/** Level 1: git spends five times as long for a tenth less. */
const DEFLATE_LEVEL = 1

export function encodeEntryHeader(type: number, size: number): Uint8Array {
  const bytes = [(type << 4) | (size & 15)]
  for (let left = Math.floor(size / 16); left > 0; left = Math.floor(left / 128)) {
    bytes[bytes.length - 1]! |= 0x80
    bytes.push(left & 0x7f)
  }
  return Uint8Array.from(bytes)
}

export function decodeEntryHeader(
  bytes: Uint8Array,
  at: number,
): Result<{ type: number; size: number; next: number }, EntryError> {
  let byte = bytes[at++]
  if (byte === undefined) return err({ kind: 'entry-truncated' })
  const type = (byte >> 4) & 7
  if (type === 0 || type === 5) return err({ kind: 'entry-bad-type' })
  let size = byte & 15
  for (let shift = 4; byte & 0x80; shift += 7) {
    byte = bytes[at++]
    if (byte === undefined) return err({ kind: 'entry-truncated' })
    if (shift > SIZE_SHIFT_LIMIT) return err({ kind: 'entry-bad-size' })
    size += (byte & 0x7f) * 2 ** shift
  }
  return ok({ type, size, next: at })
}

/** How far before a delta entry its base begins: base 128, each continuation adding one (no two spellings). */
export function encodeOfsDistance(distance: number): Uint8Array {
  const bytes = [distance & 0x7f]
  for (let left = Math.floor(distance / 128); left > 0; left = Math.floor(left / 128)) {
    left--
    bytes.unshift(0x80 | (left & 0x7f))
  }
  return Uint8Array.from(bytes)
}

export function decodeOfsDistance(
  bytes: Uint8Array,
  at: number,
): Result<{ distance: number; next: number }, EntryError> {
  let byte = bytes[at++]
  if (byte === undefined) return err({ kind: 'entry-truncated' })
  let distance = byte & 0x7f
  while (byte & 0x80) {
    byte = bytes[at++]
    if (byte === undefined) return err({ kind: 'entry-truncated' })
    distance = (distance + 1) * 128 + (byte & 0x7f)
    if (distance > Number.MAX_SAFE_INTEGER / 256) return err({ kind: 'entry-bad-size' })
  }
  return ok({ distance, next: at })
}

/** An object as a pack stores it; with `base`, as a delta whose instructions the caller made. `oid` where it is known. */
export function toStoredEntry(
  type: ObjectType,
  bytes: Uint8Array,
  base?: { readonly oid: Oid; readonly delta: Uint8Array },
  oid: Oid = oidOf(type, bytes),
): StoredEntry {
  if (base !== undefined) return toStoredDelta(type, base, oid)
  return { oid, type, size: bytes.length, deflated: zlibStream(bytes) }
}

/** As `toStoredEntry`, where the object itself is not needed. */
export function toStoredDelta(
  type: ObjectType,
  base: { readonly oid: Oid; readonly delta: Uint8Array },
  oid: Oid,
): StoredEntry {
  const { delta } = base
  return { oid, type, size: delta.length, deflated: zlibStream(delta), base: base.oid }
}

function zlibStream(content: Uint8Array): Uint8Array {
  return content.length <= STORED_LIMIT_BYTES ? storedStream(content) : compress(content)
}

function compress(content: Uint8Array): Uint8Array {
  // zlib hands out its whole block, 16 kB, and entries are kept until they are sealed: so a block that fits.
  const chunkSize = Math.max(64, Math.min(content.length + 64, 1 << 20))
  const state = content.length <= SMALL_BYTES ? SMALL_STATE : undefined
  return deflateSync(content, { level: DEFLATE_LEVEL, chunkSize, ...state })
}

/** A zlib stream (RFC 1950) of one stored block (RFC 1951 §3.2.4): for a few bytes, starting a compressor costs more than it saves. */
function storedStream(content: Uint8Array): Uint8Array {
  const size = content.length
  const stream = Buffer.allocUnsafe(size + 11)
  stream.writeUInt16BE(0x7801, 0)
  stream[2] = 1
  stream.writeUInt16LE(size, 3)
  stream.writeUInt16LE(~size & 0xffff, 5)
  stream.set(content, 7)
  let a = 1
  let b = 0
  for (const byte of content) {
    a += byte
    b += a
  }
  // Adler-32: so few bytes cannot overflow the sums before the one reduction.
  stream.writeUInt32BE((b % 65_521) * 65_536 + (a % 65_521), size + 7)
  return stream
}

/** Deltas of trees and commits of a few lines: little to gain in ids. */
const STORED_LIMIT_BYTES = 384
/** A compressor that looks back no further than this: a tenth of the memory to make and clear, which costs more than a small file. */
const SMALL_STATE = { windowBits: 12, memLevel: 5 }
const SMALL_BYTES = 4096
