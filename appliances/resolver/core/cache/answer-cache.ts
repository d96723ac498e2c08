// Links of answers by name and type, bounded by octets; what was not used longest makes room. Only what servers said of
// names in their own zone comes here (rank "authoritative answer", RFC 2181 §5.4.1): glue and delegations live elsewhere.
import { isAtOrBelow, parentName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { expiresMs, linkOctets, type Link } from '../link.ts'
import { isFlushed, type Flushing } from './flushing.ts'

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
  /** Forgets what is kept of all names that `flushing` means; how many links that were. */
  flush(flushing: Flushing): number
  /** How far it is to be trusted, or for how long, is another now. */
  changed(link: Link): void
  /** Whether this very link is the one that is kept. */
  holds(link: Link): boolean
  /** One for all: who answers from copies of what is kept. */
  watch(watcher: CacheWatcher): void
  readonly size: number
  readonly octets: number
  links(): Iterable<Link>
}

/** Who has made answers of links, and gives them without asking here. */
export interface CacheWatcher {
  /** Answers made with this link may not be what the cache says any more. */
  gone(link: Link): void
  /** Whether answers made with this link were given since this was last asked. */
  wasUsed(link: Link): boolean
}

/** Links that were used elsewhere and stay for it, for each one that makes room. */
const SPARED_LIMIT = 16

/** Of one name; more displace what came first. */
const TYPES_LIMIT = 64

export type CacheLimits = {
  readonly octets: number
  /** How long beyond its TTL a link is kept, for when nobody answers (RFC 8767). */
  readonly staleSeconds: number
}

export class LinkCache implements AnswerCache {
  readonly #limits: CacheLimits
  /** The last that came of each name, the others behind it: few, and one look-up finds all that a question is answered with. */
  readonly #names = new Map<Name, Entry>()
  /** The ends of the list in the order they were used. */
  #oldest: Entry | undefined
  #newest: Entry | undefined
  #size = 0
  #octets = 0
  /** Names that do not exist, so that no look-up walks up for nothing. */
  #denied = 0
  #watcher: CacheWatcher | undefined

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  get octets(): number {
    return this.#octets
  }

