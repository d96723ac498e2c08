// Where the records of a zone stand in its files. Nobody keeps that: it is worked out when someone asks, which is when
// something is wrong, and then only the chunks are read that may have records of the owners asked for.
import { hashOfName } from '../../../../shared/dns/hash-of-name.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { mayHaveOwner } from '../../../../shared/zone-text/owner-filter.ts'
import type { ReadRecord } from '../../../../shared/zone-text/record-sink.ts'
import { ChunkReader, chunksOf, type ZoneText } from '../../../../shared/zone-text/zone-text.ts'

export type RecordPlace = {
  readonly file: string
  /** 1-based. */
  readonly line: number
}

export type PlacedRecord = Record & RecordPlace

/** The records of these owners (canonical) by owner, each list in the order of the text. */
export function findRecords(
  text: ZoneText,
  owners: Iterable<Name>,
): ReadonlyMap<Name, readonly PlacedRecord[]> {
  const found = new Map<Name, PlacedRecord[]>()
  for (const owner of owners) found.set(owner, [])
  if (found.size === 0) return found
  const hashes = Array.from(found.keys(), hashOfName)
  let file = ''
  let startLine = 0
  const reader = new ChunkReader({
    add(record: ReadRecord) {
      if (hashes.length < SEARCH_LIMIT && !hashes.includes(record.ownerHash)) return
      const copy = record.copy()
      found.get(canonicalName(copy.owner))?.push({ ...copy, file, line: startLine + record.line })
    },
  })
  for (const place of chunksOf(text.part)) {
    const { content } = place.chunk
    if (!hashes.some((hash) => mayHaveOwner(content.owners, hash))) continue
    file = place.part.file
    startLine = place.chunk.startLine
    reader.read(place)
  }
  return found
}

const SEARCH_LIMIT = 64
