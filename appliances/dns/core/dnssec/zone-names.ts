// What a name of an unsigned zone is to its signer: with data, a delegation, an empty non-terminal, or out of sight
// below a cut (RFC 4035 §2.2–2.4); and which of its types NSEC and RRSIG speak of.
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { Zone, ZoneNode } from '../zone/zone.ts'

export type NameKind = 'absent' | 'data' | 'delegation' | 'empty' | 'occluded'

export function nameKind(zone: Zone, node: ZoneNode | undefined): NameKind {
  if (node === undefined) return 'absent'
  const cut = zone.cutAbove(node.name)
  if (cut === undefined) return node.rrsets.length === 0 ? 'empty' : 'data'
  return cut.name === node.name && zone.isDelegation(cut) ? 'delegation' : 'occluded'
}

/** Whether the signer signs records of `type` at a name of this kind. */
export function isSigned(kind: NameKind, type: number): boolean {
  return kind === 'data' || (kind === 'delegation' && type === TYPE.DS)
}

/** Whether a bit map names the type (RFC 4035 §2.3: glue beside a delegation is not of the zone). */
export function isInBitmap(kind: NameKind, type: number): boolean {
  return kind === 'data' || (kind === 'delegation' && (type === TYPE.NS || type === TYPE.DS))
}

/** What a signer makes itself: a zone whose text has such records was signed elsewhere. */
export function signedElsewhere(zone: Zone, names: Iterable<Name>): boolean {
  for (const name of names) {
    const node = zone.nodes.get(name)
    if (node?.rrsets.some(({ type }) => isMadeBySigner(type)) === true) return true
  }
  return false
}

/** Such records of the text are left out where others are made. */
export function isMadeBySigner(type: number): boolean {
  return MADE_BY_SIGNERS.has(type)
}

const MADE_BY_SIGNERS: ReadonlySet<number> = new Set([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
])
