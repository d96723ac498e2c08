// Keeps an image in step with the zones that are served in each view. A change costs what it changes: blocks are
// appended where no reader looks yet; slots and entries are turned to them while the generation is odd. What is replaced stays as garbage
// until it outgrows the rest; then everything is copied to new memory, which readers are to be given. A large zone may be
// written in steps, and all of them in turns (image-keeper.ts).
import type { Name } from '../../../../shared/dns/name.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { hashOfOwner } from '../../../../shared/dnssec/name-hash.ts'
import type { Published } from '../publication.ts'
import { isInChain } from '../zone/zone-denial.ts'
import { changedKeys } from '../zone/zone-difference.ts'
import { ownersOf, visitTable, type Zone, type ZoneNode } from '../zone/zone.ts'
import { ZONES_ID } from './image-reader.ts'
import { aligned, ImageSpace } from './image-space.ts'
import { HashIndexKey, NameIndexKey } from './index-keys.ts'
import { IndexWriter } from './index-writer.ts'
import { HEADER_OCTETS, NODE, slotHash, WORD, ZONE, ZONE_FLAG, ZONE_STATE } from './layout.ts'
import { NameKey } from './name-key.ts'
import { blockOctets, isInOrder, nodeOctets, writeNode } from './node-block.ts'
import { SlotTable } from './slot-table.ts'

/** Offsets stay small integers for the machine: some 25 million records. */
export const IMAGE_LIMIT_OCTETS: number = 2 ** 31 - 8
const FIRST_OCTETS = 1 << 20
const FIRST_SLOTS = 1 << 10
const ZONE_SLOTS = 1 << 6
/** A change of more than this part of a zone is a new zone. */
const REPLACE_SHARE = 0.25
/** Garbage that is not worth the copying. */
const GARBAGE_OCTETS = 1 << 22
/** What is so full gets new memory before it has to. */
const FULL_SHARE = 0.9
/** Names written between two places where the work may pause. */
const NAMES_A_STEP = 128

/** Where a zone's parts are. */
type Placed = {
  readonly id: number
  readonly origin: Name
  readonly view: number
  /** Undefined for a broken one. */
  readonly zone: Zone | undefined
  /** Of the blocks of its nodes, for a zone that is in the image. */
  octets: number
  order: IndexWriter | undefined
  chain: IndexWriter | undefined
}

/** A zone's new face in one view: 0, that of everybody, without one. */
export type ViewPublished = Published & { readonly view?: number }

export type ImageRules = {
  /** Zones that are left to others. */
  readonly isElsewhere?: (origin: Name) => boolean
  /** Zones with compact denial: what is not there ready is left to others. */
  readonly isCompact?: (zone: Zone) => boolean
  readonly limitOctets?: number
}

/** What there is to be room for. */
export type ImageRoom = {
  readonly octets: number
  readonly names: number
  readonly zones: number
}

export class ImageWriter {
  readonly #seed: number
  readonly #isElsewhere: (origin: Name) => boolean
  readonly #isCompact: (zone: Zone) => boolean
  readonly #limitOctets: number
  readonly #key: NameKey
  readonly #name = new NameIndexKey()
  readonly #hash = new HashIndexKey()
  readonly #placed = new Map<PlaceKey, Placed>()
  /** Those that are in the image, by id; only their nodes are copied. */
  readonly #living = new Map<number, Placed>()
  #space: ImageSpace
  #nodes!: SlotTable
  #zones!: SlotTable
  #lastId = ZONES_ID

  /** `seed` is any number that no client knows: it decides which names share a slot. */
  constructor(
    seed: number,
    {
      isElsewhere = () => false,
      isCompact = () => false,
      limitOctets = IMAGE_LIMIT_OCTETS,
    }: ImageRules = {},
    room?: ImageRoom,
  ) {
    this.#seed = seed | 0
    this.#isElsewhere = isElsewhere
    this.#isCompact = isCompact
    this.#limitOctets = limitOctets
    this.#key = new NameKey(this.#seed)
    const [nodeSlots, zoneSlots] = [
      Math.max(FIRST_SLOTS, SlotTable.slotsFor(room?.names ?? 0)),
      Math.max(ZONE_SLOTS, SlotTable.slotsFor(room?.zones ?? 0)),
    ]
    const octets = HEADER_OCTETS + 8 * (nodeSlots + zoneSlots) + (room?.octets ?? 0)
    if (octets > limitOctets || room === undefined) {
      this.#space = new ImageSpace(Math.min(FIRST_OCTETS, limitOctets))
      this.#layOut(FIRST_SLOTS, ZONE_SLOTS)
    } else {
      this.#space = new ImageSpace(Math.min(limitOctets, Math.max(FIRST_OCTETS, 2 * octets)))
      this.#layOut(nodeSlots, zoneSlots)
    }
  }