  *links(): Iterable<Link> {
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) yield entry.link
  }

  find(qname: Name, qtype: number, nowMs: number): Link | undefined {
    return this.#find(qname, qtype, nowMs)
  }

  findEvidence(qname: Name, qtype: number, nowMs: number): Link | undefined {
    const found = this.#find(qname, qtype, nowMs)
    return found ?? this.#alive(entryOf(this.#names.get(qname), EVIDENCE | qtype), nowMs)
  }

  findStale(qname: Name, qtype: number, nowMs: number): Link | undefined {
    return this.#find(qname, qtype, nowMs - this.#limits.staleSeconds * 1000)
  }

  put(link: Link): void {
    if (link.ttlSeconds <= 0) return
    if (this.#watcher !== undefined) this.#overshadow(link, this.#watcher)
    const place = placeOf(link)
    const before = entryOf(this.#names.get(link.qname), place)
    if (before !== undefined) this.#remove(before)
    else this.#makeRoomAt(link.qname)
    const entry: Entry = {
      link,
      place,
      octets: linkOctets(link),
      next: this.#names.get(link.qname),
      older: undefined,
      newer: undefined,
    }
    this.#names.set(link.qname, entry)
    this.#append(entry)
    this.#size++
    this.#octets += entry.octets
    if (link.kind === 'nxdomain') this.#denied++
    for (let spared = 0; this.#octets > this.#limits.octets;) {
      const oldest = this.#oldest!
      if (spared++ < SPARED_LIMIT && this.#watcher?.wasUsed(oldest.link) === true)
        this.#touch(oldest)
      else this.#remove(oldest)
    }
  }

  drop(link: Link): void {
    const entry = this.#entryOf(link)
    if (entry?.link === link) this.#remove(entry)
  }

  flush(flushing: Flushing): number {
    const before = this.#size
    for (let entry = this.#oldest, newer = entry?.newer; entry !== undefined; entry = newer) {
      newer = entry.newer
      const { kind, qname } = entry.link
      // Below a name that is not there nothing is asked for either (RFC 8020).
      const isCut = kind === 'nxdomain' && isAtOrBelow(flushing.name, qname)
      if (isCut || isFlushed(flushing, qname)) this.#remove(entry)
    }
    return before - this.#size
  }

  changed(link: Link): void {
    this.#watcher?.gone(link)
  }

  holds(link: Link): boolean {
    return this.#entryOf(link)?.link === link
  }

  watch(watcher: CacheWatcher): void {
    this.#watcher = watcher
  }

  /** What `#find` gave so far where it gives `link` from now on: an alias of the name, the nearest name that is not there. */
  #overshadow(link: Link, watcher: CacheWatcher): void {
    const alias = entryOf(this.#names.get(link.qname), TYPE.CNAME)
    if (alias !== undefined) watcher.gone(alias.link)
    if (this.#denied === 0) return
    for (let name: Name | undefined = link.qname; name !== undefined; name = parentName(name)) {
      const denial = entryOf(this.#names.get(name), DENIAL)
      // One that has expired hides none above it.
      if (denial !== undefined) watcher.gone(denial.link)
    }
  }

  #find(qname: Name, qtype: number, aliveMs: number): Link | undefined {
    let entries = this.#names.get(qname)
    if (entries !== undefined) {
      const exact = this.#alive(entryOf(entries, qtype), aliveMs)
      if (exact !== undefined) return exact
      if (qtype !== TYPE.CNAME) {
        const alias = this.#alive(entryOf(entries, TYPE.CNAME), aliveMs)
        if (alias?.kind === 'alias') return alias
      }
    }
    if (this.#denied === 0) return undefined
    // Below a name that does not exist there is nothing (RFC 8020).
    for (let name = qname; ;) {
      const denial = this.#alive(entryOf(entries, DENIAL), aliveMs)
      if (denial !== undefined) return denial
      const parent = parentName(name)
      if (parent === undefined) return undefined
      name = parent
      entries = this.#names.get(name)
    }
  }

  /** `aliveMs`: what expired before it is not found. */
  #alive(entry: Entry | undefined, aliveMs: number): Link | undefined {
    if (entry === undefined || expiresMs(entry.link) <= aliveMs) return undefined
    this.#touch(entry)
    return entry.link
  }

  #entryOf(link: Link): Entry | undefined {
    return entryOf(this.#names.get(link.qname), placeOf(link))
  }

  #remove(entry: Entry): void {
    const { link } = entry
    const first = this.#names.get(link.qname)!
    if (first === entry) {
      if (entry.next === undefined) this.#names.delete(link.qname)
      else this.#names.set(link.qname, entry.next)
    } else {
      let before = first
      while (before.next !== entry) before = before.next!
      before.next = entry.next
    }
    this.#unlink(entry)
    this.#size--
    this.#octets -= entry.octets
    if (link.kind === 'nxdomain') this.#denied--
    this.#watcher?.gone(link)
  }

  /** Who asks for every type of one name must not make all look-ups of it slow. */
  #makeRoomAt(qname: Name): void {
    let count = 0
    let first: Entry | undefined
    for (let entry = this.#names.get(qname); entry !== undefined; entry = entry.next) {
      first = entry
      count++
    }
    if (count >= TYPES_LIMIT) this.#remove(first!)
  }

  #touch(entry: Entry): void {
    if (entry === this.#newest) return
    this.#unlink(entry)
    this.#append(entry)
  }

  #append(entry: Entry): void {
    entry.older = this.#newest
    entry.newer = undefined
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink(entry: Entry): void {
    const { older, newer } = entry
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
  }
}

type Entry = {
  readonly link: Link
  readonly place: number
  readonly octets: number
  /** Of the same name. */
  next: Entry | undefined
  older: Entry | undefined
  newer: Entry | undefined
}

function entryOf(entries: Entry | undefined, place: number): Entry | undefined {
  let entry = entries
  while (entry !== undefined && entry.place !== place) entry = entry.next
  return entry
}

/** Among what there is of its name: a type is an answer. */
function placeOf(link: Link): number {
  if (link.isFromReferral) return EVIDENCE | link.qtype
  if (link.kind === 'nxdomain') return DENIAL
  return link.kind === 'alias' ? TYPE.CNAME : link.qtype
}

const DENIAL = 0x1_0000
const EVIDENCE = 0x2_0000
