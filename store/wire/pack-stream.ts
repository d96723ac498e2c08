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
  const mayLean = (base: Oid): boolean => {
    if (selection.oids.has(base)) return options.ofsDelta && written.has(base)
    return options.thin && selection.had.has(base)
  }
  for (const oid of selection.oids) {
    if (written.has(oid)) continue
    const chain = chainOf(reader, selection, oid, written)
    for (let entry = chain.pop(); entry !== undefined; entry = chain.pop()) {
      const base = entry.base
      const leans = base !== undefined && mayLean(base)
      written.add(entry.oid)
      yield base === undefined || leans ? entry : wholeEntry(reader, entry.oid)
    }
  }
}

/** The entry of `oid`, its base, the base of that … as far as they are selected and not written, in that order. */
function chainOf(
  reader: EntryReader,
  selection: Selection,
  oid: Oid,
  written: ReadonlySet<Oid>,
): StoredEntry[] {
  const chain: StoredEntry[] = []
  // Packs that overlap may hold two objects as deltas of each other; the second meeting ends the chain.
  const met = new Set<Oid>()
  for (let at: Oid | undefined = oid; at !== undefined;) {
    const entry: StoredEntry = reader.stored(at) ?? wholeEntry(reader, at)
    chain.push(entry)
    met.add(at)
    const base: Oid | undefined = entry.base
    const next =
      base !== undefined && selection.oids.has(base) && !written.has(base) && !met.has(base)
    at = next ? base : undefined
  }
  return chain
}

function wholeEntry(reader: EntryReader, oid: Oid): StoredEntry {
  const object = reader.read(oid)
  if (object === undefined) throw new Bug(`${oid} was selected for a pack and is gone`)
  const { type, bytes } = object
  return { oid, type, size: bytes.length, deflated: deflateSync(bytes, { level: 1 }) }
}
