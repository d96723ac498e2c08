// A zone from an older one by single lines: what becomes of each name that lines are added to or removed from, its
// ancestors included. All that is not named is shared.
import {
  canonicalName,
  decodeName,
  isAtOrBelow,
  parentName,
  type Name,
} from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { Bug } from '../../../../shared/result/result.ts'
import type { ZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { isReferring, referenceOffset } from './references.ts'
import { contentOf } from './rrset-lines.ts'
import { chainAfter, hasNsec, isHashRecord } from './zone-denial.ts'
import { encodeNode, encodeRRset, NODE_FLAG, type ZoneNode, type ZoneRRset } from './zone-node.ts'
import { isWildcard, Zone, type ZoneCounts } from './zone.ts'

type Line = { readonly rdata: Uint8Array; readonly ttls: number[] }

/** An rrset of the zone to come: that of the old zone, or its lines by what they say. */
type RRsetDraft =
  | { readonly old: ZoneRRset; readonly lines?: undefined }
  | { readonly old?: undefined; readonly lines: Map<string, Line> }

type NodeDraft = {
  readonly name: Name
  readonly before: ZoneNode | undefined
  /** By type. */
  readonly rrsets: Map<number, RRsetDraft>
  children: number
}

export class ZoneEdit {
  readonly #base: Zone
  readonly #drafts = new Map<Name, NodeDraft>()
  /** Of the table of hashes. */
  readonly #hashed = new Map<Name, NodeDraft>()
  #lastOwner: Name | undefined
  #lastDraft: NodeDraft | undefined

  constructor(base: Zone) {
    this.#base = base
  }

  /** False for an owner that is not in the zone. */
  add(record: Record): boolean {
    const { type, ttlSeconds, rdata } = record
    const draft = this.#draftOf(record)
    if (draft === undefined) return false
    const lines = linesOf(draft, type) ?? new Map<string, Line>()
    const content = contentOf(rdata)
    const line = lines.get(content)
    if (line === undefined) lines.set(content, { rdata, ttls: [ttlSeconds] })
    else line.ttls.push(ttlSeconds)
    draft.rrsets.set(type, { lines })
    return true
  }

  /** Takes one line away that says this with this TTL; there is one. */
  removeLine(record: Record): void {
    const { type, ttlSeconds, rdata } = record
    const draft = this.#draftOf(record)
    const lines = draft && linesOf(draft, type)
    const line = lines?.get(contentOf(rdata))
    if (draft === undefined || lines === undefined || line === undefined) return
    const at = line.ttls.indexOf(ttlSeconds)
    if (at >= 0) line.ttls.splice(at, 1)
    if (line.ttls.length === 0) this.#dropLine(draft, type, lines, rdata)
  }

  /** Takes every line away that says this, with any TTL; nothing when there is none. */
  remove(record: Record): void {
    const { type, rdata } = record
    const draft = this.#draftOf(record)
    const lines = draft && linesOf(draft, type)
    if (draft !== undefined && lines !== undefined) this.#dropLine(draft, type, lines, rdata)
  }

  finish(text: ZoneText | undefined): Zone {
    const base = this.#base
    const gone = this.#settleEmpty()
    const counts = { ...base.counts }
    const references = new Map<string, number | undefined>()
    const owners = new Map<Name, boolean>()
    const changes = new Map<string, ZoneNode | undefined>()
    for (const draft of this.#drafts.values()) {
      const { name, before } = draft
      const node = gone.has(draft) ? undefined : encodeDraft(draft)
      this.#count(counts, before, -1)
      this.#count(counts, node, 1)
      this.#refer(references, draft)
      if (hasNsec(before) !== hasNsec(node)) owners.set(name, hasNsec(node))
      if (node !== undefined || before !== undefined) changes.set(name, node)
    }
    const hashChanges = Array.from(this.#hashed.values(), (draft) => ({
      name: draft.name,
      before: draft.before,
      after: draft.rrsets.size === 0 ? undefined : encodeDraft(draft),
    }))
    const nodes = base.nodes.with(changes)
    const hashed = base.hashed.with(new Map(hashChanges.map(({ name, after }) => [name, after])))
    return new Zone({
      origin: base.origin,
      text,
      counts,
      nodes,
      hashed,
      order: base.order.with(owners),
      chain: chainAfter(base, nodes.get(base.origin), hashed, hashChanges),
      references: base.references.with(references),
    })
  }

  #dropLine(draft: NodeDraft, type: number, lines: Map<string, Line>, rdata: Uint8Array): void {
    lines.delete(contentOf(rdata))
    if (lines.size === 0) draft.rrsets.delete(type)
  }

  #draftOf({ owner, type, rdata }: Record): NodeDraft | undefined {
    if (isHashRecord(type, rdata)) {
      const name = canonicalName(owner)
      return isAtOrBelow(name, this.#base.origin) ? this.#hashedDraft(name) : undefined
    }
    if (owner === this.#lastOwner) return this.#lastDraft
    const name = canonicalName(owner)
    this.#lastOwner = owner
    this.#lastDraft = isAtOrBelow(name, this.#base.origin) ? this.#draft(name) : undefined
    return this.#lastDraft
  }

  #hashedDraft(name: Name): NodeDraft {
    const known = this.#hashed.get(name)
    if (known !== undefined) return known
    const draft = draftFrom(name, this.#base.hashed.get(name))
    this.#hashed.set(name, draft)
    return draft
  }

  #draft(name: Name): NodeDraft {
    const known = this.#drafts.get(name)
    if (known !== undefined) return known
    const before = this.#base.nodes.get(name)
    const draft = draftFrom(name, before)
    this.#drafts.set(name, draft)
    if (before === undefined && name !== this.#base.origin)
      this.#draft(parentName(name)!).children++
    return draft
  }

  /** Names that nothing is left of, at them or below. */
  #settleEmpty(): ReadonlySet<NodeDraft> {
    const gone = new Set<NodeDraft>()
    for (const draft of this.#drafts.values()) {
      let empty = draft
      while (empty.children === 0 && empty.rrsets.size === 0 && !gone.has(empty)) {
        gone.add(empty)
        if (empty.name === this.#base.origin) break
        empty = this.#draft(parentName(empty.name)!)
        empty.children--
      }
    }
    return gone
  }

  #count(counts: Counts, node: ZoneNode | undefined, by: 1 | -1): void {
    if (node === undefined) return
    if ((node.flags & NODE_FLAG.NS) !== 0 && node.name !== this.#base.origin)
      counts.delegations += by
    if ((node.flags & NODE_FLAG.DNAME) !== 0) counts.dnames += by
    if (isWildcard(node.name)) counts.wildcards += by
  }

  /** Counts the in-zone targets of the rrsets that changed. */
  #refer(references: Map<string, number | undefined>, { before, rrsets }: NodeDraft): void {
    for (const rrset of before?.rrsets ?? [])
      if (isReferring(rrset.type) && rrsets.get(rrset.type)?.old !== rrset)
        for (const rdata of rrset.rdatas) this.#referOne(references, rrset.type, rdata, -1)
    for (const [type, { lines }] of rrsets)
      if (isReferring(type) && lines !== undefined)
        for (const { rdata } of lines.values()) this.#referOne(references, type, rdata, 1)
  }

  #referOne(
    references: Map<string, number | undefined>,
    type: number,
    rdata: Uint8Array,
    by: 1 | -1,
  ): void {
    const decoded = decodeName(rdata, referenceOffset(type))
    if (!decoded.ok) throw new Bug(`Rdata of type ${type} was not checked: ${decoded.error}`)
    const target = canonicalName(decoded.value.name)
    if (!isAtOrBelow(target, this.#base.origin)) return
    const count = references.has(target)
      ? references.get(target)
      : this.#base.references.get(target)
    const sum = (count ?? 0) + by
    references.set(target, sum === 0 ? undefined : sum)
  }
}

function draftFrom(name: Name, before: ZoneNode | undefined): NodeDraft {
  const rrsets = new Map<number, RRsetDraft>()
  for (const old of before?.rrsets ?? []) rrsets.set(old.type, { old })
  return { name, before, rrsets, children: before?.children ?? 0 }
}

/** To be changed; undefined when there is no rrset of the type. */
function linesOf(draft: NodeDraft, type: number): Map<string, Line> | undefined {
  const rrset = draft.rrsets.get(type)
  if (rrset?.old === undefined) return rrset?.lines
  const { old } = rrset
  const ttls = old.lineTtls()
  const lines = new Map<string, Line>()
  for (const [i, rdata] of old.rdatas.entries())
    lines.set(contentOf(rdata), { rdata, ttls: [...ttls[i]!] })
  draft.rrsets.set(type, { lines })
  return lines
}

function encodeDraft({ name, rrsets, children }: NodeDraft): ZoneNode {
  const types = [...rrsets.keys()].sort((a, b) => a - b)
  const encoded = types.map((type) => {
    const { old, lines } = rrsets.get(type)!
    return old === undefined ? encodeRRset({ type, lines: [...lines.values()] }) : old.encoded
  })
  return encodeNode(name, children, encoded)
}

type Counts = { -readonly [K in keyof ZoneCounts]: ZoneCounts[K] }