  /** Another one after an `apply` that had to move: whoever reads the old one reads old zones from then on. */
  get memory(): SharedArrayBuffer {
    return this.#space.memory
  }

  /** Octets in use, and of them those that nothing refers to. */
  get size(): { readonly octets: number; readonly garbageOctets: number } {
    return { octets: this.#space.end, garbageOctets: this.#space.garbageOctets }
  }

  /** Whether the zone did not fit, or was not to: readers leave its answers to others. */
  isLeft(origin: Name, view = 0): boolean {
    const placed = this.#placed.get(placeKey(origin, view))
    return placed?.zone !== undefined && !this.#living.has(placed.id)
  }

  /** Every zone that was published, in every view; undefined for a broken one. */
  *zones(): Generator<{ readonly origin: Name; readonly view: number; readonly zone?: Zone }> {
    for (const { origin, view, zone } of this.#placed.values())
      yield { origin, view, ...(zone && { zone }) }
  }

  has(origin: Name, view = 0): boolean {
    return this.#placed.has(placeKey(origin, view))
  }

  /** Whether this is the face of the zone that was published last. */
  holds(zone: Zone | undefined, origin: Name, view = 0): boolean {
    const placed = this.#placed.get(placeKey(origin, view))
    return placed !== undefined && placed.zone === zone
  }

  /** Whether it is time for new memory: there is more garbage than it is worth, or hardly any room. */
  get isCrowded(): boolean {
    const { end, octets } = this.#space
    const isFull = end > octets.length * FULL_SHARE && octets.length < this.#limitOctets
    return this.#isLittered() || isFull || this.#nodes.isNearlyFull
  }

  /** What lives, and room for as much in addition. */
  get room(): ImageRoom {
    let [octets, names] = [0, 0]
    for (const { zone, ...placed } of this.#living.values()) {
      octets += placed.octets + (placed.order?.octets ?? 0) + (placed.chain?.octets ?? 0)
      names += zone?.nodes.size ?? 0
    }
    const zones = this.#placed.size
    return { octets: octets + zones * ZONE_BLOCK_LIMIT_OCTETS, names, zones }
  }

  /** Readers see all of a zone's change or nothing of it. */
  apply(published: readonly ViewPublished[]): void {
    this.applySmall(published, Infinity)
    if (this.#isLittered()) this.#move(0, 0, 0)
  }

  /** Gives back those that would have to be written whole and have more than so many names; never tidies up. */
  applySmall(published: readonly ViewPublished[], names: number): readonly ViewPublished[] {
    return published.filter((each) => !this.#applyOne(each, names))
  }

  /** Writes the whole zone; readers see nothing of it before the last step. */
  *add(zone: Zone, view = 0): Generator<void, void> {
    const before = this.#placed.get(placeKey(zone.origin, view))
    const placed = this.#place(zone.origin, view, zone)
    this.#living.set(placed.id, placed)
    const isPlaced =
      !this.#isElsewhere(zone.origin) &&
      (yield* this.#addNodesInSteps(placed, zone)) &&
      (yield* this.#addOrder(placed, zone)) &&
      (yield* this.#addChain(placed, zone))
    if (!isPlaced) this.#bury(placed)
    this.#putZone(placed)
    if (before !== undefined) this.#bury(before)
  }

  /** Readers leave the zone's answers to others, until it is published again. */
  leave(zone: Zone, view = 0): void {
    const before = this.#placed.get(placeKey(zone.origin, view))
    this.#putZone(this.#place(zone.origin, view, zone))
    if (before !== undefined) this.#bury(before)
  }

  #isLittered(): boolean {
    const { garbageOctets, end } = this.#space
    return garbageOctets > GARBAGE_OCTETS + end / 2
  }

  #applyOne({ origin, view = 0, after, isBroken }: ViewPublished, names: number): boolean {
    const key = placeKey(origin, view)
    const before = this.#placed.get(key)
    if (after === undefined) {
      if (isBroken) this.#putZone(this.#place(origin, view, undefined))
      else this.#removeZone(origin, view)
    } else if (before?.zone === undefined || !this.#change(before, before.zone, after)) {
      const size = after.nodes.size + after.hashed.size
      if (size > names && !this.#isElsewhere(origin)) return false
      this.#add(after, view)
    }
    if (before !== undefined && this.#placed.get(key)?.id !== before.id) this.#bury(before)
    return true
  }

  #place(origin: Name, view: number, zone: Zone | undefined): Placed {
    const id = ++this.#lastId
    return { id, origin, view, zone, octets: 0, order: undefined, chain: undefined }
  }

  /** The whole zone under a new id, which nobody looks for until its block is there. */
  #add(zone: Zone, view: number): void {
    const placed = this.#place(zone.origin, view, zone)
    this.#living.set(placed.id, placed)
    const isPlaced =
      !this.#isElsewhere(zone.origin) &&
      this.#addNodes(placed, zone) &&
      atOnce(this.#addOrder(placed, zone)) &&
      atOnce(this.#addChain(placed, zone))
    if (!isPlaced) this.#bury(placed)
    this.#putZone(placed)
  }

  #addNodes(placed: Placed, zone: Zone): boolean {
    let left = zone.nodes.size
    let isRoom = this.#roomForNodes(zone.nodes)
    visitTable(zone.nodes, (bytes, from) => {
      isRoom &&= this.#room(nodeOctets(bytes, from), left--, 0)
      if (!isRoom) return
      const at = this.#writeNode(placed, bytes, from)
      this.#loadName(at)
      this.#insertNode(placed.id, at)
    })
    return isRoom
  }

  /** As `#addNodes`, while other versions of the zone may be made. */
  *#addNodesInSteps(placed: Placed, zone: Zone): Generator<void, boolean> {
    if (!this.#roomForNodes(zone.nodes)) return false
    let left = zone.nodes.size
    const add = (node: ZoneNode | undefined): boolean => {
      if (node === undefined) return true
      if (!this.#room(nodeOctets(node.bytes, node.at), left--, 0)) return false
      const at = this.#writeNode(placed, node.bytes, node.at)
      this.#loadName(at)
      this.#insertNode(placed.id, at)
      return true
    }
    for (const name of ownersOf(zone.nodes)) {
      if (!add(zone.nodes.get(name))) return false
      if (left % NAMES_A_STEP === 0) yield
    }
    if (left === 0) return true
    // Names that were set anew meanwhile may have been left out.
    for (const [name, node] of zone.nodes.entries()) {
      this.#key.loadName(name as Name)
      const at = this.#space.reader.nodeAt(placed.id, this.#key, 0)
      if (at === 0 && !add(node)) return false
    }
    return true
  }

  *#addOrder(placed: Placed, { origin, order }: Zone): Generator<void, boolean> {
    if (order.size === 0) return true
    if (!this.#room(IndexWriter.builtOctets(order.size), 0, 0)) return false
    const index = new IndexWriter(this.#space, { entries: order.size })
    let written = 0
    for (const name of order.names()) {
      this.#findPlace(name, origin)
      index.append(this.#name, this.#space.reader.nodeAt(placed.id, this.#key, 0))
      if (++written % NAMES_A_STEP === 0) yield
    }
    placed.order = index
    return true
  }

  *#addChain(placed: Placed, { chain, hashed }: Zone): Generator<void, boolean> {
    if (chain === undefined) return true
    const octets = IndexWriter.builtOctets(chain.size) + tableOctets(hashed)
    if (!this.#room(octets, 0, 0)) return false
    const index = new IndexWriter(this.#space, { entries: chain.size })
    let written = 0
    for (const [digest, owner] of chain.entries()) {
      const { bytes, at } = hashed.get(owner)!
      this.#hash.set(digest)
      index.append(this.#hash, this.#writeNode(placed, bytes, at))
      if (++written % NAMES_A_STEP === 0) yield
    }
    placed.chain = index
    return true
  }

  /** Changes single nodes; false when the zone is better written anew. */
  #change(before: Placed, from: Zone, after: Zone): boolean {
    if (from === after) return true
    if (!this.#living.has(before.id) || !isSameChain(from, after)) return false
    const changed = changedKeys(from, after)
    const limit = Math.max(16, (after.nodes.size + after.hashed.size) * REPLACE_SHARE)
    if (changed === undefined || changed.nodes.size + changed.hashed.size > limit) return false
    const nodes = Array.from(changed.nodes, (name) => ({ name, node: after.nodes.get(name) }))
    const hashes = hashChanges(changed.hashed, after)
    let needed = indexOctets(before.order, nodes.length) + indexOctets(before.chain, hashes.length)
    for (const { node } of [...nodes, ...hashes])
      if (node !== undefined) needed += nodeOctets(node.bytes, node.at)
    if (!this.#room(needed, nodes.length, 1)) return false
    const placed: Placed = { ...before, zone: after }
    this.#living.set(placed.id, placed)
    const write = ({ node }: { node: ZoneNode | undefined }): number =>
      node === undefined ? 0 : this.#writeNode(placed, node.bytes, node.at)
    const nodesAt = nodes.map(write)
    const hashesAt = hashes.map(write)
    this.#locked(() => {
      for (const [i, { name }] of nodes.entries()) this.#turnNode(placed, name, nodesAt[i]!)
      for (const [i, { digest }] of hashes.entries()) this.#turnHash(placed, digest, hashesAt[i]!)
      this.#putZone(placed)
    })
    return true
  }

  /** For all of a table, so that memory moves once; where that is too much to ask for, as much as is needed on the way. */
  #roomForNodes(nodes: Zone['nodes']): boolean {
    const octets = Math.min(tableOctets(nodes), this.#limitOctets / 4)
    return this.#room(octets, nodes.size, 0) || this.#room(0, nodes.size, 0)
  }

  /** Makes sure of room for blocks and slots; false when there is none to be had. May move everything. */
  #room(octets: number, nodeSlots: number, zoneSlots: number): boolean {
    const space = this.#space
    const needed = octets + zoneSlots * ZONE_BLOCK_LIMIT_OCTETS
    const isRoomy =
      space.end + needed <= space.octets.length &&
      this.#nodes.hasRoom(nodeSlots) &&
      this.#zones.hasRoom(zoneSlots)
    return isRoomy || this.#move(needed, nodeSlots, zoneSlots)
  }

  /** Copies what lives to new memory with room for more. */
  #move(octets: number, nodeSlots: number, zoneSlots: number): boolean {
    const old = this.#space
    const nodes: number[] = []
    const ordered: number[] = []
    for (const at of this.#nodes.blocks()) {
      const placed = this.#living.get(old.words[at >> 2]!)
      // Those in an order are copied in that order.
      if (placed === undefined) continue
      else if (placed.order !== undefined && isInOrder(old, at)) ordered.push(at)
      else nodes.push(at)
    }
    const nodesTable = SlotTable.slotsFor(nodes.length + ordered.length + nodeSlots)
    const zonesTable = SlotTable.slotsFor(this.#placed.size + zoneSlots)
    const livingOctets = old.end - old.garbageOctets
    const floor = HEADER_OCTETS + 8 * (nodesTable + zonesTable) + livingOctets + octets
    if (floor > this.#limitOctets) return false
    const size = Math.min(this.#limitOctets, Math.max(FIRST_OCTETS, floor * 2))
    this.#space = new ImageSpace(size)
    this.#layOut(nodesTable, zonesTable)
    for (const at of nodes) this.#insertCopy(old, at)
    for (const placed of this.#living.values()) {
      const { order, chain } = placed
      placed.order = order && this.#copyIndex(order, (at) => this.#insertCopy(old, at))
      placed.chain = chain && this.#copyIndex(chain, (at) => this.#copyNode(old, at))
    }
    for (const placed of this.#placed.values()) this.#writeZone(placed)
    return true
  }

  #copyIndex(old: IndexWriter, copyNode: (at: number) => number): IndexWriter {
    const index = new IndexWriter(this.#space, { entries: old.size })
    for (const { key, block } of old.entries()) index.append(key, copyNode(block))
    return index
  }

  #insertCopy(old: ImageSpace, at: number): number {
    const copy = this.#copyNode(old, at)
    this.#loadName(copy)
    this.#insertNode(this.#space.words[copy >> 2]!, copy)
    return copy
  }

  #copyNode(old: ImageSpace, at: number): number {
    const size = blockOctets(old, at)
    const copy = this.#space.take(size)
    this.#space.octets.set(old.octets.subarray(at, at + size), copy)
    return copy
  }

  #layOut(nodeSlots: number, zoneSlots: number): void {
    const space = this.#space
    space.words[WORD.seed] = this.#seed
    space.take(HEADER_OCTETS)
    this.#nodes = new SlotTable(space, 'nodes', nodeSlots)
    this.#zones = new SlotTable(space, 'zones', zoneSlots)
  }

  /** Nests: readers are let in again at the end of the outermost. */
  #locked(change: () => void): void {
    const { words } = this.#space
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

  #putZone(placed: Placed): void {
    if (!this.#room(0, 0, 1)) throw new Bug(`No room for a zone in ${this.#limitOctets} octets`)
    this.#locked(() => {
      this.#writeZone(placed)
      this.#placed.set(placeKey(placed.origin, placed.view), placed)
    })
  }

  #writeZone({ id, origin, view, zone, order, chain }: Placed): void {
    const key = this.#key
    const { words, octets, reader } = this.#space
    key.loadName(origin)
    const counts = zone?.counts ?? NO_COUNTS
    const state = zone === undefined ? 'broken' : this.#living.has(id) ? 'served' : 'elsewhere'
    let flags = 0
    if (counts.delegations + counts.dnames > 0) flags |= ZONE_FLAG.cuts
    if (counts.wildcards > 0) flags |= ZONE_FLAG.wildcards
    if (zone?.isSigned === true) flags |= ZONE_FLAG.signed
    if (chain !== undefined) flags |= ZONE_FLAG.chain
    if (zone !== undefined && this.#isCompact(zone)) flags |= ZONE_FLAG.compact
    const parameters = zone?.chain?.parameters
    const salt = parameters?.salt ?? NO_SALT
    const at = this.#space.take(ZONE.name + key.length + salt.length)
    words[at >> 2] = id
    octets[at + ZONE.state] = ZONE_STATE[state]
    octets[at + ZONE.flags] = flags
    octets[at + ZONE.nameLength] = key.length
    octets[at + ZONE.saltLength] = salt.length
    words[(at + ZONE.delegations) >> 2] = counts.delegations
    words[(at + ZONE.dnames) >> 2] = counts.dnames
    words[(at + ZONE.wildcards) >> 2] = counts.wildcards
    words[(at + ZONE.apex) >> 2] = reader.nodeAt(id, key, 0) / 8
    words[(at + ZONE.order) >> 2] = (order?.at ?? 0) / 8
    words[(at + ZONE.chain) >> 2] = (chain?.at ?? 0) / 8
    words[(at + ZONE.iterations) >> 2] = parameters?.iterations ?? 0
    words[(at + ZONE.view) >> 2] = view
    octets.set(key.octets.subarray(0, key.length), at + ZONE.name)
    octets.set(salt, at + ZONE.name + key.length)
    words[WORD.zoneLabels] = Math.max(words[WORD.zoneLabels]!, key.labels)
    const before = reader.zoneIn(view, key, 0)
    const hash = slotHash(key.hashes[0]!, ZONES_ID - view)
    if (before === 0) this.#zones.insert(hash, at)
    else this.#turnZone(hash, before, at)
  }

  #removeZone(origin: Name, view: number): void {
    this.#key.loadName(origin)
    const at = this.#space.reader.zoneIn(view, this.#key, 0)
    if (at === 0) return
    this.#locked(() => this.#turnZone(slotHash(this.#key.hashes[0]!, ZONES_ID - view), at, 0))
    this.#placed.delete(placeKey(origin, view))
  }

  #turnZone(hash: number, before: number, at: number): void {
    const { octets } = this.#space
    this.#zones.turn(hash, before, at)
    const names = octets[before + ZONE.nameLength]! + octets[before + ZONE.saltLength]!
    this.#space.free(ZONE.name + names)
  }

  /** Its nodes are garbage where they are: nobody looks for their id any more. */
  #bury(placed: Placed): void {
    if (!this.#living.delete(placed.id)) return
    const { octets, order, chain } = placed
    this.#space.free(octets + (order?.octets ?? 0) + (chain?.octets ?? 0))
    placed.order = undefined
    placed.chain = undefined
  }

  /** A node's block, which nothing leads to yet. */
  #writeNode(placed: Placed, bytes: Uint8Array, from: number): number {
    const at = writeNode(this.#space, bytes, from, placed.id)
    placed.octets += this.#space.end - at
    return at
  }

  /** The node of the name in `#key`, which is not there yet. */
  #insertNode(id: number, at: number): void {
    this.#nodes.insert(slotHash(this.#key.hashes[0]!, id), at)
  }

  /** Puts the block at `at`, or nothing when it is 0, in the place of the node of that name. */
  #turnNode(placed: Placed, name: Name, at: number): void {
    const space = this.#space
    this.#findPlace(name, placed.zone!.origin)
    const before = space.reader.nodeAt(placed.id, this.#key, 0)
    const isOrdered = at !== 0 && isInOrder(space, at)
    const wasOrdered = before !== 0 && isInOrder(space, before)
    if (isOrdered) {
      placed.order ??= new IndexWriter(space, { entries: 1 })
      placed.order.put(this.#name, at)
    } else if (wasOrdered) placed.order?.remove(this.#name)
    if (before !== 0) {
      this.#nodes.turn(slotHash(this.#key.hashes[0]!, placed.id), before, at)
      this.#freeNode(placed, before)
    } else if (at !== 0) this.#insertNode(placed.id, at)
  }

  /** As `#turnNode`, of the chain's node with that hash. */
  #turnHash(placed: Placed, digest: string, at: number): void {
    this.#hash.set(digest)
    const { chain } = placed
    const before = at === 0 ? chain!.remove(this.#hash) : chain!.put(this.#hash, at)
    if (before !== 0) this.#freeNode(placed, before)
  }

  #freeNode(placed: Placed, at: number): void {
    const octets = blockOctets(this.#space, at)
    placed.octets -= octets
    this.#space.free(octets)
  }

  /** The name of the node at `at`. */
  #loadName(at: number): void {
    const { octets } = this.#space
    const name = at + NODE.name
    this.#key.load(octets, name, name + octets[at + NODE.nameLength]!)
  }

  /** Loads a name of the zone, for the table and for the order. */
  #findPlace(name: Name, origin: Name): void {
    this.#key.loadName(origin)
    const { labels } = this.#key
    this.#key.loadName(name)
    this.#name.set(this.#key, this.#key.labels - labels)
  }
}

/** Says which zone of which view: no name is the beginning of another. */
export type PlaceKey = Name | `${Name}${number}`

export function placeKey(origin: Name, view: number): PlaceKey {
  return view === 0 ? origin : `${origin}${view}`
}

/** Room for a zone that is not in the image. */
export function roomFor({ nodes, hashed, order, chain }: Zone): ImageRoom {
  const indexes = [order.size, chain?.size ?? 0].map((size) => IndexWriter.builtOctets(size))
  const octets = tableOctets(nodes) + tableOctets(hashed) + indexes[0]! + indexes[1]!
  return { octets, names: nodes.size, zones: 1 }
}

/** Of the blocks of all of a table's nodes, at most. */
function tableOctets(table: Zone['nodes']): number {
  let octets = 0
  const { map, changes } = table.layers()
  for (const [, node] of changes) if (node !== undefined) octets += nodeOctets(node.bytes, node.at)
  return octets + map.table.end + map.size * aligned(NODE.name + 8)
}

function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

function isSameChain({ chain }: Zone, after: Zone): boolean {
  if (chain === undefined || after.chain === undefined) return chain === after.chain
  return chain.isOfFamily(after.chain)
}

/** What becomes of these names of the table of hashes in the chain; names that are no hashes are not in it. */
function hashChanges(
  names: Iterable<Name>,
  { origin, chain, hashed }: Zone,
): readonly { readonly digest: string; readonly node: ZoneNode | undefined }[] {
  const changes: { digest: string; node: ZoneNode | undefined }[] = []
  if (chain === undefined) return changes
  for (const name of names) {
    const digest = hashOfOwner(name, origin)
    if (digest === undefined) continue
    const node = hashed.get(name)
    changes.push({ digest, node: isInChain(node, chain) ? node : undefined })
  }
  return changes
}

function indexOctets(index: IndexWriter | undefined, changes: number): number {
  return changes === 0 ? 0 : (index?.changeOctets(changes) ?? IndexWriter.builtOctets(changes))
}

const NO_COUNTS = { delegations: 0, dnames: 0, wildcards: 0 } as const
const NO_SALT: Uint8Array = new Uint8Array(0)
const ZONE_BLOCK_LIMIT_OCTETS: number = aligned(ZONE.name + 255 + 255)
