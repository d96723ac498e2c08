// One question that is being worked on, for whoever waits for it: link by link from the cache or from a descent, each
// checked before the next, until the chain ends.
import { TYPE } from '../../../shared/dns/record-types.ts'
import type { Name } from '../../../shared/dns/name.ts'
import { chainAnswer, failureAnswer, type Answer } from './answer.ts'
import { failureKey } from './cache/failure-memory.ts'
import { Descent, type DescentOwner } from './iterate/descent.ts'
import { cachedError, TOO_LATE, TOO_MANY_ALIASES } from './iterate/failures.ts'
import type { ExtendedError } from '../../../shared/dns/edns.ts'
import { isWorn, type Link } from './link.ts'
import { upstreamKey } from './iterate/upstream.ts'
import type { Trace, TraceEvent, Why } from './trace.ts'
import type { Step, Validation } from './validator.ts'
import type { Budget, World } from './world.ts'

export type Assignment = {
  readonly qname: Name
  readonly qtype: number
  /** `false`: links are taken unchecked, and bogus ones too. */
  readonly isChecked: boolean
  /** The first link is the whole answer, and may come from a referral. */
  readonly isEvidence: boolean
  /** What is about to expire is fetched again. */
  readonly isRefresh: boolean
  /** Keys of servers that are not asked; none for who just asks. */
  readonly avoided?: ReadonlySet<string>
}

export type TaskGiven = {
  readonly budget: Budget
  readonly depth: number
  readonly deadlineMs: number
  readonly trace: Trace | undefined
}

/** Who waits: a client's ticket, another task, or nobody. */
export type Waiter = (task: Task, answer: Answer, nowMs: number) => void

/** What a task needs besides the world. */
export interface TaskOwner {
  /** A task for `assignment`, new or already running; undefined when it would wait for itself, or lies too deep. */
  join(parent: Task, assignment: Assignment, why: Why, nowMs: number): Task | undefined
  finished(task: Task): void
}

/** How often something bogus is asked of another server. */
const RETRIES = 3

export class Task implements DescentOwner {
  readonly assignment: Assignment
  readonly budget: Budget
  readonly depth: number
  readonly deadlineMs: number
  /** Tasks that this one waits for. */
  readonly waitsFor: Set<Task> = new Set()
  readonly #world: World
  readonly #owner: TaskOwner
  readonly #trace: Trace | undefined
  readonly #waiters: Waiter[] = []
  readonly #links: Link[] = []
  /** What the response at hand says beyond the link under way. */
  #ahead: readonly Link[] = []
  #qname: Name
  #descent: Descent | undefined
  #validation: Validation | undefined
  /** What the check under way was given. */
  #evidence: Link[] = []
  /** Servers that are not asked any more for this task, and its evidence, since what they said was bogus. */
  readonly #avoided: Set<string>
  #retries = 0
  /** What was bogus first, for when no other server knows better. */
  #spoiled: { readonly link: Link; readonly verdict: Verdict } | undefined
  answer: Answer | undefined

  constructor(assignment: Assignment, given: TaskGiven, owner: TaskOwner, world: World) {
    this.assignment = assignment
    this.#qname = assignment.qname
    this.budget = given.budget
    this.depth = given.depth
    this.deadlineMs = given.deadlineMs
    this.#trace = given.trace
    this.#owner = owner
    this.#world = world
    this.#avoided = new Set(assignment.avoided)
  }

  /** Whether addresses are still being looked up. */
  get isWaiting(): boolean {
    return this.waitsFor.size > 0
  }

  get traced(): Trace | undefined {
    return this.#trace
  }

  wait(waiter: Waiter): void {
    this.#waiters.push(waiter)
  }

  /** Whether it waits, however indirectly, for `other`. */
  dependsOn(other: Task): boolean {
    const seen = new Set<Task>([this])
    for (const task of seen) {
      if (task === other) return true
      for (const next of task.waitsFor) seen.add(next)
    }
    return false
  }

  begin(nowMs: number): void {
    this.#next(nowMs)
  }

  /** The deadline has come. */
  expired(nowMs: number): void {
    this.failed([TOO_LATE], nowMs)
  }

