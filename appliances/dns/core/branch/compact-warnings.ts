// What a push is told of zones with compact denial (RFC 9824): they are not transferred, so servers beside this one need
// the zone's keys and its file, not a copy of it.
import type { Problem } from '../../../../shared/result/problem.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'
import { differingZones, type BranchZones } from './branch-zones.ts'

/** Warnings for zones among `compact` that name several servers, once: when they come to name more. */
export function untransferredZones(
  after: BranchZones,
  before: BranchZones,
  compact: ReadonlySet<Name>,
): readonly Problem[] {
  if (compact.size === 0) return []
  return differingZones(before, after).flatMap(({ view, origin }) => {
    const served = after.of(view).get(origin)
    if (served?.zone === undefined || !compact.has(origin)) return []
    const servers = serversOf(served.zone)
    const known = serversOf(before.of(view).get(origin)?.zone)
    if (servers < 2 || servers <= known) return []
    const message = `${formatName(origin)} names ${servers} servers, but denial = "compact" is not transferred: each of them needs the keys and signs for itself`
    return [{ severity: 'warning', file: served.paths[0]!, message }]
  })
}

function serversOf(zone: Zone | undefined): number {
  const ns = zone?.apex && rrsetOf(zone.apex, TYPE.NS)
  return ns?.rdatas.length ?? 0
}
