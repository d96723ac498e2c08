// Which entries of a zone's text belong to given owners. Only the chunks that may hold one are read again.
import { hashOfName } from '../../../../shared/dns/hash-of-name.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { mayHaveOwner } from '../../../../shared/zone-text/owner-filter.ts'
import { entriesOf, type TextEntry } from './text-entries.ts'
import {
  partsOf,
  type PartChunk,
  type ZonePart,
  type ZoneText,
} from '../../../../shared/zone-text/zone-text.ts'

export type EntryPlace = {
  readonly part: ZonePart
  readonly chunk: PartChunk
  readonly entry: TextEntry
  /** Among the entries of its chunk. */
  readonly index: number
}

/** Reads chunks once for one edit. */
export class OwnerSearch {
  readonly #parts: readonly ZonePart[]
  readonly #mayHave: (owner: Name) => boolean
  readonly #read = new Map<PartChunk, readonly TextEntry[]>()

  /** `mayHave` is false for owners (canonical) that the text has no records of. */
  constructor(zone: ZoneText, mayHave: (owner: Name) => boolean) {
    this.#mayHave = mayHave
    this.#parts = partsOf(zone.part)
  }

  /** Of the main file and all that it includes, in the order of the text; a file included twice is there twice. */
  get parts(): readonly ZonePart[] {
    return this.#parts
  }

  entriesOf(part: ZonePart, chunk: PartChunk): readonly TextEntry[] {
    const known = this.#read.get(chunk)
    if (known !== undefined) return known
    const entries = entriesOf(part, chunk)
    this.#read.set(chunk, entries)
    return entries
  }

  /** The entries with records of each owner (canonical), in the order of the text within a part. */
  find(owners: ReadonlySet<Name>): ReadonlyMap<Name, readonly EntryPlace[]> {
    const found = new Map<Name, EntryPlace[]>()
    const hashes = Array.from(owners).filter(this.#mayHave).map(hashOfName)
    if (hashes.length === 0) return found
    for (const part of this.#parts)
      for (const chunk of part.chunks) {
        if (!hashes.some((hash) => mayHaveOwner(chunk.content.owners, hash))) continue
        for (const [index, entry] of this.entriesOf(part, chunk).entries()) {
          let last: Name | undefined
          for (const { owner } of entry.records) {
            const name = canonicalName(owner)
            if (name === last || !owners.has(name)) continue
            last = name
            const place = { part, chunk, entry, index }
            const places = found.get(name)
            if (places === undefined) found.set(name, [place])
            else if (places.at(-1)!.entry !== entry) places.push(place)
          }
        }
      }
    return found
  }
}

/** Whether a record of `name` may be written relative to `origin`; both in any spelling. */
export function isWithin(name: Name, origin: Name): boolean {
  return isAtOrBelow(canonicalName(name), canonicalName(origin))
}
