// Plays a scenario: the machine in virtual time, its servers the ranges, its client the steps.
import type { Answer, Question } from '../../../appliances/resolver/core/answer.ts'
import { Resolver, type Output } from '../../../appliances/resolver/core/resolver.ts'
import { DEFAULT_LIMITS, DEFAULT_TTL } from '../../../appliances/resolver/core/options.ts'
import { PolicedSource } from '../../../appliances/resolver/core/rpz/policed-source.ts'
import { ChainValidator } from '../../../appliances/resolver/core/validate/chain-validator.ts'
import { TrustMemory } from '../../../appliances/resolver/core/validate/trust-memory.ts'
import { canonicalName } from '../../../shared/dns/name.ts'
import { decodeMessage, type Message } from '../../../shared/dns/message.ts'
import { parseAddress } from '../../../shared/net/address.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import { seededRandom } from '../../support/scripted-internet.ts'
import { answerMessage } from './client-answer.ts'
import { dsaKey } from './dsa-key.ts'
import { answers, difference, questionText, replyOf } from './entry.ts'
import type { Scenario, Step } from './scenario.ts'
import { parseSettings, type Settings } from './settings.ts'
import { Unsupported } from './unsupported.ts'

/** Undefined when the scenario went as it says. */
export function playScenario(scenario: Scenario): string | undefined {
  const player = new Player(scenario)
  const { steps } = scenario
  for (const [i, step] of steps.entries()) {
    // What a step sets off is answered by those who live when the next one begins.
    player.moment = step.number
    const fault = player.play(step, steps[i + 1]?.number ?? step.number)
    if (fault !== undefined) return `step ${step.number} (line ${step.line}): ${fault}`
  }
  return undefined
}

type Answered = { readonly message: Message; readonly reasons: readonly string[] }
type Asked = {
  readonly query: Message
  readonly question: Question
  /** What came back for it so far. */
  readonly given: ReadonlyMap<string, Answer>
  readonly missing: Question
}
type Pending = Output & { readonly kind: 'send' } & { readonly query: Message }

