// What `zone set` and `zone delete` ask for, as a change of records: an RRset made so, or names and records gone, with
// the SOA serial raised.
import { SOA_FIELD } from '../../../../shared/dns/soa.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { nextSerial } from '../text/soa-serial.ts'
import type { RecordChange } from '../text/edit-plan.ts'
import { rrsetOf, type Zone, type ZoneRRset } from '../zone/zone.ts'

/** The RRset of `wanted` becomes that record alone, or has it too. Undefined: it is so already. */
export function changeToSet(
  zone: Zone,
  wanted: { readonly owner: Name; readonly type: number; readonly rdata: Uint8Array },
  options: { readonly ttlSeconds: number | undefined; readonly keepsOthers: boolean },
): RecordChange | undefined {
  const { owner, type, rdata } = wanted
  const node = zone.nodes.get(owner)
  const rrset = node && rrsetOf(node, type)
  const ttlSeconds = options.ttlSeconds ?? rrset?.ttlSeconds ?? usualTtl(zone)
  const before = recordsOf(owner, rrset)
  const stay = options.keepsOthers
    ? before.filter((record) => !isSameData(record.rdata, rdata))
    : []
  const after = [...stay, { ...wanted, ttlSeconds }].map((record) => ({ ...record, ttlSeconds }))
  const added = after.filter((record) => !before.some((old) => isSame(old, record)))
  const removed = before.filter((record) => !after.some((next) => isSame(record, next)))
  return added.length + removed.length === 0 ? undefined : { added, removed }
}

/** All of a name, of one type there, or one record; the error says what is there instead. */
export function changeToDelete(
  zone: Zone,
  owner: Name,
  what: { readonly type: number | undefined; readonly rdata: Uint8Array | undefined },
): Result<RecordChange, string> {
  const rrsets = zone.nodes.get(owner)?.rrsets ?? []
  const records = rrsets.flatMap((rrset) => recordsOf(owner, rrset))
  const removed = records.filter(
    ({ type, rdata }) =>
      (what.type === undefined ? type !== TYPE.SOA : type === what.type) &&
      (what.rdata === undefined || isSameData(rdata, what.rdata)),
  )
  if (removed.length > 0) return ok({ added: [], removed })
  const types = rrsets.map(({ type }) => typeText(type)).join(', ')
  return err(
    `Nothing like that at ${formatName(owner)}, which has ${types === '' ? 'no records' : types}`,
  )
}

/** `change` and the next serial; as it is when it changes the SOA itself. */
export function withNextSerial(
  zone: Zone,
  change: RecordChange,
  today: { readonly wallMs: number },
): RecordChange {
  const rdata = zone.soa?.rdatas[0]
  const isSoa = ({ type }: Record): boolean => type === TYPE.SOA
  if (rdata === undefined || [...change.added, ...change.removed].some(isSoa)) return change
  const old = { owner: zone.origin, type: TYPE.SOA, ttlSeconds: zone.soa!.ttlSeconds, rdata }
  const next = Buffer.from(rdata)
  next.writeUInt32BE(nextSerial(zone.serial!, today), next.length - SOA_FIELD.serial)
  return {
    added: [...change.added, { ...old, rdata: new Uint8Array(next) }],
    removed: [...change.removed, old],
  }
}

function usualTtl(zone: Zone): number {
  const leaving = zone.text?.part.leaving
  return leaving?.defaultTtl ?? leaving?.lastTtl ?? zone.soa?.ttlSeconds ?? USUAL_TTL_SECONDS
}

function recordsOf(owner: Name, rrset: ZoneRRset | undefined): readonly Record[] {
  if (rrset === undefined) return []
  const { type, ttlSeconds } = rrset
  return rrset.rdatas.map((rdata) => ({ owner, type, ttlSeconds, rdata }))
}

function isSame(a: Record, b: Record): boolean {
  return a.ttlSeconds === b.ttlSeconds && isSameData(a.rdata, b.rdata)
}

function isSameData(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

const USUAL_TTL_SECONDS = 3600
