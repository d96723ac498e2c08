// Answers as policy zones will have them: a question is looked at before anyone is asked, by its name and its client, and what came
// back by its aliases, its addresses and the servers on the way. The first zone that says something counts.
import { EXTENDED_ERROR } from '../../../../shared/dns/edns.ts'
import { RCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { isStream } from '../../../../shared/dns-server/core/client.ts'
import { parseAddress } from '../../../../shared/net/address.ts'
import { chainAnswer, type Answer, type Question } from '../answer.ts'
import type { ZoneServer } from '../iterate/delegation.ts'
import type { Link } from '../link.ts'
import type { RRset } from '../rrset.ts'
import type { AnswerSource } from '../serve/responder.ts'
import type { PolicyZone } from './policy-zone.ts'
import type { RpzAction } from './rpz-action.ts'

/** What it asks of the policy that holds. */
export interface ZonePolicy {
  /** None while nothing is blocked. */
  readonly zones: readonly PolicyZone[]
  /** Whether an allow list lets the name through. */
  allows(name: Name): boolean
  /** For the count of what was blocked. */
  blockedByZone(): void
}

export type PolicedSetup = {
  readonly policy: () => ZonePolicy
  /** The servers of the zones that `name` lies in, as far as they are known. */
  readonly serversAbove: (name: Name) => Iterable<ZoneServer>
  readonly nowMs: () => number
}

/** Without a zone an allow list says so. */
type Match = {
  readonly zone?: PolicyZone
  readonly action: RpzAction
  /** `question`: nobody was asked; `answer`: it is about addresses in the answer; `way`: about the servers. */
  readonly by: 'question' | 'answer' | 'way'
}

/** A question to the source behind; with `isCached` only what it can say at once, and nothing else. */
type Want = { readonly question: Question; readonly isCached: boolean }
type Steps<T> = Generator<Want, T, Answer | undefined>

const NAME_LIMIT_OCTETS = 255
/** Aliases that are followed, of zones and of servers. */
const ALIASES_LIMIT = 11

export class PolicedSource implements AnswerSource {
  readonly #source: AnswerSource
  readonly #setup: PolicedSetup

  constructor(source: AnswerSource, setup: PolicedSetup) {
    this.#source = source
    this.#setup = setup
  }

  peek(question: Question): Answer | undefined {
    const policy = this.#setup.policy()
    if (policy.zones.length === 0) return this.#source.peek(question)
    const steps = this.#answer(policy, question, 0)
    for (let next = steps.next(); ;) {
      if (next.done === true) return next.value
      const answer = this.#source.peek(next.value.question)
      if (answer === undefined && !next.value.isCached) return undefined
      next = steps.next(answer)
    }
  }

  async ask(question: Question): Promise<Answer> {
    const policy = this.#setup.policy()
    if (policy.zones.length === 0) return await this.#source.ask(question)
    const steps = this.#answer(policy, question, 0)
    for (let next = steps.next(); ;) {
      if (next.done === true) return next.value
      const { question: wanted, isCached } = next.value
      const known = this.#source.peek(wanted)
      next = steps.next(known ?? (isCached ? undefined : await this.#source.ask(wanted)))
    }
  }

  *#answer(policy: ZonePolicy, question: Question, depth: number): Steps<Answer> {
    const before = depth > ALIASES_LIMIT ? PASS : this.#before(policy, question, depth === 0)
    if (before !== undefined && !isPass(before, question))
      return yield* this.#made(policy, question, before, depth)
    const answer = (yield { question, isCached: false })!
    const after =
      before === undefined ? yield* this.#after(policy, question, answer, depth) : undefined
    return after ?? shared(answer, policy, before)
  }

  /** CLIENT-IP before QNAME, in each zone. */
  #before(
    policy: ZonePolicy,
    { qname, client }: Question,
    looksAtClient: boolean,
  ): Match | undefined {
    if (policy.allows(qname)) return PASS
    for (const zone of policy.zones) {
      const ofClient =
        looksAtClient && client !== undefined ? zone.ofAddress('client', client.octets) : undefined
      const action = ofClient ?? zone.ofName('qname', qname)
      if (action !== undefined) return { zone, action, by: 'question' }
    }
    return undefined
  }

  /** Where aliases lead; then addresses, names of servers and their addresses, in each zone. Undefined: it stays as it is. */
  *#after(
    policy: ZonePolicy,
    question: Question,
    answer: Answer,
    depth: number,
  ): Steps<Answer | undefined> {
    // Where an alias leads may be gone, and be in a zone all the same.
    const isLost = answer.rcode === RCODE.SERVFAIL && answer.security !== 'bogus'
    const links = isLost ? yield* aliases(question) : answer.links
    if (question.qtype !== TYPE.CNAME)
      for (const [i, { target }] of links.entries()) {
        const next = target && { ...question, qname: target }
        const match = next && this.#before(policy, next, false)
        if (match === undefined) continue
        if (isPass(match, question)) return undefined
        const rest = yield* this.#answer(policy, next!, depth + 1)
        return joined(links.slice(0, i + 1), rest)
      }
    const match = this.#matchOf(policy, question.qname, links)
    if (match === undefined || isPass(match, question)) return undefined
    const { at } = match
    if (at === 0) return yield* this.#made(policy, question, match, depth)
    const made = yield* this.#made(policy, { ...question, qname: match.name }, match, depth + 1)
    return joined(links.slice(0, at), made)
  }

  /** `at`: how many aliases lead to the name that it is about. */
  #matchOf(
    policy: ZonePolicy,
    qname: Name,
    links: readonly Link[],
  ): (Match & { readonly name: Name; readonly at: number }) | undefined {
    const addresses = links.flatMap(({ rrsets }) =>
      rrsets.flatMap(({ type, rdatas }) => (ADDRESS_TYPES.has(type) ? rdatas : [])),
    )
    const ways = policy.zones.some(({ hasServers }) => hasServers)
      ? [qname, ...links.flatMap(({ target }) => target ?? [])].map((name) => this.#way(name))
      : []
    for (const zone of policy.zones) {
      const ofAddress = first(addresses, (octets) => zone.ofAddress('ip', octets))
      if (ofAddress !== undefined)
        return { zone, action: ofAddress, by: 'answer', name: qname, at: 0 }
      for (const [at, { name, servers, hosts }] of ways.entries()) {
        const action =
          first(servers, (server) => zone.ofName('nsdname', server)) ??
          first(hosts, (octets) => zone.ofAddress('nsip', octets))
        if (action !== undefined) return { zone, action, by: 'way', name, at }
      }
    }
    return undefined
  }

  #way(name: Name): {
    readonly name: Name
    readonly servers: readonly Name[]
    readonly hosts: readonly Uint8Array[]
  } {
    const servers = [...this.#setup.serversAbove(name)]
    const hosts = servers.flatMap(({ upstreams }) =>
      upstreams.flatMap(({ address }) => parseAddress(address) ?? []),
    )
    return { name, servers: servers.map((server) => server.name), hosts }
  }

  *#made(policy: ZonePolicy, question: Question, match: Match, depth: number): Steps<Answer> {
    const { action, by } = match
    policy.blockedByZone()
    const { qname, qtype } = question
    const nowMs = this.#setup.nowMs()
    const link = (kind: Link['kind'], rrset?: RRset, target?: Name): Link =>
      linkOf(question, match.zone!.name, nowMs, { kind, rrset, target })
    const isAuthoritative = by !== 'answer'
    const answerOf = (made: Link): Answer => ({ ...chainAnswer([made], false), isAuthoritative })
    switch (action.kind) {
      case 'drop':
      case 'tcp-only': {
        const isFirst = by === 'question'
        return { ...answerOf(link('nodata')), isAuthoritative: isFirst, handling: action.kind }
      }
      case 'nxdomain':
        return answerOf(link('nxdomain'))
      case 'nodata':
      case 'passthru':
        return answerOf(link('nodata'))
      case 'data': {
        const set = action.sets.find(({ type }) => type === qtype)
        if (set === undefined) return answerOf(link('nodata'))
        return answerOf(link('data', { owner: qname, ...set, signatures: [] }))
      }
      case 'alias': {
        const target = aliasTarget(qname, action)
        // Too long a name is none.
        if (target === undefined) return answerOf(link('nxdomain'))
        const rdatas = [Buffer.from(target, 'latin1')]
        const { ttlSeconds } = action
        const cname = { owner: qname, type: TYPE.CNAME, ttlSeconds, rdatas, signatures: [] }
        const alias = link('alias', cname, target)
        if (qtype === TYPE.CNAME) return answerOf(alias)
        const rest = yield* this.#answer(policy, { ...question, qname: target }, depth + 1)
        const isOurs = (depth === 0 && by === 'question') || rest.isAuthoritative === true
        return { ...joined([alias], rest), isAuthoritative: isOurs }
      }
    }
  }
}

