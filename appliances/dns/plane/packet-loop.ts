// What a packet worker does all day: receive a batch, answer each packet from the image, send the batch.
import type { MessagePort } from 'node:worker_threads'
import { receiveMessageOnPort } from 'node:worker_threads'
import { systemClock } from '../../../shared/clock/clock.ts'
import { UdpBatch, UdpPoll } from '../../../shared/native/udp-batch.ts'
import type { UdpSocket, UdpSystem } from '../../../shared/native/udp-socket.ts'
import { PrefixSet } from '../../../shared/net/prefix.ts'
import { Bug } from '../../../shared/result/result.ts'
import { answerLimiter } from '../answer-limits.ts'
import { AnswerTally } from '../core/answer/answer-tally.ts'
import type { NameserverOptions } from '../core/answer/nameserver.ts'
import { ServerCookies } from '../../../shared/dns-server/core/server-cookies.ts'
import { ImageResponder } from '../core/image/image-responder.ts'
import { DEFERRED } from '../../../shared/dns-server/core/defer.ts'
import { BatchClient } from './batch-client.ts'
import {
  CONTROL,
  LOOK_MS,
  WAITING_LIMIT,
  type FromWorker,
  type ToWorker,
  type WorkerStart,
} from './plane-messages.ts'

/** Longer requests over UDP are dropped: nobody has reason to send one. */
const PACKET_LIMIT_OCTETS = 4096

export class PacketLoop {
  readonly #sockets: readonly UdpSocket[]
  readonly #batch: UdpBatch
  readonly #client: BatchClient
  readonly #port: MessagePort
  readonly #control: Int32Array
  readonly #counts: AnswerTally
  readonly #options: NameserverOptions
  readonly #cookies: ServerCookies | undefined
  readonly #outOctets: number
  readonly #poll: UdpPoll | undefined
  readonly #elsewhere: PrefixSet | undefined
  #responder: ImageResponder
  #news = 0

  constructor(start: WorkerStart, system: UdpSystem, port: MessagePort) {
    const { settings } = start
    this.#port = port
    this.#sockets = start.sockets.map(({ fd, isIpv6 }) => system.adopt(fd, isIpv6))
    this.#outOctets = settings.udpLimitOctets
    if (settings.elsewhere.length > 0) this.#elsewhere = new PrefixSet(settings.elsewhere)
    this.#batch = new UdpBatch(system, PACKET_LIMIT_OCTETS, (settings.udpLimitOctets + 7) & ~7)
    this.#client = new BatchClient(this.#batch)
    this.#poll = this.#sockets.length > 1 ? new UdpPoll(system, this.#sockets) : undefined
    this.#control = new Int32Array(start.control)
    this.#counts = new AnswerTally(start.counts)
    const { cookieSecrets, rateLimit, isCookieRequired } = settings
    this.#cookies = cookieSecrets && new ServerCookies(cookieSecrets)
    this.#options = {
      udpLimitOctets: settings.udpLimitOctets,
      ...(settings.version !== undefined && { version: settings.version }),
      ...(settings.identity !== undefined && { identity: settings.identity }),
      defers: true,
      ...(this.#cookies && {
        cookies: {
          server: this.#cookies,
          nowSeconds: () => Math.floor(systemClock.wallMs() / 1000),
          isProofRequired: isCookieRequired,
        },
      }),
      ...(rateLimit && { limiter: answerLimiter(rateLimit, systemClock, start.threads) }),
    }
    this.#responder = this.#responderOf(start.image)
  }

  /** Until the main thread says stop. Throws when a socket or this code fails. */
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
    if (count > 0) batch.send(socket)
  }

  #answerPacket(i: number, length: number, nthSocket: number): void {
    const batch = this.#batch
    const { memory } = batch
    const start = batch.inAt(i)
    const end = start + length
    const client = this.#client
    let octets = DEFERRED
    try {
      const out = batch.outAt(i)
      if (this.#elsewhere?.has(client.octets) !== true)
        octets = this.#responder.respond(memory, start, end, client, memory, out, this.#outOctets)
    } catch (cause) {
      // A fault of ours that one packet finds must not end the service for all others.
      const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      this.#tell({ kind: 'fault', packet: memory.slice(start, end), why })
      return
    }
    if (octets > 0) batch.answer(i, octets)
    else if (octets === DEFERRED) {
      this.#tell({
        kind: 'deferred',
        packet: memory.slice(start, end),
        socket: nthSocket,
        ...batch.senderOf(i),
        octets: client.octets.slice(),
        port: client.port,
      })
    }
  }

  #tell(message: FromWorker): void {
    if (Atomics.add(this.#control, CONTROL.waiting, 1) >= WAITING_LIMIT) {
      Atomics.sub(this.#control, CONTROL.waiting, 1)
      this.#counts.ignored('udp')
    } else this.#port.postMessage(message)
  }

  /** Before each batch, so that what was published before a query came answers it. */
  #hearNews(): void {
    const news = Atomics.load(this.#control, CONTROL.news)
    if (news === this.#news) return
    this.#news = news
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: ToWorker } | undefined
      if (received === undefined) return
      const { message } = received
      if (message.kind === 'image') this.#responder = this.#responderOf(message.image)
      else this.#cookies?.roll(message.secrets)
    }
  }

  #responderOf(image: SharedArrayBuffer): ImageResponder {
    return new ImageResponder(image, this.#options, this.#counts)
  }
}
