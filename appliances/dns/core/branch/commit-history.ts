// Zones as they were: the version with a given SOA serial, found in the branch's history. Not every commit was served:
// of a push only the last one was, and one whose serial we raised never was. When two different zones with one serial
// are left, nobody knows which of them a secondary got, and none is found.
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import type { Entry, LogEntry, Oid, Snapshot } from '../../../../store/index.ts'
import { findSerial } from '../text/soa-serial.ts'
import type { Zone } from '../zone/zone.ts'
import { zoneDifference, type ZoneDifference } from '../zone/zone-difference.ts'
import { zoneAt, type ServedZone } from './zone-set.ts'

/** What there is to read from; of the store. */
export interface CommitSource {
  /** Newest first. */
  log(): Iterable<LogEntry>
  snapshot(at: Oid): Snapshot | undefined
  /** Author of commits that this server makes: each of them was served. */
  readonly author: string
}

export type HistoryLimits = {
  /** Commits looked at for one serial. */
  readonly commits: number
  /** Octets of zone text looked through for one serial. */
  readonly textBytes: number
  /** Zone files whose serial is remembered. */
  readonly serials: number
}

export const HISTORY_LIMITS: HistoryLimits = {
  commits: 20_000,
  textBytes: 512 * 1024 * 1024,
  serials: 20_000,
}

/** Commits between two breaths. */
const COMMITS_A_TURN = 32

export class CommitHistory {
  readonly #source: CommitSource
  readonly #pause: () => Promise<void>
  readonly #limits: HistoryLimits
  /** By the id of a file's content; null where there is no serial to find. */
  readonly #serials = new Map<Oid, number | null>()

  constructor(
    source: CommitSource,
    pause: () => Promise<void>,
    limits: HistoryLimits = HISTORY_LIMITS,
  ) {
    this.#source = source
    this.#pause = pause
    this.#limits = limits
  }

  /** What makes the zone as it was with `serial` into `served.zone`, which is that of the head; undefined: not known. */
  async difference(served: ServedZone, serial: number): Promise<ZoneDifference | undefined> {
    const { zone } = served
    const versions = await this.#versions(served, serial)
    if (zone === undefined || versions === undefined) return undefined
    let found: Zone | undefined
    for (const version of versions) {
      const old = zoneAt(version, served)
      if (old?.serial !== serial) return undefined
      if (found !== undefined && !isSame(found, old)) return undefined
      found = old
      await this.#pause()
    }
    return found && zoneDifference(found, zone)
  }

  /**
   * Every different state of the zone's files that may have been served under that serial. Goes down each line of
   * history as far as serials are not older, so that a branch merged late is seen too. Undefined when the limits ended
   * the search.
   */
  async #versions(served: ServedZone, serial: number): Promise<Iterable<Snapshot> | undefined> {
    const path = served.paths[0]!
    const states = { ours: new Map<string, Snapshot>(), theirs: new Map<string, Snapshot>() }
    const raised = new Set<string>()
    const wanted = new Map<Oid, { isRaised: boolean }>()
    let commits = 0
    let textBytes = 0
    for (const { oid, parents, author } of this.#source.log()) {
      const want = commits === 0 ? HEAD : wanted.get(oid)
      if (want === undefined) continue
      wanted.delete(oid)
      if (++commits > this.#limits.commits || textBytes > this.#limits.textBytes) return undefined
      if (commits % COMMITS_A_TURN === 0) await this.#pause()
      const snapshot = this.#source.snapshot(oid)
      const entry = snapshot?.entry(path)
      if (snapshot !== undefined && entry !== undefined) {
        const read = this.#serialOf(snapshot, entry)
        textBytes += read.bytes
        const isOurs = author.name === this.#source.author
        if (read.serial === serial) {
          const state = stateOf(snapshot, served)
          states[isOurs ? 'ours' : 'theirs'].set(state, snapshot)
          if (want.isRaised) raised.add(state)
        }
        const isOlder = read.serial !== null && isNewerSerial(serial, read.serial)
        // A commit of ours on one parent with another serial is how that parent's serial was raised.
        const isRaised = isOurs && parents.length === 1 && read.serial !== serial
        if (!isOlder)
          for (const parent of parents)
            wanted.set(parent, { isRaised: isRaised || wanted.get(parent)?.isRaised === true })
      }
      if (wanted.size === 0) break
    }
    if (states.ours.size > 0) return states.ours.values()
    for (const state of raised) states.theirs.delete(state)
    return states.theirs.values()
  }

  #serialOf(snapshot: Snapshot, { path, oid }: Entry): { serial: number | null; bytes: number } {
    const known = this.#serials.get(oid)
    if (known !== undefined) return { serial: known, bytes: 0 }
    const content = snapshot.get(path) ?? new Uint8Array(0)
    const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')
    const serial = findSerial(text)?.serial ?? null
    if (this.#serials.size >= this.#limits.serials) this.#serials.clear()
    this.#serials.set(oid, serial)
    return { serial, bytes: content.length }
  }
}

function stateOf(snapshot: Snapshot, { paths, includes }: ServedZone): string {
  return [paths[0]!, ...includes].map((path) => snapshot.entry(path)?.oid ?? '-').join(' ')
}

function isSame(a: Zone, b: Zone): boolean {
  const { added, removed } = zoneDifference(a, b)
  return added.length + removed.length === 0
}

const HEAD = { isRaised: false }