class Player {
  moment = 0
  readonly #scenario: Scenario
  readonly #settings: Settings
  readonly #resolver: Resolver
  readonly #pending = new Map<number, Pending>()
  #arrivals: { readonly atMs: number; readonly pending: Pending; readonly packet: Uint8Array }[] =
    []
  /** What was sent and no step was about yet. */
  readonly #sent: Pending[] = []
  readonly #asked = new Map<number, Asked>()
  readonly #policed: PolicedSource
  /** What came back for a question of the policy's, and what it wants to know next. */
  #given: ReadonlyMap<string, Answer> = new Map()
  #missing: Question | undefined
  readonly #answered: Answered[] = []
  #nowMs: number

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    const settings = parseSettings(scenario.config)
    this.#settings = settings
    this.#nowMs = settings.nowMs ?? START_MS
    const validator = new ChainValidator({
      trust: settings.trust,
      memory: new TrustMemory(),
      // Most scenarios are older than the end of SHA-1.
      policy: {
        acceptsSha1: true,
        iterationLimit: 150,
        rsaMinimumBits: 512,
        moreAlgorithms: new Map([3, 6].map((number) => [number, dsaKey])),
      },
    })
    this.#resolver = new Resolver(
      {
        ...settings.options,
        port: 53,
        isForbidden: (address) => !settings.sendsToLoopback && /^(127\.|::1$)/.test(address),
        cookieSecret: new Uint8Array(16).fill(7),
        ttl: DEFAULT_TTL,
        limits: { ...DEFAULT_LIMITS, deadlineMs: DEADLINE_MS },
      },
      seededRandom(1),
      settings.validates ? validator : undefined,
    )
    const { zones } = settings
    this.#policed = new PolicedSource(
      {
        peek: (question) => this.#peek(question),
        ask: () => Promise.reject(new Error('a scenario asks in its own time')),
      },
      {
        policy: () => ({ zones, allows: () => false, blockedByZone: () => {} }),
        serversAbove: (name) => this.#resolver.serversAbove(name, this.#nowMs),
        nowMs: () => this.#nowMs,
      },
    )
  }

  /** The source of the policy's answers: what has just come back, or what the cache has. */
  #peek(question: Question): Answer | undefined {
    const given = this.#given.get(keyOf(question))
    if (given !== undefined) return given
    const known = this.#resolver.peek(question, this.#nowMs)
    if (known === undefined) this.#missing = question
    return known
  }

  play(step: Step, nextMoment: number): string | undefined {
    const { entry, kind } = step
    switch (kind) {
      case 'QUERY':
        this.#ask(step)
        this.moment = nextMoment
        return this.#run(() => false)
      case 'CHECK_ANSWER': {
        this.#waitUntil(() => this.#answered.some((got) => isAnswerTo(got, entry!.message)))
        const got = this.#takeAnswer(entry!.message)
        if (got === undefined) return 'no answer'
        const fault = difference(entry!, got.message, true)
        return fault === undefined ? undefined : [fault, ...got.reasons].join('; ')
      }
      case 'CHECK_OUT_QUERY': {
        this.#waitUntil(() => this.#sentAt(step) >= 0)
        const at = this.#sentAt(step)
        if (at < 0) return `no such query was sent: ${this.#underWay()}`
        const sent = this.#sent[at]!
        this.#sent.splice(0, at + 1)
        if (entry!.adjust.has('copy_id') && this.#pending.has(sent.exchange))
          this.#arrive(sent, replyOf(entry!, sent.query))
        return undefined
      }
      case 'REPLY': {
        const found = this.#find(step).find((one) => answers(entry!, one.query, one.transport))
        if (found === undefined) return `nothing to reply to: ${this.#underWay()}`
        this.#arrive(found, replyOf(entry!, found.query))
        this.moment = nextMoment
        return this.#run(() => false)
      }
      case 'TIMEOUT': {
        const [found] = this.#find(step)
        if (found === undefined) return 'nothing to time out'
        this.#waitUntil(() => !this.#pending.has(found.exchange))
        return undefined
      }
      case 'TIME_PASSES':
        return this.#pass(step)
      default:
        this.moment = nextMoment
        return this.#run(() => false)
    }
  }

  /** The one that is about the same, or the first. */
  #takeAnswer(expected: Message): Answered | undefined {
    const at = this.#answered.findIndex((got) => isAnswerTo(got, expected))
    return this.#answered.splice(Math.max(at, 0), 1)[0]
  }

  #ask({ entry, address }: Step): void {
    const query = entry!.message
    const [asked] = query.questions
    if (asked === undefined) throw new Unsupported('a query without question', 0)
    const { qname, qtype } = asked
    const checkingDisabled = (query.flags & 0x10) !== 0
    if (qtype === TYPE.ANY || qtype === TYPE.RRSIG)
      throw new Unsupported('a question for ANY or RRSIG', 0)
    const transport = entry!.match.has('TCP') ? ('tcp' as const) : ('udp' as const)
    const client = { transport, octets: parseAddress(address ?? CLIENT)! }
    const question = { qname: canonicalName(qname), qtype, checkingDisabled, client }
    this.#goOn({ query, question, given: new Map() })
  }

  /** Asks what the policy wants to know, until it has an answer. */
  #goOn({ query, question, given }: Omit<Asked, 'missing'>): void {
    this.#given = given
    this.#missing = undefined
    const known = this.#policed.peek(question)
    this.#given = new Map()
    if (known !== undefined) return this.#answerClient(query, question, known)
    const missing = this.#missing!
    this.#asked.set(this.#resolver.ask(missing, this.#nowMs), { query, question, given, missing })
  }

  #came({ query, question, given, missing }: Asked, answer: Answer): void {
    this.#goOn({ query, question, given: new Map([...given, [keyOf(missing), answer]]) })
  }

  /** Lets servers answer, without time passing, until nobody has anything to say or `isDone`. */
  #run(isDone: () => boolean): undefined {
    for (let round = 0; round < ROUND_LIMIT; round++) {
      this.#drain()
      if (isDone()) return
      const due = this.#arrivals.find(({ atMs }) => atMs <= this.#nowMs)
      if (due !== undefined) {
        this.#arrivals = this.#arrivals.filter((arrival) => arrival !== due)
        this.#arrive(due.pending, due.packet)
      } else if (!this.#answerOne()) return
    }
    throw new Error('the scenario never comes to rest')
  }

  #waitUntil(isDone: () => boolean): void {
    for (let round = 0; round < ROUND_LIMIT; round++) {
      this.#run(isDone)
      if (isDone() || !this.#step(Infinity)) return
    }
  }

  /** Moves time to what is due next; false when nothing is before `limitMs`. */
  #step(limitMs: number): boolean {
    const arrival = Math.min(Infinity, ...this.#arrivals.map(({ atMs }) => atMs))
    const deadline = this.#resolver.deadlineMs ?? Infinity
    const next = Math.min(arrival, deadline)
    if (next === Infinity || next > limitMs) return false
    this.#nowMs = Math.max(this.#nowMs, next)
    this.#resolver.expired(this.#nowMs)
    return true
  }

  #pass({ words, line }: Step): undefined {
    const at = words.indexOf('ELAPSE')
    if (!/^[0-9]+(\.[0-9]+)?$/.test(words[at + 1] ?? ''))
      throw new Unsupported(words.join(' '), line)
    const endMs = this.#nowMs + Number(words[at + 1]) * 1000
    do this.#run(() => false)
    while (this.#step(endMs))
    this.#nowMs = endMs
    this.#resolver.expired(endMs)
  }

  #drain(): void {
    let outputs = this.#resolver.takeOutputs()
    for (; outputs.length > 0; outputs = this.#resolver.takeOutputs())
      for (const output of outputs) {
        if (output.kind === 'close') this.#pending.delete(output.exchange)
        else if (output.kind === 'answer')
          this.#came(this.#asked.get(output.ticket)!, output.answer)
        else {
          const decoded = decodeMessage(output.packet)
          if (!decoded.ok) throw new Error('the resolver sent a broken packet')
          const pending = { ...output, query: decoded.value }
          this.#pending.set(output.exchange, pending)
          this.#sent.push(pending)
        }
      }
  }

  #answerClient(query: Message, { client }: Question, answer: Answer): void {
    if (answer.handling === 'drop') return
    const isStream = client?.transport === 'tcp'
    const how = { ...this.#settings, isStream, nowMs: this.#nowMs }
    const message = answerMessage(answer, query, how)
    this.#answered.push({ message, reasons: answer.extendedErrors.map(({ text }) => text) })
  }

  /** Whether a server had an answer. */
  #answerOne(): boolean {
    for (const pending of this.#pending.values()) {
      if (this.#arrivals.some((arrival) => arrival.pending === pending)) continue
      const entry = this.#entryFor(pending)
      if (entry === undefined || entry.adjust.has('do_not_answer')) continue
      const atMs = this.#nowMs + entry.sleepSeconds * 1000
      this.#arrivals.push({ atMs, pending, packet: replyOf(entry, pending.query) })
      return true
    }
    return false
  }

  #entryFor({ upstream, query, transport }: Pending) {
    for (const { from, to, addresses, entries } of this.#scenario.ranges) {
      if (this.moment < from || this.moment > to) continue
      if (addresses.length > 0 && !addresses.includes(upstream.address)) continue
      const entry = entries.find((one) => answers(one, query, transport))
      if (entry !== undefined) return entry
    }
    return undefined
  }

  #arrive(pending: Pending, packet: Uint8Array): void {
    this.#pending.delete(pending.exchange)
    this.#resolver.received(pending.exchange, packet, pending.upstream, this.#nowMs)
  }

  /** Where in what was sent a query stands that the step is about. */
  #sentAt({ entry, address }: Step): number {
    return this.#sent.findIndex(({ upstream, query, transport }) => {
      if (address !== undefined && upstream.address !== address.toLowerCase()) return false
      return answers(entry!, query, transport)
    })
  }

  /** Queries under way; the one for the root's own servers (RFC 8109) only where a step is about it. */
  #find({ entry, address }: Pick<Step, 'entry' | 'address'>): Pending[] {
    const isAboutRoot = entry?.message.questions.some((own) => questionText(own) === ROOT_NS)
    return [...this.#pending.values()].filter(({ upstream, query }) => {
      if (isAboutRoot !== true && questionText(query.questions[0]!) === ROOT_NS) return false
      return address === undefined || upstream.address === address.toLowerCase()
    })
  }

  #underWay(): string {
    const texts = this.#find({}).map(({ upstream, query }) => {
      return `${questionText(query.questions[0]!)} to ${upstream.address}`
    })
    return texts.length === 0 ? 'none is' : texts.join(', ')
  }
}

function isAnswerTo(
  {
    message: {
      questions: [asked],
    },
  }: Answered,
  { questions: [own] }: Message,
): boolean {
  return own === undefined || (asked !== undefined && questionText(asked) === questionText(own))
}

function keyOf({ qname, qtype }: Question): string {
  return `${qtype} ${qname}`
}

/** Who asks where a scenario does not say. */
const CLIENT = '127.0.0.1'
const ROOT_NS = '. NS'
const START_MS = 1_700_000_000_000
const DEADLINE_MS = 120_000
const ROUND_LIMIT = 5000
