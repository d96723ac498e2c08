// A handful of servers in virtual time around the resolver's machine: each address is a function from packets to packets.
// Made for tests of one rule at a time; everything is seeded, and time only moves between packets.
import { Resolver, type Output } from '../../appliances/resolver/core/resolver.ts'
import {
  DEFAULT_LIMITS,
  DEFAULT_TTL,
  type ResolverLimits,
  type ResolverOptions,
} from '../../appliances/resolver/core/options.ts'
import type { Answer } from '../../appliances/resolver/core/answer.ts'
import type { Random } from '../../appliances/resolver/core/random.ts'
import type { Trace } from '../../appliances/resolver/core/trace.ts'
import type { Validator } from '../../appliances/resolver/core/validator.ts'
import type { UpstreamTransport } from '../../appliances/resolver/core/iterate/upstream.ts'
import { hintsOf } from '../../appliances/resolver/core/iterate/root-hints.ts'
import { canonicalName, formatName } from '../../shared/dns/name.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  RCODE,
  type Message,
  type MessageRecord,
} from '../../shared/dns/message.ts'
import { CLASS, typeNumber, typeText } from '../../shared/dns/record-types.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { clientOf, name, serverOf, zoneOf, zoneText, textRecords } from './zones.ts'

/** What a server does with a packet: nothing, one answer, or several packets, the first of them first. */
export type Script = (packet: Uint8Array, transport: UpstreamTransport) => Reply
export type Reply = Uint8Array | readonly Uint8Array[] | undefined

export type SeenQuery = {
  readonly to: string
  readonly transport: UpstreamTransport
  /** `name TYPE`, canonical. */
  readonly question: string
  readonly packet: Uint8Array
}

export const LATENCY_MS = 10
const STEPS_LIMIT = 20_000

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    below(limit) {
      // Mulberry32.
      state = (state + 0x6d2b79f5) >>> 0
      let t = state
      t = Math.imul(t ^ (t >>> 15), t | 1)
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
      return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * limit)
    },
  }
}

export class ScriptedInternet {
  readonly servers: Map<string, Script> = new Map()
  readonly seen: SeenQuery[] = []
  readonly answers: Map<number, Answer> = new Map()
  readonly resolver: Resolver
  nowMs = 1_700_000_000_000
  #arrivals: {
    readonly atMs: number
    readonly exchange: number
    readonly address: string
    readonly packet: Uint8Array
  }[] = []
  readonly #open = new Set<number>()

  constructor(
    options: Partial<ResolverOptions> & {
      readonly bounds?: Partial<ResolverLimits>
      readonly validator?: Validator
    } = {},
  ) {
    const { bounds, validator, ...rest } = options
    this.resolver = new Resolver(
      {
        delegations: [rootAt('192.0.2.1')],
        minimisation: 'relaxed',
        ipv4: true,
        ipv6: false,
        port: 53,
        isForbidden: (address) => address.startsWith('127.'),
        cookieSecret: new Uint8Array(16).fill(7),
        ttl: DEFAULT_TTL,
        limits: { ...DEFAULT_LIMITS, ...bounds },
        prefetch: false,
        aggressiveNsec: true,
        stale: { isServed: false, clientMs: 1800 },
        ...rest,
      },
      seededRandom(1),
      validator,
    )
  }

  /** A name server with one zone. */
  serve(address: string, origin: string, text: string): void {
    const zone = zoneOf(origin, `$TTL 300\n${text}`)
    const server = serverOf(zone)
    this.servers.set(address, (packet, transport) => {
      const out = Buffer.alloc(65_535)
      const length = server.handle(packet, clientOf(transport === 'udp' ? 'udp' : 'tcp'), out)
      return Uint8Array.from(out.subarray(0, length))
    })
  }

  /** Asks `name TYPE` and lets time run until the answer is there. */
  ask(
    question: string,
    options: { readonly trace?: Trace; readonly checkingDisabled?: boolean } = {},
  ): Answer {
    const ticket = this.begin(question, options)
    return this.answerOf(ticket)
  }

  begin(
    question: string,
    options: { readonly trace?: Trace; readonly checkingDisabled?: boolean } = {},
  ): number {
    const [text, type] = question.split(' ') as [string, string]
    return this.resolver.ask(
      {
        qname: canonicalName(name(text)),
        qtype: typeNumber(type)!,
        checkingDisabled: options.checkingDisabled ?? false,
      },
      this.nowMs,
      options.trace,
    )
  }

  answerOf(ticket: number): Answer {
    for (let step = 0; step < STEPS_LIMIT; step++) {
      this.#drain()
      const answer = this.answers.get(ticket)
      if (answer !== undefined) return answer
      if (!this.#advance()) break
    }
    throw new Error('the resolver never answered')
  }

  /** Lets time run until nothing is under way. */
  settle(): void {
    for (let step = 0; step < STEPS_LIMIT; step++) {
      this.#drain()
      if (this.#arrivals.length === 0 && this.resolver.exchanges === 0) return
      if (!this.#advance()) return
    }
    throw new Error('the resolver never came to rest')
  }

  /** Questions that were sent, `address name TYPE`, in order; priming is left out. */
  asked(): string[] {
    return this.seen
      .filter(({ question }) => question !== '. NS')
      .map(({ to, question }) => `${to} ${question}`)
  }

  /** A packet from anywhere to the port of an exchange. */
  inject(exchange: number, address: string, port: number, packet: Uint8Array): void {
    this.resolver.received(exchange, packet, { address, port }, this.nowMs)
  }

  #drain(): void {
    for (
      let outputs = this.resolver.takeOutputs();
      outputs.length > 0;
      outputs = this.resolver.takeOutputs()
    )
      for (const output of outputs) this.#do(output)
  }

  #do(output: Output): void {
    if (output.kind === 'answer') return void this.answers.set(output.ticket, output.answer)
    if (output.kind === 'close') return void this.#open.delete(output.exchange)
    const { exchange, upstream, transport, packet } = output
    this.#open.add(exchange)
    const decoded = decodeMessage(packet)
    if (!decoded.ok) throw new Error('the resolver sent a broken packet')
    const { qname, qtype } = decoded.value.questions[0]!
    const question = `${formatName(canonicalName(qname))} ${typeText(qtype)}`
    this.seen.push({ to: upstream.address, transport, question, packet })
    const script = this.servers.get(upstream.address)
    const reply = script?.(packet, transport)
    if (reply === undefined) return
    for (const answer of reply instanceof Uint8Array ? [reply] : reply)
      this.#arrivals.push({
        atMs: this.nowMs + LATENCY_MS,
        exchange,
        address: upstream.address,
        packet: answer,
      })
  }

  #advance(): boolean {
    const arrival = this.#arrivals[0]
    const due = this.resolver.deadlineMs
    if (arrival === undefined && due === undefined) return false
    if (arrival !== undefined && (due === undefined || arrival.atMs <= due)) {
      this.#arrivals.shift()
      this.nowMs = Math.max(this.nowMs, arrival.atMs)
      this.resolver.received(
        arrival.exchange,
        arrival.packet,
        { address: arrival.address, port: 53 },
        this.nowMs,
      )
    } else {
      this.nowMs = Math.max(this.nowMs, due!)
      this.resolver.expired(this.nowMs)
    }
    return true
  }
}

