// The objects folder of a git repository: its packs and loose objects, read as any stock git wrote them.
import { join, resolve } from 'node:path'
import { inflateSync } from 'node:zlib'
import { Bug } from '../../shared/result/result.ts'
import { applyDelta } from '../object/delta.ts'
import { oidAt, oidOf, type GitObject, type ObjectType, type Oid } from '../object/oid.ts'
import { decodeEntryHeader, decodeOfsDistance, PACK_TYPE } from '../pack/entry.ts'
import { PackIndex } from '../pack/index-file.ts'
import type { EntryReader, StoredEntry } from '../repository.ts'
import { ByteCache } from './byte-cache.ts'
import { LOOK_BYTES, ReadableFile, type Disk } from './disk.ts'

/** One object we are asked to hold in memory; git itself streams larger ones, we refuse them. */
export const OBJECT_LIMIT_BYTES: number = 512 * 1024 * 1024
const DELTA_CHAIN_LIMIT = 10_000
const BASE_CACHE_BYTES = 16 << 20
/** Entry header (10), ofs-distance (10) or base id (20). */
const ENTRY_HEAD_BYTES = 32
const PACK_TRAILER_BYTES = 20
const BASE_TYPES_LIMIT = 65_536
/** As deep as git follows `info/alternates`. */
const ALTERNATES_DEPTH_LIMIT = 5
/** File systems stamp with their tick, some milliseconds: a folder this young may change again under the same stamp. */
const STAMP_TICK_MS = 50
/** What deflate may add to incompressible content beside a part in 512: head, trailer, block heads. */
const ZLIB_OVERHEAD_BYTES = 64
/** zlib takes no smaller block. */
const CHUNK_MIN_BYTES = 64
const CHUNK_LIMIT_BYTES = 1 << 20

/** The disk gave back bytes that are not the object asked for. */
export class DamagedObject extends Error {
  override name = 'DamagedObject'
}

type RawEntry = {
  readonly offset: number
  readonly typeNumber: number
  readonly size: number
  readonly deflated: Buffer
  readonly baseOffset?: number
  readonly baseOid?: Oid
}

export class ObjectFolder implements EntryReader {
  readonly #disk: Disk
  readonly #folder: string
  readonly #bases = new ByteCache<string, GitObject>(BASE_CACHE_BYTES)
  #packs: Pack[] = []
  #stampMs = -1
  #alternates: ObjectFolder[] = []

  constructor(disk: Disk, folder: string, depth = 0) {
    this.#disk = disk
    this.#folder = folder
    this.rescan()
    if (depth === ALTERNATES_DEPTH_LIMIT) return
    const alternates = disk.read(join(folder, 'info/alternates'))?.toString('utf8') ?? ''
    for (const line of alternates.split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      this.#alternates.push(new ObjectFolder(disk, resolve(folder, line), depth + 1))
    }
  }

  get packs(): readonly Pack[] {
    return this.#packs
  }

