// A zone's rrsets while an update is being made: what was read is the zone's, what was changed is kept beside it.
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import { rdataNames } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { RecordChange } from '../text/edit-plan.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'

export type RecordSet = {
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
}

export class RecordSets {
  readonly #zone: Zone
  /** By canonical owner and type; undefined where there is none any more. */
  readonly #changed = new Map<Name, Map<number, RecordSet | undefined>>()

  constructor(zone: Zone) {
    this.#zone = zone
  }

  /** `owner` is canonical, here and below. */
  get(owner: Name, type: number): RecordSet | undefined {
    const changed = this.#changed.get(owner)
    return changed?.has(type) === true ? changed.get(type) : this.#before(owner, type)
  }

  typesAt(owner: Name): readonly number[] {
    const types = new Set<number>()
    for (const { type } of this.#zone.nodes.get(owner)?.rrsets ?? []) types.add(type)
    for (const [type, set] of this.#changed.get(owner) ?? [])
      if (set === undefined) types.delete(type)
      else types.add(type)
    return [...types]
  }

  /** A set without records is none. */
  set(owner: Name, type: number, set: RecordSet | undefined): void {
    const changed = this.#changed.get(owner)
    const value = set?.rdatas.length === 0 ? undefined : set
    if (changed === undefined) this.#changed.set(owner, new Map([[type, value]]))
    else changed.set(type, value)
  }

  /** What makes the zone into this. A record whose TTL alone differs is among the added. */
  change(): RecordChange {
    const added: Record[] = []
    const removed: Record[] = []
    for (const [owner, types] of this.#changed)
      for (const [type, after] of types) {
        const before = this.#before(owner, type)
        const isSameTtl = before?.ttlSeconds === after?.ttlSeconds
        const ttlSeconds = after?.ttlSeconds ?? 0
        for (const rdata of missingFrom(type, after, isSameTtl ? before : undefined))
          added.push({ owner, type, ttlSeconds, rdata })
        for (const rdata of missingFrom(type, before, after))
          removed.push({ owner, type, ttlSeconds: before!.ttlSeconds, rdata })
      }
    return { added, removed }
  }

  #before(owner: Name, type: number): RecordSet | undefined {
    const node = this.#zone.nodes.get(owner)
    return node === undefined ? undefined : rrsetOf(node, type)
  }
}

/** The same for data that says the same: names in it count in any case (RFC 2136 §1.1.1). */
export function rdataKey(type: number, rdata: Uint8Array): string {
  let key = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
  for (const { name, offset } of rdataNames(type, rdata))
    key = key.slice(0, offset) + canonicalName(name) + key.slice(offset + name.length)
  return key
}

function missingFrom(
  type: number,
  set: RecordSet | undefined,
  other: RecordSet | undefined,
): readonly Uint8Array[] {
  const known = new Set(other?.rdatas.map((rdata) => rdataKey(type, rdata)))
  return (set?.rdatas ?? []).filter((rdata) => !known.has(rdataKey(type, rdata)))
}
