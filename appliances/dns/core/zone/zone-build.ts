// Zones from zone text: whole, or from an older zone at the cost of what the edit changed.
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { ReadRecord } from '../../../../shared/zone-text/record-sink.ts'
import {
  ChunkReader,
  chunksOf,
  readRecords,
  type ChunkContent,
  type ChunkPlace,
  type ZoneText,
} from '../../../../shared/zone-text/zone-text.ts'
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
  if (readAgain > FEW_RECORDS && readAgain * 2 > before.text.records)
    return { ...buildZone(before.origin, text), before }
  const come = recordsOf(added)
  const gone = recordsOf(removed)
  const edit = new ZoneEdit(before)
  const touched = new Set<Name>()
  const coming: Record[] = []
  for (const { record, owner, sum } of balanceOf(come, gone)) {
    // A line that only moved touches nothing.
    if (sum !== 0) touched.add(owner)
    for (let left = sum; left < 0; left++) edit.removeLine(record)
    for (let left = sum; left > 0; left--) coming.push(record)
  }
  for (const record of coming) edit.add(record)
  const foreign = come.filter(({ owner }) => !isAtOrBelow(canonicalName(owner), before.origin))
  return { zone: edit.finish(text), before, touched, foreign }
}

/** How many lines `after` has that `before` has not, the same line twice counting as two. */
export function addedLineCount(before: ZoneText, after: ZoneText): number {
  const { added, removed } = changedChunks(before, after)
  let count = 0
  for (const { sum } of balanceOf(recordsOf(added), recordsOf(removed))) count += Math.max(0, sum)
  return count
}

/** Of each record by value, how much more often it came than it went, with its canonical owner. */
function balanceOf(
  come: readonly Record[],
  gone: readonly Record[],
): Iterable<{ readonly record: Record; readonly owner: Name; readonly sum: number }> {
  const balance = new Map<string, { record: Record; owner: Name; sum: number }>()
  const count = (record: Record, by: 1 | -1): void => {
    const owner = canonicalName(record.owner)
    const key = `${record.type} ${record.ttlSeconds} ${owner}${contentOf(record.rdata)}`
    const known = balance.get(key)
    if (known === undefined) balance.set(key, { record, owner, sum: by })
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
  const [old, next] = [[...chunksOf(before.part)], [...chunksOf(after.part)]]
  const removed: ChunkPlace[] = []
  const added: ChunkPlace[] = []
  let [i, j] = [0, 0]
  while (i < old.length && j < next.length) {
    if (old[i]!.chunk.content === next[j]!.chunk.content) {
      i++
      j++
      continue
    }
    const step = stepTo(old, i, next, j)
    if (step === undefined) break
    for (const end = i + step.old; i < end; i++) removed.push(old[i]!)
    for (const end = j + step.next; j < end; j++) added.push(next[j]!)
  }
  const rest = unpaired(old.slice(i), next.slice(j))
  return { added: [...added, ...rest.added], removed: [...removed, ...rest.removed] }
}

/** How many chunks on, of both sides, they are the same again; undefined when they are not for a while. */
function stepTo(
  old: readonly ChunkPlace[],
  i: number,
  next: readonly ChunkPlace[],
  j: number,
): { readonly old: number; readonly next: number } | undefined {
  for (let steps = 1; steps <= STEPS_LIMIT; steps++)
    for (let ofOld = 0; ofOld <= steps; ofOld++) {
      const content = old[i + ofOld]?.chunk.content
      if (content !== undefined && content === next[j + steps - ofOld]?.chunk.content)
        return { old: ofOld, next: steps - ofOld }
    }
  return undefined
}

/** What only one of the lists has, wherever it stands. */
function unpaired(
  old: readonly ChunkPlace[],
  next: readonly ChunkPlace[],
): { readonly added: readonly ChunkPlace[]; readonly removed: readonly ChunkPlace[] } {
  const kept = new Map<ChunkContent, number>()
  for (const { chunk } of next) kept.set(chunk.content, (kept.get(chunk.content) ?? 0) + 1)
  const isLeft = ({ chunk: { content } }: ChunkPlace): boolean => {
    const count = kept.get(content) ?? 0
    if (count > 0) kept.set(content, count - 1)
    return count > 0
  }
  const removed = old.filter((place) => !isLeft(place))
  return { added: next.filter(isLeft), removed }
}

function recordsOf(chunks: readonly ChunkPlace[]): readonly Record[] {
  const records: Record[] = []
  const reader = new ChunkReader({ add: (record: ReadRecord) => void records.push(record.copy()) })
  for (const place of chunks) reader.read(place)
  return records
}

/** So many lines are read twice rather than the whole zone made anew. */
const FEW_RECORDS = 4096
/** Chunks that an edit takes away or brings in one place, together. */
const STEPS_LIMIT = 6
