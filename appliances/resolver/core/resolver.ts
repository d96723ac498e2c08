// The resolver as a machine: questions, packets and time in; packets to send and answers out. It opens no socket, reads no
// clock and draws no random number of its own.
import { SipHash, SIP_HASH_OCTETS } from '../../../shared/bytes/sip-hash.ts'
import { RCODE, type Message } from '../../../shared/dns/message.ts'
import { canonicalName, labelCount, parentName, ROOT, type Name } from '../../../shared/dns/name.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import { chainAnswer, failureAnswer, type Answer, type Question } from './answer.ts'
import { LinkCache, type AnswerCache } from './cache/answer-cache.ts'
import { DenialCache } from './cache/denial-cache.ts'
import { FailureMemory } from './cache/failure-memory.ts'
import type { Flushing } from './cache/flushing.ts'
import { Deadlines, type Deadline } from './deadlines.ts'
import { SERVERS_LIMIT, type Delegation, type ZoneServer } from './iterate/delegation.ts'
import type { Descent } from './iterate/descent.ts'
import { TOO_BUSY } from './iterate/failures.ts'
import { Inquiry, type Ask, type InquiryWorld, type Outcome } from './iterate/inquiry.ts'
import { addressesOf } from './iterate/response.ts'
import { ServerMemory } from './iterate/server-memory.ts'
import { upstreamKey, type Upstream, type UpstreamTransport } from './iterate/upstream.ts'
import { ZoneCuts } from './iterate/zone-cuts.ts'
import { isWorn, type Link } from './link.ts'
import type { ResolverOptions } from './options.ts'
import type { Random } from './random.ts'
import { findRRset, groupRRsets } from './rrset.ts'
import { Task, type Assignment, type TaskGiven, type TaskOwner } from './task.ts'
import type { Trace, Why } from './trace.ts'
import type { Validator } from './validator.ts'
import type { Budget, World } from './world.ts'

export type Output =
  /**
   * Send `packet` from a port that nothing else uses and nobody can guess. What arrives there goes to `received` with the
   * same `exchange`, until `close`.
   */
  | {
      readonly kind: 'send'
      readonly exchange: number
      readonly upstream: Upstream
      readonly transport: UpstreamTransport
      readonly packet: Uint8Array
    }
  /** Nothing that arrives for the exchange matters any more. */
  | { readonly kind: 'close'; readonly exchange: number }
  | { readonly kind: 'answer'; readonly ticket: number; readonly answer: Answer }

export type Sender = { readonly address: string; readonly port: number }

export type ResolverCounts = {
  questions: number
  cacheHits: number
  sent: number
  timeouts: number
  /** Packets that came to an exchange and did not answer it: guesses, late ones, strays. */
  strangers: number
  staleAnswers: number
  prefetches: number
  /** Denials made of NSEC records that were known. */
  synthesized: number
}

export class Resolver {
  readonly cache: AnswerCache
  readonly servers: ServerMemory
  readonly cuts: ZoneCuts
  readonly denials: DenialCache | undefined
  readonly failures: FailureMemory
  readonly counts: ResolverCounts = {
    questions: 0,
    cacheHits: 0,
    sent: 0,
    timeouts: 0,
    strangers: 0,
    staleAnswers: 0,
    prefetches: 0,
    synthesized: 0,
  }
  readonly #options: ResolverOptions
  readonly #random: Random
  readonly #cookies: SipHash
  readonly #world: World
  readonly #owner: TaskOwner
  readonly #exchanges = new Map<number, Exchange>()
  readonly #exchangeOf = new Map<Inquiry, number>()
  readonly #tasks = new Map<string, Task>()
  readonly #kept = new Map<Task, { readonly key: string; readonly deadline: Deadline<Due> }>()
  readonly #tickets = new Map<number, Ticket>()
  readonly #deadlines = new Deadlines<Due>()
  #outputs: Output[] = []
  #lastExchange = 0
  #lastTicket = 0
  #primedUntilMs = 0

