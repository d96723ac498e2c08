// Zones from zone text: whole, or from an older zone at the cost of what the edit changed.
import { canonicalName, isAtOrBelow, parentName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { NameOrder } from './name-order.ts'
import { VersionedMap } from './versioned-map.ts'
import { chainAfter, hasNsec, isHashRecord } from './zone-denial.ts'
import { zoneDifference } from './zone-difference.ts'
import { Zone, ZoneRRset, rrsetOf, type ZoneCounts, type ZoneNode } from './zone.ts'
import type { ParsedRecord, ZoneText } from '../text/zone-text.ts'

export type ZoneChange = {
  readonly zone: Zone
  /** The zone this one was made from; undefined when it was built whole. */
  readonly before: Zone | undefined
  /** Canonical owners of `added` and `removed`; undefined means all of them. */
  readonly touched: ReadonlySet<Name> | undefined
  /** Records that were not there before; a line that only moved is neither added nor removed. */
  readonly added: readonly Record[]
  readonly removed: readonly Record[]
  /** Among the lines read anew: records whose owner is not in the zone. They are left out. */
  readonly foreign: readonly ParsedRecord[]
}

/** `origin` in any spelling. */
export function buildZone(origin: Name, text: ZoneText): ZoneChange {
  const builder = new ZoneBuilder(canonicalName(origin), undefined)
  for (const chunk of text.chunks) for (const record of chunk.records) builder.add(record)
  const zone = builder.finish(text)
  return {
    zone,
    before: undefined,
    touched: undefined,
    added: [],
    removed: [],
    foreign: builder.foreign,
  }
}

/** `before` keeps answering as it did; what both texts share is neither read nor copied. */
export function updateZone(before: Zone, text: ZoneText): ZoneChange {
  if (before.text === undefined) return replaceZone(before, text)
  const lines = changedLines(before.text, text)
  const { added, removed } = netChange(lines.added, lines.removed)
  const touched = new Set<Name>()
  for (const record of added) touched.add(canonicalName(record.owner))
  for (const record of removed) touched.add(canonicalName(record.owner))
  // A new $TTL at the top reads every line anew: then an overlay would only be a slower zone.
  if (lines.removed.length * 2 > before.nodes.size)
    return { ...buildZone(before.origin, text), before, touched, added, removed }
  const builder = new ZoneBuilder(before.origin, before)
  for (const record of lines.removed) builder.remove(record)
  builder.takeAway()
  for (const record of lines.added) builder.add(record)
  const zone = builder.finish(text)
  return { zone, before, touched, added, removed, foreign: builder.foreign }
}

/** The zone anew from a text that shares nothing with the old one. */
function replaceZone(before: Zone, text: ZoneText): ZoneChange {
  const whole = buildZone(before.origin, text)
  const { added, removed } = zoneDifference(before, whole.zone)
  return { ...whole, before, touched: undefined, added, removed }
}

/** Records by value that one side has more often than the other, for anything that asks what an edit meant. */
function netChange(
  added: readonly ParsedRecord[],
  removed: readonly ParsedRecord[],
): { added: readonly ParsedRecord[]; removed: readonly ParsedRecord[] } {
  const gone = new Map<string, ParsedRecord[]>()
  for (const record of removed) {
    const key = recordKey(record)
    const same = gone.get(key)
    if (same === undefined) gone.set(key, [record])
    else same.push(record)
  }
  const come = added.filter((record) => gone.get(recordKey(record))?.pop() === undefined)
  return { added: come, removed: [...gone.values()].flat() }
}

function recordKey({ owner, type, ttlSeconds, rdata }: ParsedRecord): string {
  const content = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
  return `${type} ${ttlSeconds} ${canonicalName(owner)}${content}`
}

/** Lines of chunks that only one text has; a chunk that both have is the same `records` array in both. */
function changedLines(
  before: ZoneText,
  after: ZoneText,
): { added: ParsedRecord[]; removed: ParsedRecord[] } {
  const kept = new Map<readonly ParsedRecord[], number>()
  for (const { records } of before.chunks) kept.set(records, (kept.get(records) ?? 0) + 1)
  const added: ParsedRecord[] = []
  for (const { records } of after.chunks) {
    const count = kept.get(records) ?? 0
    if (count > 0) kept.set(records, count - 1)
    else for (const record of records) added.push(record)
  }
  const removed: ParsedRecord[] = []
  for (const [records, count] of kept)
    for (let i = 0; i < count; i++) for (const record of records) removed.push(record)
  return { added, removed }
}

/** A node of the zone to come; what it is made of may still be that of the old zone. */
type DraftNode = { readonly name: Name; rrsets: ZoneRRset[]; children: number }

/** An rrset that is being made: `records` takes what comes. */
type Growing = { readonly draft: DraftNode; readonly records: ParsedRecord[] }

/** Collects what becomes of each name that lines are added to or removed from, its ancestors included. */
export class ZoneBuilder {
  readonly foreign: ParsedRecord[] = []
  readonly #origin: Name
  readonly #base: Zone | undefined
  readonly #drafts = new Map<string, DraftNode>()
  readonly #hashed = new Map<string, DraftNode>()
  readonly #dropped = new Set<DraftNode>()
  readonly #thinned = new Map<ZoneRRset, { draft: DraftNode; gone: Set<ParsedRecord> }>()
  readonly #growing = new Map<ZoneRRset, Growing>()
  #lastOwner: Name | undefined
  #lastDraft: DraftNode | undefined

  constructor(origin: Name, base: Zone | undefined) {
    this.#origin = origin
    this.#base = base
  }

  add(record: ParsedRecord): void {
    const draft = this.#draftOf(record)
    if (draft === undefined) {
      this.foreign.push(record)
      return
    }
    const { type, ttlSeconds, rdata } = record
    const rrset = rrsetOf(draft, type)
    if (rrset === undefined) {
      const made = new ZoneRRset(type, ttlSeconds, [record], [rdata])
      // Nearly every node has one: `push` on an empty array would make room for seventeen.
      if (draft.rrsets.length === 0) draft.rrsets = [made]
      else draft.rrsets.push(made)
      return
    }
    const growing = this.#growing.get(rrset)
    if (growing === undefined)
      this.#growing.set(rrset, { draft, records: [...rrset.records, record] })
    else growing.records.push(record)
  }

  /** Marks a line of the base; `takeAway` must follow before the first `add`. */
  remove(record: ParsedRecord): void {
    const draft = this.#draftOf(record)
    const rrset = draft === undefined ? undefined : rrsetOf(draft, record.type)
    if (draft === undefined || rrset === undefined) return
    const thinned = this.#thinned.get(rrset)
    if (thinned === undefined) this.#thinned.set(rrset, { draft, gone: new Set([record]) })
    else thinned.gone.add(record)
  }

  /** Marks every line of the base that says this, with any TTL. */
  removeEqual(wanted: Record): void {
    const draft = this.#draftOf(wanted)
    const rrset = draft === undefined ? undefined : rrsetOf(draft, wanted.type)
    if (rrset === undefined) return
    for (const record of rrset.records)
      if (Buffer.compare(record.rdata, wanted.rdata) === 0) this.remove(record)
  }

  takeAway(): void {
    for (const [rrset, { draft, gone }] of this.#thinned)
      replace(
        draft,
        rrset,
        rrset.records.filter((record) => !gone.has(record)),
      )
  }

  finish(text: ZoneText | undefined): Zone {
    for (const [rrset, { draft, records }] of this.#growing) replace(draft, rrset, records)
    for (const draft of this.#drafts.values()) {
      this.#dropWhenEmpty(draft)
      settleNode(draft)
    }
    for (const draft of this.#hashed.values()) {
      if (draft.rrsets.length === 0) this.#dropped.add(draft)
      settleNode(draft)
    }
    const base = this.#base
    const counts = { ...(base?.counts ?? NO_COUNTS) }
    const references = new Map<string, number | undefined>()
    const owners = new Map<Name, boolean>()
    for (const draft of this.#drafts.values()) {
      const before = base?.nodes.get(draft.name)
      const node = this.#dropped.has(draft) ? undefined : draft
      this.#count(counts, before, -1)
      this.#count(counts, node, 1)
      this.#refer(references, before, node, -1)
      this.#refer(references, node, before, 1)
      if (hasNsec(before) !== hasNsec(node)) owners.set(draft.name, hasNsec(node))
    }
    const hashChanges = [...this.#hashed.values()].map((draft) => ({
      before: base?.hashed.get(draft.name),
      after: this.#dropped.has(draft) ? undefined : draft,
    }))
    for (const draft of this.#dropped) {
      const table: Map<string, ZoneNode | undefined> =
        this.#hashed.get(draft.name) === draft ? this.#hashed : this.#drafts
      if (base === undefined) table.delete(draft.name)
      else table.set(draft.name, undefined)
    }
    const nodes = version<ZoneNode>(base?.nodes, this.#drafts)
    const hashed = version<ZoneNode>(base?.hashed, this.#hashed)
    return new Zone({
      origin: this.#origin,
      text,
      counts,
      nodes,
      hashed,
      order: (base?.order ?? NameOrder.empty(this.#origin)).with(owners),
      chain: chainAfter(base, nodes.get(this.#origin), hashed, hashChanges),
      references: version(base?.references, references),
    })
  }

  #draftOf({ owner, type, rdata }: Record): DraftNode | undefined {
    if (isHashRecord(type, rdata)) {
      const name = canonicalName(owner)
      return isAtOrBelow(name, this.#origin) ? this.#hashedDraft(name) : undefined
    }
    if (owner === this.#lastOwner) return this.#lastDraft
    const name = canonicalName(owner)
    this.#lastOwner = owner
    this.#lastDraft = isAtOrBelow(name, this.#origin) ? this.#draft(name) : undefined
    return this.#lastDraft
  }

  #hashedDraft(name: Name): DraftNode {
    const known = this.#hashed.get(name)
    if (known !== undefined) return known
    const rrsets = [...(this.#base?.hashed.get(name)?.rrsets ?? [])]
    const draft: DraftNode = { name, rrsets, children: 0 }
    this.#hashed.set(name, draft)
    return draft
  }

  #draft(name: Name): DraftNode {
    const known = this.#drafts.get(name)
    if (known !== undefined) return known
    const before = this.#base?.nodes.get(name)
    const rrsets = before === undefined ? [] : [...before.rrsets]
    const draft: DraftNode = { name, rrsets, children: before?.children ?? 0 }
    this.#drafts.set(name, draft)
    if (before === undefined && name !== this.#origin) this.#draft(parentName(name)!).children++
    return draft
  }

  #dropWhenEmpty(draft: DraftNode): void {
    let empty = draft
    while (empty.children === 0 && empty.rrsets.length === 0 && !this.#dropped.has(empty)) {
      this.#dropped.add(empty)
      if (empty.name === this.#origin) return
      empty = this.#draft(parentName(empty.name)!)
      empty.children--
    }
  }

  #count(counts: Counts, node: ZoneNode | undefined, by: 1 | -1): void {
    if (node === undefined) return
    if (node.name !== this.#origin && rrsetOf(node, TYPE.NS) !== undefined) counts.delegations += by
    if (rrsetOf(node, TYPE.DNAME) !== undefined) counts.dnames += by
    if (isWildcard(node.name)) counts.wildcards += by
  }

  /** Counts the in-zone targets of the rrsets that only `node` has. */
  #refer(
    references: Map<string, number | undefined>,
    node: ZoneNode | undefined,
    other: ZoneNode | undefined,
    by: 1 | -1,
  ): void {
    if (node === undefined) return
    for (const rrset of node.rrsets) {
      if (!isReferring(rrset.type) || other?.rrsets.includes(rrset) === true) continue
      for (const { suffixes } of rrset.names) {
        const target = suffixes[0]
        if (target === undefined || !isAtOrBelow(target, this.#origin)) continue
        const count = references.has(target)
          ? references.get(target)
          : this.#base?.references.get(target)
        const sum = (count ?? 0) + by
        references.set(target, sum === 0 ? undefined : sum)
      }
    }
  }
}

/** However it came to be, a node is the same. */
function settleNode(draft: DraftNode): void {
  if (draft.rrsets.length > 1) draft.rrsets.sort((a, b) => a.type - b.type)
}

/** Puts an rrset of `records` in the place of `rrset`; none for no records. */
function replace(draft: DraftNode, rrset: ZoneRRset, records: readonly ParsedRecord[]): void {
  const at = draft.rrsets.indexOf(rrset)
  if (records.length === 0) draft.rrsets.splice(at, 1)
  else draft.rrsets[at] = settleRRset(rrset.type, records)
}

/** Whether records of `type` need an address at their target. */
export function isReferring(type: number): boolean {
  return type === TYPE.NS || type === TYPE.MX || type === TYPE.SRV
}

export function isWildcard(name: Name): boolean {
  return name.charCodeAt(0) === 1 && name[1] === '*'
}

function settleRRset(type: number, records: readonly ParsedRecord[]): ZoneRRset {
  const first = records[0]!
  if (records.length === 1) return new ZoneRRset(type, first.ttlSeconds, records, [first.rdata])
  let ttlSeconds = first.ttlSeconds
  const rdatas = new Map<string, Uint8Array>()
  for (const record of records) {
    ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds)
    const { buffer, byteOffset, length } = record.rdata
    const content = Buffer.from(buffer, byteOffset, length).toString('latin1')
    if (!rdatas.has(content)) rdatas.set(content, record.rdata)
  }
  return new ZoneRRset(type, ttlSeconds, records, [...rdatas.values()])
}

function version<V>(
  base: VersionedMap<V> | undefined,
  changes: Map<string, V | undefined>,
): VersionedMap<V> {
  // A zone built whole has nothing to take away.
  return base?.with(changes) ?? VersionedMap.of(changes as Map<string, V>)
}

type Counts = { -readonly [K in keyof ZoneCounts]: ZoneCounts[K] }

const NO_COUNTS: ZoneCounts = { delegations: 0, dnames: 0, wildcards: 0 }