/** Hints for a root with servers at these addresses. */
export function rootAt(...addresses: readonly string[]): ReturnType<typeof hintsOf> {
  const upstreams = addresses.map((address) => ({ address, port: 53, protocol: 'plain' as const }))
  return hintsOf([{ name: name('root.test.'), upstreams }])
}

/** Changes what comes back for a packet: as the owner of a broken server would. */
export function rewrite(script: Script, change: (message: Message) => Message): Script {
  return (packet, transport) => {
    const reply = script(packet, transport)
    if (!(reply instanceof Uint8Array)) return reply
    return encodeMessage(change(decoded(reply)))
  }
}

/** A server that answers every question with these sections and flags, records as in a zone file of the root. */
export function canned(sections: {
  readonly answer?: string
  readonly authority?: string
  readonly additional?: string
  readonly flags?: number
  readonly rcode?: number
}): Script {
  return (packet) => {
    const query = decoded(packet)
    return encodeMessage({
      id: query.id,
      opcode: 0,
      flags: FLAG.QR | (sections.flags ?? FLAG.AA),
      rcode: sections.rcode ?? RCODE.NOERROR,
      questions: query.questions,
      answers: records(sections.answer),
      authorities: records(sections.authority),
      additionals: records(sections.additional),
    })
  }
}

export function decoded(packet: Uint8Array): Message {
  const message = decodeMessage(packet)
  if (!message.ok) throw new Error(message.error.kind)
  return message.value
}

/** `owner TYPE rdata` of each record of the answer. */
export function shown(answer: Answer): string[] {
  return answer.links.flatMap(({ rrsets }) =>
    rrsets.flatMap(({ owner, type, rdatas }) =>
      rdatas.map((rdata) => `${formatName(owner)} ${typeText(type)} ${formatRdata(type, rdata)}`),
    ),
  )
}

function records(text = ''): MessageRecord[] {
  return textRecords(zoneText('.', `$TTL 300\n${text}\n`)).map(
    ({ owner, type, ttlSeconds, rdata }) => ({
      owner,
      type,
      class: CLASS.IN,
      ttlSeconds,
      rdata,
    }),
  )
}