  constructor(options: ResolverOptions, random: Random, validator?: Validator) {
    const { limits } = options
    this.#options = options
    this.#random = random
    this.#cookies = new SipHash(options.cookieSecret)
    this.cache = new LinkCache({ octets: limits.cacheOctets, staleSeconds: limits.staleSeconds })
    const isAggressive = validator !== undefined && options.aggressiveNsec
    this.denials = isAggressive
      ? new DenialCache({ octets: limits.denialOctets, recordsOfZone: limits.denialsOfZone })
      : undefined
    this.failures = new FailureMemory(limits.failures)
    this.servers = new ServerMemory(limits.servers)
    this.cuts = new ZoneCuts(options.delegations, limits.delegations)
    this.#world = {
      options,
      random,
      cache: this.cache,
      denials: this.denials,
      failures: this.failures,
      cuts: this.cuts,
      servers: this.servers,
      validator,
      denied: (qname, qtype, nowMs) => this.#denied(qname, qtype, nowMs),
      inquire: (ask, budget, descent) => this.#inquire(ask, budget, descent),
      abandon: (inquiry) => this.#abandon(inquiry),
      hintsUsed: (nowMs) => this.#prime(nowMs),
      primed: (message, links, nowMs) => this.#primed(message, links, nowMs),
    }
    this.#owner = {
      join: (parent, assignment, why, nowMs) => this.#join(parent, assignment, why, nowMs),
      finished: (task) => this.#finished(task),
    }
  }

  /** Questions of clients that are worked on. */
  get questions(): number {
    return this.#tickets.size
  }

  /** Packets that answers are awaited for. */
  get exchanges(): number {
    return this.#exchanges.size
  }

  /** The answer that the cache has, whole and checked; undefined when something has to be asked or checked first. */
  peek(question: Question, nowMs: number): Answer | undefined {
    const links = this.#chain(
      question,
      (qname, qtype) =>
        this.cache.find(qname, qtype, nowMs) ??
        (question.checkingDisabled ? undefined : this.#denied(qname, qtype, nowMs)),
    )
    if (links === undefined) return undefined
    this.counts.questions++
    this.counts.cacheHits++
    if (this.#options.prefetch && links.some((link) => isWorn(link, nowMs)))
      this.#prefetch(question, nowMs)
    return chainAnswer(links, false)
  }

  /** The answer comes as an output with this ticket. */
  ask(question: Question, nowMs: number, trace?: Trace): number {
    const ticket = ++this.#lastTicket
    this.counts.questions++
    if (this.#tickets.size >= this.#options.limits.questions) {
      this.#outputs.push({ kind: 'answer', ticket, answer: failureAnswer([TOO_BUSY]) })
      return ticket
    }
    const asked: Ticket = { question, patience: undefined }
    this.#tickets.set(ticket, asked)
    const { stale, limits } = this.#options
    const assignment = {
      qname: question.qname,
      qtype: question.qtype,
      isChecked: !question.checkingDisabled,
      isEvidence: false,
      isRefresh: false,
    }
    trace?.event(0, { kind: 'asked', qname: question.qname, qtype: question.qtype, why: 'client' })
    const { task, isNew } = this.#taskFor(assignment, {
      budget: this.#newBudget(),
      depth: 0,
      deadlineMs: nowMs + limits.deadlineMs,
      trace,
    })
    task.wait((_task, answer, doneMs) => this.#answered(ticket, answer, doneMs))
    if (stale.isServed)
      asked.patience = this.#deadlines.add(nowMs + stale.clientMs, { kind: 'patience', ticket })
    if (isNew) task.begin(nowMs)
    return ticket
  }

  /** The client went away; what is under way goes on, for the cache. */
  forget(ticket: number): void {
    const asked = this.#tickets.get(ticket)
    if (asked?.patience !== undefined) asked.patience.isCancelled = true
    this.#tickets.delete(ticket)
  }

  /** A packet came to the port of an exchange; over a stream `from` is whom the stream was opened to. */
  received(exchange: number, packet: Uint8Array, from: Sender, nowMs: number): void {
    const open = this.#exchanges.get(exchange)
    if (open === undefined) return
    const { upstream } = open.inquiry.ask
    if (from.address !== upstream.address || from.port !== upstream.port) {
      this.counts.strangers++
      return
    }
    // The inquiry may send again, from another exchange.
    if (open.inquiry.received(packet, nowMs)) this.#close(exchange, open)
    else this.counts.strangers++
  }

  /** The system could not send, or the stream broke. */
  unreachable(exchange: number, nowMs: number): void {
    const open = this.#exchanges.get(exchange)
    if (open === undefined) return
    this.#close(exchange, open)
    open.inquiry.unreachable(nowMs)
  }

  /** The servers of the zones that `name` lies in, as far as they are known; of the root and of what is right below it none. */
  *serversAbove(name: Name, nowMs: number): Generator<ZoneServer> {
    for (let zone = name; labelCount(zone) > 1; zone = parentName(zone)!)
      yield* this.cuts.known(zone, nowMs)?.servers ?? []
  }

  /** Everything of the names that are meant is asked for anew; how many answers were forgotten. */
  flush(flushing: Flushing): number {
    this.denials?.flush(flushing)
    this.failures.flush(flushing)
    this.cuts.flush(flushing)
    this.#world.validator?.flush(flushing)
    return this.cache.flush(flushing)
  }

  /** Does what is due. */
  expired(nowMs: number): void {
    for (let due = this.#deadlines.take(nowMs); due; due = this.#deadlines.take(nowMs)) {
      if (due.kind === 'task') due.task.expired(nowMs)
      else if (due.kind === 'patience') this.#impatient(due.ticket, nowMs)
      else {
        const open = this.#exchanges.get(due.exchange)
        if (open === undefined) continue
        this.counts.timeouts++
        this.#close(due.exchange, open)
        open.inquiry.expired(nowMs)
      }
    }
  }

  /** When `expired` has something to do next. */
  get deadlineMs(): number | undefined {
    return this.#deadlines.nextMs
  }

  /** What is to be done, in order, and then forgotten. */
  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  #chain(
    { qname, qtype, checkingDisabled }: Question,
    find: (qname: Name, qtype: number) => Link | undefined,
  ): Link[] | undefined {
    const links: Link[] = []
    let name = qname
    for (;;) {
      const link = find(name, qtype)
      if (link === undefined || links.length >= this.#options.limits.aliases) return undefined
      if (!checkingDisabled && !this.#isSettled(link)) return undefined
      links.push(link)
      if (link.kind !== 'alias' || qtype === TYPE.CNAME) return links
      name = link.target!
      if (links.some((before) => before.qname === name)) return undefined
    }
  }

  #denied(qname: Name, qtype: number, nowMs: number): Link | undefined {
    if (this.denials === undefined || this.#world.validator?.covers(qname) !== true)
      return undefined
    const { zone } = this.cuts.closest(qname, qtype, nowMs, true)
    const denied = this.denials.find(qname, qtype, zone, nowMs)
    if (denied !== undefined) this.counts.synthesized++
    return denied
  }

  #isSettled({ security }: Link): boolean {
    if (this.#world.validator === undefined) return true
    return security !== 'unchecked' && security !== 'bogus'
  }

  #newBudget(): Budget {
    const { queries, serverLookups } = this.#options.limits
    return { queries, serverLookups }
  }

  /** Who is at work on it already, or someone new who is yet to begin. */
  #taskFor(
    assignment: Assignment,
    given: TaskGiven,
  ): { readonly task: Task; readonly isNew: boolean } {
    const key = keyOf(assignment)
    const running = this.#tasks.get(key)
    // Whoever wants to see the way has to walk it.
    if (running !== undefined && given.trace === undefined) return { task: running, isNew: false }
    const task = new Task(assignment, given, this.#owner, this.#world)
    this.#tasks.set(key, task)
    const deadline = this.#deadlines.add(given.deadlineMs, { kind: 'task', task })
    this.#kept.set(task, { key, deadline })
    return { task, isNew: true }
  }

  #join(parent: Task, assignment: Assignment, why: Why, nowMs: number): Task | undefined {
    const depth = parent.depth + 1
    if (depth > this.#options.limits.depth) return undefined
    const running = this.#tasks.get(keyOf(assignment))
    const { qname, qtype } = assignment
    if (running !== undefined) {
      if (running.dependsOn(parent)) return undefined
      parent.traced?.event(depth, { kind: 'joined', qname, qtype })
      return running
    }
    parent.traced?.event(depth, { kind: 'asked', qname, qtype, why })
    const { task } = this.#taskFor(assignment, {
      budget: parent.budget,
      depth,
      deadlineMs: parent.deadlineMs,
      trace: parent.traced,
    })
    task.begin(nowMs)
    return task
  }

  #finished(task: Task): void {
    const { key, deadline } = this.#kept.get(task)!
    if (this.#tasks.get(key) === task) this.#tasks.delete(key)
    deadline.isCancelled = true
    this.#kept.delete(task)
  }

  #prefetch({ qname, qtype, checkingDisabled }: Question, nowMs: number): void {
    const assignment = {
      qname,
      qtype,
      isChecked: !checkingDisabled,
      isEvidence: false,
      isRefresh: true,
    }
    if (this.#background(assignment, nowMs)) this.counts.prefetches++
  }

  /** Nobody waits for it; false when someone is at it already. */
  #background(assignment: Assignment, nowMs: number): boolean {
    const { limits } = this.#options
    if (this.#tasks.size >= limits.questions) return false
    const { task, isNew } = this.#taskFor(assignment, {
      budget: this.#newBudget(),
      depth: 0,
      deadlineMs: nowMs + limits.deadlineMs,
      trace: undefined,
    })
    if (!isNew) return false
    task.begin(nowMs)
    return true
  }

  #answered(ticket: number, answer: Answer, nowMs: number): void {
    const asked = this.#tickets.get(ticket)
    if (asked === undefined) return
    const isLost = answer.rcode === RCODE.SERVFAIL && answer.security !== 'bogus'
    const stale = isLost ? this.#stale(asked.question, nowMs) : undefined
    this.#deliver(ticket, stale ?? answer)
  }

  /** A client has waited long enough: it gets what is stale, if there is something. */
  #impatient(ticket: number, nowMs: number): void {
    const asked = this.#tickets.get(ticket)
    const stale = asked && this.#stale(asked.question, nowMs)
    if (stale !== undefined) this.#deliver(ticket, stale)
  }

  #stale(question: Question, nowMs: number): Answer | undefined {
    if (!this.#options.stale.isServed) return undefined
    const links = this.#chain(question, (qname, qtype) => this.cache.findStale(qname, qtype, nowMs))
    if (links === undefined) return undefined
    this.counts.staleAnswers++
    return chainAnswer(links, true)
  }

  #deliver(ticket: number, answer: Answer): void {
    this.forget(ticket)
    this.#outputs.push({ kind: 'answer', ticket, answer })
  }

  #inquire(ask: Ask, budget: Budget, descent: Descent): Inquiry {
    const world: InquiryWorld = {
      random: this.#random,
      servers: this.servers,
      clientCookie: (upstream) => this.#clientCookie(upstream),
      mayAsk: () => budget.queries-- > 0,
      send: (inquiry, transport, packet, deadlineMs) =>
        this.#send(inquiry, transport, packet, deadlineMs),
      done: (inquiry, outcome: Outcome, nowMs) => descent.concluded(inquiry, outcome, nowMs),
    }
    return new Inquiry(ask, world)
  }

  #send(
    inquiry: Inquiry,
    transport: UpstreamTransport,
    packet: Uint8Array,
    deadlineMs: number,
  ): void {
    const exchange = ++this.#lastExchange
    const deadline = this.#deadlines.add(deadlineMs, { kind: 'exchange', exchange })
    this.#exchanges.set(exchange, { inquiry, deadline })
    this.#exchangeOf.set(inquiry, exchange)
    this.counts.sent++
    const { upstream } = inquiry.ask
    this.#outputs.push({ kind: 'send', exchange, upstream, transport, packet })
  }

  #abandon(inquiry: Inquiry): void {
    const exchange = this.#exchangeOf.get(inquiry)
    const open = exchange === undefined ? undefined : this.#exchanges.get(exchange)
    if (open !== undefined) this.#close(exchange!, open)
  }

  #close(exchange: number, { inquiry, deadline }: Exchange): void {
    deadline.isCancelled = true
    this.#exchanges.delete(exchange)
    if (this.#exchangeOf.get(inquiry) === exchange) this.#exchangeOf.delete(inquiry)
    this.#outputs.push({ kind: 'close', exchange })
  }

  #clientCookie(upstream: Upstream): Uint8Array {
    const state = this.servers.of(upstream)
    if (state.clientCookie !== undefined) return state.clientCookie
    const server = Buffer.from(upstreamKey(upstream))
    const cookie = new Uint8Array(SIP_HASH_OCTETS)
    this.#cookies.digest(server, server.length, cookie, 0)
    state.clientCookie = cookie
    return cookie
  }

  /** Asks the servers of the hints who the root's servers are (RFC 8109), when it is time. */
  #prime(nowMs: number): void {
    if (nowMs < this.#primedUntilMs) return
    const root = this.cuts.closest(ROOT, TYPE.NS, nowMs, true)
    if (root.kind !== 'hints') return
    this.#primedUntilMs = nowMs + PRIMING_RETRY_MS
    const assignment = {
      qname: ROOT,
      qtype: TYPE.NS,
      isChecked: false,
      isEvidence: false,
      isRefresh: true,
    }
    this.#background(assignment, nowMs)
  }

  #primed(message: Message, links: readonly Link[], nowMs: number): void {
    const [link] = links
    if (link?.kind !== 'data' || this.cuts.closest(ROOT, TYPE.NS, nowMs, true).kind !== 'hints')
      return
    const glue = groupRRsets(message.additionals)
    const { isForbidden, port } = this.#options
    const servers = link.rrsets[0]!.rdatas.slice(0, SERVERS_LIMIT).map((rdata) => {
      const name = canonicalName(Buffer.from(rdata).toString('latin1') as Name)
      const found = [findRRset(glue, name, TYPE.A), findRRset(glue, name, TYPE.AAAA)]
      const upstreams = found
        .flatMap(addressesOf)
        .filter((address) => !isForbidden(address))
        .map((address): Upstream => ({ address, port, protocol: 'plain' }))
      return { name, upstreams }
    })
    // Without any address the hints are better.
    if (!servers.some(({ upstreams }) => upstreams.length > 0)) return
    const root: Delegation = {
      zone: ROOT,
      kind: 'referral',
      servers,
      expiresMs: nowMs + link.ttlSeconds * 1000,
      fallsBack: false,
      inOrder: false,
    }
    this.cuts.put(root)
    this.#primedUntilMs = root.expiresMs
  }
}

function keyOf({ qname, qtype, isChecked, isEvidence, avoided }: Assignment): string {
  const kind = isEvidence ? 'e' : isChecked ? 'c' : 'r'
  const others = avoided === undefined ? '' : [...avoided].join()
  return kind + String.fromCharCode(qtype) + qname + others
}

type Exchange = { readonly inquiry: Inquiry; readonly deadline: Deadline<Due> }
type Ticket = { readonly question: Question; patience: Deadline<Due> | undefined }
type Due =
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'patience'; readonly ticket: number }
  | { readonly kind: 'exchange'; readonly exchange: number }

const PRIMING_RETRY_MS = 10_000
