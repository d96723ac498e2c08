// Keeps an image in step with the zones that are served. A change costs what it changes: blocks are appended where no
// reader looks yet, and slots are turned to them while the generation is odd. What is replaced stays as garbage until
// it outgrows the rest; then everything is copied to new memory, which readers are to be given.
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import type { Published } from '../publication.ts'
import { changedNames } from '../zone/zone-difference.ts'
import { HEAD, readU32 } from '../zone/name-table.ts'
import {
  readU32High,
  RRSET as ENCODED_RRSET,
  UNEVEN,
  writeU16High,
  writeU32High,
} from '../zone/zone-node.ts'
import { rrsetOf, visitTable, type Zone, type ZoneNode } from '../zone/zone.ts'
import { ImageReader, ZONES_ID } from './image-reader.ts'
import {
  HEADER_OCTETS,
  NODE,
  NODE_FLAG,
  RRSET,
  SLOT,
  slotHash,
  WORD,
  ZONE,
  ZONE_FLAG,
  ZONE_STATE,
} from './layout.ts'
import { NameKey } from './name-key.ts'

/** Offsets stay small integers for the machine: some 25 million records. */
export const IMAGE_LIMIT_OCTETS: number = 2 ** 31 - 8
const FIRST_OCTETS = 1 << 20
const FIRST_SLOTS = 1 << 10
const ZONE_SLOTS = 1 << 6
/** Memory that nobody touched costs nothing, so there may be much of it. */
const NODE_ESTIMATE_OCTETS = 128
/** A change of more than this part of a zone is a new zone. */
const REPLACE_SHARE = 0.25
/** Garbage that is not worth the copying. */
const GARBAGE_OCTETS = 1 << 22

/** Where a zone's parts are. */
type Placed = {
  readonly id: number
  /** Undefined for a broken one. */
  readonly zone: Zone | undefined
}

export class ImageWriter {
  readonly #seed: number
  readonly #limitOctets: number
  readonly #key: NameKey
  readonly #placed = new Map<Name, Placed>()
  #memory: SharedArrayBuffer
  #reader: ImageReader
  #octets: Uint8Array
  #words: Int32Array
  /** First free octet. */
  #end = 0
  #usedNodeSlots = 0
  #usedZoneSlots = 0
  #garbageOctets = 0
  #lastId = ZONES_ID
  /** Octets of the node blocks of each living zone; only their nodes are copied. */
  readonly #living = new Map<number, number>()

  /** `seed` is any number that no client knows: it decides which names share a slot. */
  constructor(seed: number, limitOctets: number = IMAGE_LIMIT_OCTETS) {
    this.#seed = seed | 0
    this.#limitOctets = limitOctets
    this.#key = new NameKey(this.#seed)
    this.#memory = new SharedArrayBuffer(Math.min(FIRST_OCTETS, limitOctets))
    this.#reader = new ImageReader(this.#memory)
    this.#octets = this.#reader.octets
    this.#words = this.#reader.words
    this.#layOut(FIRST_SLOTS, ZONE_SLOTS)
  }

  /** Another one after an `apply` that had to move: whoever reads the old one reads old zones from then on. */
  get memory(): SharedArrayBuffer {
    return this.#memory
  }

