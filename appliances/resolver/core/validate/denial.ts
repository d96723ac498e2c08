// What the NSEC or NSEC3 records of one zone prove not to be there, whichever of the two it has.
import type { Name } from '../../../../shared/dns/name.ts'

/** `opted-out`: nothing signed is there, but an unsigned delegation may be (RFC 5155 §6): counts as insecure. */
export type Proved = 'proved' | 'opted-out'

/** What a parent says of a name that has no DS. */
export type NoDs =
  /** An unsigned delegation, or one that may be there. */
  | 'unsigned'
  /** No zone begins there. */
  | 'no-cut'
  | 'no-name'

/** Records whose signatures hold. Names are canonical and at or below the zone. Undefined: not proved. */
export interface Denial {
  /** `qname` has no data of `qtype` and is no alias, or a wildcard that stands for it has none. */
  noData(qname: Name, qtype: number): Proved | undefined
  /** Neither `qname` nor a wildcard for it exists. */
  noName(qname: Name): Proved | undefined
  /** Nothing is closer to `qname` than the wildcard below `encloser`. */
  nothingCloser(qname: Name, encloser: Name): Proved | undefined
  noDs(name: Name): NoDs | undefined
}
