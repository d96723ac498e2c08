// Zones of a view that are copies of a primary's: asks, checks, keeps each accepted version as a commit of a branch for
// all copies, and publishes it. A restart serves what the branch has, and remembers how old it is.
import { randomInt } from 'node:crypto'
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { soaTimers } from '../../shared/dns/soa.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Counter } from '../../shared/metrics/metrics.ts'
import { formatEndpoint } from '../../shared/net/endpoint.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { Branch, Edit } from '../../store/index.ts'
import { DEFAULT_VIEW } from './core/branch/zone-files.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import type { Published } from './core/publication.ts'
import {
  expiresAt,
  secondaryWakeAt,
  startSecondary,
  stepSecondary,
  type SecondaryInput,
  type SecondaryOutput,
  type SecondaryState,
} from '../../shared/dns-transfer/core/secondary.ts'
import {
  formatRefreshed,
  keptPath,
  parseRefreshed,
  refreshedPath,
} from './core/transfer/kept-files.ts'
import { keepReceived, readKept, type KeptZone } from './core/transfer/received-zone.ts'
import type { Received } from '../../shared/dns-transfer/core/transfer-reader.ts'
import { fetchSerial, fetchZone } from '../../shared/dns-transfer/zone-fetch.ts'
import type { View } from './core/views.ts'
import type { Zone } from './core/zone/zone.ts'
import type { Peer, PeerClient } from '../../shared/dns-transfer/peer-client.ts'
import { Turns } from './turns.ts'

export type SecondaryZonesParts = {
  readonly client: PeerClient
  /** Where copies are kept, each view's in its own files; nobody else writes there. */
  readonly branch: Branch
  readonly view: View
  /** A zone of our own in this view: then there is no copy to serve. */
  readonly isOwn: (origin: Name) => boolean
  /** Those of all views together. */
  readonly turns: RefreshTurns
  /** Transfers, by kind and result. */
  readonly counter: Counter
  readonly clock: Clock
  readonly log: Log
}

/** How often refreshes without a transfer are written down. */
const NOTE_MS = 3_600_000
/** With more copies than this, only the hourly note says when they were fresh: it is a line for each. */
const NOTED_LIMIT = 500
/** Copies that /status lists one by one. */
const STATUS_LIMIT = 1000

/** What is under way at once; the rest waits. */
export class RefreshTurns {
  readonly transfers: Turns = new Turns(8)
  /** Questions whether there is something new: each has a socket. */
  readonly queries: Turns = new Turns(64)
}

