// What an update makes of a zone: an rcode, or the records that come and go (RFC 2136 §3). All of it or nothing.
import { isNewerSerial, SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import { RCODE, type MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { CLASS, isMetaType, TYPE } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { TTL_LIMIT_SECONDS } from '../../../../shared/dns/ttl-text.ts'
import type { Grant } from '../../../../shared/tsig/key.ts'
import type { RecordChange } from '../text/edit-plan.ts'
import { nextSerial } from '../text/soa-serial.ts'
import type { Zone } from '../zone/zone.ts'
import { checkPrerequisites } from './prerequisites.ts'
import { rdataKey, RecordSets } from './record-sets.ts'
import type { UpdateMessage } from './update-message.ts'
import { mayUpdate } from './update-policy.ts'

export type UpdateTerms = {
  /** Of the sender, for this zone. */
  readonly grants: readonly Grant[]
  /** Whether we sign the zone: then its DNSSEC records are ours to make (RFC 3007 §4.3). */
  readonly isSigned: boolean
  /** Milliseconds since 1970, for serials that are dates. */
  readonly wallMs: number
}

/**
 * A `zone` without SOA is one that the update may make. A change raises the serial, unless the update did; nothing in
 * both lists means that all was so already.
 */
export function updateZone(
  zone: Zone,
  update: UpdateMessage,
  terms: UpdateTerms,
): Result<RecordChange, number> {
  const unmet = checkPrerequisites(zone, update.prerequisites)
  if (unmet !== RCODE.NOERROR) return err(unmet)
  for (const record of update.updates) {
    const fault = prescan(zone.origin, record)
    if (fault !== RCODE.NOERROR) return err(fault)
  }
  for (const record of update.updates) {
    if (!mayUpdate(terms.grants, record)) return err(RCODE.REFUSED)
    if (terms.isSigned && SIGNERS_TYPES.has(record.type)) return err(RCODE.REFUSED)
  }
  const sets = new RecordSets(zone)
  for (const record of update.updates) applyRecord(sets, zone.origin, record)
  const change = sets.change()
  if (change.added.length + change.removed.length === 0 || zone.serial === undefined)
    return ok(change)
  raiseSerial(sets, zone.origin, zone.serial, terms.wallMs)
  return ok(sets.change())
}

/** RFC 2136 §3.4.1. */
function prescan(origin: Name, record: MessageRecord): number {
  const { type, ttlSeconds, rdata } = record
  if (!isAtOrBelow(canonicalName(record.owner), origin)) return RCODE.NOTZONE
  const isBad =
    record.class === CLASS.IN
      ? isMetaType(type) || ttlSeconds > TTL_LIMIT_SECONDS
      : record.class === CLASS.ANY
        ? ttlSeconds !== 0 || rdata.length > 0 || (isMetaType(type) && type !== TYPE.ANY)
        : record.class !== CLASS.NONE || ttlSeconds !== 0 || isMetaType(type)
  return isBad ? RCODE.FORMERR : RCODE.NOERROR
}

/** RFC 2136 §3.4.2. */
function applyRecord(sets: RecordSets, origin: Name, record: MessageRecord): void {
  const owner = canonicalName(record.owner)
  const isApex = owner === origin
  const { type } = record
  if (record.class === CLASS.IN) add(sets, owner, isApex, record)
  else if (record.class === CLASS.NONE) removeOne(sets, owner, isApex, record)
  else
    for (const one of type === TYPE.ANY ? sets.typesAt(owner) : [type])
      if (!isApex || (one !== TYPE.SOA && one !== TYPE.NS)) sets.set(owner, one, undefined)
}

function add(sets: RecordSets, owner: Name, isApex: boolean, record: MessageRecord): void {
  const { type, ttlSeconds, rdata } = record
  const before = sets.get(owner, type)
  if (type === TYPE.CNAME) {
    if (sets.typesAt(owner).some((other) => !BESIDE_CNAME.has(other))) return
  } else if (!BESIDE_CNAME.has(type) && sets.get(owner, TYPE.CNAME) !== undefined) return
  if (type === TYPE.SOA) {
    if (!isApex) return
    const old = before?.rdatas[0]
    if (old !== undefined && isNewerSerial(serialOf(old), serialOf(rdata))) return
  }
  if (SINGLE_TYPES.has(type)) return sets.set(owner, type, { ttlSeconds, rdatas: [rdata] })
  const key = rdataKey(type, rdata)
  const rdatas = before?.rdatas ?? []
  const isKnown = rdatas.some((other) => rdataKey(type, other) === key)
  // The TTL of one is that of all (RFC 2181 §5.2).
  sets.set(owner, type, { ttlSeconds, rdatas: isKnown ? rdatas : [...rdatas, rdata] })
}

function removeOne(sets: RecordSets, owner: Name, isApex: boolean, record: MessageRecord): void {
  const { type } = record
  const before = sets.get(owner, type)
  if (type === TYPE.SOA || before === undefined) return
  const key = rdataKey(type, record.rdata)
  const rdatas = before.rdatas.filter((rdata) => rdataKey(type, rdata) !== key)
  if (isApex && type === TYPE.NS && rdatas.length === 0) return
  sets.set(owner, type, { ...before, rdatas })
}

function raiseSerial(sets: RecordSets, origin: Name, served: number, wallMs: number): void {
  const soa = sets.get(origin, TYPE.SOA)
  const old = soa?.rdatas[0]
  if (soa === undefined || old === undefined || isNewerSerial(serialOf(old), served)) return
  const rdata = Buffer.from(old)
  rdata.writeUInt32BE(nextSerial(served, { wallMs }), rdata.length - SOA_FIELD.serial)
  sets.set(origin, TYPE.SOA, { ...soa, rdatas: [rdata] })
}

function serialOf(soa: Uint8Array): number {
  return soaNumber(soa, SOA_FIELD.serial)
}

/** One record is all that a name can have of them; a second one takes the place of the first. */
const SINGLE_TYPES: ReadonlySet<number> = new Set([TYPE.SOA, TYPE.CNAME, TYPE.DNAME])
const BESIDE_CNAME: ReadonlySet<number> = new Set([TYPE.CNAME, TYPE.RRSIG, TYPE.NSEC])
const SIGNERS_TYPES: ReadonlySet<number> = new Set([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
  TYPE.DNSKEY,
  TYPE.CDS,
  TYPE.CDNSKEY,
  TYPE.ZONEMD,
])