  get packFolder(): string {
    return join(this.#folder, 'pack')
  }

  /** Looks for packs that came or went (a push by stock git, gc). Packs that went stay readable until now. */
  rescan(): void {
    const stampMs = this.#disk.stamp(this.packFolder)?.mtimeMs ?? -1
    this.#stampMs = Date.now() - stampMs < STAMP_TICK_MS ? -1 : stampMs
    const names = new Set<string>()
    for (const file of this.#disk.list(this.packFolder)) {
      if (file.startsWith('pack-') && file.endsWith('.idx')) names.add(file.slice(0, -4))
    }
    const kept = this.#packs.filter((pack) => names.has(pack.name))
    const known = new Set(kept.map((pack) => pack.name))
    const gone = this.#packs.filter((pack) => !names.has(pack.name))
    const added: Pack[] = []
    try {
      for (const name of names) {
        const pack = known.has(name) ? undefined : Pack.open(this.#disk, this.packFolder, name)
        if (pack !== undefined) added.push(pack)
      }
    } catch (error) {
      for (const pack of added) pack.close()
      throw error
    }
    kept.push(...added)
    // Newest first: what was written last is asked for most.
    this.#packs = kept.sort((a, b) => b.writtenMs - a.writtenMs)
    for (const pack of gone) pack.close()
  }

  /** Cheap check used before an object is called missing. */
  rescanIfChanged(): boolean {
    const stampMs = this.#disk.stamp(this.packFolder)?.mtimeMs ?? -1
    if (stampMs === this.#stampMs) return false
    this.rescan()
    return true
  }

  has(oid: Oid): boolean {
    return (
      this.#locate(oid) !== undefined ||
      this.#disk.stamp(this.#loosePath(oid)) !== undefined ||
      this.#alternates.some((folder) => folder.has(oid)) ||
      (this.rescanIfChanged() && this.#locate(oid) !== undefined)
    )
  }

  isPacked(oid: Oid): boolean {
    return this.#locate(oid) !== undefined
  }

  read(oid: Oid): GitObject | undefined {
    const object = this.#readHere(oid) ?? this.#readAlternates(oid)
    if (object !== undefined || !this.rescanIfChanged()) return object
    return this.#readHere(oid)
  }

  stored(oid: Oid): StoredEntry | undefined {
    const place = this.#locate(oid)
    return place === undefined ? undefined : this.storedAt(place.pack, place.offset, oid)
  }

  storedAt(pack: Pack, offset: number, oid: Oid = pack.oidAtOffset(offset)): StoredEntry {
    const raw = pack.rawEntry(offset)
    const { size, deflated } = raw
    const type = this.#typeAt(pack, raw)
    if (raw.baseOid !== undefined) return { oid, type, size, deflated, base: raw.baseOid }
    if (raw.baseOffset === undefined) return { oid, type, size, deflated }
    return { oid, type, size, deflated, base: pack.oidAtOffset(raw.baseOffset) }
  }

  close(): void {
    for (const pack of this.#packs) pack.close()
    for (const folder of this.#alternates) folder.close()
    this.#packs = []
    this.#alternates = []
  }

  #readHere(oid: Oid): GitObject | undefined {
    const place = this.#locate(oid)
    const object =
      place === undefined ? this.#readLoose(oid) : this.#unpack(place.pack, place.offset)
    if (object !== undefined && oidOf(object.type, object.bytes) !== oid) {
      throw new DamagedObject(`${oid}: the stored bytes are not this object; run git fsck`)
    }
    return object
  }

  #readAlternates(oid: Oid): GitObject | undefined {
    for (const folder of this.#alternates) {
      const object = folder.read(oid)
      if (object !== undefined) return object
    }
    return undefined
  }

  #locate(oid: Oid): { pack: Pack; offset: number } | undefined {
    for (const pack of this.#packs) {
      const offset = pack.index.find(oid)
      if (offset !== undefined) return { pack, offset }
    }
    return undefined
  }

  /** Walks the delta chain down to a whole object, then applies the deltas on the way back. */
  #unpack(pack: Pack, offset: number): GitObject {
    const deltas: RawEntry[] = []
    let object: GitObject | undefined
    for (let at = offset; object === undefined;) {
      object = this.#bases.get(`${pack.name}:${at}`)
      if (object !== undefined) break
      const raw = pack.inflatableEntry(at)
      if (raw.baseOffset === undefined && raw.baseOid === undefined) {
        object = { type: typeOf(raw.typeNumber), bytes: inflateEntry(raw, pack.name) }
        break
      }
      deltas.push(raw)
      if (deltas.length > DELTA_CHAIN_LIMIT)
        throw new DamagedObject(`${pack.name}: endless delta chain`)
      if (raw.baseOffset !== undefined) at = raw.baseOffset
      else object = this.read(raw.baseOid!)
      if (raw.baseOid !== undefined && object === undefined) {
        throw new DamagedObject(`${pack.name}: base ${raw.baseOid} is missing`)
      }
    }
    for (const raw of deltas.reverse()) {
      const result = applyDelta(object.bytes, inflateEntry(raw, pack.name), OBJECT_LIMIT_BYTES)
      if (!result.ok) throw new DamagedObject(`${pack.name}@${raw.offset}: ${result.error.kind}`)
      object = { type: object.type, bytes: result.value }
      this.#bases.set(`${pack.name}:${raw.offset}`, object, object.bytes.length + 100)
    }
    return object
  }

  #typeAt(pack: Pack, raw: RawEntry): ObjectType {
    const bases: { readonly pack: Pack; readonly offset: number }[] = []
    let entry = raw
    for (let steps = 0; steps < DELTA_CHAIN_LIMIT; steps++) {
      let offset = entry.baseOffset
      if (entry.baseOid !== undefined) {
        const place = this.#locate(entry.baseOid)
        if (place === undefined) return this.read(entry.baseOid)?.type ?? missingBase(entry.baseOid)
        pack = place.pack
        offset = place.offset
      }
      const type = offset === undefined ? typeOf(entry.typeNumber) : pack.baseTypes.get(offset)
      if (type !== undefined) {
        for (const base of bases) base.pack.rememberType(base.offset, type)
        return type
      }
      // Only an entry that is no delta has no base, and that one has a type.
      entry = pack.rawHead(offset!)
      bases.push({ pack, offset: offset! })
    }
    throw new DamagedObject(`${pack.name}: endless delta chain`)
  }

  #loosePath(oid: Oid): string {
    return join(this.#folder, oid.slice(0, 2), oid.slice(2))
  }

  #readLoose(oid: Oid): GitObject | undefined {
    const deflated = this.#disk.read(this.#loosePath(oid))
    if (deflated === undefined) return undefined
    let bytes: Buffer
    try {
      bytes = inflateSync(deflated, { maxOutputLength: OBJECT_LIMIT_BYTES })
    } catch (error) {
      throw new DamagedObject(`${oid}: loose object does not inflate`, { cause: error })
    }
    const header = /^(commit|tree|blob|tag) [0-9]+\0/.exec(bytes.toString('latin1', 0, 32))
    if (header === null) throw new DamagedObject(`${oid}: loose object has no header`)
    // The pattern admits the four type names only.
    return { type: header[1] as ObjectType, bytes: bytes.subarray(header[0].length) }
  }
}

