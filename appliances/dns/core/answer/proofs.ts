// Which NSEC (RFC 4035 §3.1.3) or NSEC3 records (RFC 5155 §7.2) prove what an answer says is not there. A zone that lacks
// one of them gives the others: then the answer fails to validate, and nothing else.
import { parentName, wildcardOf, type Name } from '../../../../shared/dns/name.ts'
import type { AnsweredChain, AnsweredZone as Zone } from '../zone/answered-zone.ts'
import type { ZoneNode } from '../zone/zone.ts'

export type Proof = { readonly zone: Zone; readonly node: ZoneNode }

/** What is to be proved by one answer, each record once; `clear` for the next one. */
export class Proofs {
  readonly #found: Proof[] = []

  get found(): readonly Proof[] {
    return this.#found
  }

  /** One that was made for this answer. */
  made(zone: Zone, node: ZoneNode): void {
    this.#add(zone, node)
  }

  clear(): void {
    this.#found.length = 0
  }

  /** `name` exists without the type, or is a delegation without DS. */
  noType(zone: Zone, name: Name): void {
    const { chain } = zone
    if (chain === undefined) this.#addSpan(zone, name)
    else if (!this.#addHash(zone, chain.match(name)))
      // The delegation is in a span that opts out (RFC 5155 §7.2.4, §7.2.7), or the name has nothing but such below it.
      this.#addEncloser(zone, chain, name, parentName(name) ?? name)
  }

  /** There is no `name` below `encloser`, the closest that exists, and no wildcard either. */
  noName(zone: Zone, name: Name, encloser: Name): void {
    const { chain } = zone
    if (chain === undefined) {
      this.#addSpan(zone, name)
      this.#addSpan(zone, wildcardOf(encloser))
      return
    }
    const proved = this.#addEncloser(zone, chain, name, encloser)
    this.#addHash(zone, chain.cover(wildcardOf(proved), true))
  }

  /** The wildcard below `encloser` stands in for `name`, which does not exist. */
  wildcard(zone: Zone, name: Name, encloser: Name): void {
    const { chain } = zone
    if (chain === undefined) this.#addSpan(zone, name)
    else this.#addHash(zone, chain.cover(nextCloser(name, encloser), false))
  }

  /** As `wildcard`, which has not got the type. */
  wildcardWithoutType(zone: Zone, name: Name, encloser: Name): void {
    const { chain } = zone
    const wildcard = wildcardOf(encloser)
    if (chain === undefined) {
      this.#addSpan(zone, name)
      this.#addSpan(zone, wildcard)
      return
    }
    this.#addEncloser(zone, chain, name, encloser)
    this.#addHash(zone, chain.match(wildcard))
  }

  /** RFC 5155 §7.2.1: the closest encloser that has a hash, and that nothing is below it towards `name`. */
  #addEncloser(zone: Zone, chain: AnsweredChain, name: Name, encloser: Name): Name {
    let at = encloser
    for (;;) {
      if (this.#addHash(zone, chain.match(at))) break
      const parent = at === zone.origin ? undefined : parentName(at)
      if (parent === undefined) break
      at = parent
    }
    const next = nextCloser(name, at)
    this.#addHash(zone, chain.cover(next, zone.nodes.get(next) !== undefined))
    return at
  }

  #addSpan(zone: Zone, name: Name): void {
    const owner = zone.order.floor(name)
    if (owner !== undefined) this.#add(zone, zone.nodes.get(owner))
  }

  #addHash(zone: Zone, owner: Name | undefined): boolean {
    if (owner === undefined) return false
    this.#add(zone, zone.hashed.get(owner))
    return true
  }

  #add(zone: Zone, node: ZoneNode | undefined): void {
    if (node === undefined) return
    const found = this.#found
    // One node may be decoded twice.
    for (let i = 0; i < found.length; i++)
      if (found[i]!.node.name === node.name && found[i]!.zone.origin === zone.origin) return
    found.push({ zone, node })
  }
}

/** The ancestor of `name`, or `name` itself, that is one label below `encloser`. */
function nextCloser(name: Name, encloser: Name): Name {
  let at = 0
  for (;;) {
    const next = at + 1 + name.charCodeAt(at)
    if (name.length - next <= encloser.length) return name.slice(at) as Name
    at = next
  }
}