  /** Octets in use, and of them those that nothing refers to. */
  get size(): { readonly octets: number; readonly garbageOctets: number } {
    return { octets: this.#end, garbageOctets: this.#garbageOctets }
  }

  /** Origins that did not fit, whose answers readers leave to others. */
  *elsewhere(): IterableIterator<Name> {
    for (const [origin, { id, zone }] of this.#placed)
      if (zone !== undefined && !this.#living.has(id)) yield origin
  }

  /** Readers see all of a zone's change or nothing of it. */
  apply(published: readonly Published[]): void {
    for (const each of published) this.#applyOne(each)
    if (this.#garbageOctets > GARBAGE_OCTETS + this.#end / 2) this.#move(0, 0, 0)
  }

  #applyOne({ origin, after, isBroken }: Published): void {
    const before = this.#placed.get(origin)
    if (after === undefined) {
      if (isBroken) this.#putZone(origin, { id: ++this.#lastId, zone: undefined })
      else this.#removeZone(origin)
    } else if (before?.zone === undefined || !this.#change(before, after)) this.#add(after)
    if (before !== undefined && this.#placed.get(origin)?.id !== before.id) this.#bury(before)
  }

  /** The whole zone under a new id, which nobody looks for until its block is there. */
  #add(zone: Zone): void {
    const id = ++this.#lastId
    this.#living.set(id, 0)
    const { size } = zone.nodes
    let octets = 0
    let isRoom = this.#room(Math.min(size * NODE_ESTIMATE_OCTETS, this.#limitOctets / 4), size, 1)
    visitTable(zone.nodes, (bytes, from) => {
      const needed = aligned(NODE.name + readU32(bytes, from + HEAD.octets))
      isRoom &&= this.#end + needed <= this.#octets.length || this.#room(needed, 0, 0)
      if (!isRoom) return
      const at = this.#copyNode(bytes, from, id)
      const name = at + NODE.name
      this.#key.load(this.#octets, name, name + this.#octets[at + NODE.nameLength]!)
      this.#insertNode(id, at)
      octets += this.#end - at
    })
    if (isRoom) this.#living.set(id, octets)
    else {
      this.#living.delete(id)
      this.#garbageOctets += octets
    }
    this.#putZone(zone.origin, { id, zone })
  }

  /** Changes single nodes; false when the zone is better written anew. */
  #change(before: Placed, after: Zone): boolean {
    if (before.zone === after) return true
    const octetsBefore = this.#living.get(before.id)
    const names = changedNames(before.zone!, after)
    if (names === undefined || octetsBefore === undefined) return false
    const limit = Math.max(16, after.nodes.size * REPLACE_SHARE)
    const changes: { name: Name; node: ZoneNode | undefined }[] = []
    let needed = 0
    for (const name of names) {
      if (changes.length >= limit) return false
      const node = after.nodes.get(name)
      changes.push({ name, node })
      if (node !== undefined) needed += nodeOctets(node)
    }
    if (!this.#room(needed, changes.length, 1)) return false
    const { id } = before
    const written = changes.map(({ node }) => (node === undefined ? 0 : this.#writeNode(node, id)))
    let octets = octetsBefore + needed
    this.#locked(() => {
      for (const [i, { name }] of changes.entries()) {
        this.#key.loadName(name)
        octets -= this.#turnNode(id, written[i]!)
      }
      this.#living.set(id, octets)
      this.#putZone(after.origin, { id, zone: after })
    })
    return true
  }

  /** Makes sure of room for blocks and slots; false when there is none to be had. May move everything. */
  #room(octets: number, nodeSlots: number, zoneSlots: number): boolean {
    const needed = this.#end + octets + zoneSlots * ZONE_BLOCK_LIMIT_OCTETS
    const isRoomy =
      needed <= this.#octets.length &&
      hasSlots(this.#usedNodeSlots + nodeSlots, this.#words[WORD.nodesMask]!) &&
      hasSlots(this.#usedZoneSlots + zoneSlots, this.#words[WORD.zonesMask]!)
    return isRoomy || this.#move(octets + zoneSlots * ZONE_BLOCK_LIMIT_OCTETS, nodeSlots, zoneSlots)
  }

  /** Copies what lives to new memory with room for more. */
  #move(octets: number, nodeSlots: number, zoneSlots: number): boolean {
    const old = { octets: this.#octets, words: this.#words, reader: this.#reader }
    const nodes: number[] = []
    for (const at of blocksOf(old.words, WORD.nodes, WORD.nodesMask))
      if (this.#living.has(old.words[at >> 2]!)) nodes.push(at)
    const nodesTable = slotsFor(nodes.length + nodeSlots)
    const zonesTable = slotsFor(this.#placed.size + zoneSlots)
    const livingOctets = this.#end - this.#garbageOctets
    const floor = HEADER_OCTETS + 8 * (nodesTable + zonesTable) + livingOctets + octets
    if (floor > this.#limitOctets) return false
    const size = Math.min(this.#limitOctets, Math.max(FIRST_OCTETS, floor * 2))
    this.#memory = new SharedArrayBuffer(size)
    this.#reader = new ImageReader(this.#memory)
    this.#octets = this.#reader.octets
    this.#words = this.#reader.words
    this.#layOut(nodesTable, zonesTable)
    for (const at of nodes) {
      const size = blockOctets(old.octets, at)
      this.#octets.set(old.octets.subarray(at, at + size), this.#end)
      const name = this.#end + NODE.name
      this.#key.load(this.#octets, name, name + this.#octets[this.#end + NODE.nameLength]!)
      this.#end += size
      this.#insertNode(this.#words[(this.#end - size) >> 2]!, this.#end - size)
    }
    for (const [origin, placed] of this.#placed) this.#writeZone(origin, placed)
    return true
  }

  #layOut(nodeSlots: number, zoneSlots: number): void {
    const words = this.#words
    words[WORD.seed] = this.#seed
    words[WORD.nodes] = HEADER_OCTETS / 4
    words[WORD.nodesMask] = nodeSlots - 1
    words[WORD.zones] = HEADER_OCTETS / 4 + 2 * nodeSlots
    words[WORD.zonesMask] = zoneSlots - 1
    this.#end = HEADER_OCTETS + 8 * (nodeSlots + zoneSlots)
    this.#usedNodeSlots = 0
    this.#usedZoneSlots = 0
    this.#garbageOctets = 0
  }

  /** Nests: readers are let in again at the end of the outermost. */
  #locked(change: () => void): void {
    const words = this.#words
    if ((words[WORD.generation]! & 1) === 1) {
      change()
      return
    }
    Atomics.add(words, WORD.generation, 1)
    try {
      change()
    } finally {
      Atomics.add(words, WORD.generation, 1)
      Atomics.notify(words, WORD.generation)
    }
  }

  #putZone(origin: Name, placed: Placed): void {
    if (!this.#room(0, 0, 1)) throw new Bug(`No room for a zone in ${this.#limitOctets} octets`)
    this.#locked(() => {
      this.#writeZone(origin, placed)
      this.#placed.set(origin, placed)
    })
  }

  #writeZone(origin: Name, { id, zone }: Placed): void {
    const key = this.#key
    const at = this.#end
    const words = this.#words
    const octets = this.#octets
    key.loadName(origin)
    const apex = this.#reader.nodeAt(id, key, 0)
    const counts = zone?.counts ?? NO_COUNTS
    const state = zone === undefined ? 'broken' : this.#living.has(id) ? 'served' : 'elsewhere'
    let flags = 0
    if (counts.delegations + counts.dnames > 0) flags |= ZONE_FLAG.cuts
    if (counts.wildcards > 0) flags |= ZONE_FLAG.wildcards
    if (zone !== undefined && hasDnssec(zone)) flags |= ZONE_FLAG.signed
    words[at >> 2] = id
    octets[at + ZONE.state] = ZONE_STATE[state]
    octets[at + ZONE.flags] = flags
    octets[at + ZONE.nameLength] = key.length
    words[(at + ZONE.delegations) >> 2] = counts.delegations
    words[(at + ZONE.dnames) >> 2] = counts.dnames
    words[(at + ZONE.wildcards) >> 2] = counts.wildcards
    words[(at + ZONE.apex) >> 2] = apex / 8
    octets.set(key.octets.subarray(0, key.length), at + ZONE.name)
    this.#end += aligned(ZONE.name + key.length)
    words[WORD.zoneLabels] = Math.max(words[WORD.zoneLabels]!, key.labels)
    const before = this.#reader.zoneAt(key, 0)
    if (before === 0) {
      this.#usedZoneSlots += this.#insert(
        WORD.zones,
        WORD.zonesMask,
        slotHash(key.hashes[0]!, ZONES_ID),
        at,
      )
      return
    }
    this.#garbageOctets += aligned(ZONE.name + key.length)
    this.#turn(WORD.zones, WORD.zonesMask, slotHash(key.hashes[0]!, ZONES_ID), before, at)
  }

  #removeZone(origin: Name): void {
    this.#key.loadName(origin)
    const at = this.#reader.zoneAt(this.#key, 0)
    if (at === 0) return
    const hash = slotHash(this.#key.hashes[0]!, ZONES_ID)
    this.#locked(() => this.#turn(WORD.zones, WORD.zonesMask, hash, at, 8 * SLOT.removed))
    this.#garbageOctets += aligned(ZONE.name + origin.length)
    this.#placed.delete(origin)
  }

  /** Its nodes are garbage where they are: nobody looks for their id any more. */
  #bury({ id }: Placed): void {
    this.#garbageOctets += this.#living.get(id) ?? 0
    this.#living.delete(id)
  }

  /** A node's block, which no slot leads to yet. */
  #writeNode(node: ZoneNode, id: number): number {
    const at = this.#end
    const octets = this.#octets
    const { name, rrsets } = node
    let flags = 0
    let end = at + NODE.name
    for (let i = 0; i < name.length; i++) octets[end++] = name.charCodeAt(i)
    for (const { type, ttlSeconds, rdatas } of rrsets) {
      if (type === TYPE.NS) flags |= NODE_FLAG.ns
      else if (type === TYPE.DNAME) flags |= NODE_FLAG.dname
      else if (type === TYPE.CNAME) flags |= NODE_FLAG.cname
      const rrset = end
      writeU16High(octets, rrset + RRSET.type, type)
      writeU16High(octets, rrset + RRSET.count, rdatas.length)
      writeU32High(octets, rrset + RRSET.ttl, ttlSeconds)
      end += RRSET.records
      for (const rdata of rdatas) {
        writeU16High(octets, end, rdata.length)
        end += 2
        if (rdata.length > 32) octets.set(rdata, end)
        else for (let i = 0; i < rdata.length; i++) octets[end + i] = rdata[i]!
        end += rdata.length
      }
      writeU32High(octets, rrset + RRSET.octets, end - rrset - RRSET.records)
    }
    this.#words[at >> 2] = id
    octets[at + NODE.rrsets] = rrsets.length
    octets[at + NODE.rrsets + 1] = rrsets.length >>> 8
    octets[at + NODE.nameLength] = name.length
    octets[at + NODE.flags] = flags
    this.#words[(at + NODE.children) >> 2] = node.children
    this.#end = aligned(end)
    return at
  }

  /** As `#writeNode`, of a node that is still encoded (zone-node.ts): a large zone is copied without an object for each. */
  #copyNode(bytes: Uint8Array, from: number, id: number): number {
    const at = this.#end
    const octets = this.#octets
    const nameLength = bytes[from + HEAD.nameOctets]!
    const rrsets = bytes[from + HEAD.count]! | (bytes[from + HEAD.count + 1]! << 8)
    let next = from + HEAD.name
    let end = at + NODE.name
    for (let i = 0; i < nameLength; i++) octets[end++] = bytes[next++]!
    let flags = 0
    for (let left = rrsets; left > 0; left--) {
      const type = (bytes[next]! << 8) | bytes[next + 1]!
      if (type === TYPE.NS) flags |= NODE_FLAG.ns
      else if (type === TYPE.DNAME) flags |= NODE_FLAG.dname
      else if (type === TYPE.CNAME) flags |= NODE_FLAG.cname
      const count = (readU32High(bytes, next + ENCODED_RRSET.rdatas) & ~UNEVEN) >>> 0
      const start = next + ENCODED_RRSET.rdata
      let stop = start
      for (let record = count; record > 0; record--)
        stop += 2 + ((bytes[stop]! << 8) | bytes[stop + 1]!)
      writeU16High(octets, end + RRSET.type, type)
      writeU16High(octets, end + RRSET.count, count)
      writeU32High(octets, end + RRSET.ttl, readU32High(bytes, next + ENCODED_RRSET.ttl))
      writeU32High(octets, end + RRSET.octets, stop - start)
      end += RRSET.records
      for (let i = start; i < stop; i++) octets[end++] = bytes[i]!
      next += readU32High(bytes, next + ENCODED_RRSET.octets)
    }
    this.#words[at >> 2] = id
    octets[at + NODE.rrsets] = rrsets
    octets[at + NODE.rrsets + 1] = rrsets >>> 8
    octets[at + NODE.nameLength] = nameLength
    octets[at + NODE.flags] = flags
    this.#words[(at + NODE.children) >> 2] = readU32(bytes, from + HEAD.number)
    this.#end = aligned(end)
    return at
  }

  /** The node of the name in `#key`, which is not there yet. */
  #insertNode(id: number, at: number): void {
    const hash = slotHash(this.#key.hashes[0]!, id)
    this.#usedNodeSlots += this.#insert(WORD.nodes, WORD.nodesMask, hash, at)
  }

  /** Puts the block at `at`, or nothing when it is 0, in the place of the node of the name in `#key`; gives the octets it frees. */
  #turnNode(id: number, at: number): number {
    const before = this.#reader.nodeAt(id, this.#key, 0)
    if (before === 0) {
      if (at !== 0) this.#insertNode(id, at)
      return 0
    }
    const hash = slotHash(this.#key.hashes[0]!, id)
    this.#turn(WORD.nodes, WORD.nodesMask, hash, before, at === 0 ? 8 * SLOT.removed : at)
    const freed = blockOctets(this.#octets, before)
    this.#garbageOctets += freed
    return freed
  }

  /** Number of slots that were free before: 1, or 0 when one is used again. */
  #insert(table: number, tableMask: number, hash: number, at: number): number {
    const words = this.#words
    const start = words[table]!
    const mask = words[tableMask]!
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = words[start + 2 * slot + 1]!
      if (found !== SLOT.free && found !== SLOT.removed) continue
      words[start + 2 * slot] = hash
      Atomics.store(words, start + 2 * slot + 1, at / 8)
      return found === SLOT.free ? 1 : 0
    }
  }

