// What a packet worker does all day: receive a batch, answer each packet, send the batch. Whoever answers is handed in.
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { BATCH_LIMIT, UdpBatch, UdpPoll } from '../../native/udp-batch.ts'
import {
  CONTROL_BYTES,
  openUdpSystem,
  SOCKADDR_BYTES,
  type UdpSocket,
  type UdpSystem,
} from '../../native/udp-socket.ts'
import { Bug } from '../../result/result.ts'
import { AnswerTally } from '../core/answer-tally.ts'
import type { Client } from '../core/client.ts'
import { DEFERRED } from '../core/defer.ts'
import { BatchClient } from './batch-client.ts'
import { DeferredWriter } from './deferred-requests.ts'
import { CONTROL, LOOK_MS, type FromWorker, type WorkerStart } from './plane-messages.ts'

/** Longer requests over UDP are dropped: nobody has reason to send one. */
const PACKET_LIMIT_OCTETS = 4096

/** Who answers in a worker. */
export interface PacketAnswerer<News> {
  /**
   * Answers the packet from `start` to `end` of `packet` into `out` from `to` on, `outOctets` at most. Gives the octets of the
   * answer, 0 for none, DEFERRED. Throws for a fault of ours.
   */
  respond(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
    outOctets: number,
  ): number
  /** What the main thread tells all workers. */
  hear(news: News): void
}

/**
 * The whole life of a worker: until the main thread says stop. `answererOf` gets what the plane's source gave. Throws when a
 * socket or this code fails.
 */
export async function runPacketWorker<News>(
  answererOf: (given: unknown, counts: AnswerTally) => PacketAnswerer<News>,
): Promise<void> {
  const system = await openUdpSystem()
  if (system === undefined || parentPort === null)
    throw new Bug('A packet worker without its means')
  const start = workerData as WorkerStart<unknown>
  const counts = new AnswerTally(start.counts)
  new PacketLoop(start, system, parentPort, answererOf(start.given, counts), counts).run()
}

class PacketLoop<News> {
  readonly #sockets: readonly UdpSocket[]
  readonly #batch: UdpBatch
  readonly #client: BatchClient
  readonly #deferred: DeferredWriter
  readonly #port: MessagePort
  readonly #control: Int32Array
  readonly #counts: AnswerTally
  readonly #outOctets: number
  readonly #waitingLimit: number
  readonly #poll: UdpPoll | undefined
  readonly #answerer: PacketAnswerer<News>
  #news = 0

  constructor(
    start: WorkerStart<unknown>,
    system: UdpSystem,
    port: MessagePort,
    answerer: PacketAnswerer<News>,
    counts: AnswerTally,
  ) {
    this.#port = port
    this.#sockets = start.sockets.map(({ fd, isIpv6 }) => system.adopt(fd, isIpv6))
    this.#outOctets = start.outOctets
    this.#waitingLimit = start.waitingLimit
    this.#batch = new UdpBatch(system, PACKET_LIMIT_OCTETS, (start.outOctets + 7) & ~7)
    this.#client = new BatchClient(this.#batch)
    const requestOctets = PACKET_LIMIT_OCTETS + SOCKADDR_BYTES + CONTROL_BYTES
    this.#deferred = new DeferredWriter(BATCH_LIMIT, requestOctets)
    this.#poll = this.#sockets.length > 1 ? new UdpPoll(system, this.#sockets) : undefined
    this.#control = new Int32Array(start.control)
    this.#counts = counts
    this.#answerer = answerer
  }

  run(): void {
    this.#port.postMessage({ kind: 'ready' } satisfies FromWorker)
    while (Atomics.load(this.#control, CONTROL.stop) === 0) {
      this.#poll?.wait(LOOK_MS)
      for (const [nth, socket] of this.#sockets.entries()) this.#answerBatch(socket, nth)
    }
  }

  #answerBatch(socket: UdpSocket, nthSocket: number): void {
    const batch = this.#batch
    const count = batch.receive(socket, this.#poll === undefined)
    if (count < 0) throw new Bug(`Receiving from a UDP socket failed with errno ${-count}`)
    this.#hearNews()
    for (let i = 0; i < count; i++) {
      this.#client.point(i, socket.isIpv6)
      const length = batch.lengthOf(i)
      // Nobody listens on port 0.
      if (length < 0 || this.#client.port === 0) this.#counts.ignored('udp')
      else this.#answerPacket(i, length, nthSocket)
    }
    if (this.#deferred.count > 0)
      this.#port.postMessage({
        kind: 'deferred',
        octets: this.#deferred.take(),
      } satisfies FromWorker)
    if (count > 0) batch.send(socket)
  }

  #answerPacket(i: number, length: number, nthSocket: number): void {
    const batch = this.#batch
    const { memory } = batch
    const start = batch.inAt(i)
    const end = start + length
    const client = this.#client
    let octets: number
    try {
      const out = batch.outAt(i)
      octets = this.#answerer.respond(memory, start, end, client, memory, out, this.#outOctets)
    } catch (cause) {
      // A fault of ours that one packet finds must not end the service for all others.
      const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      const packet = memory.slice(start, end)
      if (this.#mayTell())
        this.#port.postMessage({ kind: 'fault', packet, why } satisfies FromWorker)
      return
    }
    if (octets > 0) batch.answer(i, octets)
    else if (octets === DEFERRED && this.#mayTell()) {
      const { to, control } = batch.senderOf(i)
      this.#deferred.put(nthSocket, memory.subarray(start, end), to, control)
    }
  }

  /** Whether the main thread takes one more; else it is dropped. */
  #mayTell(): boolean {
    if (Atomics.add(this.#control, CONTROL.waiting, 1) < this.#waitingLimit) return true
    Atomics.sub(this.#control, CONTROL.waiting, 1)
    this.#counts.ignored('udp')
    return false
  }

  /** Before each batch, so that what was published before a query came answers it. */
  #hearNews(): void {
    const news = Atomics.load(this.#control, CONTROL.news)
    if (news === this.#news) return
    this.#news = news
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: News } | undefined
      if (received === undefined) return
      this.#answerer.hear(received.message)
    }
  }
}
