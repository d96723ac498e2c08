// Shared secrets for TSIG (RFC 8945) and what their holders may do.
import { isAtOrBelow, type Name } from '../dns/name.ts'

/** HMAC-MD5 is not spoken (RFC 8945 §6: it must not be used any more). */
export type TsigAlgorithm =
  | 'hmac-sha1'
  | 'hmac-sha224'
  | 'hmac-sha256'
  | 'hmac-sha384'
  | 'hmac-sha512'

/** Each implies the ones behind it. */
export type Right = 'update' | 'transfer' | 'notify'

export type Grant = {
  readonly right: Right
  /** Canonical; the grant counts for this zone and every zone below it. */
  readonly zone: Name
  /** For `update`: only these owners (canonical; `*.x` is everything below x) and types; all of them without. */
  readonly owners?: readonly Name[]
  readonly types?: readonly number[]
}

export type Key = {
  /** Canonical. */
  readonly name: Name
  readonly algorithm: TsigAlgorithm
  readonly secret: Uint8Array
  readonly grants: readonly Grant[]
  /** Addresses that the key's name or the configuration binds it to: whom we pull from, and whom we notify. */
  readonly primary?: string
  readonly secondary?: string
  /** The view that its holder sees, '' for the default; without it the one of the address. */
  readonly view?: string
}

/** The keys as they hold now; asked anew for every request. */
export interface KeyRing {
  /** `name` is canonical. */
  find(name: Name): Key | undefined
  all(): Iterable<Key>
}

/** The grants by which a key has `right` for `zone` (canonical); none means it has not. */
export function grantsFor(key: Pick<Key, 'grants'>, right: Right, zone: Name): readonly Grant[] {
  const rank = RANK[right]
  return key.grants.filter((grant) => RANK[grant.right] >= rank && isAtOrBelow(zone, grant.zone))
}

const RANK: { readonly [right in Right]: number } = { notify: 0, transfer: 1, update: 2 }
