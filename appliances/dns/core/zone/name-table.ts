// A hash table from domain names to records of octets that lie one behind the other in one growing buffer (an arena):
// what a map of objects spends hundreds of octets on costs some fifty here, and nothing of it is the collector's work.
// Octets are never changed once a reader may have seen them; what is replaced is marked, and swept when it is too much.
import { hashOfName, hashOfOctets } from '../../../../shared/dns/hash-of-name.ts'
import type { Name } from '../../../../shared/dns/name.ts'

/**
 * What every record in the arena begins with. It stands at a multiple of RECORD_ALIGNMENT; numbers have their low octet
 * first; the name is in wire form and canonical.
 */
export const HEAD = {
  nameOctets: 0,
  /** Bits of the owner of the table, and DEAD. */
  flags: 1,
  /** 16 bits for the owner of the table. */
  count: 2,
  /** 32 bits for the owner of the table, the only ones that may change in place. */
  number: 4,
  /** Of the whole record, up to the next one. */
  octets: 8,
  name: 12,
} as const

/** The record was replaced or deleted. */
export const DEAD = 0x80
export const RECORD_ALIGNMENT = 4
/** Garbage below this is never worth a sweep. */
const GARBAGE_MINIMUM_OCTETS = 1 << 20
const FIRST_ARENA_OCTETS = 1024
const FIRST_SLOTS = 16

/** An offset in the arena; 0 is none, since the first record begins behind a gap. */
export type RecordAt = number

/** What a table is made of, to be sent to another thread. */
export type TableParts = {
  readonly arena: Uint8Array
  readonly end: RecordAt
  readonly slots: Uint32Array
  readonly size: number
  /** Undefined for a copy, whose records may be marked wrongly. */
  readonly garbageOctets?: number
}

/** Octets copied between two places where the work may pause. */
const COPY_OCTETS = 1 << 20

export class NameTable {
  /** Replaced by a larger one when it is full; who keeps an offset keeps the arena with it. */
  arena: Uint8Array
  /** Where the next record goes. */
  end: RecordAt = RECORD_ALIGNMENT
  size = 0
  /** Pairs of hash and offset / RECORD_ALIGNMENT; at most three quarters are taken. */
  #slots: Uint32Array = new Uint32Array(2 * FIRST_SLOTS)
  #mask = FIRST_SLOTS - 1
  #garbageOctets = 0

  constructor(expectedOctets: number = FIRST_ARENA_OCTETS, expectedNames = 0) {
    this.arena = new Uint8Array(roundUp(expectedOctets))
    const slots = slotsFor(expectedNames)
    if (slots > FIRST_SLOTS) this.#resize(slots)
  }

  /** Takes the parts over. */
  static ofParts({ arena, end, slots, size, garbageOctets }: TableParts): NameTable {
    const table = new NameTable(0)
    table.arena = arena
    table.end = end
    table.size = size
    table.#slots = slots
    table.#mask = slots.length / 2 - 1
    if (garbageOctets === undefined) table.#settleDead()
    else table.#garbageOctets = garbageOctets
    return table
  }

  /** Shares the table's memory: it is not to be changed any more. */
  parts(): TableParts {
    const { arena, end, size } = this
    return { arena, end, slots: this.#slots, size, garbageOctets: this.#garbageOctets }
  }

  /**
   * A copy of the table as it is at the first step, made in pieces: it may change meanwhile, since octets do not. Marks
   * and numbers of records may be those of a later time.
   */
  *copied(): Generator<void, TableParts> {
    const { arena, end, size } = this
    const slots = this.#slots.slice()
    const copy = new Uint8Array(roundUp(end))
    for (let at = 0; at < end; at += COPY_OCTETS) {
      copy.set(arena.subarray(at, Math.min(end, at + COPY_OCTETS)), at)
      yield
    }
    return { arena: copy, end, slots, size }
  }

  find(name: Name): RecordAt {
    return this.findHashed(name, hashOfName(name))
  }

  findHashed(name: Name, hash: number): RecordAt {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = slots[2 * slot + 1]!
      if (ref === 0) return 0
      if (slots[2 * slot] === hash && this.#isNamed(ref * RECORD_ALIGNMENT, name))
        return ref * RECORD_ALIGNMENT
    }
  }

  /** The name is the `length` octets of `bytes` from `at` on. */
  findOctets(bytes: Uint8Array, at: number, length: number, hash: number): RecordAt {
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = slots[2 * slot + 1]!
      if (ref === 0) return 0
      if (slots[2 * slot] !== hash) continue
      const { arena } = this
      const record = ref * RECORD_ALIGNMENT
      if (arena[record] !== length) continue
      let i = 0
      while (i < length && arena[record + HEAD.name + i] === bytes[at + i]) i++
      if (i === length) return record
    }
  }