/** The aliases that are known, from `question` on. */
function* aliases(question: Question): Steps<readonly Link[]> {
  const links: Link[] = []
  for (let { qname } = question; links.length < ALIASES_LIMIT;) {
    const known = yield { question: { ...question, qname, qtype: TYPE.CNAME }, isCached: true }
    const [link] = known?.links ?? []
    if (link?.kind !== 'alias' || link.target === undefined) break
    links.push(link)
    qname = link.target
  }
  return links
}

/** Aliases, and the answer for where the last one leads. */
function joined(links: readonly Link[], rest: Answer): Answer {
  const own = chainAnswer(links, false)
  const known = new Set(rest.extendedErrors)
  const all = chainAnswer([...links, ...rest.links], rest.isStale)
  return {
    ...rest,
    links: all.links,
    security: all.security,
    extendedErrors: [...own.extendedErrors.filter((each) => !known.has(each)), ...known],
  }
}

function linkOf(
  { qname, qtype }: Question,
  zone: string,
  nowMs: number,
  {
    kind,
    rrset,
    target,
  }: { kind: Link['kind']; rrset: RRset | undefined; target: Name | undefined },
): Link {
  return {
    kind,
    qname,
    qtype,
    zone: qname,
    rrsets: rrset === undefined ? [] : [rrset],
    authority: [],
    ...(target !== undefined && { target }),
    ttlSeconds: rrset?.ttlSeconds ?? 0,
    storedMs: nowMs,
    isFromReferral: false,
    security: 'insecure',
    extendedError: { code: EXTENDED_ERROR.BLOCKED, text: `blocked by ${zone}` },
  }
}

/** Undefined when it would be too long. */
function aliasTarget(
  qname: Name,
  { target, isWildcard }: RpzAction & { readonly kind: 'alias' },
): Name | undefined {
  if (!isWildcard) return target
  const whole = qname.slice(0, -1) + target
  return whole.length > NAME_LIMIT_OCTETS ? undefined : (whole as Name)
}

/** TCP-ONLY lets through who comes by TCP. */
function isPass({ action }: Match, { client }: Question): boolean {
  if (action.kind === 'passthru') return true
  return action.kind === 'tcp-only' && client !== undefined && isStream(client.transport)
}

/** Not to be repeated where others may be told otherwise. */
function shared(answer: Answer, { zones }: ZonePolicy, match: Match | undefined): Answer {
  const isForAll = match?.action.kind !== 'tcp-only' && zones.every(({ hasClients }) => !hasClients)
  return isForAll ? answer : { ...answer, handling: 'once' }
}

function first<T, R>(items: readonly T[], look: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = look(item)
    if (found !== undefined) return found
  }
  return undefined
}

const PASS: Match = { action: { kind: 'passthru' }, by: 'question' }
const ADDRESS_TYPES: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA])
