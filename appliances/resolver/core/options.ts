// What a resolver is told at birth, and the bounds it keeps. Every question of a client has one share of work; whatever
// is looked up on its behalf takes from it, so that nobody can make us ask a thousand questions with one.
import type { Delegation } from './iterate/delegation.ts'

export type ResolverOptions = {
  /** The root's hints, stub zones and forwards. */
  readonly delegations: readonly Delegation[]
  /** How much of a name a server sees before it must (RFC 9156); `strict` takes its word that a part does not exist. */
  readonly minimisation: 'off' | 'relaxed' | 'strict'
  readonly ipv4: boolean
  readonly ipv6: boolean
  /** Where servers that were found in the DNS are asked. */
  readonly port: number
  /** Addresses in the DNS that are not asked, whoever names them; configured ones are. */
  readonly isForbidden: (address: string) => boolean
  /** 16 octets that make client cookies; nobody outside knows them. */
  readonly cookieSecret: Uint8Array
  readonly ttl: {
    readonly lowestSeconds: number
    readonly highestSeconds: number
    readonly highestNegativeSeconds: number
  }
  readonly limits: ResolverLimits
  readonly prefetch: boolean
  /** Whether checked NSEC records deny what else they cover (RFC 8198). */
  readonly aggressiveNsec: boolean
  readonly stale: {
    readonly isServed: boolean
    /** How long a client waits for something fresh before it gets what is stale (RFC 8767 §5). */
    readonly clientMs: number
  }
}

export type ResolverLimits = {
  /** Packets to servers, for one question of a client and all that comes of it. */
  readonly queries: number
  /** Names of servers whose addresses are looked up for it (NXNSAttack). */
  readonly serverLookups: number
  /** Of those, at one delegation. */
  readonly serverLookupsAtCut: number
  /** Lookups within lookups. */
  readonly depth: number
  /** Links of one answer. */
  readonly aliases: number
  /** Questions to servers of one delegation that were answered with nothing of use. */
  readonly failuresAtCut: number
  /** All of one question, in ms. */
  readonly deadlineMs: number
  /** Questions of clients that are worked on at once. */
  readonly questions: number
  readonly cacheOctets: number
  readonly staleSeconds: number
  /** Of NSEC records that deny more than what was asked. */
  readonly denialOctets: number
  readonly denialsOfZone: number
  readonly delegations: number
  readonly servers: number
  readonly failures: number
}

export const DEFAULT_LIMITS: ResolverLimits = {
  queries: 100,
  serverLookups: 16,
  serverLookupsAtCut: 5,
  depth: 6,
  aliases: 11,
  failuresAtCut: 8,
  deadlineMs: 10_000,
  questions: 4096,
  cacheOctets: 128 * 1024 * 1024,
  staleSeconds: 86_400,
  denialOctets: 16 * 1024 * 1024,
  denialsOfZone: 20_000,
  delegations: 100_000,
  servers: 50_000,
  failures: 50_000,
}

export const DEFAULT_TTL = {
  lowestSeconds: 0,
  highestSeconds: 86_400,
  highestNegativeSeconds: 3600,
} as const
