// Where the records of a zone stand in its files. A record knows its line within its chunk only, so that an edit above
// it moves nothing; the place is worked out when someone asks, which is when something is wrong with it.
import type { ParsedRecord, ZoneText } from '../text/zone-text.ts'

export type RecordPlace = {
  readonly file: string
  /** 1-based. */
  readonly line: number
}

/** One pass over the text's chunks for all of them. */
export function placesOf(
  text: ZoneText,
  records: ReadonlySet<ParsedRecord>,
): ReadonlyMap<ParsedRecord, RecordPlace> {
  const places = new Map<ParsedRecord, RecordPlace>()
  if (records.size === 0) return places
  for (const chunk of text.chunks)
    for (const record of chunk.records)
      if (records.has(record))
        places.set(record, { file: record.file, line: chunk.startLine + record.line })
  return places
}
