// Links of answers by name and type, bounded by octets; what was not used longest makes room. Only what servers said of
// names in their own zone comes here (rank "authoritative answer", RFC 2181 §5.4.1): glue and delegations live elsewhere.
import { parentName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { expiresMs, linkOctets, type Link } from '../link.ts'

/** What the machine asks of a cache. */
export interface AnswerCache {
  /** What there is of (`qname`, `qtype`): the RRset, an alias, or that there is none; not yet expired. */
  find(qname: Name, qtype: number, nowMs: number): Link | undefined
  /** As `find`, with links that only a chain of trust may use. */
  findEvidence(qname: Name, qtype: number, nowMs: number): Link | undefined
  /** As `find`, with what expired not longer ago than the cache keeps. */
  findStale(qname: Name, qtype: number, nowMs: number): Link | undefined
  put(link: Link): void
  /** Forgets this one link, if it is still the one that is kept. */
  drop(link: Link): void
  readonly size: number
  readonly octets: number
  links(): Iterable<Link>
}

export type CacheLimits = {
  readonly octets: number
  /** How long beyond its TTL a link is kept, for when nobody answers (RFC 8767). */
  readonly staleSeconds: number
}

export class LinkCache implements AnswerCache {
  readonly #limits: CacheLimits
  /** In the order they were used. */
  readonly #links = new Map<string, Entry>()
  #octets = 0
  /** Names that do not exist, so that no look-up walks up for nothing. */
  #denied = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#links.size
  }

  get octets(): number {
    return this.#octets
  }

  *links(): Iterable<Link> {
    for (const { link } of this.#links.values()) yield link
  }

  find(qname: Name, qtype: number, nowMs: number): Link | undefined {
    return this.#find(qname, qtype, nowMs)
  }

  findEvidence(qname: Name, qtype: number, nowMs: number): Link | undefined {
    return this.#find(qname, qtype, nowMs) ?? this.#get(keyOf(qname, qtype, EVIDENCE), nowMs)
  }

  findStale(qname: Name, qtype: number, nowMs: number): Link | undefined {
    return this.#find(qname, qtype, nowMs - this.#limits.staleSeconds * 1000)
  }

  put(link: Link): void {
    const key = keyOfLink(link)
    if (link.ttlSeconds <= 0) return
    this.#remove(key)
    const octets = linkOctets(link)
    this.#links.set(key, { link, octets })
    this.#octets += octets
    if (link.kind === 'nxdomain') this.#denied++
    while (this.#octets > this.#limits.octets) this.#remove(this.#links.keys().next().value!)
  }

  drop(link: Link): void {
    const key = keyOfLink(link)
    if (this.#links.get(key)?.link === link) this.#remove(key)
  }

  #find(qname: Name, qtype: number, aliveMs: number): Link | undefined {
    const exact = this.#get(keyOf(qname, qtype, ANSWER), aliveMs)
    if (exact !== undefined) return exact
    if (qtype !== TYPE.CNAME) {
      const alias = this.#get(keyOf(qname, TYPE.CNAME, ANSWER), aliveMs)
      if (alias?.kind === 'alias') return alias
    }
    if (this.#denied === 0) return undefined
    // Below a name that does not exist there is nothing (RFC 8020).
    for (let name: Name | undefined = qname; name !== undefined; name = parentName(name)) {
      const denial = this.#get(keyOf(name, 0, DENIAL), aliveMs)
      if (denial !== undefined) return denial
    }
    return undefined
  }

  /** `aliveMs`: what expired before it is not found; beyond what stale answers may use it is dropped. */
  #get(key: string, aliveMs: number): Link | undefined {
    const entry = this.#links.get(key)
    if (entry === undefined) return undefined
    if (expiresMs(entry.link) <= aliveMs) return undefined
    this.#links.delete(key)
    this.#links.set(key, entry)
    return entry.link
  }

  #remove(key: string): void {
    const entry = this.#links.get(key)
    if (entry === undefined) return
    this.#links.delete(key)
    this.#octets -= entry.octets
    if (entry.link.kind === 'nxdomain') this.#denied--
  }
}

type Entry = { readonly link: Link; readonly octets: number }

function keyOfLink(link: Link): string {
  if (link.isFromReferral) return keyOf(link.qname, link.qtype, EVIDENCE)
  if (link.kind === 'nxdomain') return keyOf(link.qname, 0, DENIAL)
  return keyOf(link.qname, link.kind === 'alias' ? TYPE.CNAME : link.qtype, ANSWER)
}

function keyOf(qname: Name, qtype: number, kind: string): string {
  return kind + String.fromCharCode(qtype) + qname
}

const ANSWER = 'a'
const DENIAL = 'n'
const EVIDENCE = 'e'
