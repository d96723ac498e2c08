// The branch `sessions`: which address is whose, durable before a client is told it, and who came and left, a commit every
// few seconds at most. A start reads the addresses back.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Branch, Edit, Person } from '../../store/index.ts'
import { formatPool, parsePool, POOL_FILE, type Remembered } from './core/record/pool-file.ts'
import {
  recordLine,
  recordMessage,
  recordPath,
  type SessionEvent,
} from './core/record/session-lines.ts'
import type { AddressPool, Lease } from './core/tunnel/address-pool.ts'

export const SESSION_BRANCH = 'sessions'

/** How long what happened may wait for its commit: what a crash costs of the record. Addresses do not wait. */
const RECORD_MS = 10_000
/** Events that wait; more are counted. */
const EVENTS_LIMIT = 10_000
/** A file of an hour takes no more. */
const FILE_LIMIT_OCTETS = 2 * 1024 * 1024

export type SessionKeeperParts = {
  readonly branch: Branch
  readonly pool: AddressPool
  readonly author: Person
  readonly clock: Clock
  readonly log: Log
  /** For what should not happen. */
  readonly fail: (cause: Error) => void
}

type Waiting = { readonly owner: string; readonly done: (isKept: boolean) => void }

export class SessionKeeper {
  readonly #parts: SessionKeeperParts
  /** As the head has them. */
  readonly #durable = new Map<string, Uint8Array>()
  #waiting: Waiting[] = []
  #events: SessionEvent[] = []
  /** Events that found no room. */
  #lost = 0
  #timer: Timer | undefined
  #work: Promise<void> | undefined
  #isWanted = false
  #isWriting = false

  /** Tells the pool what the branch has. */
  constructor(parts: SessionKeeperParts) {
    this.#parts = parts
    const octets = parts.branch.head.get(POOL_FILE)
    if (octets === undefined) return
    const { remembered, badLines } = parsePool(new TextDecoder().decode(octets))
    if (badLines.length > 0)
      parts.log.warn('pool', { file: POOL_FILE, lines: badLines.slice(0, 10).join(' ') })
    for (const { owner, ipv4 } of remembered)
      if (parts.pool.remember(owner, ipv4)) this.#durable.set(owner, ipv4)
  }

  /** Calls `done` when a crash would not lose it; at once when it has been so before. */
  keep(owner: string, { ipv4 }: Lease, done: (isKept: boolean) => void): void {
    const before = this.#durable.get(owner)
    if (before !== undefined && isSame(before, ipv4)) return done(true)
    this.#waiting.push({ owner, done })
    this.#begin()
  }

  note(event: SessionEvent): void {
    if (this.#events.length >= EVENTS_LIMIT) this.#lost++
    else this.#events.push(event)
    this.#timer ??= this.#parts.clock.after(RECORD_MS, () => this.#begin())
  }

  /** What is not written yet is. */
  async close(): Promise<void> {
    this.#begin()
    await this.#work
    this.#timer?.cancel()
  }

  #begin(): void {
    this.#isWanted = true
    if (this.#isWriting) return
    this.#isWriting = true
    this.#work = this.#write().catch((cause: unknown) => this.#parts.fail(cause as Error))
  }

  /** What came while a commit was under way goes with the next one. */
  async #write(): Promise<void> {
    try {
      while (this.#isWanted) await this.#writeOnce()
    } finally {
      this.#isWriting = false
    }
  }

  async #writeOnce(): Promise<void> {
    this.#isWanted = false
    this.#timer?.cancel()
    this.#timer = undefined
    const [waiting, events, lost] = [this.#waiting, this.#events, this.#lost]
    this.#waiting = []
    this.#events = []
    this.#lost = 0
    if (waiting.length + events.length + lost === 0) return
    const remembered = [...this.#parts.pool.remembered()]
    const isKept = await this.#commit(waiting, events, lost, remembered)
    if (isKept) {
      this.#durable.clear()
      for (const { owner, ipv4 } of remembered) this.#durable.set(owner, ipv4)
    }
    for (const { done } of waiting) done(isKept)
  }

  async #commit(
    waiting: readonly Waiting[],
    events: readonly SessionEvent[],
    lost: number,
    remembered: readonly Remembered[],
  ): Promise<boolean> {
    const { branch, author, log } = this.#parts
    const message = recordMessage(
      events,
      waiting.map(({ owner }) => owner),
    )
    const done = await branch.commit({ message: message || 'Sessions', author }, (edit) => {
      edit.set(POOL_FILE, formatPool(remembered))
      append(edit, events)
    })
    if (lost > 0) log.warn('sessions-not-recorded', { count: lost, why: 'too many at once' })
    if (done.ok || done.error.kind === 'unchanged') return true
    log.error('sessions-not-kept', { why: done.error.kind, count: events.length + waiting.length })
    return false
  }
}

function append(edit: Edit, events: readonly SessionEvent[]): void {
  const byFile = Map.groupBy(events, ({ atMs }) => recordPath(atMs))
  for (const [path, those] of byFile) {
    const before = edit.get(path) ?? new Uint8Array()
    if (before.length > FILE_LIMIT_OCTETS) continue
    edit.set(path, Buffer.concat([before, Buffer.from(those.map(recordLine).join(''))]))
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((octet, i) => octet === b[i])
}
