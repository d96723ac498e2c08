// The messages that ask a server to make a change (RFC 2136 §2.4, §2.5): it is made only where the record sets it touches
// are still what they were, so that nothing another person did meanwhile is written over.
import { encodeMessage, OPCODE, RCODE, type MessageRecord } from '../../../../shared/dns/message.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import type { RecordChange } from '../text/edit-plan.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'

/** About what a message may hold; a larger change is several of them, each made whole. */
const REQUEST_LIMIT_OCTETS = 48 * 1024
const RECORD_HEAD_OCTETS = 10

/** `zone` is as it was when the change was worked out; one without SOA is one to be made. `ids` gives message ids. */
export function updateRequests(
  zone: Zone,
  change: RecordChange,
  ids: () => number,
): readonly Uint8Array[] {
  return inParts(change).map((part) =>
    encodeMessage({
      id: ids(),
      opcode: OPCODE.UPDATE,
      flags: 0,
      rcode: RCODE.NOERROR,
      questions: [{ qname: zone.origin, qtype: TYPE.SOA, qclass: CLASS.IN }],
      answers: prerequisites(zone, part),
      authorities: part.map(({ record, isAdded }): MessageRecord => {
        if (isAdded) return { ...record, class: CLASS.IN }
        return { ...record, class: CLASS.NONE, ttlSeconds: 0 }
      }),
      additionals: [],
      // For the reason of a refusal (RFC 8914).
      edns: { udpOctets: 1232, extendedRcode: 0, version: 0, dnssecOk: false, options: [] },
    }),
  )
}

type Step = { readonly record: Record; readonly isAdded: boolean }

/**
 * What goes before what comes, so that an alias can take the place of addresses; but name servers of the zone come first,
 * since the last one never goes (RFC 2136 §3.4.2.4). A record set is never split.
 */
function inParts({ added, removed }: RecordChange): readonly (readonly Step[])[] {
  const byOwner = new Map<Name, Step[]>()
  const isNs = ({ type }: Record): boolean => type === TYPE.NS
  const steps: readonly Step[] = [
    ...added.filter(isNs).map((record) => ({ record, isAdded: true })),
    ...removed
      // Another SOA takes the place of this one.
      .filter(({ type }) => type !== TYPE.SOA)
      .map((record) => ({ record, isAdded: false })),
    ...added.filter((record) => !isNs(record)).map((record) => ({ record, isAdded: true })),
  ]
  for (const step of steps) {
    const owner = canonicalName(step.record.owner)
    const known = byOwner.get(owner)
    if (known === undefined) byOwner.set(owner, [step])
    else known.push(step)
  }
  const parts: Step[][] = []
  let octets = Infinity
  for (const group of byOwner.values()) {
    // A prerequisite may say each of them once more.
    const more = 2 * group.reduce((sum, { record }) => sum + octetsOf(record), 0)
    if (octets + more > REQUEST_LIMIT_OCTETS) {
      parts.push([])
      octets = 0
    }
    parts.at(-1)!.push(...group)
    octets += more
  }
  return parts
}

/** Each record set that is touched, exactly as it was, or that there was none. */
function prerequisites(zone: Zone, steps: readonly Step[]): readonly MessageRecord[] {
  const seen = new Set<string>()
  const found: MessageRecord[] = []
  for (const { record } of steps) {
    const { type } = record
    const owner = canonicalName(record.owner)
    // The serial moves with every change of anybody.
    if (type === TYPE.SOA || seen.has(`${type} ${owner}`)) continue
    seen.add(`${type} ${owner}`)
    const node = zone.nodes.get(owner)
    const rdatas = (node && rrsetOf(node, type)?.rdatas) ?? []
    const one = { owner, type, ttlSeconds: 0 }
    if (rdatas.length === 0) found.push({ ...one, class: CLASS.NONE, rdata: new Uint8Array(0) })
    for (const rdata of rdatas) found.push({ ...one, class: CLASS.IN, rdata })
  }
  return found
}

function octetsOf({ owner, rdata }: Record): number {
  return owner.length + RECORD_HEAD_OCTETS + rdata.length
}
