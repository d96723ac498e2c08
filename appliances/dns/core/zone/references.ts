// Which records point to a host that ought to have an address (RFC 1034 §3.6.1, RFC 2782).
import { TYPE } from '../../../../shared/dns/record-types.ts'

/** Whether records of `type` need an address at their target. */
export function isReferring(type: number): boolean {
  return type === TYPE.NS || type === TYPE.MX || type === TYPE.SRV
}

/** Where the target, which is the last of the rdata, begins; -1 for types that do not refer. */
export function referenceOffset(type: number): number {
  if (type === TYPE.NS) return 0
  if (type === TYPE.MX) return 2
  return type === TYPE.SRV ? 6 : -1
}
