// Hands what was answered to a sink, once a second: what this thread counted, and what packet workers did.
import type { Clock, Timer } from '../clock/clock.ts'
import { RCODE } from '../dns/message.ts'
import type { Labels } from '../metrics/metrics.ts'
import { AnswerTally, RCODE_LIMIT, TallyReader, type TallySink } from './core/answer-tally.ts'
import type { Transport } from './core/client.ts'

const FLUSH_MS = 1000

/** Takes the tallies of other threads. */
export interface Tallies {
  /** `memory` of an AnswerTally, until the end. */
  add(memory: ArrayBufferLike): void
}

export class CountedAnswers implements Tallies {
  /** Of this thread. */
  readonly tally: AnswerTally = new AnswerTally()
  readonly #clock: Clock
  readonly #sink: TallySink
  readonly #workersSink: TallySink
  readonly #own: TallyReader
  readonly #workers: TallyReader[] = []
  #timer: Timer | undefined

  /** `workersSink` is told of the tallies of others. */
  constructor(clock: Clock, sink: TallySink, workersSink: TallySink = sink) {
    this.#clock = clock
    this.#sink = sink
    this.#workersSink = workersSink
    this.#own = new TallyReader(this.tally.memory)
    this.#flushLater()
  }

  add(memory: ArrayBufferLike): void {
    this.#workers.push(new TallyReader(memory))
  }

  /** Hands over what is counted so far, and ends. */
  flush(): void {
    this.#timer?.cancel()
    this.#handOver()
  }

  #handOver(): void {
    this.#own.read(this.#sink)
    for (const reader of this.#workers) reader.read(this.#workersSink)
  }

  #flushLater(): void {
    this.#timer = this.#clock.after(FLUSH_MS, () => {
      this.#handOver()
      this.#flushLater()
    })
  }
}

/** For series by transport and response code, made once. */
export function answerLabels(transport: Transport, rcode: number): Labels {
  return LABELS[transport][rcode]!
}

const NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]))

const LABELS: { readonly [transport in Transport]: readonly Labels[] } = {
  udp: labelsOf('udp'),
  tcp: labelsOf('tcp'),
  tls: labelsOf('tls'),
  https: labelsOf('https'),
}

function labelsOf(transport: Transport): readonly Labels[] {
  return Array.from({ length: RCODE_LIMIT }, (_, code) => {
    return { transport, rcode: NAMES.get(code) ?? `RCODE${code}` }
  })
}
