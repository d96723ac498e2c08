// What must hold before an update is made (RFC 2136 §2.4, §3.2).
import { RCODE, type MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { CLASS, isMetaType, TYPE } from '../../../../shared/dns/record-types.ts'
import type { Zone } from '../zone/zone.ts'
import { rdataKey, RecordSets } from './record-sets.ts'

/** NOERROR when all of them hold. */
export function checkPrerequisites(zone: Zone, prerequisites: readonly MessageRecord[]): number {
  const sets = new RecordSets(zone)
  const wanted = new Map<Name, Map<number, Set<string>>>()
  for (const record of prerequisites) {
    const owner = canonicalName(record.owner)
    if (record.ttlSeconds !== 0) return RCODE.FORMERR
    if (!isAtOrBelow(owner, zone.origin)) return RCODE.NOTZONE
    const rcode = checkOne(sets, owner, record)
    if (rcode !== RCODE.NOERROR) return rcode
    if (record.class !== CLASS.IN) continue
    const types = wanted.get(owner) ?? new Map<number, Set<string>>()
    wanted.set(owner, types)
    const keys = types.get(record.type) ?? new Set<string>()
    types.set(record.type, keys.add(rdataKey(record.type, record.rdata)))
  }
  for (const [owner, types] of wanted)
    for (const [type, keys] of types) {
      const found = sets.get(owner, type)?.rdatas.map((rdata) => rdataKey(type, rdata)) ?? []
      // RFC 2136 §3.2.3: exactly these, whatever their TTLs.
      if (found.length !== keys.size || !found.every((key) => keys.has(key))) return RCODE.NXRRSET
    }
  return RCODE.NOERROR
}

function checkOne(sets: RecordSets, owner: Name, record: MessageRecord): number {
  const { type, rdata } = record
  const isAny = type === TYPE.ANY
  if (record.class === CLASS.IN) return isMetaType(type) ? RCODE.FORMERR : RCODE.NOERROR
  if (record.class !== CLASS.ANY && record.class !== CLASS.NONE) return RCODE.FORMERR
  if (rdata.length > 0 || (isMetaType(type) && !isAny)) return RCODE.FORMERR
  // A name without records of its own, that only has names below, is not in use (§2.4.4).
  const isThere = isAny ? sets.typesAt(owner).length > 0 : sets.get(owner, type) !== undefined
  if (record.class === CLASS.ANY) return isThere ? RCODE.NOERROR : ABSENT[isAny ? 'name' : 'rrset']
  return isThere ? PRESENT[isAny ? 'name' : 'rrset'] : RCODE.NOERROR
}

const ABSENT = { name: RCODE.NXDOMAIN, rrset: RCODE.NXRRSET } as const
const PRESENT = { name: RCODE.YXDOMAIN, rrset: RCODE.YXRRSET } as const
