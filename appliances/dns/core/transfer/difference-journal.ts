// What published zones changed from serial to serial, kept in memory within bounds: IXFR (RFC 1995) is answered from it.
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import type { Published } from '../publication.ts'
import { zoneDifference, type ZoneDifference } from '../zone/zone-difference.ts'

export type JournalLimits = {
  /** Steps kept of one zone. */
  readonly steps: number
  /** Records kept of one zone, and of all together; the oldest steps go first. */
  readonly zoneRecords: number
  readonly records: number
}

export const JOURNAL_LIMITS: JournalLimits = {
  steps: 1000,
  zoneRecords: 100_000,
  records: 500_000,
}

type Step = ZoneDifference & { readonly from: number; readonly to: number }
type ZoneJournal = { steps: Step[]; records: number }

export class DifferenceJournal {
  readonly #limits: JournalLimits
  /** The zone that changed last stands last. */
  readonly #zones = new Map<Name, ZoneJournal>()
  #records = 0

  constructor(limits: JournalLimits = JOURNAL_LIMITS) {
    this.#limits = limits
  }

  get records(): number {
    return this.#records
  }

  /** Takes in what was published; a zone that went, or whose serial went back, begins anew. */
  note({ origin, before, after }: Published): void {
    const from = before?.serial
    const to = after?.serial
    if (before === undefined || after === undefined || from === undefined || to === undefined) {
      this.#forget(origin)
      return
    }
    if (before === after) return
    // Every name differs in a signature: all of the zone is the shorter answer, and sooner there.
    if (before.isSigned !== after.isSigned) return this.#forget(origin)
    const difference = zoneDifference(before, after)
    if (countOf(difference) === 0) return
    if (isNewerSerial(to, from)) this.#append(origin, { ...difference, from, to })
    else this.#forget(origin)
  }

  /** What makes the zone of serial `from` the one of serial `to`; undefined when that is not known. */
  between(origin: Name, from: number, to: number): ZoneDifference | undefined {
    const steps = this.#zones.get(origin)?.steps ?? []
    const first = steps.findIndex((step) => step.from === from)
    if (first < 0 || steps.at(-1)?.to !== to) return undefined
    const last = steps.slice(first)
    return last.length === 1 ? last[0] : condense(last)
  }

  #append(origin: Name, step: Step): void {
    const journal = this.#zones.get(origin) ?? { steps: [], records: 0 }
    // A step that does not begin where the last one ended: something was missed, so all before it is of no use.
    if (journal.steps.length > 0 && journal.steps.at(-1)!.to !== step.from) this.#drop(journal)
    this.#zones.delete(origin)
    this.#zones.set(origin, journal)
    journal.steps.push(step)
    journal.records += countOf(step)
    this.#records += countOf(step)
    const { steps, zoneRecords, records } = this.#limits
    while (journal.steps.length > steps || journal.records > zoneRecords) this.#dropOldest(journal)
    for (const [other, { steps: left }] of this.#zones) {
      if (this.#records <= records) break
      if (other !== origin || left.length > 0) this.#forget(other)
    }
  }

  #dropOldest(journal: ZoneJournal): void {
    const count = countOf(journal.steps.shift()!)
    journal.records -= count
    this.#records -= count
  }

  #drop(journal: ZoneJournal): void {
    this.#records -= journal.records
    journal.steps = []
    journal.records = 0
  }

  #forget(origin: Name): void {
    const journal = this.#zones.get(origin)
    if (journal === undefined) return
    this.#drop(journal)
    this.#zones.delete(origin)
  }
}

/** Several differences in a row as one (RFC 1995 §5). */
export function condense(steps: readonly ZoneDifference[]): ZoneDifference {
  const net = new Map<string, { readonly record: Record; readonly isAdded: boolean }>()
  const apply = (record: Record, isAdded: boolean): void => {
    const key = recordKey(record)
    const known = net.get(key)
    if (known !== undefined && known.isAdded !== isAdded) net.delete(key)
    else net.set(key, { record, isAdded })
  }
  for (const { removed, added } of steps) {
    for (const record of removed) apply(record, false)
    for (const record of added) apply(record, true)
  }
  const added: Record[] = []
  const removed: Record[] = []
  for (const { record, isAdded } of net.values()) (isAdded ? added : removed).push(record)
  return { added, removed }
}

function countOf({ added, removed }: ZoneDifference): number {
  return added.length + removed.length
}

/** Records that say the same, TTL included, have the same key. */
export function recordKey({ owner, type, ttlSeconds, rdata }: Record): string {
  const content = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
  return `${type} ${ttlSeconds} ${canonicalName(owner)}${content}`
}