  #turn(table: number, tableMask: number, hash: number, from: number, to: number): void {
    const words = this.#words
    const start = words[table]!
    const mask = words[tableMask]!
    let slot = hash & mask
    while (words[start + 2 * slot + 1] !== from / 8) slot = (slot + 1) & mask
    Atomics.store(words, start + 2 * slot + 1, to / 8)
  }
}

/** Whether answers may need more than a node: signatures, with TTLs of their own, or proofs. */
function hasDnssec({ apex, isSigned, order, chain }: Zone): boolean {
  const hasKeys = apex !== undefined && rrsetOf(apex, TYPE.DNSKEY) !== undefined
  return isSigned || hasKeys || chain !== undefined || order.size > 0
}

function* blocksOf(words: Int32Array, table: number, tableMask: number): IterableIterator<number> {
  const start = words[table]!
  const slots = words[tableMask]! + 1
  for (let slot = 0; slot < slots; slot++) {
    const block = words[start + 2 * slot + 1]!
    if (block > SLOT.removed) yield block * 8
  }
}

function nodeOctets(node: ZoneNode): number {
  let octets = NODE.name + node.name.length
  for (const { rdatas } of node.rrsets) {
    octets += RRSET.records
    for (const rdata of rdatas) octets += 2 + rdata.length
  }
  return aligned(octets)
}

/** Of a node that is written. */
function blockOctets(octets: Uint8Array, at: number): number {
  let end = at + NODE.name + octets[at + NODE.nameLength]!
  const rrsets = octets[at + NODE.rrsets]! | (octets[at + NODE.rrsets + 1]! << 8)
  for (let left = rrsets; left > 0; left--)
    end += RRSET.records + readU32High(octets, end + RRSET.octets)
  return aligned(end - at)
}

function aligned(octets: number): number {
  return (octets + 7) & ~7
}

/** Half of the slots are free. */
function slotsFor(count: number): number {
  return Math.max(ZONE_SLOTS, 2 ** Math.ceil(Math.log2(2 * count + 1)))
}

function hasSlots(used: number, mask: number): boolean {
  return used <= (mask + 1) * SLOTS_SHARE
}

/** Taken slots, those of removed blocks among them, before a table grows. */
const SLOTS_SHARE = 0.7
const NO_COUNTS = { delegations: 0, dnames: 0, wildcards: 0 } as const
const ZONE_BLOCK_LIMIT_OCTETS: number = ZONE.name + 256
