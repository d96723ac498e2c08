// The delegations that are known, by zone, and which of them is nearest to a name. Configured ones never leave.
import { parentName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { isFlushed, type Flushing } from '../cache/flushing.ts'
import type { Delegation } from './delegation.ts'

export class ZoneCuts {
  readonly #configured = new Map<Name, Delegation>()
  /** In the order they were used. */
  readonly #learned = new Map<Name, Delegation>()
  readonly #limit: number

  /** `configured` must hold one for the root. `limit`: learned ones that are kept. */
  constructor(configured: readonly Delegation[], limit: number) {
    for (const delegation of configured) this.#configured.set(delegation.zone, delegation)
    if (!this.#configured.has(ROOT)) throw new Bug('No delegation for the root')
    this.#limit = limit
  }

  get size(): number {
    return this.#learned.size
  }

  /**
   * The nearest at or above `qname`; for DS strictly above, since that is where it lives (RFC 4035 §3.1.4.1).
   * `asksForwarders` false looks past forwards.
   */
  closest(qname: Name, qtype: number, nowMs: number, asksForwarders: boolean): Delegation {
    let name: Name | undefined = qtype === TYPE.DS ? (parentName(qname) ?? ROOT) : qname
    for (; name !== undefined; name = parentName(name)) {
      const configured = this.#configured.get(name)
      if (configured !== undefined && configured.kind !== 'hints')
        if (asksForwarders || configured.kind !== 'forward') return configured
      const learned = this.#learned.get(name)
      if (learned !== undefined) {
        if (learned.expiresMs > nowMs) return this.#touch(learned)
        this.#learned.delete(name)
      }
      if (configured?.kind === 'hints') return configured
    }
    return this.#rootHints()
  }

  /** What was learned of this very zone, and still holds. */
  known(zone: Name, nowMs: number): Delegation | undefined {
    const learned = this.#learned.get(zone)
    return learned !== undefined && learned.expiresMs > nowMs ? learned : undefined
  }

  put(delegation: Delegation): void {
    this.#learned.delete(delegation.zone)
    this.#learned.set(delegation.zone, delegation)
    if (this.#learned.size <= this.#limit) return
    const [oldest] = this.#learned.keys()
    this.#learned.delete(oldest!)
  }

  /** Forgets it, so that the next question asks its parent again; what is configured stays. */
  drop(zone: Name): void {
    this.#learned.delete(zone)
  }

  flush(flushing: Flushing): void {
    for (const zone of this.#learned.keys())
      if (isFlushed(flushing, zone)) this.#learned.delete(zone)
  }

  #touch(delegation: Delegation): Delegation {
    this.#learned.delete(delegation.zone)
    this.#learned.set(delegation.zone, delegation)
    return delegation
  }

  /** Only forwards lie above: a name that must not be forwarded has nobody to ask. */
  #rootHints(): Delegation {
    return {
      zone: ROOT,
      kind: 'hints',
      servers: [],
      expiresMs: Infinity,
      fallsBack: false,
      inOrder: false,
    }
  }
}
