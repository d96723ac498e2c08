// The records of a transfer in the order they are sent: a whole zone (RFC 5936 §2.2), or what changed (RFC 1995 §4).
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { recordTtlSeconds, type Zone } from '../zone/zone.ts'
import type { ZoneDifference } from '../zone/zone-difference.ts'

/** Undefined for a zone without a SOA record, which cannot be transferred. */
export function soaRecord(zone: Zone): Record | undefined {
  const { soa, origin: owner } = zone
  const rdata = soa?.rdatas[0]
  return soa && rdata && { owner, type: TYPE.SOA, ttlSeconds: soa.ttlSeconds, rdata }
}

/** SOA, every other record, SOA. Which records these are is settled when the first is taken, whatever the zone becomes. */
export function* wholeZone(zone: Zone, soa: Record): Generator<Record> {
  // A later version may take the map over while the client reads: what is sent must be one version.
  const nodes = [...zone.everyNode()]
  yield soa
  for (const node of nodes)
    for (const rrset of node.rrsets) {
      const { type } = rrset
      if (type === TYPE.SOA) continue
      for (const rdata of rrset.rdatas) {
        const ttlSeconds = recordTtlSeconds(node, rrset, rdata)
        yield { owner: node.name, type, ttlSeconds, rdata }
      }
    }
  yield soa
}

/**
 * One difference sequence between two SOA records. Several steps are sent condensed (RFC 1995 §5), since that is never
 * longer. `difference` has the old SOA among what is removed; undefined when it has not.
 */
export function differenceSequence(
  soa: Record,
  difference: ZoneDifference,
): readonly Record[] | undefined {
  const old = difference.removed.find(({ type }) => type === TYPE.SOA)
  if (old === undefined) return undefined
  const others = (records: readonly Record[]): Record[] =>
    records.filter(({ type }) => type !== TYPE.SOA)
  return [soa, old, ...others(difference.removed), soa, ...others(difference.added), soa]
}

/** Whether a difference has more records than the zone itself. */
export function isLongerThan({ added, removed }: ZoneDifference, zone: Zone): boolean {
  let left = added.length + removed.length
  // Nearly every node has a record: mostly there is no need to count them.
  if (left * 2 < zone.nodes.size) return false
  for (const { rrsets } of zone.everyNode())
    for (const { rdatas } of rrsets) {
      left -= rdatas.length
      if (left <= 0) return false
    }
  return true
}