  /** Room for a record of `octets` behind the last one, its head still to be written; counted in `end`. */
  allocate(octets: number): RecordAt {
    const at = this.end
    const end = at + roundUp(octets)
    if (end > this.arena.length) this.#grow(end)
    this.end = end
    writeU32(this.arena, at + HEAD.octets, end - at)
    return at
  }

  /** Makes the record at `at`, with its name in place, findable; no other has the name. */
  insert(at: RecordAt, hash: number): void {
    if ((this.size + 1) * 4 > (this.#mask + 1) * 3) this.#resize(2 * (this.#mask + 1))
    this.size++
    this.#place(hash, at / RECORD_ALIGNMENT)
  }

  /** Like `insert` for a name that may be there already: then the older record is dead. */
  replace(at: RecordAt, hash: number): void {
    const { arena } = this
    const length = arena[at]!
    const slot = this.#slotOf(arena, at + HEAD.name, length, hash)
    if (slot < 0) return this.insert(at, hash)
    this.#bury(this.#slots[2 * slot + 1]! * RECORD_ALIGNMENT)
    this.#slots[2 * slot + 1] = at / RECORD_ALIGNMENT
    this.#sweepIfWorth()
  }

  remove(name: Name): boolean {
    const hash = hashOfName(name)
    const octets = Buffer.from(name, 'latin1')
    let slot = this.#slotOf(octets, 0, octets.length, hash)
    if (slot < 0) return false
    const slots = this.#slots
    const mask = this.#mask
    this.#bury(slots[2 * slot + 1]! * RECORD_ALIGNMENT)
    this.size--
    // Those behind move up, so that no search ends before what it looks for.
    for (let next = (slot + 1) & mask; slots[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const wanted = slots[2 * next]! & mask
      if (((next - wanted) & mask) < ((next - slot) & mask)) continue
      slots[2 * slot] = slots[2 * next]!
      slots[2 * slot + 1] = slots[2 * next + 1]!
      slot = next
    }
    slots[2 * slot + 1] = 0
    this.#sweepIfWorth()
    return true
  }

  /** Of the first record, dead or not. */
  get first(): RecordAt {
    return RECORD_ALIGNMENT
  }

  /** Offsets of all that is there, in the order in which it came. */
  *records(): Generator<RecordAt> {
    for (let at = RECORD_ALIGNMENT; at < this.end; at = this.nextOf(at))
      if (!this.isDead(at)) yield at
  }

  nextOf(at: RecordAt): RecordAt {
    return at + readU32(this.arena, at + HEAD.octets)
  }

  isDead(at: RecordAt): boolean {
    return (this.arena[at + HEAD.flags]! & DEAD) !== 0
  }

  nameAt(at: RecordAt): Name {
    return nameOf(this.arena, at)
  }

  /** Gives room back that was taken for more than came. */
  trim(): void {
    if (this.arena.length > 2 * this.end + FIRST_ARENA_OCTETS) this.#move(this.end)
    const slots = slotsFor(this.size)
    if (2 * slots < this.#slots.length) this.#resize(slots)
  }

  /** Puts another arena in the place of this one; `moved` says where a record of the old is in the new. */
  exchange(arena: Uint8Array, end: RecordAt, moved: (at: RecordAt) => RecordAt): void {
    const slots = this.#slots
    for (let i = 1; i < slots.length; i += 2)
      if (slots[i] !== 0) slots[i] = moved(slots[i]! * RECORD_ALIGNMENT) / RECORD_ALIGNMENT
    this.arena = arena
    this.end = end
    this.#garbageOctets = 0
  }

  #isNamed(at: RecordAt, name: Name): boolean {
    const { arena } = this
    const { length } = name
    if (arena[at] !== length) return false
    const start = at + HEAD.name
    for (let i = 0; i < length; i++) if (arena[start + i] !== name.charCodeAt(i)) return false
    return true
  }

  #slotOf(bytes: Uint8Array, at: number, length: number, hash: number): number {
    const found = this.findOctets(bytes, at, length, hash)
    if (found === 0) return -1
    const mask = this.#mask
    const ref = found / RECORD_ALIGNMENT
    let slot = hash & mask
    while (this.#slots[2 * slot + 1] !== ref) slot = (slot + 1) & mask
    return slot
  }

  #place(hash: number, ref: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let slot = hash & mask
    while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
    slots[2 * slot] = hash
    slots[2 * slot + 1] = ref
  }

  #resize(count: number): void {
    const old = this.#slots
    this.#slots = new Uint32Array(2 * count)
    this.#mask = count - 1
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#place(old[i]!, old[i + 1]!)
  }

  #grow(end: number): void {
    this.#move(Math.max(end, 2 * this.arena.length))
  }

