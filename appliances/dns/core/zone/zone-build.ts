// Zones from zone text: whole, or from an older zone at the cost of what the edit changed.
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { ReadRecord } from '../text/record-sink.ts'
import {
  ChunkReader,
  chunksOf,
  readRecords,
  type ChunkContent,
  type ChunkPlace,
  type ZoneText,
} from '../text/zone-text.ts'
import { ZoneEdit } from './zone-edit.ts'
import { contentOf } from './rrset-lines.ts'
import { ZoneLoader } from './zone-load.ts'
import type { Zone } from './zone.ts'

export type ZoneChange = {
  readonly zone: Zone
  /** The zone this one was made from; undefined when it was built whole. */
  readonly before: Zone | undefined
  /** Canonical owners of records that came or went; undefined means all of them. */
  readonly touched: ReadonlySet<Name> | undefined
  /** Among the lines read anew: records whose owner is not in the zone. They are left out. */
  readonly foreign: readonly Record[]
}

/** `origin` in any spelling. */
export function buildZone(origin: Name, text: ZoneText): ZoneChange {
  const loader = new ZoneLoader(canonicalName(origin), text.records)
  readRecords(text, loader)
  return loadedZone(loader, text)
}

/** From a loader that got the records of `text` when it was read. */
export function loadedZone(loader: ZoneLoader, text: ZoneText): ZoneChange {
  const zone = loader.finish(text)
  return { zone, before: undefined, touched: undefined, foreign: loader.foreign }
}

/** `before` keeps answering as it did; what both texts share is neither read nor copied. */
export function updateZone(before: Zone, text: ZoneText): ZoneChange {
  if (before.text === undefined) return { ...buildZone(before.origin, text), before }
  const { added, removed } = changedChunks(before.text, text)
  // A new $TTL at the top reads every line anew: then an overlay would only be a slower zone.
  const readAgain = removed.reduce((sum, { chunk }) => sum + chunk.content.records, 0)
  if (readAgain * 2 > before.text.records) return { ...buildZone(before.origin, text), before }
  const come = recordsOf(added)
  const gone = recordsOf(removed)
  const edit = new ZoneEdit(before)
  for (const record of gone) edit.removeLine(record)
  const foreign = come.filter((record) => !edit.add(record))
  return { zone: edit.finish(text), before, touched: touchedOwners(come, gone), foreign }
}

/** How many lines `after` has that `before` has not, the same line twice counting as two. */
export function addedLineCount(before: ZoneText, after: ZoneText): number {
  const { added, removed } = changedChunks(before, after)
  let count = 0
  for (const { sum } of balanceOf(recordsOf(added), recordsOf(removed))) count += Math.max(0, sum)
  return count
}

/** Owners of records that one side has more often than the other: a line that only moved touches nothing. */
function touchedOwners(come: readonly Record[], gone: readonly Record[]): ReadonlySet<Name> {
  const touched = new Set<Name>()
  for (const { owner, sum } of balanceOf(come, gone)) if (sum !== 0) touched.add(owner)
  return touched
}

/** Of each record by value, how much more often it came than it went. */
function balanceOf(
  come: readonly Record[],
  gone: readonly Record[],
): Iterable<{ readonly owner: Name; readonly sum: number }> {
  const balance = new Map<string, { owner: Name; sum: number }>()
  const count = (record: Record, by: 1 | -1): void => {
    const owner = canonicalName(record.owner)
    const key = `${record.type} ${record.ttlSeconds} ${owner}${contentOf(record.rdata)}`
    const known = balance.get(key)
    if (known === undefined) balance.set(key, { owner, sum: by })
    else known.sum += by
  }
  for (const record of come) count(record, 1)
  for (const record of gone) count(record, -1)
  return balance.values()
}

/** Chunks that only one text has. */
function changedChunks(
  before: ZoneText,
  after: ZoneText,
): { readonly added: readonly ChunkPlace[]; readonly removed: readonly ChunkPlace[] } {
  const kept = new Map<ChunkContent, number>()
  for (const { chunk } of chunksOf(after.part))
    kept.set(chunk.content, (kept.get(chunk.content) ?? 0) + 1)
  const removed: ChunkPlace[] = []
  for (const place of chunksOf(before.part)) {
    const { content } = place.chunk
    const count = kept.get(content) ?? 0
    if (count === 0) removed.push(place)
    else kept.set(content, count - 1)
  }
  const added: ChunkPlace[] = []
  for (const place of chunksOf(after.part)) {
    const { content } = place.chunk
    const count = kept.get(content) ?? 0
    if (count === 0) continue
    kept.set(content, count - 1)
    added.push(place)
  }
  return { added, removed }
}

function recordsOf(chunks: readonly ChunkPlace[]): readonly Record[] {
  const records: Record[] = []
  const reader = new ChunkReader({ add: (record: ReadRecord) => void records.push(record.copy()) })
  for (const place of chunks) reader.read(place)
  return records
}
