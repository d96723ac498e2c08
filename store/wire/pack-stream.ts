// A selection of objects as a pack, entry by entry as they are stored: nothing is deflated again unless it must.
import { deflateSync } from 'node:zlib'
import { Bug } from '../../shared/result/result.ts'
import type { Oid } from '../object/oid.ts'
import { PackWriter } from '../pack/write.ts'
import type { EntryReader, StoredEntry } from '../repository.ts'
import type { Selection } from './select-objects.ts'

export type PackOptions = {
  /** The client can have deltas against objects it has itself. */
  readonly thin: boolean
  /** The client reads deltas that name their base by distance. */
  readonly ofsDelta: boolean
}

/** Yields the bytes of the pack in small pieces. Throws when a selected object cannot be read. */
export function* packStream(
  reader: EntryReader,
  selection: Selection,
  options: PackOptions,
): Generator<Uint8Array> {
  const writer = new PackWriter()
  yield writer.header(selection.oids.size)
  for (const entry of packEntries(reader, selection, options)) yield* writer.entry(entry)
  yield writer.trailer()
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
  const { type, bytes } = object
  return { oid, type, size: bytes.length, deflated: deflateSync(bytes, { level: 1 }) }
}
