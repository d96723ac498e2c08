// Two sides of a zone file to one: by lines where that means what merging the RRsets means, else record by record into
// the text of the side that changed more. The serial is set apart: both sides raise it with every change, so it would be
// a conflict each time; the merged zone gets the next one after the newer of the two (RFC 1982).
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import type { Merge } from '../../../../store/index.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { hasErrors } from '../../../../shared/result/problem.ts'
import { findSerial, nextSerial, type SerialPlace } from '../text/soa-serial.ts'
import { editZoneText } from '../text/zone-text-edit.ts'
import { parseZoneText, type ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { addedLineCount, buildZone, updateZone } from '../zone/zone-build.ts'
import { zoneDifference, type ZoneDifference } from '../zone/zone-difference.ts'
import type { Zone } from '../zone/zone.ts'
import { mergeRRsets, type MergedChange } from './rrset-merge.ts'
import { zoneFileName } from './zone-files.ts'

/** A base that far from the merged zone is not brought there for the sake of the comments. */
const BASE_EDIT_LIMIT = 2000

/**
 * `mergeLines` merges what is no zone: fragments, files with errors or without a common past. `wallMs` is for serials
 * that are dates.
 */
export function zoneMerge(mergeLines: Merge, wallMs: () => number): Merge {
  return (input) => {
    const { path } = input
    const ours = latin1(input.ours)
    const theirs = latin1(input.theirs)
    const ourSerial = findSerial(ours)
    const theirSerial = findSerial(theirs)
    if (ourSerial === undefined || theirSerial === undefined) return mergeLines(input)
    const base = input.base && latin1(input.base)
    const baseSerial = base === undefined ? undefined : findSerial(base)
    const newer = isNewerSerial(theirSerial.serial, ourSerial.serial) ? theirSerial : ourSerial
    const isRaised = baseSerial === undefined || newer.serial !== baseSerial.serial
    const serial = isRaised ? nextSerial(newer.serial, { wallMs: wallMs() }) : newer.serial
    const alike = {
      base: base && baseSerial ? withSerial(base, baseSerial, serial) : base,
      ours: withSerial(ours, ourSerial, serial),
      theirs: withSerial(theirs, theirSerial, serial),
    }
    const byLines = (texts: {
      base: string | undefined
      ours: string
      theirs: string
    }): ReturnType<Merge> =>
      mergeLines({
        path,
        base: texts.base === undefined ? undefined : octets(texts.base),
        ours: octets(texts.ours),
        theirs: octets(texts.theirs),
      })
    const sides = readSides(path, alike)
    return sides === undefined ? byLines(alike) : mergeSides(sides, byLines)
  }
}

type Side = {
  readonly text: string
  readonly parsed: ZoneText
  readonly zone: Zone
  /** How many record lines it has over the side it was read after. */
  readonly addedLines: number
}
type Sides = { readonly base: Side; readonly ours: Side; readonly theirs: Side }
type LineMerge = (texts: { base: string; ours: string; theirs: string }) => ReturnType<Merge>

/** Undefined when one of the three is no zone without errors. */
function readSides(
  path: string,
  texts: {
    readonly base: string | undefined
    readonly ours: string
    readonly theirs: string
  },
): Sides | undefined {
  const named = zoneFileName(path)
  if (named.kind !== 'zone' || texts.base === undefined) return undefined
  const base = readSide(path, texts.base, { origin: named.origin })
  const ours = base && readSide(path, texts.ours, { origin: named.origin, before: base })
  const theirs = base && readSide(path, texts.theirs, { origin: named.origin, before: base })
  return base && ours && theirs && { base, ours, theirs }
}

/** What the file includes is merged as a file of its own, and stays out of sight here. */
function readSide(
  file: string,
  text: string,
  { origin, before }: { readonly origin: Name; readonly before?: Side },
): Side | undefined {
  const include = (name: string): { file: string; text: string } => ({
    file: `${name}\0`,
    text: '',
  })
  const previous = before?.parsed
  const parsed = parseZoneText({ text, file, origin, include, ...(previous && { previous }) })
  if (hasErrors(parsed.problems)) return undefined
  const change = before === undefined ? buildZone(origin, parsed) : updateZone(before.zone, parsed)
  const addedLines = before === undefined ? 0 : addedLineCount(before.parsed, parsed)
  return { text, parsed, zone: change.zone, addedLines }
}

function mergeSides(sides: Sides, byLines: LineMerge): ReturnType<Merge> {
  const { base, ours, theirs } = sides
  const merged = mergeRRsets(base.zone, ours.zone, theirs.zone)
  const conflict = (reason: string): ReturnType<Merge> => ({ kind: 'conflict', reason })
  if (!merged.ok) return conflict(merged.error)
  const change = merged.value
  const lines = byLines({ base: base.text, ours: ours.text, theirs: theirs.text })
  if (lines.kind === 'merged' && means(latin1(lines.bytes), ours, change.ours)) return lines
  const [ourText, theirText] = [edited(ours, change.ours), edited(theirs, change.theirs)]
  if (!ourText.ok && !theirText.ok) return conflict(ourText.error)
  if (ourText.ok && theirText.ok) {
    const baseText = editedBase(sides, change.ours)
    const all =
      baseText === undefined
        ? undefined
        : byLines({ base: baseText, ours: ourText.text, theirs: theirText.text })
    if (all?.kind === 'merged' && means(latin1(all.bytes), ours, change.ours)) return all
  }
  const isOurs = ourText.ok && (!theirText.ok || hasMoreToKeep(sides, change))
  const text = isOurs ? ourText : theirText
  if (!text.ok) return conflict(text.error)
  const note = `merged record by record into ${isOurs ? 'our' : 'their'} text`
  return { kind: 'merged', bytes: octets(text.text), note }
}

/** Whether the text of ours is the one to go on with: comments that only theirs has do not come along, records do. */
function hasMoreToKeep({ base, ours, theirs }: Sides, change: MergedChange): boolean {
  const [ourSize, theirSize] = [sizeOf(change.ours), sizeOf(change.theirs)]
  // A new $TTL on one side is a line there and all the records in the other.
  if (Math.max(ourSize, theirSize) > BASE_EDIT_LIMIT) return ourSize <= theirSize
  const known = new Set(commentsOf(base.text))
  const [ourNew, theirNew] = [ours, theirs].map(
    ({ text }) => commentsOf(text).filter((line) => !known.has(line)).length,
  )
  return ourNew === theirNew ? ourSize <= theirSize : ourNew! > theirNew!
}

function commentsOf(text: string): readonly string[] {
  return text.match(/^[ \t]*;.*$/gm) ?? []
}

function edited(
  side: Side,
  change: ZoneDifference,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string } {
  const result = editZoneText(side.parsed, change)
  if (!result.ok) return { ok: false, error: result.error.message }
  return { ok: true, text: result.value.get(side.parsed.file)?.toString('latin1') ?? side.text }
}

/** The base with the records of the merged zone: then only comments and layout are left to merge. */
function editedBase({ base, ours }: Sides, change: ZoneDifference): string | undefined {
  const all = zoneDifference(base.zone, ours.zone)
  const first = new Map(all.removed.map((record) => [keyOf(record), record]))
  const last = new Map(all.added.map((record) => [keyOf(record), record]))
  for (const record of change.removed) {
    if (!last.delete(keyOf(record))) first.set(keyOf(record), record)
  }
  for (const record of change.added) last.set(keyOf(record), record)
  if (first.size + last.size > BASE_EDIT_LIMIT) return undefined
  const result = edited(base, { added: [...last.values()], removed: [...first.values()] })
  return result.ok ? result.text : undefined
}

/** Whether `text` is the zone that `change` makes of `side`, with no record twice that both sides wrote somewhere. */
function means(text: string, side: Side, change: ZoneDifference): boolean {
  const { file } = side.parsed
  const read = readSide(file, text, { origin: side.zone.origin, before: side })
  if (read === undefined || read.addedLines > change.added.length) return false
  const found = zoneDifference(side.zone, read.zone)
  return areSame(found.added, change.added) && areSame(found.removed, change.removed)
}

function areSame(a: readonly Record[], b: readonly Record[]): boolean {
  const keys = new Set(a.map((record) => `${record.ttlSeconds} ${keyOf(record)}`))
  return a.length === b.length && b.every((r) => keys.has(`${r.ttlSeconds} ${keyOf(r)}`))
}

function keyOf({ owner, type, rdata }: Record): string {
  return `${type} ${owner}${latin1(rdata)}`
}

function sizeOf({ added, removed }: ZoneDifference): number {
  return added.length + removed.length
}

function withSerial(text: string, place: SerialPlace, serial: number): string {
  return text.slice(0, place.at) + String(serial) + text.slice(place.at + place.length)
}

function octets(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
