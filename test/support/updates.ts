// UPDATE messages from lines as a person would say them, for tests.
import { canonicalName, type Name } from '../../shared/dns/name.ts'
import { encodeMessage, OPCODE, RCODE, type MessageRecord } from '../../shared/dns/message.ts'
import { parseRdata } from '../../shared/dns/rdata.ts'
import { CLASS, TYPE, typeNumber } from '../../shared/dns/record-types.ts'
import { name } from './zones.ts'

/** `yxdomain x.`, `nxdomain x.`, `yxrrset x. A`, `yxrrset x. A 192.0.2.1`, `nxrrset x. A`. */
export type PrerequisiteLine = string

/** `add x. 300 A 192.0.2.1`, `delete x. A 192.0.2.1`, `delete x. A`, `delete x.`. */
export type UpdateLine = string

let id = 0

export function updateOf(
  zone: string,
  updates: readonly UpdateLine[],
  prerequisites: readonly PrerequisiteLine[] = [],
): Uint8Array {
  id = (id + 1) & 0xffff
  return encodeMessage({
    id,
    opcode: OPCODE.UPDATE,
    flags: 0,
    rcode: RCODE.NOERROR,
    questions: [{ qname: name(zone), qtype: TYPE.SOA, qclass: CLASS.IN }],
    answers: prerequisites.map(prerequisiteRecord),
    authorities: updates.map(updateRecord),
    additionals: [],
  })
}

export function prerequisiteRecord(line: PrerequisiteLine): MessageRecord {
  const [verb, owner, type, ...data] = line.split(' ')
  const isAbsent = verb === 'nxdomain' || verb === 'nxrrset'
  return recordOf({
    owner: name(owner!),
    type,
    data,
    ttlSeconds: 0,
    empty: isAbsent ? CLASS.NONE : CLASS.ANY,
    full: CLASS.IN,
  })
}

export function updateRecord(line: UpdateLine): MessageRecord {
  const [verb, owner, ...rest] = line.split(' ')
  const isAdd = verb === 'add'
  const ttlSeconds = isAdd ? Number(rest.shift()) : 0
  const [type, ...data] = rest
  const full = isAdd ? CLASS.IN : CLASS.NONE
  return recordOf({ owner: name(owner!), type, data, ttlSeconds, empty: CLASS.ANY, full })
}

/** Of class `empty` without data, `full` with. */
function recordOf(parts: {
  owner: Name
  type: string | undefined
  data: readonly string[]
  ttlSeconds: number
  empty: number
  full: number
}): MessageRecord {
  const { owner, data, ttlSeconds, empty, full } = parts
  const type = parts.type === undefined ? TYPE.ANY : typeNumber(parts.type)!
  if (data.length === 0) return { owner, type, class: empty, ttlSeconds, rdata: new Uint8Array(0) }
  const rdata = parseRdata(type, data, canonicalName(owner))
  if (!rdata.ok) throw new Error(rdata.error)
  return { owner, type, class: full, ttlSeconds, rdata: rdata.value }
}