/** One `.pack` with its `.idx`. */
export class Pack {
  readonly name: string
  readonly index: PackIndex
  readonly writtenMs: number
  readonly sizeBytes: number
  /** Types of entries that deltas lean on, by offset: a chain is walked once, not again for each that hangs on it. */
  readonly baseTypes: Map<number, ObjectType> = new Map<number, ObjectType>()
  readonly #file: ReadableFile

  private constructor(name: string, index: PackIndex, file: ReadableFile, writtenMs: number) {
    this.name = name
    this.index = index
    this.#file = file
    this.sizeBytes = file.size
    this.writtenMs = writtenMs
  }

  /** undefined when either file is gone again; a broken index is an error that names the file. */
  static open(disk: Disk, folder: string, name: string): Pack | undefined {
    const bytes = disk.read(join(folder, `${name}.idx`))
    const stamp = disk.stamp(join(folder, `${name}.pack`))
    if (bytes === undefined || stamp === undefined) return undefined
    const index = PackIndex.open(bytes)
    if (!index.ok)
      throw new DamagedObject(`${name}.idx: ${index.error.kind}; run git index-pack on the pack`)
    const file = ReadableFile.open(join(folder, `${name}.pack`))
    return file && new Pack(name, index.value, file, stamp.mtimeMs)
  }

  /** With exactly the deflated bytes of the entry. */
  rawEntry(offset: number): RawEntry {
    const end = this.index.endOf(offset) ?? this.sizeBytes - PACK_TRAILER_BYTES
    return this.#decode(offset, this.#file.read(offset, end - offset))
  }

