// A zone from all its records at once: they are logged as they come, and when the last one is there each node is encoded
// once. No object is made per record, so that a million of them are the work of a second.
import { hashOfOctets } from '../../../../shared/dns/hash-of-name.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { ReadRecord, type RecordSink } from '../../../../shared/zone-text/record-sink.ts'
import type { ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { NameOrder } from './name-order.ts'
import { CountStore, NodeStore } from './name-stores.ts'
import {
  HEAD,
  NameTable,
  RECORD_ALIGNMENT,
  readU32,
  writeU32,
  type RecordAt,
} from './name-table.ts'
import { referenceOffset } from './references.ts'
import { RRsetLines } from './rrset-lines.ts'
import { VersionedMap } from './versioned-map.ts'
import { chainAfter, isHashRecord } from './zone-denial.ts'
import {
  encodeRRset,
  flagsOf,
  NODE_FLAG,
  RRSET,
  UNEVEN,
  writeU16High,
  writeU32High,
  type ZoneNode,
} from './zone-node.ts'
import { Zone } from './zone.ts'

const NAME_LIMIT_OCTETS = 255
/** What a record takes in the log on top of its rdata. */
const LOGGED = { next: 0, ttl: 4, type: 8, octets: 10, rdata: 12 } as const

/** So many records of a type are compared with each other. */
const SIMPLE_RECORDS = 8

export class ZoneLoader implements RecordSink {
  /** Records whose owner is not in the zone. They are left out. */
  readonly foreign: Record[] = []
  readonly #origin: Name
  readonly #originOctets: Buffer
  /** Names as they come; `number` counts children, and behind the name stands the record logged last. */
  readonly #drafts: NameTable
  /** The same for the table of hashes. */
  readonly #hashed = new NameTable()
  #log: Uint8Array
  #logEnd = RECORD_ALIGNMENT
  #ownerNumber = -1
  #draft: RecordAt = 0
  #parent: RecordAt = 0
  readonly #record = new ReadRecord()

  /** `origin` is canonical; `expected` is how many records there may be, so that little is moved on the way. */
  constructor(origin: Name, expected = 0) {
    const names = Math.ceil(expected)
    this.#origin = origin
    this.#originOctets = Buffer.from(origin, 'latin1')
    this.#drafts = new NameTable(names * 32, names)
    this.#log = new Uint8Array(Math.max(1024, names * 24))
  }

  addRecord(record: Record): void {
    this.#record.take(record)
    this.add(this.#record)
  }

  add(record: ReadRecord): void {
    if (isHashRecord(record.type, record.rdata)) {
      this.#append(this.#hashed, this.#hashedDraftOf(record), record)
      return
    }
    if (record.ownerNumber !== this.#ownerNumber) {
      this.#ownerNumber = record.ownerNumber
      this.#draft = this.#draftOf(record)
    }
    this.#append(this.#drafts, this.#draft, record)
  }

  /** Without a draft it is foreign. */
  #append(table: NameTable, draft: RecordAt, record: ReadRecord): void {
    if (draft === 0) {
      this.foreign.push(record.copy())
      return
    }
    const { rdata, rdataOctets } = record
    const at = this.#logEnd
    const end = at + LOGGED.rdata + rdataOctets
    if (end > this.#log.length) this.#growLog(end)
    const log = this.#log
    const drafts = table.arena
    const lastAt = draft + HEAD.name + drafts[draft]!
    writeU32(log, at + LOGGED.next, readU32(drafts, lastAt))
    writeU32(drafts, lastAt, at / RECORD_ALIGNMENT)
    writeU32(log, at + LOGGED.ttl, record.ttlSeconds)
    writeU16High(log, at + LOGGED.type, record.type)
    writeU16High(log, at + LOGGED.octets, rdataOctets)
    const start = at + LOGGED.rdata
    if (rdataOctets > 64) log.set(rdata.subarray(0, rdataOctets), start)
    else for (let i = 0; i < rdataOctets; i++) log[start + i] = rdata[i]!
    this.#logEnd = end + (-end & (RECORD_ALIGNMENT - 1))
  }

  finish(text: ZoneText | undefined): Zone {
    const origin = this.#origin
    const encoder = new NodeEncoder(origin, this.#log, this.#logEnd)
    const owners = encoder.encode(this.#drafts)
    const { counts, references } = encoder
    new NodeEncoder(origin, this.#log, this.#logEnd).encode(this.#hashed)
    free(this.#log)
    const nodes = VersionedMap.of<ZoneNode, NodeStore>(new NodeStore(this.#drafts))
    const hashed = VersionedMap.of<ZoneNode, NodeStore>(new NodeStore(this.#hashed))
    return new Zone({
      origin,
      text,
      counts,
      nodes,
      hashed,
      order: NameOrder.of(origin, owners),
      chain: chainAfter(undefined, nodes.get(origin), hashed, []),
      references: VersionedMap.of<number, CountStore>(references),
    })
  }

  #hashedDraftOf({ canonical, ownerOctets, ownerHash }: ReadRecord): RecordAt {
    const known = this.#hashed.findOctets(canonical, 0, ownerOctets, ownerHash)
    if (known !== 0) return known
    if (!isAtOrBelowOctets(canonical, ownerOctets, this.#originOctets)) return 0
    return makeDraft(this.#hashed, canonical, 0, ownerOctets, ownerHash)
  }

  /** 0 for an owner that is not in the zone. */
  #draftOf({ canonical, ownerOctets, ownerHash }: ReadRecord): RecordAt {
    const known = this.#drafts.findOctets(canonical, 0, ownerOctets, ownerHash)
    if (known !== 0) return known
    if (!isAtOrBelowOctets(canonical, ownerOctets, this.#originOctets)) return 0
    return this.#makeDraft(canonical, 0, ownerOctets, ownerHash)
  }

  /** For the name that begins at `from` and is not there yet, and for every name between it and the apex. */
  #makeDraft(name: Uint8Array, from: number, end: number, hash: number): RecordAt {
    const drafts = this.#drafts
    const length = end - from
    const at = makeDraft(drafts, name, from, end, hash)
    if (length > this.#origin.length) {
      const counter = this.#parentOf(name, from, end) + HEAD.number
      writeU32(drafts.arena, counter, readU32(drafts.arena, counter) + 1)
    }
    return at
  }

  /** Neighbours mostly have the same one, and need no look-up. */
  #parentOf(name: Uint8Array, from: number, end: number): RecordAt {
    const above = from + 1 + name[from]!
    const length = end - above
    const { arena } = this.#drafts
    const last = this.#parent
    if (last !== 0 && arena[last] === length) {
      let i = 0
      while (i < length && arena[last + HEAD.name + i] === name[above + i]) i++
      if (i === length) return last
    }
    const hash = hashOfOctets(name, above, length)
    const known = this.#drafts.findOctets(name, above, length, hash)
    this.#parent = known === 0 ? this.#makeDraft(name, above, end, hash) : known
    return this.#parent
  }

  #growLog(end: number): void {
    const log = new Uint8Array(Math.max(end, 2 * this.#log.length))
    log.set(this.#log.subarray(0, this.#logEnd))
    free(this.#log)
    this.#log = log
  }
}

/** Gives memory back at once that nobody reads any more: a collector that has nothing else to do comes late. */
function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

function makeDraft(
  drafts: NameTable,
  name: Uint8Array,
  from: number,
  end: number,
  hash: number,
): RecordAt {
  const length = end - from
  const at = drafts.allocate(HEAD.name + length + 4)
  const { arena } = drafts
  arena[at + HEAD.nameOctets] = length
  for (let i = 0; i < length; i++) arena[at + HEAD.name + i] = name[from + i]!
  drafts.insert(at, hash)
  return at
}

/** Second half: each draft and its logged records to a node, in an arena that takes the place of the drafts'. */
class NodeEncoder {
  readonly counts = { delegations: 0, dnames: 0, wildcards: 0 }
  readonly references: CountStore
  readonly #targets = new NameTable()
  readonly #origin: Name
  readonly #originOctets: Buffer
  readonly #log: Uint8Array
  readonly #logEnd: number
  readonly #records: number[] = []
  readonly #target: Buffer = Buffer.alloc(NAME_LIMIT_OCTETS)
  #drafts = new NameTable()
  #out = new NameTable()

  constructor(origin: Name, log: Uint8Array, logEnd: number) {
    this.#origin = origin
    this.#originOctets = Buffer.from(origin, 'latin1')
    this.#log = log
    this.#logEnd = logEnd
    this.references = new CountStore(this.#targets)
  }

  /** Leaves nodes in the table. Gives the names that have NSEC records. */
  encode(drafts: NameTable): readonly Name[] {
    const owners: Name[] = []
    const old = drafts.arena
    this.#drafts = drafts
    if (drafts.size === 0) return owners
    const out = new NameTable(drafts.end + this.#logEnd + 16 * drafts.size)
    this.#out = out
    for (let at = drafts.first; at < drafts.end; at = drafts.nextOf(at)) {
      const node = this.#encode(at)
      // Nobody counts the children of a draft any more: it says where its node went.
      writeU32(old, at + HEAD.number, node / RECORD_ALIGNMENT)
      if ((out.arena[node + HEAD.flags]! & NODE_FLAG.NSEC) !== 0) owners.push(out.nameAt(node))
    }
    const wide = out.arena
    out.trim()
    if (out.arena !== wide) free(wide)
    drafts.exchange(out.arena, out.end, (at) => readU32(old, at + HEAD.number) * RECORD_ALIGNMENT)
    free(old)
    drafts.trim()
    return owners
  }

  #encode(draft: RecordAt): RecordAt {
    const { arena } = this.#drafts
    const length = arena[draft]!
    const last = readU32(arena, draft + HEAD.name + length) * RECORD_ALIGNMENT
    const isSingle = last !== 0 && readU32(this.#log, last + LOGGED.next) === 0
    const at = isSingle ? this.#encodeOne(draft, last) : this.#encodeMany(draft, last)
    const flags = this.#out.arena[at + HEAD.flags]!
    if ((flags & NODE_FLAG.NS) !== 0 && length > this.#origin.length) this.counts.delegations++
    if ((flags & NODE_FLAG.DNAME) !== 0) this.counts.dnames++
    if (arena[draft + HEAD.name] === 1 && arena[draft + HEAD.name + 1] === STAR)
      this.counts.wildcards++
    return at
  }

  #encodeOne(draft: RecordAt, record: number): RecordAt {
    const log = this.#log
    const type = u16(log, record + LOGGED.type)
    const rdataOctets = u16(log, record + LOGGED.octets)
    const octets = RRSET.rdata + 2 + rdataOctets
    const at = this.#head(draft, octets, 1)
    const { arena } = this.#out
    let to = at + HEAD.name + arena[at]!
    writeU16High(arena, to, type)
    writeU32High(arena, to + RRSET.ttl, readU32(log, record + LOGGED.ttl))
    writeU32High(arena, to + RRSET.rdatas, 1)
    writeU32High(arena, to + RRSET.octets, octets)
    // Its length stands before it in the log too.
    to += RRSET.rdata
    const from = record + LOGGED.octets
    for (let i = 0; i < rdataOctets + 2; i++) arena[to + i] = log[from + i]!
    arena[at + HEAD.flags] = flagsOf(type, octets, false)
    this.#refer(type, record)
    return at
  }

  #encodeMany(draft: RecordAt, last: number): RecordAt {
    const log = this.#log
    const records = this.#records
    records.length = 0
    for (let at = last; at !== 0; at = readU32(log, at + LOGGED.next) * RECORD_ALIGNMENT)
      records.push(at)
    sortLogged(log, records)
    let octets = 0
    let rrsets = 0
    for (let i = 0; i < records.length; rrsets++) {
      const end = endOfGroup(log, records, i)
      if (end - i > SIMPLE_RECORDS || hasDoubles(log, records, i, end))
        return this.#encodeTangled(draft, records)
      octets += RRSET.rdata + (isUneven(log, records, i, end) ? 8 * (end - i) : 0)
      for (; i < end; i++) octets += 2 + u16(log, records[i]! + LOGGED.octets)
    }
    const at = this.#head(draft, octets, rrsets)
    let to = at + HEAD.name + this.#out.arena[at]!
    let flags = 0
    for (let i = 0; i < records.length;) {
      const end = endOfGroup(log, records, i)
      const start = to
      to = this.#writeGroup(start, i, end)
      const type = u16(log, records[i]! + LOGGED.type)
      flags |= flagsOf(type, to - start, isUneven(log, records, i, end))
      for (; i < end; i++) this.#refer(type, records[i]!)
    }
    this.#out.arena[at + HEAD.flags] = flags
    return at
  }

  /** An rrset of the logged records `[from, end)`, each of which says something else; the offset behind it. */
  #writeGroup(start: number, from: number, end: number): number {
    const log = this.#log
    const records = this.#records
    const { arena } = this.#out
    const isMixed = isUneven(log, records, from, end)
    let ttl = readU32(log, records[from]! + LOGGED.ttl)
    let to = start + RRSET.rdata
    for (let i = from; i < end; i++) {
      const record = records[i]!
      ttl = Math.min(ttl, readU32(log, record + LOGGED.ttl))
      const octets = 2 + u16(log, record + LOGGED.octets)
      const data = record + LOGGED.octets
      for (let k = 0; k < octets; k++) arena[to + k] = log[data + k]!
      to += octets
    }
    if (isMixed)
      for (let i = from; i < end; i++, to += 8) {
        writeU32High(arena, to, 1)
        writeU32High(arena, to + 4, readU32(log, records[i]! + LOGGED.ttl))
      }
    writeU16High(arena, start, u16(log, records[from]! + LOGGED.type))
    writeU32High(arena, start + RRSET.ttl, ttl)
    writeU32High(arena, start + RRSET.rdatas, isMixed ? (end - from) | UNEVEN : end - from)
    writeU32High(arena, start + RRSET.octets, to - start)
    return to
  }

  /** With many records of one type, or some that say the same. */
  #encodeTangled(draft: RecordAt, records: readonly number[]): RecordAt {
    const log = this.#log
    const rrsets: Uint8Array[] = []
    let flags = 0
    let octets = 0
    for (let i = 0; i < records.length;) {
      const type = u16(log, records[i]! + LOGGED.type)
      const lines = new RRsetLines()
      for (const end = endOfGroup(log, records, i); i < end; i++) {
        const start = records[i]! + LOGGED.rdata
        const rdata = log.subarray(start, start + u16(log, records[i]! + LOGGED.octets))
        if (lines.add(rdata, readU32(log, records[i]! + LOGGED.ttl))) this.#refer(type, records[i]!)
      }
      const rrset = encodeRRset({ type, lines: lines.list() })
      flags |= flagsOf(type, rrset.length, lines.isUneven)
      octets += rrset.length
      rrsets.push(rrset)
    }
    const at = this.#head(draft, octets, rrsets.length)
    const { arena } = this.#out
    let to = at + HEAD.name + arena[at]!
    for (const rrset of rrsets) {
      arena.set(rrset, to)
      to += rrset.length
    }
    arena[at + HEAD.flags] = flags
    return at
  }

  /** Room for a node with the name and the children of `draft`, and `octets` of rrsets still to come. */
  #head(draft: RecordAt, octets: number, rrsets: number): RecordAt {
    const from = this.#drafts.arena
    const length = from[draft]!
    const at = this.#out.allocate(HEAD.name + length + octets)
    const { arena } = this.#out
    arena[at + HEAD.nameOctets] = length
    arena[at + HEAD.count] = rrsets
    arena[at + HEAD.count + 1] = rrsets >>> 8
    for (let i = 0; i < 4; i++) arena[at + HEAD.number + i] = from[draft + HEAD.number + i]!
    for (let i = 0; i < length; i++) arena[at + HEAD.name + i] = from[draft + HEAD.name + i]!
    return at
  }

  /** Counts the target of a record that has one in the zone. */
  #refer(type: number, record: number): void {
    const offset = referenceOffset(type)
    if (offset < 0) return
    const log = this.#log
    const length = u16(log, record + LOGGED.octets) - offset
    const start = record + LOGGED.rdata + offset
    const target = this.#target
    for (let i = 0; i < length; i++) target[i] = lowerCase(log[start + i]!)
    if (!isAtOrBelowOctets(target, length, this.#originOctets)) return
    const hash = hashOfOctets(target, 0, length)
    let at = this.#targets.findOctets(target, 0, length, hash)
    if (at === 0) {
      at = this.#targets.allocate(HEAD.name + length)
      this.#targets.arena[at + HEAD.nameOctets] = length
      this.#targets.arena.set(target.subarray(0, length), at + HEAD.name)
      this.#targets.insert(at, hash)
    }
    const { arena } = this.#targets
    writeU32(arena, at + HEAD.number, readU32(arena, at + HEAD.number) + 1)
  }
}

/** Offsets of records as the log gives them, the last one first, by type and then as they came. */
function sortLogged(log: Uint8Array, records: number[]): void {
  records.reverse()
  if (records.length > SIMPLE_RECORDS * SIMPLE_RECORDS) {
    records.sort((a, b) => u16(log, a + LOGGED.type) - u16(log, b + LOGGED.type))
    return
  }
  for (let i = 1; i < records.length; i++) {
    const record = records[i]!
    const type = u16(log, record + LOGGED.type)
    let at = i
    for (; at > 0 && u16(log, records[at - 1]! + LOGGED.type) > type; at--)
      records[at] = records[at - 1]!
    records[at] = record
  }
}

/** Behind the records that have the type of the one at `from`. */
function endOfGroup(log: Uint8Array, records: readonly number[], from: number): number {
  const type = u16(log, records[from]! + LOGGED.type)
  let end = from + 1
  while (end < records.length && u16(log, records[end]! + LOGGED.type) === type) end++
  return end
}

function hasDoubles(
  log: Uint8Array,
  records: readonly number[],
  from: number,
  end: number,
): boolean {
  for (let i = from + 1; i < end; i++)
    for (let k = from; k < i; k++) if (isSameData(log, records[i]!, records[k]!)) return true
  return false
}

function isSameData(log: Uint8Array, a: number, b: number): boolean {
  const octets = 2 + u16(log, a + LOGGED.octets)
  for (let i = 0; i < octets; i++)
    if (log[a + LOGGED.octets + i] !== log[b + LOGGED.octets + i]) return false
  return true
}

function isUneven(log: Uint8Array, records: readonly number[], from: number, end: number): boolean {
  const ttl = readU32(log, records[from]! + LOGGED.ttl)
  for (let i = from + 1; i < end; i++)
    if (readU32(log, records[i]! + LOGGED.ttl) !== ttl) return true
  return false
}

/** `origin` in wire form, `name` the first `length` octets; both canonical. */
function isAtOrBelowOctets(name: Uint8Array, length: number, origin: Uint8Array): boolean {
  const stop = length - origin.length
  if (stop < 0) return false
  for (let i = 0; i < origin.length; i++) if (name[stop + i] !== origin[i]) return false
  let at = 0
  while (at < stop) at += 1 + name[at]!
  return at === stop
}

function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

const STAR = 0x2a
