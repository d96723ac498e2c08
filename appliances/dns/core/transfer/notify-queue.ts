// Who is still to be told of a changed zone (RFC 1996 §3.6): one message at a time to each server for each zone, a newer
// change in the place of an older one, again with growing pauses until it is answered. A server that does not answer is sent
// one a second at most, however often the zone changes. Time is monotonic milliseconds.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'

/** Pauses behind each message without answer; a day of them, then the secondary's own timers have to do. */
export const NOTIFY_PAUSES_S: readonly number[] = [
  1, 1, 1, 4, 13, 20, 20, 120, 420, 900, 2100, 82_800,
]

const FIRST_PAUSE_MS = NOTIFY_PAUSES_S[0]! * 1000

/** Messages under way at once. */
const SENDING_LIMIT = 64

export type NotifyTarget = {
  /** `address:port`, and the key it is signed with. */
  readonly address: string
  readonly key: Name | undefined
}

export type NotifyTask = {
  readonly zone: Name
  readonly target: NotifyTarget
  readonly soa: Record
  /** Messages before this one. */
  readonly attempt: number
}

type Entry = { task: NotifyTask; dueAtMs: number; isSending: boolean; next: Record | undefined }

export class NotifyQueue {
  readonly #entries = new Map<string, Entry>()
  #sending = 0

  get size(): number {
    return this.#entries.size
  }

  *pending(): Iterable<NotifyTask> {
    for (const { task } of this.#entries.values()) yield task
  }

  /** What was still to be said of the zone is not any more. */
  changed(zone: Name, soa: Record, targets: readonly NotifyTarget[], nowMs: number): void {
    const wanted = new Set(targets.map((target) => idOf(zone, target)))
    for (const [id, { task }] of this.#entries)
      if (task.zone === zone && !wanted.has(id)) this.#drop(id)
    for (const target of targets) {
      const id = idOf(zone, target)
      const entry = this.#entries.get(id)
      if (entry?.isSending === true) entry.next = soa
      else
        this.#entries.set(id, {
          task: { zone, target, soa, attempt: 0 },
          dueAtMs: entry === undefined ? nowMs : Math.min(entry.dueAtMs, nowMs + FIRST_PAUSE_MS),
          isSending: false,
          next: undefined,
        })
    }
  }

  gone(zone: Name): void {
    for (const [id, { task }] of this.#entries) if (task.zone === zone) this.#drop(id)
  }

  /** What is to be sent now; each of them is `settled` later. */
  due(nowMs: number): readonly NotifyTask[] {
    const tasks: NotifyTask[] = []
    for (const entry of this.#entries.values()) {
      if (this.#sending >= SENDING_LIMIT) break
      if (entry.isSending || entry.dueAtMs > nowMs) continue
      entry.isSending = true
      this.#sending++
      tasks.push(entry.task)
    }
    return tasks
  }

  /** Gives whether it was the last message to this target about this change. */
  settled(task: NotifyTask, isAnswered: boolean, nowMs: number): 'done' | 'given-up' | 'again' {
    this.#sending--
    const id = idOf(task.zone, task.target)
    const entry = this.#entries.get(id)
    if (entry?.task !== task) return 'done'
    const { zone, target, attempt } = task
    if (entry.next !== undefined) {
      const next = { zone, target, soa: entry.next, attempt: 0 }
      const dueAtMs = isAnswered ? nowMs : nowMs + FIRST_PAUSE_MS
      this.#entries.set(id, { task: next, dueAtMs, isSending: false, next: undefined })
      return 'again'
    }
    const pause = NOTIFY_PAUSES_S[attempt]
    if (isAnswered || pause === undefined) {
      this.#entries.delete(id)
      return isAnswered ? 'done' : 'given-up'
    }
    const again = { ...task, attempt: attempt + 1 }
    this.#entries.set(id, {
      task: again,
      dueAtMs: nowMs + pause * 1000,
      isSending: false,
      next: undefined,
    })
    return 'again'
  }

  /** Undefined while there is nothing to wait for. */
  wakeAt(): number | undefined {
    if (this.#sending >= SENDING_LIMIT) return undefined
    let earliest: number | undefined
    for (const { dueAtMs, isSending } of this.#entries.values())
      if (!isSending && (earliest === undefined || dueAtMs < earliest)) earliest = dueAtMs
    return earliest
  }

  #drop(id: string): void {
    this.#entries.delete(id)
  }
}

function idOf(zone: Name, { address, key }: NotifyTarget): string {
  return `${address} ${key ?? ''} ${zone}`
}
