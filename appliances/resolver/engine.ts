// The machine at work: turns its outputs into packets and kept promises, and gives it what arrives and the time.
import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Answer, Question } from './core/answer.ts'
import type { ResolverOptions } from './core/options.ts'
import { Resolver } from './core/resolver.ts'
import type { AnswerSource } from './core/serve/responder.ts'
import type { Random } from './core/random.ts'
import type { Trace } from './core/trace.ts'
import type { Validator } from './core/validator.ts'
import { UpstreamSockets, type Arrivals, type DatagramOpener } from './upstream-sockets.ts'

export class Engine implements AnswerSource {
  readonly resolver: Resolver
  readonly #clock: Clock
  readonly #sockets: UpstreamSockets
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  /** The machine's time is the wall's at the start, and then goes at the pace of the clock that never goes back. */
  readonly #startMs: number
  #timer: Timer | undefined
  #timerMs = Infinity
  #isDraining = false

  /** `datagrams` opens what UDP goes through where there is better than Node's own sockets. */
  constructor(
    options: ResolverOptions,
    clock: Clock,
    validator?: Validator,
    datagrams?: DatagramOpener,
  ) {
    this.#clock = clock
    this.#startMs = clock.wallMs() - clock.monotonicMs()
    const random = systemRandom()
    this.resolver = new Resolver(options, random, validator)
    const arrivals: Arrivals = {
      received: (exchange, packet, from) => {
        this.resolver.received(exchange, packet, from, this.nowMs())
        this.#drain()
      },
      unreachable: (exchange) => {
        this.resolver.unreachable(exchange, this.nowMs())
        this.#drain()
      },
    }
    this.#sockets = new UpstreamSockets(arrivals, random, datagrams)
  }

  readonly nowMs = (): number => this.#startMs + this.#clock.monotonicMs()

  peek(question: Question): Answer | undefined {
    const answer = this.resolver.peek(question, this.nowMs())
    // It may have begun to fetch again what is about to expire.
    this.#drain()
    return answer
  }

  ask(question: Question, trace?: Trace): Promise<Answer> {
    return new Promise((resolve) => {
      const ticket = this.resolver.ask(question, this.nowMs(), trace)
      this.#waiting.set(ticket, resolve)
      this.#drain()
    })
  }

  /** As `ask`, of servers and not of the cache. */
  askAnew(question: Question): Promise<Answer> {
    const { qname, qtype } = question
    const known = this.resolver.cache.find(qname, qtype, this.nowMs())
    if (known !== undefined) this.resolver.cache.drop(known)
    return this.ask(question)
  }

  close(): void {
    this.#timer?.cancel()
    this.#sockets.close()
  }

  /** Does what the machine wants, until it wants nothing more. */
  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    for (
      let outputs = this.resolver.takeOutputs();
      outputs.length > 0;
      outputs = this.resolver.takeOutputs()
    )
      for (const output of outputs) {
        if (output.kind === 'send') this.#sockets.send(output)
        else if (output.kind === 'close') this.#sockets.end(output.exchange)
        else {
          this.#waiting.get(output.ticket)?.(output.answer)
          this.#waiting.delete(output.ticket)
        }
      }
    this.#isDraining = false
    this.#schedule()
  }

  #schedule(): void {
    const dueMs = this.resolver.deadlineMs ?? Infinity
    // One that comes too early finds nothing due, and waits again: cheaper than a new timer for each packet.
    if (dueMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = dueMs
    this.#timer = this.#clock.after(Math.max(0, Math.ceil(dueMs - this.nowMs())), () => {
      this.#timerMs = Infinity
      this.resolver.expired(this.nowMs())
      this.#drain()
      this.#schedule()
    })
  }
}

/** From the system's generator, drawn in blocks: a call of it for each number would cost more than the number. */
function systemRandom(): Random {
  const block = Buffer.alloc(RANDOM_BLOCK_OCTETS)
  let at = block.length
  return {
    below(limit) {
      // A power of two takes its bits as they are; others are rare, and must not be skewed.
      if ((limit & (limit - 1)) !== 0) return randomInt(limit)
      if (at === block.length) {
        randomBytes(block.length).copy(block)
        at = 0
      }
      const bits = block.readUInt32LE(at)
      at += 4
      return limit === 0x1_0000_0000 ? bits : bits & (limit - 1)
    },
  }
}

const RANDOM_BLOCK_OCTETS = 4096
