// The way from the nearest known delegation to the servers that know one name and type, one zone cut after the other
// (RFC 1034 §5.3.3), showing each no more of the name than it needs (RFC 9156).
import { RCODE } from '../../../../shared/dns/message.ts'
import { labelCount, parentName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { ExtendedError } from '../../../../shared/dns/edns.ts'
import type { Link } from '../link.ts'
import type { TraceEvent } from '../trace.ts'
import type { Budget, World } from '../world.ts'
import type { Delegation } from './delegation.ts'
import type { Inquiry, Outcome } from './inquiry.ts'
import { readFindings, type Referral } from './response.ts'
import { AddressBook } from './address-book.ts'
import { noReachableAuthority, TOO_MUCH_WORK } from './failures.ts'
import { upstreamKey, type Upstream } from './upstream.ts'

/** Whose descent it is. */
export interface DescentOwner {
  readonly budget: Budget
  /** Looks up where a server is; false when that may not be, or leads back here. */
  lookUpAddress(name: Name, qtype: number, nowMs: number): boolean
  /** Addresses are still being looked up. */
  readonly isWaiting: boolean
  /** Links of the answer, never empty: the first is about the name of the descent. */
  found(links: readonly Link[], nowMs: number): void
  failed(errors: readonly ExtendedError[], nowMs: number): void
  trace(event: TraceEvent): void
}

/** RFC 9156 §2.3: labels that are added one by one, and questions in all for the rest. */
const ONE_LABEL_STEPS = 4
const MINIMISED_STEPS = 10

export class Descent {
  readonly #world: World
  readonly #owner: DescentOwner
  readonly #qname: Name
  readonly #qtype: number
  readonly #labels: number
  readonly #avoided: ReadonlySet<string>
  #cut: Delegation | undefined
  #book: AddressBook | undefined
  #inquiry: Inquiry | undefined
  #asksForwarders = true
  /** Labels of the name that the servers of the cut see. */
  #shown = 0
  #steps = 0
  #failures = 0
  /** Of servers at the cut, by what they are worth asking again. */
  readonly #tried = new Map<string, number>()
  /** Zones whose delegation was asked for again since none of its servers helped. */
  readonly #asked = new Set<Name>()
  #isOver = false

  /** `avoided`: keys of servers that are not asked, since what they say was bogus. */
  constructor(
    qname: Name,
    qtype: number,
    owner: DescentOwner,
    world: World,
    avoided: ReadonlySet<string>,
  ) {
    this.#qname = qname
    this.#qtype = qtype
    this.#labels = labelCount(qname)
    this.#owner = owner
    this.#avoided = avoided
    this.#world = world
  }

  begin(nowMs: number): void {
    this.#enter(this.#closest(this.#qname, nowMs))
    if (this.#cut!.kind === 'hints') this.#world.hintsUsed(nowMs)
    this.#ask(nowMs)
  }

  /** An address that was looked up is there, or cannot be had. */
  resume(nowMs: number): void {
    if (this.#isOver || this.#inquiry !== undefined) return
    this.#ask(nowMs)
  }

  /** Nobody waits any more. */
  abandon(): void {
    this.#isOver = true
    if (this.#inquiry !== undefined) this.#world.abandon(this.#inquiry)
    this.#inquiry = undefined
  }

  #closest(name: Name, nowMs: number): Delegation {
    const qtype = name === this.#qname ? this.#qtype : TYPE.NS
    return this.#world.cuts.closest(name, qtype, nowMs, this.#asksForwarders)
  }

  #enter(cut: Delegation): void {
    this.#cut = cut
    this.#book = new AddressBook(cut, this.#world)
    this.#tried.clear()
    this.#failures = 0
    const { minimisation } = this.#world.options
    const isMinimised = minimisation !== 'off' && cut.kind !== 'forward'
    this.#shown = isMinimised ? Math.min(labelCount(cut.zone) + 1, this.#labels) : this.#labels
  }

  #ask(nowMs: number): void {
    const cut = this.#cut!
    const { options, servers, random } = this.#world
    if (this.#failures >= options.limits.failuresAtCut) return this.#exhausted(nowMs)
    this.#skipKnown(nowMs)
    const upstreams = this.#book!.upstreams(nowMs)
    const upstream = servers.choose(upstreams, {
      isLeft: (candidate) => this.#isLeft(candidate, cut.zone, nowMs),
      inOrder: cut.inOrder,
      nowMs,
      random,
    })
    if (upstream === undefined) {
      if (this.#owner.isWaiting || this.#book!.lookUp(this.#owner, nowMs)) return
      // What was looked up may have been there already.
      if (this.#book!.hasNews(nowMs)) return this.#ask(nowMs)
      return this.#exhausted(nowMs)
    }
    this.#tried.set(upstreamKey(upstream), (this.#tried.get(upstreamKey(upstream)) ?? 0) + 1)
    const qname = this.#shownName()
    const qtype = qname === this.#qname ? this.#qtype : TYPE.A
    this.#owner.trace({ kind: 'sent', zone: cut.zone, upstream, qname, qtype })
    const ask = { upstream, qname, qtype, recursionDesired: cut.kind === 'forward' }
    this.#inquiry = this.#world.inquire(ask, this.#owner.budget, this)
    this.#inquiry.begin(nowMs)
  }

  /** Twice, since a packet may be lost; not again after it said something useless. */
  #isLeft(upstream: Upstream, zone: Name, nowMs: number): boolean {
    if (this.#avoided.has(upstreamKey(upstream))) return false
    if (this.#world.servers.isLame(upstream, zone, nowMs)) return false
    return (this.#tried.get(upstreamKey(upstream)) ?? 0) < TRIES_OF_ONE
  }

  /** The rest of the name may be shown where the cache says that nothing is delegated there. */
  #skipKnown(nowMs: number): void {
    while (this.#shown < this.#labels) {
      const known = this.#world.cache.find(this.#shownName(), TYPE.A, nowMs)
      if (known === undefined || known.zone !== this.#cut!.zone) return
      if (known.kind === 'nxdomain') this.#shown = this.#labels
      else this.#showMore()
    }
  }

  #showMore(): void {
    this.#steps++
    const left = this.#labels - this.#shown
    if (this.#steps < ONE_LABEL_STEPS) this.#shown++
    else if (this.#steps >= MINIMISED_STEPS) this.#shown = this.#labels
    else this.#shown += Math.max(1, Math.floor(left / (MINIMISED_STEPS - this.#steps)))
    if (this.#shown > this.#labels) this.#shown = this.#labels
  }

  #shownName(): Name {
    let name = this.#qname
    for (let left = this.#labels - this.#shown; left > 0; left--) name = parentName(name)!
    return name
  }

  /** For the inquiry under way. */
  concluded(inquiry: Inquiry, outcome: Outcome, nowMs: number): void {
    if (inquiry !== this.#inquiry || this.#isOver) return
    this.#inquiry = undefined
    const { upstream, qname, qtype } = inquiry.ask
    if (outcome.kind === 'failed') {
      this.#owner.trace({ kind: 'unanswered', upstream, why: outcome.why })
      if (outcome.why === 'no-budget') return this.#fail(TOO_MUCH_WORK, nowMs)
      if (outcome.why !== 'timeout') this.#tried.set(upstreamKey(upstream), TRIES_OF_ONE)
      return this.#again(nowMs)
    }
    const { message, rttMs } = outcome
    const { rcode } = message
    const cut = this.#cut!
    if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) {
      this.#owner.trace({ kind: 'refused', rcode, rttMs })
      if (rcode === RCODE.REFUSED || rcode === RCODE.NOTAUTH)
        this.#world.servers.markLame(upstream, cut.zone, nowMs)
      this.#tried.set(upstreamKey(upstream), TRIES_OF_ONE)
      return this.#again(nowMs)
    }
    const { ttl } = this.#world.options
    const isForwarder = cut.kind === 'forward'
    const findings = readFindings(
      message,
      { zone: cut.zone, qname, qtype, isForwarder },
      { nowMs, ...ttl },
    )
    this.#owner.trace({ kind: 'found', findings, rcode, rttMs })
    if (findings.kind === 'lame') {
      this.#world.servers.markLame(upstream, cut.zone, nowMs)
      this.#tried.set(upstreamKey(upstream), TRIES_OF_ONE)
      return this.#again(nowMs)
    }
    if (findings.kind === 'referral') return this.#follow(findings.referral, upstream, nowMs)
    if (qname === ROOT && qtype === TYPE.NS) this.#world.primed(message, findings.links, nowMs)
    if (qname === this.#qname) {
      for (const link of findings.links) {
        link.from = upstream
        this.#world.cache.put(link)
      }
      this.#isOver = true
      return this.#owner.found(findings.links, nowMs)
    }
    this.#learned(findings.links[0]!, nowMs)
  }

  /** A part of the name is no zone cut. */
  #learned(link: Link, nowMs: number): void {
    if (link.kind === 'nxdomain') {
      const isBelieved = this.#world.options.minimisation === 'strict' || this.#cut!.zone === ROOT
      if (isBelieved) {
        this.#world.cache.put(link)
        this.#isOver = true
        return this.#owner.found([link], nowMs)
      }
      // Too many servers deny what only has names below it (RFC 9156 §2.3): the whole name is asked.
      this.#shown = this.#labels
    } else {
      this.#world.cache.put(link)
      if (link.kind === 'alias') this.#shown = this.#labels
      else this.#showMore()
    }
    this.#tried.clear()
    this.#ask(nowMs)
  }

  #follow(referral: Referral, from: Upstream, nowMs: number): void {
    const { options, cuts, cache } = this.#world
    const delegation: Delegation = {
      zone: referral.zone,
      kind: 'referral',
      servers: referral.servers.map(({ name, addresses }) => ({
        name,
        upstreams: addresses
          .filter((address) => !options.isForbidden(address))
          .map((address): Upstream => ({ address, port: options.port, protocol: 'plain' })),
      })),
      expiresMs: nowMs + referral.ttlSeconds * 1000,
      fallsBack: false,
      inOrder: false,
    }
    cuts.put(delegation)
    if (referral.ds !== undefined) {
      referral.ds.from = from
      cache.put(referral.ds)
    }
    this.#enter(delegation)
    this.#ask(nowMs)
  }

  #again(nowMs: number): void {
    this.#failures++
    this.#ask(nowMs)
  }

  /** No server of the cut helped: perhaps its parent knows others by now. */
  #exhausted(nowMs: number): void {
    const cut = this.#cut!
    if (cut.kind === 'forward' && cut.fallsBack) {
      this.#asksForwarders = false
      this.#enter(this.#closest(this.#qname, nowMs))
      return this.#ask(nowMs)
    }
    const mayAskAgain = cut.kind === 'referral' && cut.zone !== ROOT && this.#avoided.size === 0
    if (mayAskAgain && !this.#asked.has(cut.zone)) {
      this.#asked.add(cut.zone)
      this.#world.cuts.drop(cut.zone)
      this.#enter(this.#closest(this.#qname, nowMs))
      return this.#ask(nowMs)
    }
    this.#fail(noReachableAuthority(cut.zone), nowMs)
  }

  #fail(error: ExtendedError, nowMs: number): void {
    this.#isOver = true
    this.#owner.failed([error], nowMs)
  }
}

const TRIES_OF_ONE = 2
