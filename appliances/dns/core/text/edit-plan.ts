// What an edit of a zone's text comes to: which entries go, which say something else, and where new ones come.
import { canonicalName, formatName, parentName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { isWithin, OwnerSearch, type EntryPlace } from './owner-search.ts'
import type { TextEntry } from './text-entries.ts'
import type { EntryState } from '../../../../shared/zone-text/entry-context.ts'
import type { PartChunk, ZoneText } from '../../../../shared/zone-text/zone-text.ts'

/**
 * As a set (RFC 2181 §5): a record is its owner, type and data. One that is in both gets another TTL; one that is added
 * and there already gets the TTL too; one that is removed goes with all its repetitions, whatever their TTLs.
 */
export type RecordChange = {
  readonly added: readonly Record[]
  readonly removed: readonly Record[]
}

/** What becomes of one entry. */
export type EntryPlan = {
  /** Undefined: as it is. By its own records: none to take it away. */
  records: (Record | undefined)[] | undefined
  /** New entries behind it. */
  after: Record[]
  readonly place: EntryPlace
}

type OwnerChange = { readonly added: Map<string, Record>; readonly removed: Map<string, Record> }

/** Which entries go, which say something else, and where new ones come. */
export class EditPlan {
  readonly search: OwnerSearch
  readonly #zone: ZoneText
  readonly #isShared: (file: string) => boolean
  readonly #entries = new Map<PartChunk, Map<TextEntry, EntryPlan>>()
  readonly #timesRead = new Map<string, number>()
  /** For a zone without any record. */
  readonly atEnd: Record[] = []

  constructor(
    zone: ZoneText,
    isShared: (file: string) => boolean,
    mayHave: (owner: Name) => boolean,
  ) {
    this.#zone = zone
    this.#isShared = isShared
    this.search = new OwnerSearch(zone, mayHave)
    for (const { file } of this.search.parts)
      this.#timesRead.set(file, (this.#timesRead.get(file) ?? 0) + 1)
  }

  entriesIn(chunk: PartChunk): ReadonlyMap<TextEntry, EntryPlan> | undefined {
    return this.#entries.get(chunk)
  }

  /** Why a file is not to be touched. */
  sharedReason(file: string): string | undefined {
    if ((this.#timesRead.get(file) ?? 0) > 1) return 'is included more than once'
    return this.#isShared(file) ? 'is a part of other zones too' : undefined
  }

  settle({ added, removed }: RecordChange): Problem | undefined {
    const owners = new Map<Name, Map<number, OwnerChange>>()
    for (const [list, side] of [
      [added, 'added'],
      [removed, 'removed'],
    ] as const)
      for (const record of list) {
        const owner = canonicalName(record.owner)
        const types = owners.get(owner) ?? new Map<number, OwnerChange>()
        owners.set(owner, types)
        const one = types.get(record.type) ?? { added: new Map(), removed: new Map() }
        types.set(record.type, one)
        one[side].set(dataKey(record), record)
      }
    const places = this.search.find(new Set(owners.keys()))
    const fresh: Record[][] = []
    for (const [owner, types] of owners) {
      const here = places.get(owner) ?? []
      const rest: Record[] = []
      for (const [type, one] of types) {
        const left = this.#settleRRset(here, { owner, type }, one)
        if (!Array.isArray(left)) return left
        rest.push(...left)
      }
      if (rest.length === 0) continue
      const order = rest.toSorted((a, b) => rank(a.type) - rank(b.type))
      const anchors = here.filter(({ part }) => this.sharedReason(part.file) === undefined)
      for (const record of order) {
        const anchor = this.#anchor(anchors, record.type)
        if (anchor === undefined) {
          fresh.push(order)
          break
        }
        this.#planOf(anchor).after.push(record)
      }
    }
    this.#placeFresh(fresh)
    return undefined
  }

  /** Changes and removals; gives the additions that need an entry of their own, or what is wrong. */
  #settleRRset(
    places: readonly EntryPlace[],
    of: { readonly owner: Name; readonly type: number },
    { added, removed }: OwnerChange,
  ): Record[] | Problem {
    const missing = new Map(removed)
    const settled = new Set<string>()
    const free: { place: EntryPlace; index: number }[] = []
    for (const place of places)
      for (const [index, record] of place.entry.records.entries()) {
        // A `$GENERATE` makes records of many owners.
        if (record.type !== of.type || canonicalName(record.owner) !== of.owner) continue
        const key = dataKey(record)
        const wanted = added.get(key)
        missing.delete(key)
        if (wanted !== undefined && !(settled.has(key) && removed.has(key))) {
          settled.add(key)
          if (wanted.ttlSeconds === record.ttlSeconds) continue
          const fault = this.#change(place, index, { ...record, ttlSeconds: wanted.ttlSeconds })
          if (fault !== undefined) return fault
        } else if (removed.has(key)) {
          if (settled.has(key)) {
            const fault = this.#change(place, index, undefined)
            if (fault !== undefined) return fault
            continue
          }
          settled.add(key)
          free.push({ place, index })
        }
      }
    const [gone] = missing.values()
    if (gone !== undefined) {
      const what = `${formatName(gone.owner)} ${typeText(gone.type)}`
      return problem(`No such record to take away: ${what}`, { file: this.#zone.file })
    }
    const left = [...added.entries()].filter(([key]) => !settled.has(key)).map(([, r]) => r)
    for (const { place, index } of free) {
      const old = place.entry.records[index]!
      const next = left.shift()
      const fault = this.#change(place, index, next && { ...next, owner: old.owner })
      if (fault !== undefined) return fault
    }
    return left
  }

  #change(place: EntryPlace, index: number, record: Record | undefined): Problem | undefined {
    const { part, entry } = place
    const { file } = part
    const shared = this.sharedReason(file)
    if (shared !== undefined)
      return problem(`${file} ${shared}: change the record there by hand`, {
        file,
        line: entry.line,
      })
    const plan = this.#planOf(place)
    plan.records ??= [...entry.records]
    plan.records[index] = record
    return undefined
  }

  #planOf(place: EntryPlace): EntryPlan {
    const { chunk, entry } = place
    const entries = this.#entries.get(chunk) ?? new Map<TextEntry, EntryPlan>()
    this.#entries.set(chunk, entries)
    const plan = entries.get(entry) ?? { records: undefined, after: [], place }
    entries.set(entry, plan)
    return plan
  }

  /** The last entry of the RRset, or of the owner; one that stays rather than one that goes. */
  #anchor(places: readonly EntryPlace[], type: number): EntryPlace | undefined {
    const stays = places.filter(({ chunk, entry }) => {
      const records = this.#entries.get(chunk)?.get(entry)?.records
      return records === undefined || records.some((record) => record !== undefined)
    })
    const isOfType = ({ entry }: EntryPlace): boolean => entry.records.some((r) => r.type === type)
    return stays.findLast(isOfType) ?? places.findLast(isOfType) ?? stays.at(-1) ?? places.at(-1)
  }

  /** Owners that the text does not have yet: near their ancestor, else at the end of their `$ORIGIN`. */
  #placeFresh(fresh: readonly (readonly Record[])[]): void {
    if (fresh.length === 0) return
    const origin = canonicalName(
      this.#zone.part.chunks[0]?.content.entering.origin ?? fresh[0]![0]!.owner,
    )
    const ancestors = new Set<Name>()
    for (const [first] of fresh)
      for (const name of ancestorsOf(first!.owner, origin)) ancestors.add(name)
    const places = this.search.find(ancestors)
    for (const records of fresh) {
      const place =
        ancestorsOf(records[0]!.owner, origin)
          .map((name) =>
            places.get(name)?.findLast(({ part }) => this.sharedReason(part.file) === undefined),
          )
          .find((found) => found !== undefined) ?? this.#lastPlaceFor(records[0]!.owner)
      if (place === undefined) this.atEnd.push(...records)
      else this.#planOf(place).after.push(...records)
    }
  }

  /** The last record below the longest `$ORIGIN` that the owner is under, in the main file. */
  #lastPlaceFor(owner: Name): EntryPlace | undefined {
    const { part } = this.#zone
    let best: EntryPlace | undefined
    const bestLength = (): number => (best === undefined ? -1 : originLength(best.entry, owner))
    for (const chunk of part.chunks.toReversed()) {
      const { hasDirective, entering } = chunk.content
      const isNoBetter =
        entering.origin === best?.entry.entering.origin ||
        (best !== undefined && originLength(chunk.content, owner) <= bestLength())
      if (!hasDirective && isNoBetter) continue
      for (const [index, entry] of [...this.search.entriesOf(part, chunk).entries()].toReversed())
        if (entry.records.length > 0 && originLength(entry, owner) > bestLength())
          best = { part, chunk, entry, index }
    }
    return best
  }
}

/** The owner's ancestors below the apex, the nearest first. */
function ancestorsOf(owner: Name, origin: Name): readonly Name[] {
  const names: Name[] = []
  let name = parentName(canonicalName(owner))
  while (name !== undefined && name !== origin && names.length < ANCESTORS_LIMIT) {
    names.push(name)
    name = parentName(name)
  }
  return name === undefined ? [] : names
}

function originLength({ entering }: { readonly entering: EntryState }, owner: Name): number {
  return isWithin(owner, entering.origin) ? entering.origin.length : 0
}

function dataKey({ rdata }: Record): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
}

/** The SOA first, then name servers, then as given. */
function rank(type: number): number {
  return type === TYPE.SOA ? 0 : type === TYPE.NS ? 1 : 2
}

/** Names above a new owner that are looked for. */
const ANCESTORS_LIMIT = 4
