// A zone cut as the machine knows it: whom to ask for names at and below it (RFC 1034 §4.2.1).
import type { Name } from '../../../../shared/dns/name.ts'
import type { Upstream } from './upstream.ts'

export type Delegation = {
  readonly zone: Name
  /** `hints`: the root as it is shipped or configured, until its servers say who they are (RFC 8109). */
  readonly kind: 'hints' | 'referral' | 'stub' | 'forward'
  readonly servers: readonly ZoneServer[]
  /** Infinity for what is configured. */
  readonly expiresMs: number
  /** Of a forward: whether the zone's own servers are asked when no forwarder answers. */
  readonly fallsBack: boolean
  /** Of a forward: the first that works is asked, instead of the fastest. */
  readonly inOrder: boolean
}

export type ZoneServer = {
  /** Canonical; where addresses are configured, the zone's own. */
  readonly name: Name
  /** From glue or configuration; empty: they have to be looked up. */
  readonly upstreams: readonly Upstream[]
}

/** Of one delegation; more are not looked at. */
export const SERVERS_LIMIT = 20
/** Of one server's name. */
export const ADDRESSES_LIMIT = 8
