// The journal's records: object frames, closed by one transaction frame that says which refs move.
//
//   segment     = header frame*            header = ("CAIRNJ1\n" | "CAIRNF1\n" when free) epoch:u32 crc:u32
//   frame       = crc:u32 length:u32 body  crc = CRC-32 of length and body, seeded with the epoch
//   object body = 'O' type:u8 hasBase:u8 0 size:u32 oid:20 base:20 zlib-stream
//   transaction = 'T' 0 count:u16 (nameLength:u16 name old:20 new:20)* reason
//
// Seeding the CRC with the segment's epoch makes what a recycled segment held before unreadable. A torn or
// foreign byte ends the scan; only whole transactions before it count.
import { crc32 } from 'node:zlib'
import { oidAt, oidBytes, type ObjectType, type Oid } from '../object/oid.ts'
import type { StoredEntry } from '../repository.ts'

export const SEGMENT_HEADER_BYTES = 16
const LIVE = Buffer.from('CAIRNJ1\n', 'latin1')
const FREE = Buffer.from('CAIRNF1\n', 'latin1')
const FRAME_HEADER_BYTES = 8
const OBJECT_BODY_BYTES = 48
/** Longest frame a scan believes: a flipped length must not make it read gigabytes. */
export const FRAME_LIMIT_BYTES = 1_073_741_824
const KIND_OBJECT = 0x4f
const KIND_TRANSACTION = 0x54
const TYPES: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag']

/** One ref move as the journal keeps it; ZERO_OID stands for "absent". */
export type RefMove = { readonly name: string; readonly old: Oid; readonly new: Oid }

export type Transaction = {
  readonly entries: readonly StoredEntry[]
  readonly moves: readonly RefMove[]
  /** Reflog text: who, when and why. */
  readonly reason: string
}

/** A freed segment keeps its epoch, so that the next one is always higher than any frame left lying in the file. */
export function encodeSegmentHeader(state: 'live' | 'free', epoch: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  ;(state === 'live' ? LIVE : FREE).copy(header)
  header.writeUInt32BE(epoch, 8)
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12)
  return header
}

/** undefined when this is no segment: new, or torn in its first bytes. */
export function decodeSegmentHeader(
  bytes: Buffer,
): { state: 'live' | 'free'; epoch: number } | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  const magic = bytes.subarray(0, 8)
  if (!magic.equals(LIVE) && !magic.equals(FREE)) return undefined
  if (bytes.readUInt32BE(12) !== crc32(bytes.subarray(0, 12))) return undefined
  return { state: magic.equals(LIVE) ? 'live' : 'free', epoch: bytes.readUInt32BE(8) }
}

/** Appends the frames of one transaction to `frames`, buffers to be written one after the other. */
export function encodeTransaction(
  transaction: Transaction,
  epoch: number,
  frames: Buffer[] = [],
): Buffer[] {
  for (const entry of transaction.entries) {
    const head = Buffer.alloc(FRAME_HEADER_BYTES + OBJECT_BODY_BYTES)
    head.writeUInt32BE(OBJECT_BODY_BYTES + entry.deflated.length, 4)
    head[8] = KIND_OBJECT
    head[9] = TYPES.indexOf(entry.type) + 1
    head[10] = entry.base === undefined ? 0 : 1
    head.writeUInt32BE(entry.size, 12)
    head.set(oidBytes(entry.oid), 16)
    if (entry.base !== undefined) head.set(oidBytes(entry.base), 36)
    const sum = crc32(entry.deflated, crc32(head.subarray(4), epoch))
    head.writeUInt32BE(sum, 0)
    const { deflated } = entry
    frames.push(head, Buffer.from(deflated.buffer, deflated.byteOffset, deflated.length))
  }
  frames.push(encodeClosing(transaction, epoch))
  return frames
}

/** The whole transactions of a segment in order; none when it is free. */
export function scanSegment(bytes: Buffer): { epoch: number; transactions: Transaction[] } {
  const header = decodeSegmentHeader(bytes)
  const transactions: Transaction[] = []
  if (header?.state !== 'live') return { epoch: header?.epoch ?? 0, transactions }
  const { epoch } = header
  let entries: StoredEntry[] = []
  let at = SEGMENT_HEADER_BYTES
  for (;;) {
    const body = frameBody(bytes, at, epoch)
    if (body === undefined) break
    at += FRAME_HEADER_BYTES + body.length
    if (body[0] === KIND_OBJECT) {
      const entry = decodeObject(body)
      if (entry === undefined) break
      entries.push(entry)
    } else {
      const closing = decodeClosing(body)
      if (closing === undefined) break
      transactions.push({ entries, ...closing })
      entries = []
    }
  }
  return { epoch, transactions }
}

function frameBody(bytes: Buffer, at: number, epoch: number): Buffer | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined
  const length = bytes.readUInt32BE(at + 4)
  if (length === 0 || length > FRAME_LIMIT_BYTES) return undefined
  const end = at + FRAME_HEADER_BYTES + length
  if (end > bytes.length) return undefined
  if (crc32(bytes.subarray(at + 4, end), epoch) !== bytes.readUInt32BE(at)) return undefined
  return bytes.subarray(at + FRAME_HEADER_BYTES, end)
}

function decodeObject(body: Buffer): StoredEntry | undefined {
  const type = TYPES[body[1]! - 1]
  if (type === undefined || body.length < OBJECT_BODY_BYTES) return undefined
  const common = {
    oid: oidAt(body, 8),
    type,
    size: body.readUInt32BE(4),
    // A copy: entries outlive the segment they were read from.
    deflated: new Uint8Array(body.subarray(OBJECT_BODY_BYTES)),
  }
  return body[2] === 1 ? { ...common, base: oidAt(body, 28) } : common
}

function encodeClosing(transaction: Transaction, epoch: number): Buffer {
  const parts: Buffer[] = []
  for (const move of transaction.moves) {
    const name = Buffer.from(move.name, 'utf8')
    const part = Buffer.alloc(2 + name.length + 40)
    part.writeUInt16BE(name.length, 0)
    name.copy(part, 2)
    part.set(oidBytes(move.old), 2 + name.length)
    part.set(oidBytes(move.new), 22 + name.length)
    parts.push(part)
  }
  parts.push(Buffer.from(transaction.reason, 'utf8'))
  const head = Buffer.alloc(FRAME_HEADER_BYTES + 4)
  head[8] = KIND_TRANSACTION
  head.writeUInt16BE(transaction.moves.length, 10)
  const frame = Buffer.concat([head, ...parts])
  frame.writeUInt32BE(frame.length - FRAME_HEADER_BYTES, 4)
  frame.writeUInt32BE(crc32(frame.subarray(4), epoch), 0)
  return frame
}

function decodeClosing(body: Buffer): { moves: RefMove[]; reason: string } | undefined {
  if (body[0] !== KIND_TRANSACTION || body.length < 4) return undefined
  const moves: RefMove[] = []
  let at = 4
  for (let left = body.readUInt16BE(2); left > 0; left--) {
    if (at + 2 > body.length) return undefined
    const end = at + 2 + body.readUInt16BE(at)
    if (end + 40 > body.length) return undefined
    const name = body.toString('utf8', at + 2, end)
    moves.push({ name, old: oidAt(body, end), new: oidAt(body, end + 20) })
    at = end + 40
  }
  return { moves, reason: body.toString('utf8', at) }
}