  trace(event: TraceEvent): void {
    this.#trace?.event(this.depth, event)
  }

  lookUpAddress(name: Name, qtype: number, nowMs: number): boolean {
    if (this.budget.serverLookups <= 0) return false
    const assignment = {
      qname: name,
      qtype,
      isChecked: false,
      isEvidence: false,
      isRefresh: false,
    }
    const task = this.#owner.join(this, assignment, 'address', nowMs)
    if (task === undefined) return false
    this.budget.serverLookups--
    if (task.answer !== undefined) return false
    this.waitsFor.add(task)
    task.wait((done, _answer, doneMs) => {
      this.waitsFor.delete(done)
      if (this.answer === undefined) this.#descent?.resume(doneMs)
    })
    return true
  }

  found(links: readonly Link[], nowMs: number): void {
    this.#descent = undefined
    this.#ahead = links.slice(1)
    this.#take(links[0]!, nowMs)
  }

  failed(errors: readonly ExtendedError[], nowMs: number): void {
    const { qname, qtype, isChecked } = this.assignment
    if (this.#spoiled !== undefined) return this.#settle(this.#spoiled.link, nowMs)
    // Who may not ask everyone cannot say that nobody answers.
    if (this.#avoided.size > 0) return this.#finish(failureAnswer(errors), nowMs)
    this.#world.failures.put(failureKey(qname, qtype, isChecked), { errors, isBogus: false }, nowMs)
    this.#finish(failureAnswer(errors), nowMs)
  }

  /** Looks for the next link: in the cache first. */
  #next(nowMs: number): void {
    const { cache, failures } = this.#world
    const { qtype, isEvidence, isChecked } = this.assignment
    const qname = this.#qname
    const known = isEvidence
      ? cache.findEvidence(qname, qtype, nowMs)
      : cache.find(qname, qtype, nowMs)
    if (known !== undefined && !this.#isWorn(known, nowMs)) {
      this.trace({ kind: 'cached', link: known, nowMs })
      return this.#take(known, nowMs)
    }
    const isPlain = isChecked && !isEvidence && known === undefined && this.#avoided.size === 0
    const denied = isPlain ? this.#world.denied(qname, qtype, nowMs) : undefined
    if (denied !== undefined) {
      this.trace({ kind: 'cached', link: denied, nowMs })
      return this.#take(denied, nowMs)
    }
    const failure = failures.find(failureKey(qname, qtype, isChecked), nowMs)
    if (failure !== undefined && this.#avoided.size === 0) {
      const errors = cachedError(failure.errors)
      return this.#finish(failureAnswer(errors, failure.isBogus ? 'bogus' : undefined), nowMs)
    }
    this.#descent = new Descent(qname, qtype, this, this.#world, this.#avoided)
    this.#descent.begin(nowMs)
  }

  #isWorn(link: Link, nowMs: number): boolean {
    return this.assignment.isRefresh && isWorn(link, nowMs)
  }