export class SecondaryZones {
  readonly #parts: SecondaryZonesParts
  readonly #zones = new Map<Name, SecondaryZone>()
  readonly #stopping = new AbortController()
  #noting: Timer | undefined
  #refreshed: { oid: string | undefined; times: ReadonlyMap<Name, number> } = {
    oid: undefined,
    times: new Map(),
  }

  constructor(parts: SecondaryZonesParts) {
    this.#parts = parts
    this.#noteLater()
  }

  get size(): number {
    return this.#zones.size
  }

  /** Copies too old to be answered from. */
  get expired(): number {
    return this.#zones.values().reduce((sum, { state }) => sum + (state.isExpired ? 1 : 0), 0)
  }

  /** Since the stalest copy was fresh. */
  get ageSeconds(): number {
    return this.#zones
      .values()
      .reduce((oldest, zone) => Math.max(oldest, this.#ageMs(zone) / 1000), 0)
  }

  /** The copy that is kept; undefined without one. */
  served(origin: Name): ServedZone | undefined {
    const zone = this.#zones.get(origin)?.kept
    return zone && { origin, paths: [this.#path(origin)], zone, includes: [] }
  }

  /** Begins with a zone, or goes on with other primaries. */
  follow(origin: Name, primaries: readonly Peer[]): void {
    const known = this.#zones.get(origin)
    if (known !== undefined) {
      if (JSON.stringify(known.primaries) === JSON.stringify(primaries)) return
      known.primaries = primaries
      known.state = { ...known.state, primaries: primaries.length, primary: 0 }
      return
    }
    const { clock, log, branch } = this.#parts
    const nowMs = clock.monotonicMs()
    const zone: SecondaryZone = {
      origin,
      primaries,
      state: startSecondary(primaries.length, nowMs),
      kept: undefined,
      lastError: undefined,
      timer: undefined,
      gone: new AbortController(),
    }
    const content = branch.head.get(this.#path(origin))
    if (content !== undefined) {
      const read = readKept(this.#sourceOf(zone), Buffer.from(content).toString('latin1'))
      if (read.ok) {
        const wallMs = clock.wallMs()
        const freshMs = Math.min(this.#refreshedAt(origin) ?? wallMs, wallMs)
        const refreshedAtMs = nowMs - (wallMs - freshMs)
        const timers = soaTimers(read.value.zone.soa!.rdatas[0]!)
        const serial = read.value.zone.serial!
        zone.state = startSecondary(primaries.length, nowMs, { serial, timers, refreshedAtMs })
        zone.kept = read.value.zone
        const expiry = expiresAt(zone.state)
        if (expiry !== undefined && expiry > nowMs) this.#publish(zone)
      } else log.error('secondary-unreadable', { ...this.#fields(origin), why: read.error })
    }
    this.#zones.set(origin, zone)
    this.#input(zone, { kind: 'wake' })
  }

  /** Ends with zones, in one commit: they are neither served nor kept any more. `more` is done in that commit too. */
  async forget(
    origins: readonly Name[],
    message: string = `Forget ${formatName(origins[0]!)}`,
    more: (edit: Edit) => void = () => {},
  ): Promise<void> {
    const { branch, isOwn, log } = this.#parts
    const { publication } = this.#parts.view
    const gone: Published[] = []
    for (const origin of origins) {
      const zone = this.#zones.get(origin)
      zone?.gone.abort()
      zone?.timer?.cancel()
      this.#zones.delete(origin)
      if (zone === undefined || isOwn(origin)) continue
      const before = publication.get(origin)?.zone
      gone.push({ origin, before, after: undefined, isBroken: false })
    }
    publication.publish(gone)
    const done = await branch.commit({ message, author: SELF }, (edit) => {
      for (const path of origins.map((origin) => this.#path(origin)))
        if (edit.entry(path) !== undefined) edit.delete(path)
      if (origins.length > 0 && this.#isNoted()) this.#writeTimes(edit)
      more(edit)
    })
    if (!done.ok && done.error.kind !== 'unchanged')
      log.error('secondary-not-kept', { what: message, why: done.error.kind })
  }

  /** Whether `address` is one of the zone's primaries; undefined when the zone is none of ours. */
  isPrimary(origin: Name, address: string): boolean | undefined {
    return this.#zones.get(origin)?.primaries.some((p) => p.endpoint.host === address)
  }

  notify(origin: Name, address: string, serial: number | undefined): void {
    const zone = this.#zones.get(origin)
    if (zone === undefined) return
    const primary = zone.primaries.findIndex((p) => p.endpoint.host === address)
    this.#input(zone, {
      kind: 'notify',
      ...(primary >= 0 && { primary }),
      ...(serial !== undefined && { serial }),
    })
  }

  /** Looks at every zone now. */
  refresh(): void {
    for (const zone of this.#zones.values()) this.#input(zone, { kind: 'notify' })
  }

  status(): readonly unknown[] {
    const { clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const time = (ms: number | undefined): string | undefined =>
      ms === undefined ? undefined : new Date(clock.wallMs() + ms - nowMs).toISOString()
    const shown = this.#zones.values().take(STATUS_LIMIT)
    return Array.from(shown, ({ origin, primaries, state, lastError }) => ({
      ...this.#fields(origin),
      serial: state.serial,
      primaries: primaries.map(({ endpoint }) => formatEndpoint(endpoint)),
      phase: state.isExpired ? 'expired' : state.phase,
      refreshed: time(state.refreshedAtMs),
      next: state.phase === 'idle' ? time(state.dueAtMs) : undefined,
      expires: time(expiresAt(state)),
      lastError,
    }))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#noting?.cancel()
    for (const zone of this.#zones.values()) {
      zone.gone.abort()
      zone.timer?.cancel()
    }
    await this.#note()
  }

  #input(zone: SecondaryZone, input: SecondaryInput): void {
    if (zone.gone.signal.aborted) return
    const { clock } = this.#parts
    const random = randomInt(RANDOM_STEPS) / RANDOM_STEPS
    const [state, outputs] = stepSecondary(zone.state, input, clock.monotonicMs(), random)
    const isBack = zone.state.isExpired && !state.isExpired
    zone.state = state
    if (isBack) this.#publish(zone)
    for (const output of outputs) void this.#perform(zone, output)
    zone.timer?.cancel()
    const wakeAt = secondaryWakeAt(zone.state)
    if (wakeAt === undefined) return
    const delayMs = Math.min(Math.max(wakeAt - clock.monotonicMs(), 0), TIMER_LIMIT_MS)
    zone.timer = clock.after(delayMs, () => this.#input(zone, { kind: 'wake' }))
  }

  async #perform(zone: SecondaryZone, output: SecondaryOutput): Promise<void> {
    const fields = this.#fields(zone.origin)
    if (output.kind === 'expired') {
      this.#parts.log.error('secondary-expired', fields)
      this.#publish(zone)
      return
    }
    const peer = zone.primaries[output.primary]!
    const input =
      output.kind === 'query'
        ? await this.#parts.turns.queries.run(() => this.#query(zone, peer))
        : await this.#parts.turns.transfers.run(() => this.#transfer(zone, peer, output.from))
    if (zone.gone.signal.aborted) return
    if (input.ok) {
      zone.lastError = undefined
      this.#input(zone, input.value)
      return
    }
    zone.lastError = `${formatEndpoint(peer.endpoint)}: ${input.error}`
    this.#parts.log.warn('secondary-failed', {
      ...fields,
      primary: formatEndpoint(peer.endpoint),
      asked: output.kind === 'query' ? 'SOA' : output.from === undefined ? 'AXFR' : 'IXFR',
      why: input.error,
    })
    this.#input(zone, { kind: 'failed' })
  }

  async #query(zone: SecondaryZone, peer: Peer): Promise<Result<SecondaryInput, string>> {
    const serial = await fetchSerial(this.#parts.client, peer, zone.origin, zone.gone.signal)
    return serial.ok ? ok({ kind: 'serial', serial: serial.value }) : serial
  }

  async #transfer(
    zone: SecondaryZone,
    peer: Peer,
    from: number | undefined,
  ): Promise<Result<SecondaryInput, string>> {
    const received = await fetchZone(
      this.#parts.client,
      peer,
      { zone: zone.origin, serial: from },
      zone.gone.signal,
    )
    const kind = from === undefined ? 'full' : 'incremental'
    if (!received.ok) {
      this.#parts.counter.inc({ kind, result: 'failed' })
      return received
    }
    if (received.value.kind === 'current') {
      this.#parts.counter.inc({ kind: 'current', result: 'done' })
      return ok({ kind: 'current' })
    }
    const stored = await this.#store(zone, peer, received.value)
    this.#parts.counter.inc({ kind: received.value.kind, result: stored.ok ? 'done' : 'refused' })
    return stored
  }

  async #store(
    zone: SecondaryZone,
    peer: Peer,
    received: Exclude<Received, { kind: 'current' }>,
  ): Promise<Result<SecondaryInput, string>> {
    const { branch, log, view } = this.#parts
    const { origin } = zone
    const before = zone.kept?.serial
    const kept = keepReceived(this.#sourceOf(zone), received)
    if (!kept.ok) return kept
    if (zone.gone.signal.aborted) return err('stopped')
    const where = view.name === DEFAULT_VIEW ? '' : ` in view ${view.name}`
    const primary = peer.key === undefined ? '' : ` with ${formatName(peer.key)}`
    const info = {
      message: `${formatName(origin)} ${before ?? 'anew'} to ${kept.value.zone.serial}${where}\n\n${countText(received)} from ${formatEndpoint(peer.endpoint)}${primary}\n`,
      author: { name: peer.endpoint.host, email: `${formatName(origin)}@secondary` },
    }
    const done = await branch.commit(info, (edit) => {
      edit.set(this.#path(origin), Buffer.from(kept.value.text, 'latin1'))
      if (this.#isNoted()) this.#writeTimes(edit, origin)
    })
    if (!done.ok && done.error.kind !== 'unchanged') return err(`not-kept ${done.error.kind}`)
    // It may have ended while the disk was busy.
    if (zone.gone.signal.aborted) return err('stopped')
    this.#take(zone, kept.value)
    const { serial } = kept.value.zone
    log.info('transfer-in', {
      ...this.#fields(origin),
      primary: formatEndpoint(peer.endpoint),
      kind: received.kind,
      serial,
    })
    return ok({
      kind: 'stored',
      serial: serial!,
      timers: soaTimers(kept.value.zone.soa!.rdatas[0]!),
    })
  }

  #take(zone: SecondaryZone, { zone: kept }: KeptZone): void {
    zone.kept = kept
    zone.state = { ...zone.state, isExpired: false }
    this.#publish(zone)
    kept.own()
  }

  /** Serves the copy, or SERVFAIL when it is too old. */
  #publish({ origin, kept, state }: SecondaryZone): void {
    const { isOwn, log } = this.#parts
    const { publication } = this.#parts.view
    if (isOwn(origin)) {
      log.warn('secondary-shadowed', this.#fields(origin))
      return
    }
    const before = publication.get(origin)?.zone
    const after = state.isExpired ? undefined : kept
    publication.publish([{ origin, before, after, isBroken: after === undefined }])
  }

  #refreshedAt(origin: Name): number | undefined {
    const { head } = this.#parts.branch
    const oid = head.entry(refreshedPath(this.#parts.view.name))?.oid
    // Asked for each zone of a catalog in turn, while the file stays as it is.
    if (oid !== this.#refreshed.oid) {
      const text = Buffer.from(head.get(refreshedPath(this.#parts.view.name)) ?? []).toString(
        'latin1',
      )
      this.#refreshed = { oid, times: parseRefreshed(text) }
    }
    return this.#refreshed.times.get(origin)
  }

  #isNoted(): boolean {
    return this.#zones.size <= NOTED_LIMIT
  }

  /** `fresh` is so now. */
  #writeTimes(edit: Edit, fresh?: Name): void {
    const times = this.#times()
    if (fresh !== undefined) times.set(fresh, this.#parts.clock.wallMs())
    edit.set(refreshedPath(this.#parts.view.name), formatRefreshed(times))
  }

  /** When each copy was last known to be fresh, in wall time. */
  #times(): Map<Name, number> {
    const wallMs = this.#parts.clock.wallMs()
    const times = new Map<Name, number>()
    for (const [origin, zone] of this.#zones)
      if (zone.state.refreshedAtMs !== undefined) times.set(origin, wallMs - this.#ageMs(zone))
    return times
  }

  #ageMs({ state }: SecondaryZone): number {
    return state.refreshedAtMs === undefined
      ? 0
      : this.#parts.clock.monotonicMs() - state.refreshedAtMs
  }

  #noteLater(): void {
    this.#noting = this.#parts.clock.after(NOTE_MS, () => {
      void this.#note()
      this.#noteLater()
    })
  }

  async #note(): Promise<void> {
    if (this.#zones.size === 0) return
    const { branch, log } = this.#parts
    const info = { message: 'Note when copies were fresh', author: SELF }
    const done = await branch.commit(info, (edit) => this.#writeTimes(edit))
    if (!done.ok && done.error.kind !== 'unchanged')
      log.error('secondary-not-kept', { why: done.error.kind })
  }

  #path(origin: Name): string {
    return keptPath(this.#parts.view.name, origin)
  }

  #sourceOf({ origin, kept }: SecondaryZone): {
    origin: Name
    file: string
    before: Zone | undefined
  } {
    return { origin, file: this.#path(origin), before: kept }
  }

  /** A zone in the words of the log. */
  #fields(origin: Name): { readonly zone: string; readonly view?: string } {
    const { name } = this.#parts.view
    return { zone: formatName(origin), ...(name !== DEFAULT_VIEW && { view: name }) }
  }
}

type SecondaryZone = {
  readonly origin: Name
  primaries: readonly Peer[]
  state: SecondaryState
  kept: Zone | undefined
  lastError: string | undefined
  timer: Timer | undefined
  readonly gone: AbortController
}

function countText(received: Exclude<Received, { kind: 'current' }>): string {
  if (received.kind === 'full') return `All ${received.records.length + 1} records`
  const removed = received.steps.reduce((sum, step) => sum + step.removed.length, 0)
  const added = received.steps.reduce((sum, step) => sum + step.added.length, 0)
  return `${removed} records removed, ${added} added`
}

const SELF = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
const RANDOM_STEPS = 65_536
/** Longer timers are armed again. */
const TIMER_LIMIT_MS = 86_400_000
