// Tells secondaries of zones that changed: the queue with a clock, and the messages it asks for.
import { randomInt } from 'node:crypto'
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Counter } from '../../shared/metrics/metrics.ts'
import { parseEndpoint } from '../../shared/net/endpoint.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'
import type { Publication, Published } from './core/publication.ts'
import { NotifyQueue, type NotifyTarget, type NotifyTask } from './core/transfer/notify-queue.ts'
import { notifyTargets, type NotifyRules } from './core/transfer/notify-targets.ts'
import { notifyMessage, notifyRefusal } from '../../shared/dns-transfer/core/transfer-query.ts'
import { soaRecord } from './core/transfer/zone-sequence.ts'
import type { Zone } from './core/zone/zone.ts'
import type { PeerClient } from '../../shared/dns-transfer/peer-client.ts'

export type NotifySenderParts = {
  readonly rules: NotifyRules
  readonly ring: KeyRing
  readonly client: PeerClient
  readonly publication: Publication
  /** Whether a server is to hear of a zone: not we ourselves, and nobody who would get another zone when it asks. */
  readonly mayHear: (zone: Zone, target: NotifyTarget) => boolean
  readonly counter: Counter
  readonly clock: Clock
  readonly log: Log
}

/** By UDP for so long; then by TCP. */
const UDP_WAITS_MS = [2000]

export class NotifySender {
  readonly #parts: NotifySenderParts
  readonly #queue = new NotifyQueue()
  readonly #stopping = new AbortController()
  readonly #unsubscribe: () => void
  #timer: Timer | undefined

  constructor(parts: NotifySenderParts) {
    this.#parts = parts
    this.#unsubscribe = parts.publication.subscribe((published) => this.#published(published))
    // Who missed the last change before a restart hears of it now.
    for (const [, { zone }] of parts.publication.entries()) if (zone !== undefined) this.#tell(zone)
    this.#work()
  }

  /** How many have not answered yet, by zone. */
  get size(): number {
    return this.#queue.size
  }

  pending(): Iterable<NotifyTask> {
    return this.#queue.pending()
  }

  stop(): void {
    this.#unsubscribe()
    this.#stopping.abort()
    this.#timer?.cancel()
  }

  /** Of a zone that somebody may get now who got another one until now. */
  tell(zone: Zone): void {
    this.#tell(zone)
    this.#work()
  }

  #published(published: readonly Published[]): void {
    for (const { origin, before, after } of published)
      if (after === undefined) this.#queue.gone(origin)
      else if (before?.serial !== after.serial) this.#tell(after)
    this.#work()
  }

  #tell(zone: Zone): void {
    const { rules, ring, mayHear, clock } = this.#parts
    const soa = soaRecord(zone)
    if (soa === undefined) return
    const targets = notifyTargets(zone, rules, ring.all(), (target) => mayHear(zone, target))
    this.#queue.changed(zone.origin, soa, targets, clock.monotonicMs())
  }

  #work(): void {
    const { clock } = this.#parts
    if (this.#stopping.signal.aborted) return
    for (const task of this.#queue.due(clock.monotonicMs())) void this.#send(task)
    this.#timer?.cancel()
    const wakeAt = this.#queue.wakeAt()
    if (wakeAt === undefined) return
    this.#timer = clock.after(Math.max(0, wakeAt - clock.monotonicMs()), () => this.#work())
  }

  async #send(task: NotifyTask): Promise<void> {
    const { client, clock, log } = this.#parts
    const { target, soa } = task
    const endpoint = parseEndpoint(target.address)!
    const message = notifyMessage(randomInt(ID_LIMIT), soa)
    const { signal } = this.#stopping
    const peer = { endpoint, ...(target.key !== undefined && { key: target.key }) }
    const answer = await client.ask(peer, message, signal, UDP_WAITS_MS)
    const why = answer.ok ? notifyRefusal(answer.value) : answer.error
    if (signal.aborted) return
    // Whoever answers at all has heard it; to say it again changes nothing.
    const end = this.#queue.settled(task, answer.ok, clock.monotonicMs())
    this.#parts.counter.inc({
      result: why === undefined ? 'taken' : answer.ok ? 'refused' : 'unanswered',
    })
    const fields = { zone: formatName(task.zone), target: target.address, why }
    if (why === undefined) log.info('notify-taken', fields)
    else if (answer.ok || end === 'given-up') log.warn('notify-refused', fields)
    else log.debug('notify-unanswered', fields)
    this.#work()
  }
}

const ID_LIMIT = 65_536