  /**
   * With at least the deflated bytes of the entry: for inflating, which finds the end itself, no offsets need be sorted. One
   * without a base is to be inflated before the next is read: reading a hundred thousand of them leaves nothing behind.
   */
  inflatableEntry(offset: number): RawEntry {
    const first = this.#file.look(offset)
    const raw = this.#decode(offset, first)
    const head = first.length - raw.deflated.length
    const most = head + raw.size + (raw.size >> 9) + ZLIB_OVERHEAD_BYTES
    if (most > first.length && first.length === LOOK_BYTES)
      return this.#decode(offset, this.#file.read(offset, most))
    const isDelta = raw.baseOffset !== undefined || raw.baseOid !== undefined
    return isDelta ? { ...raw, deflated: Buffer.from(raw.deflated) } : raw
  }

  /** The head alone, without the deflated bytes. */
  rawHead(offset: number): RawEntry {
    return this.#decode(offset, this.#file.read(offset, ENTRY_HEAD_BYTES))
  }

  rememberType(offset: number, type: ObjectType): void {
    if (this.baseTypes.size >= BASE_TYPES_LIMIT) this.baseTypes.clear()
    this.baseTypes.set(offset, type)
  }

  oidAtOffset(offset: number): Oid {
    const oid = this.index.oidAtOffset(offset)
    if (oid === undefined) throw new DamagedObject(`${this.name}: no entry at ${offset}`)
    return oid
  }

  close(): void {
    this.#file.close()
  }

  #decode(offset: number, bytes: Buffer): RawEntry {
    const head = decodeEntryHeader(bytes, 0)
    if (!head.ok) throw new DamagedObject(`${this.name}@${offset}: ${head.error.kind}`)
    const { type: typeNumber, size, next } = head.value
    const common = { offset, typeNumber, size }
    if (typeNumber === PACK_TYPE.REF_DELTA) {
      return { ...common, baseOid: oidAt(bytes, next), deflated: bytes.subarray(next + 20) }
    }
    if (typeNumber !== PACK_TYPE.OFS_DELTA) return { ...common, deflated: bytes.subarray(next) }
    const distance = decodeOfsDistance(bytes, next)
    if (!distance.ok || distance.value.distance > offset) {
      throw new DamagedObject(`${this.name}@${offset}: bad delta base`)
    }
    return {
      ...common,
      baseOffset: offset - distance.value.distance,
      deflated: bytes.subarray(distance.value.next),
    }
  }
}

function inflateEntry(raw: RawEntry, name: string): Buffer {
  try {
    return inflateExactly(raw.deflated, raw.size)
  } catch (error) {
    throw new DamagedObject(`${name}@${raw.offset}: does not inflate`, { cause: error })
  }
}

/**
 * Inflates into a buffer of about that size: zlib's own block of 16 kB must not live on behind a small cached object. One
 * byte more, because zlib that fills a buffer to the end takes a second one, which stays in memory with the first.
 */
export function inflateExactly(deflated: Uint8Array, size: number): Buffer {
  if (size > OBJECT_LIMIT_BYTES) throw new DamagedObject(`${size} bytes are more than we hold`)
  const chunkSize = Math.max(CHUNK_MIN_BYTES, Math.min(size + 1, CHUNK_LIMIT_BYTES))
  const bytes = inflateSync(deflated, { chunkSize, maxOutputLength: Math.max(1, size) })
  if (bytes.length !== size)
    throw new DamagedObject(`inflates to ${bytes.length} bytes, not ${size}`)
  return bytes
}

function typeOf(typeNumber: number): ObjectType {
  const type = TYPES[typeNumber]
  if (type === undefined) throw new Bug(`pack type ${typeNumber}`)
  return type
}

function missingBase(oid: Oid): never {
  throw new DamagedObject(`delta base ${oid} is missing`)
}

const TYPES: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag']
