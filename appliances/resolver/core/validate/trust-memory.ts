// What was found out of zones on the way to an answer, for as long as it may be believed.
import type { ExtendedError } from '../link.ts'
import { isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import type { Flushing } from '../cache/flushing.ts'

import type { ZoneKeys } from './signature-check.ts'

export type ZoneTrust =
  | { readonly kind: 'secure'; readonly keys: ZoneKeys; readonly untilSeconds: number }
  /** `reason` when that is no ordinary unsigned delegation. */
  | { readonly kind: 'insecure'; readonly reason?: ExtendedError; readonly untilSeconds: number }
  /** No zone begins at the name. */
  | { readonly kind: 'no-cut'; readonly untilSeconds: number }
  | { readonly kind: 'bogus'; readonly reason: ExtendedError; readonly untilSeconds: number }

const ZONE_LIMIT = 20_000

export class TrustMemory {
  readonly #limit: number
  /** The least lately used first. */
  readonly #zones = new Map<Name, ZoneTrust>()

  constructor(limit: number = ZONE_LIMIT) {
    this.#limit = limit
  }

  get size(): number {
    return this.#zones.size
  }

  get(zone: Name, nowSeconds: number): ZoneTrust | undefined {
    const trust = this.#zones.get(zone)
    if (trust === undefined) return undefined
    this.#zones.delete(zone)
    if (trust.untilSeconds < nowSeconds) return undefined
    this.#zones.set(zone, trust)
    return trust
  }

  set(zone: Name, trust: ZoneTrust): void {
    this.#zones.delete(zone)
    if (this.#zones.size >= this.#limit) this.#zones.delete(this.#zones.keys().next().value!)
    this.#zones.set(zone, trust)
  }

  /** What rests on a zone that is meant: itself, and all below it. */
  flush({ name }: Flushing): void {
    for (const zone of this.#zones.keys()) if (isAtOrBelow(zone, name)) this.#zones.delete(zone)
  }

  clear(): void {
    this.#zones.clear()
  }
}
