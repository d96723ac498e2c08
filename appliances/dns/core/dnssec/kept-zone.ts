// A signed zone as it is kept between runs: a head and frames with a checksum, each all records of one name, of which the
// last one holds. A file that is damaged, or behind the zone, costs new signatures and nothing else.
import { crc32 } from 'node:zlib'
import type { Name } from '../../../../shared/dns/name.ts'
import { ReadRecord } from '../../../../shared/zone-text/record-sink.ts'
import { HEAD, NameTable } from '../zone/name-table.ts'
import { ZoneLoader } from '../zone/zone-load.ts'
import { ownersOf, type Zone, type ZoneNode } from '../zone/zone.ts'

/** Its last octet is the version of all that follows. */
export const KEPT_ZONE_HEAD: Buffer = Buffer.from('cairnsz\x02', 'latin1')
/** Length and checksum. */
const FRAME_HEAD_OCTETS = 8
/** Which table the name is in, and its length. */
const BODY_HEAD_OCTETS = 2
/** Type, TTL and length of the data. */
const RECORD_HEAD_OCTETS = 8
/** No name has more; what says so is damaged. */
const FRAME_LIMIT_OCTETS = 1 << 24
const PIECE_OCTETS = 1 << 20

/** All of a zone, the head first, in pieces. */
export function* encodeZone(zone: Zone): Generator<Buffer> {
  let frames: Buffer[] = [KEPT_ZONE_HEAD]
  let octets = 0
  for (const [table, isHashed] of [
    [zone.nodes, false],
    [zone.hashed, true],
  ] as const)
    for (const name of ownersOf(table)) {
      const frame = encodeName(name, isHashed, table.get(name))
      frames.push(frame)
      octets += frame.length
      if (octets < PIECE_OCTETS) continue
      yield Buffer.concat(frames)
      frames = []
      octets = 0
    }
  yield Buffer.concat(frames)
}

/** What makes the kept `before` an `after`; undefined when neither was made from the other. */
export function encodeChange(before: Zone, after: Zone): Buffer | undefined {
  const names = before.nodes.changedKeys(after.nodes)
  const hashes = before.hashed.changedKeys(after.hashed)
  if (names === undefined || hashes === undefined) return undefined
  const frames: Buffer[] = []
  for (const name of names as ReadonlySet<Name>)
    frames.push(encodeName(name, false, after.nodes.get(name)))
  for (const name of hashes as ReadonlySet<Name>)
    frames.push(encodeName(name, true, after.hashed.get(name)))
  return Buffer.concat(frames)
}

export type KeptZone = {
  readonly zone: Zone
  /** Octets up to the first damage; 0 when it is no such file. */
  readonly goodOctets: number
}

/** `origin` canonical. */
export function decodeZone(origin: Name, file: Buffer): KeptZone {
  const frames = wholeFrames(file)
  const goodOctets = frames.length === 0 ? 0 : frames.at(-1)! + frameOctets(file, frames.at(-1)!)
  const loader = new ZoneLoader(origin, frames.length)
  const seen = [new NameTable(frames.length * 32, frames.length), new NameTable()] as const
  const record = new ReadRecord()
  // From the end on, so that what was replaced is passed over.
  for (let i = frames.length - 1; i >= 0; i--) {
    const start = frames[i]! + FRAME_HEAD_OCTETS
    const end = frames[i]! + frameOctets(file, frames[i]!)
    const nameOctets = file[start + 1]!
    let at = start + BODY_HEAD_OCTETS + nameOctets
    file.copy(record.owner, 0, start + BODY_HEAD_OCTETS, at)
    record.settleOwner(nameOctets)
    if (!isNew(seen[file[start]! & 1]!, record)) continue
    for (; at < end; at += RECORD_HEAD_OCTETS + record.rdataOctets) {
      record.type = file.readUInt16BE(at)
      record.ttlSeconds = file.readUInt32BE(at + 2)
      const rdata = at + RECORD_HEAD_OCTETS
      record.setRdata(file.subarray(rdata, rdata + file.readUInt16BE(at + 6)))
      loader.add(record)
    }
  }
  return { zone: loader.finish(undefined), goodOctets }
}

function encodeName(name: Name, isHashed: boolean, node: ZoneNode | undefined): Buffer {
  const start = FRAME_HEAD_OCTETS + BODY_HEAD_OCTETS + name.length
  let octets = start
  for (const { rdatas } of node?.rrsets ?? [])
    for (const { length } of rdatas) octets += RECORD_HEAD_OCTETS + length
  const frame = Buffer.allocUnsafe(octets)
  frame[FRAME_HEAD_OCTETS] = isHashed ? 1 : 0
  frame[FRAME_HEAD_OCTETS + 1] = name.length
  frame.write(name, FRAME_HEAD_OCTETS + BODY_HEAD_OCTETS, 'latin1')
  let at = start
  for (const { type, ttlSeconds, rdatas } of node?.rrsets ?? [])
    for (const rdata of rdatas) {
      at = frame.writeUInt16BE(type, at)
      at = frame.writeUInt32BE(ttlSeconds, at)
      at = frame.writeUInt16BE(rdata.length, at)
      frame.set(rdata, at)
      at += rdata.length
    }
  frame.writeUInt32BE(octets - FRAME_HEAD_OCTETS)
  frame.writeUInt32BE(crc32(frame.subarray(FRAME_HEAD_OCTETS)), 4)
  return frame
}

/** Where frames begin, up to the first that is not whole. */
function wholeFrames(file: Buffer): readonly number[] {
  const frames: number[] = []
  let at = KEPT_ZONE_HEAD.length
  if (!file.subarray(0, at).equals(KEPT_ZONE_HEAD)) return frames
  while (at + FRAME_HEAD_OCTETS <= file.length) {
    const octets = frameOctets(file, at)
    if (octets > FRAME_LIMIT_OCTETS || at + octets > file.length) break
    const body = file.subarray(at + FRAME_HEAD_OCTETS, at + octets)
    if (crc32(body) !== file.readUInt32BE(at + 4) || !isBody(body)) break
    frames.push(at)
    at += octets
  }
  return frames
}

function frameOctets(file: Buffer, at: number): number {
  return FRAME_HEAD_OCTETS + file.readUInt32BE(at)
}

/** Whether the records fill it exactly. */
function isBody(body: Buffer): boolean {
  if (body.length < BODY_HEAD_OCTETS) return false
  let at = BODY_HEAD_OCTETS + body[1]!
  while (at + RECORD_HEAD_OCTETS <= body.length)
    at += RECORD_HEAD_OCTETS + body.readUInt16BE(at + 6)
  return at === body.length
}

/** Whether the record's owner is met for the first time. */
function isNew(seen: NameTable, { canonical, ownerOctets, ownerHash }: ReadRecord): boolean {
  if (seen.findOctets(canonical, 0, ownerOctets, ownerHash) !== 0) return false
  const at = seen.allocate(HEAD.name + ownerOctets)
  seen.arena[at + HEAD.nameOctets] = ownerOctets
  seen.arena.set(canonical.subarray(0, ownerOctets), at + HEAD.name)
  seen.insert(at, ownerHash)
  return true
}
