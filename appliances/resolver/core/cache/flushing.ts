// Which names a person wants to be asked for anew.
import { isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'

export type Flushing = {
  /** Canonical. */
  readonly name: Name
  /** Whether all below it is meant too: a zone. */
  readonly isBelow: boolean
}

export function isFlushed({ name, isBelow }: Flushing, other: Name): boolean {
  return other === name || (isBelow && isAtOrBelow(other, name))
}