  #take(link: Link, nowMs: number): void {
    const { isChecked } = this.assignment
    const { validator } = this.#world
    if (!isChecked || validator === undefined || link.security !== 'unchecked')
      return this.#accept(link, nowMs)
    if (!validator.covers(link.qname)) {
      link.security = 'insecure'
      return this.#accept(link, nowMs)
    }
    this.#validation = validator.begin(link, nowMs, this.#retries > 0)
    this.#evidence = []
    this.#check(this.#validation, link, undefined, nowMs)
  }

  /** One step of a check, and all further ones for which everything is at hand. */
  #check(
    validation: Validation,
    link: Link,
    given: { readonly link: Link | undefined } | undefined,
    nowMs: number,
  ): void {
    let evidence = given
    for (;;) {
      if (this.answer !== undefined || validation !== this.#validation) return
      if (evidence?.link !== undefined) this.#evidence.push(evidence.link)
      const step = validation.step(evidence, nowMs)
      if (step.kind === 'verdict') {
        this.#validation = undefined
        if (step.security === 'bogus') this.#spoiled ??= { link, verdict: step }
        else this.#spoiled = undefined
        if (this.#mayRetry(step)) return this.#retry(link, step.culprit!, nowMs)
        return this.#settle(link, nowMs, step)
      }
      const { qname, qtype } = step
      const assignment = {
        qname,
        qtype,
        isChecked: false,
        isEvidence: true,
        isRefresh: false,
        ...(this.#avoided.size > 0 && { avoided: new Set(this.#avoided) }),
      }
      const task = this.#owner.join(this, assignment, 'evidence', nowMs)
      if (task !== undefined && task.answer === undefined) {
        this.waitsFor.add(task)
        task.wait((done, answer, doneMs) => {
          this.waitsFor.delete(done)
          this.#check(validation, link, { link: answer.links[0] }, doneMs)
        })
        return
      }
      evidence = { link: task?.answer?.links[0] }
    }
  }

  /** The check of a link is over; without a verdict, or with a bad one, the first bad one counts. */
  #settle(link: Link, nowMs: number, verdict?: Verdict): void {
    const spoiled = this.#spoiled
    this.#judge(link, spoiled?.verdict ?? verdict!, nowMs)
    // Kept for whoever wants it unchecked.
    if (spoiled !== undefined && this.#retries > 0) this.#world.cache.put(link)
    this.trace({ kind: 'checked', link })
    this.#accept(link, nowMs)
  }

  #mayRetry({ security, culprit }: Verdict): boolean {
    return security === 'bogus' && culprit?.from !== undefined && this.#retries < RETRIES
  }

  /** Another server may say what holds: one that is no forgery, or from before DNSSEC. */
  #retry(link: Link, culprit: Link, nowMs: number): void {
    this.#retries++
    this.#avoided.add(upstreamKey(culprit.from!))
    this.#world.cache.drop(culprit)
    if (culprit !== link) return this.#take(link, nowMs)
    this.#ahead = []
    this.#next(nowMs)
  }

  #judge(link: Link, verdict: Verdict, nowMs: number): void {
    const { security, extendedError, ttlSeconds } = verdict
    link.security = security
    if (extendedError === undefined) delete link.extendedError
    else link.extendedError = extendedError
    // What proved nothing is asked for anew next time.
    if (security === 'bogus') for (const used of this.#evidence) this.#world.cache.drop(used)
    const ageSeconds = (nowMs - link.storedMs) / 1000
    link.ttlSeconds = Math.min(link.ttlSeconds, Math.floor(ageSeconds + ttlSeconds))
    this.#world.cache.changed(link)
    if (verdict.nsecs !== undefined) this.#world.denials?.put(link, verdict.nsecs)
  }

  #accept(link: Link, nowMs: number): void {
    const { isChecked, isEvidence, qtype } = this.assignment
    if (isChecked && link.security === 'bogus') return this.#bogus(link, nowMs)
    this.#links.push(link)
    const isEnd = isEvidence || link.kind !== 'alias' || qtype === TYPE.CNAME
    if (isEnd) return this.#finish(chainAnswer(this.#links, false), nowMs)
    const target = link.target!
    const isLoop = this.#links.some(({ qname }) => qname === target)
    if (isLoop || this.#links.length >= this.#world.options.limits.aliases)
      return this.failed([TOO_MANY_ALIASES], nowMs)
    this.#qname = target
    const [ahead] = this.#ahead
    this.#ahead = this.#ahead.slice(1)
    if (ahead?.qname === target) return this.#take(ahead, nowMs)
    this.#ahead = []
    this.#next(nowMs)
  }

  #bogus(link: Link, nowMs: number): void {
    const errors = link.extendedError === undefined ? [] : [link.extendedError]
    this.#finish(failureAnswer(errors, 'bogus'), nowMs)
  }

  #finish(answer: Answer, nowMs: number): void {
    if (this.answer !== undefined) return
    this.answer = answer
    this.#descent?.abandon()
    this.#descent = undefined
    this.#validation = undefined
    this.trace({ kind: 'answered', answer })
    this.#owner.finished(this)
    for (const waiter of this.#waiters) waiter(this, answer, nowMs)
  }
}

type Verdict = Step & { readonly kind: 'verdict' }