  #move(octets: number): void {
    const arena = new Uint8Array(roundUp(octets))
    arena.set(this.arena.subarray(0, this.end))
    this.arena = arena
  }

  #bury(at: RecordAt): void {
    this.arena[at + HEAD.flags]! |= DEAD
    this.#garbageOctets += this.nextOf(at) - at
  }

  /** Marks what no slot leads to, and nothing else. */
  #settleDead(): void {
    const { arena } = this
    this.#garbageOctets = 0
    for (let at = RECORD_ALIGNMENT; at < this.end; at = this.nextOf(at)) {
      const name = at + HEAD.name
      const length = arena[at]!
      const isLive = this.findOctets(arena, name, length, hashOfOctets(arena, name, length)) === at
      if (isLive) arena[at + HEAD.flags]! &= ~DEAD
      else this.#bury(at)
    }
  }

  /** Leaves the dead ones behind, once they are half as much as what lives. */
  #sweepIfWorth(): void {
    const liveOctets = this.end - this.#garbageOctets
    if (this.#garbageOctets < Math.max(GARBAGE_MINIMUM_OCTETS, liveOctets / 2)) return
    const old = this.arena
    const arena = new Uint8Array(roundUp(liveOctets + (liveOctets >>> 3)))
    this.#slots.fill(0)
    let end = RECORD_ALIGNMENT
    for (let at = RECORD_ALIGNMENT; at < this.end; at = this.nextOf(at)) {
      if (this.isDead(at)) continue
      arena.set(old.subarray(at, this.nextOf(at)), end)
      this.#place(hashOfOctets(old, at + HEAD.name, old[at]!), end / RECORD_ALIGNMENT)
      end += this.nextOf(at) - at
    }
    this.arena = arena
    this.end = end
    this.#garbageOctets = 0
  }
}

function slotsFor(names: number): number {
  let slots = FIRST_SLOTS
  while (slots * 3 < names * 4) slots *= 2
  return slots
}

/** Of the record at `at`. */
export function nameOf(arena: Uint8Array, at: RecordAt): Name {
  const start = arena.byteOffset + at + HEAD.name
  return Buffer.from(arena.buffer, start, arena[at]!).toString('latin1') as Name
}

function roundUp(octets: number): number {
  return Math.ceil(octets / RECORD_ALIGNMENT) * RECORD_ALIGNMENT
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}
