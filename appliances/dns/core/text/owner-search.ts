// Which entries of a zone's text belong to given owners. Only the chunks that may hold one are read again: a pass over
// the first words of the lines finds them, at a few milliseconds for a text of megabytes.
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { entriesOf, type TextEntry } from './text-entries.ts'
import type { PartChunk, ZonePart, ZoneText } from './zone-text.ts'

export type EntryPlace = {
  readonly part: ZonePart
  readonly chunk: PartChunk
  readonly entry: TextEntry
  /** Among the entries of its chunk. */
  readonly index: number
}

/** More owners than this are looked for by reading everything once. */
const PASSES_LIMIT = 12

/** Reads chunks once for one edit. */
export class OwnerSearch {
  readonly #parts: readonly ZonePart[]
  readonly #read = new Map<PartChunk, readonly TextEntry[]>()

  constructor(zone: ZoneText) {
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
    for (const part of this.#parts)
      for (const chunk of candidates(part, owners))
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
    return found
  }
}

/** Depth is bounded by that of `$INCLUDE`. */
function partsOf(part: ZonePart): readonly ZonePart[] {
  const parts = [part]
  for (const { include } of part.chunks)
    if (include?.part !== undefined) parts.push(...partsOf(include.part))
  return parts
}

/** Every chunk that has an entry of one of the owners, and some that have none. */
function candidates(part: ZonePart, owners: ReadonlySet<Name>): readonly PartChunk[] {
  if (owners.size > PASSES_LIMIT) return part.chunks
  const { text, chunks } = part
  const marked = new Set<number>()
  const names = [...owners]
  // Entries that leave their owner out lean on the chunks before.
  for (const [index, { entering }] of chunks.entries()) {
    if (entering.owner !== undefined && owners.has(canonicalName(entering.owner))) marked.add(index)
  }
  const labels = names.map((name) => name.slice(1, 1 + name.charCodeAt(0)))
  let index = 0
  for (let at = chunks[0]?.start ?? 0; ;) {
    const code = text.charCodeAt(at)
    if (code > SPACE && code !== SEMICOLON && isCandidate(text, at, code, labels)) {
      index = chunkIndex(chunks, at, index)
      marked.add(index)
      // Nothing more to learn about this chunk.
      at = chunks[index]!.end - 1
    }
    at = text.indexOf('\n', at) + 1
    if (at === 0 || at >= text.length) break
  }
  return [...marked].sort((a, b) => a - b).map((i) => chunks[i]!)
}

/** Whether the word at `at`, which begins a line, may be an owner with one of the labels as its first. */
function isCandidate(text: string, at: number, code: number, labels: readonly string[]): boolean {
  if (code === AT || code === BACKSLASH || code === QUOTE) return true
  if (code === DOLLAR) return (text.charCodeAt(at + 1) | CASE) === LETTER_G
  for (const label of labels) if (mayBeLabel(text, at, label)) return true
  return false
}

function mayBeLabel(text: string, start: number, label: string): boolean {
  // The root's own record.
  if (label === '') return text.charCodeAt(start) === DOT
  for (let i = 0; i < label.length; i++) {
    const code = text.charCodeAt(start + i)
    // An escape may stand for anything.
    if (code === BACKSLASH) return true
    const wanted = label.charCodeAt(i)
    if (
      code !== wanted &&
      (code < LETTER_UPPER_A || code > LETTER_UPPER_Z || (code | CASE) !== wanted)
    )
      return false
  }
  const next = text.charCodeAt(start + label.length)
  return !(next > SPACE) || next === DOT || !WORD_GOES_ON.test(String.fromCharCode(next))
}

/** Of the chunk that holds `at`, not before `from`. */
function chunkIndex(chunks: readonly PartChunk[], at: number, from: number): number {
  let low = from
  let high = chunks.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (chunks[middle]!.start <= at) low = middle
    else high = middle - 1
  }
  return low
}

/** Whether a record of `name` may be written relative to `origin`; both in any spelling. */
export function isWithin(name: Name, origin: Name): boolean {
  return isAtOrBelow(canonicalName(name), canonicalName(origin))
}

const WORD_GOES_ON = /[^()"; \t\r\n]/
const SPACE = 0x20
const QUOTE = 0x22
const DOLLAR = 0x24
const DOT = 0x2e
const SEMICOLON = 0x3b
const AT = 0x40
const LETTER_UPPER_A = 0x41
const LETTER_UPPER_Z = 0x5a
const BACKSLASH = 0x5c
const LETTER_G = 0x67
const CASE = 0x20
