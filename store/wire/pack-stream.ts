// A selection of objects as a pack, entry by entry as they are stored: nothing is deflated again unless it must.
import { createHash } from 'node:crypto'
import { Bug } from '../../shared/result/result.ts'
import { oidBytes, type Oid } from '../object/oid.ts'
import { encodeEntryHeader, encodeOfsDistance, PACK_TYPE, toStoredEntry } from '../pack/entry.ts'
import type { EntryReader, StoredEntry } from '../repository.ts'
import type { Selection } from './select-objects.ts'
import { SIDE_BAND_64K_BYTES } from './side-band.ts'

export type PackOptions = {
  /** The client can have deltas against objects it has itself. */
  readonly thin: boolean
  /** The client reads deltas that name their base by distance. */
  readonly ofsDelta: boolean
}

/**
 * Yields the bytes of the pack in pieces that fill a packet of the side-band. Throws when a selected object cannot be
 * read.
 */
export function* packStream(
  reader: EntryReader,
  selection: Selection,
  options: PackOptions,
): Generator<Uint8Array> {
  const pieces = new Pieces()
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
  header.writeUInt32BE(selection.oids.size, 8)
  yield* pieces.add(header)
  const offsets = new Map<Oid, number>()
  for (const entry of packEntries(reader, selection, options)) {
    const at = pieces.bytes
    offsets.set(entry.oid, at)
    yield* pieces.add(entryHead(entry, at, offsets))
    yield* pieces.add(entry.deflated)
  }
  yield* pieces.end()
}

function entryHead(entry: StoredEntry, at: number, offsets: ReadonlyMap<Oid, number>): Uint8Array {
  const { base, size } = entry
  if (base === undefined) return encodeEntryHeader(PACK_TYPE[entry.type], size)
  const baseAt = offsets.get(base)
  return baseAt === undefined
    ? Buffer.concat([encodeEntryHeader(PACK_TYPE.REF_DELTA, size), oidBytes(base)])
    : Buffer.concat([encodeEntryHeader(PACK_TYPE.OFS_DELTA, size), encodeOfsDistance(at - baseAt)])
}

/** Gathers small writes and hashes them by the piece: ten thousand entries are fifty calls of SHA-1, not twenty thousand. */
class Pieces {
  /** Added so far. */
  bytes = 0
  readonly #hash = createHash('sha1')
  #piece = Buffer.allocUnsafe(SIDE_BAND_64K_BYTES)
  #filled = 0;

  *add(data: Uint8Array): Generator<Uint8Array> {
    this.bytes += data.length
    let from = 0
    while (data.length - from >= SIDE_BAND_64K_BYTES - this.#filled) {
      const end = from + SIDE_BAND_64K_BYTES - this.#filled
      this.#piece.set(data.subarray(from, end), this.#filled)
      this.#filled = SIDE_BAND_64K_BYTES
      from = end
      yield this.#take()
    }
    this.#piece.set(from === 0 ? data : data.subarray(from), this.#filled)
    this.#filled += data.length - from
  }

  /** What is left, and the checksum. */
  *end(): Generator<Uint8Array> {
    const rest = this.#take()
    yield Buffer.concat([rest, this.#hash.digest()])
  }

  #take(): Uint8Array {
    const piece = this.#piece.subarray(0, this.#filled)
    this.#hash.update(piece)
    this.#piece = Buffer.allocUnsafe(SIDE_BAND_64K_BYTES)
    this.#filled = 0
    return piece
  }
}

/**
 * The selection as entries, each base before the entries that lean on it. An entry whose base the client will not have
 * is made whole.
 */
export function* packEntries(
  reader: EntryReader,
  selection: Selection,
  options: PackOptions,
): Generator<StoredEntry> {
  const written = new Set<Oid>()
  const { oids, had } = selection
  const waitsFor = (base: Oid): boolean => oids.has(base) && !written.has(base)
  const finished = (entry: StoredEntry): StoredEntry => {
    const { oid, base } = entry
    written.add(oid)
    if (base === undefined) return entry
    const leans = oids.has(base)
      ? options.ofsDelta && base !== oid && written.has(base)
      : options.thin && had.has(base)
    return leans ? entry : wholeEntry(reader, oid)
  }
  for (const oid of oids) {
    if (written.has(oid)) continue
    const entry = storedEntry(reader, oid)
    if (entry.base === undefined || !waitsFor(entry.base)) {
      yield finished(entry)
      continue
    }
    const chain = chainOf(reader, entry, waitsFor)
    for (let next = chain.pop(); next !== undefined; next = chain.pop()) yield finished(next)
  }
}

/** An entry, its base, the base of that … as far as they are to be written before it, in that order. */
function chainOf(
  reader: EntryReader,
  first: StoredEntry,
  waitsFor: (base: Oid) => boolean,
): StoredEntry[] {
  const chain = [first]
  // Packs that overlap may hold two objects as deltas of each other; the second meeting ends the chain.
  const met = new Set<Oid>([first.oid])
  for (let base = first.base; base !== undefined && waitsFor(base) && !met.has(base);) {
    const entry = storedEntry(reader, base)
    chain.push(entry)
    met.add(base)
    base = entry.base
  }
  return chain
}

function storedEntry(reader: EntryReader, oid: Oid): StoredEntry {
  return reader.stored(oid) ?? wholeEntry(reader, oid)
}

function wholeEntry(reader: EntryReader, oid: Oid): StoredEntry {
  const object = reader.read(oid)
  if (object === undefined) throw new Bug(`${oid} was selected for a pack and is gone`)
  return toStoredEntry(object.type, object.bytes)
}
