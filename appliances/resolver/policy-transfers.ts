// Response policy zones that are copies of a primary's: asks when its SOA or a NOTIFY says so, keeps each version in a file, and
// hands the rules on. A start goes on with what is kept.
import { randomInt } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import {
  expiresAt,
  secondaryWakeAt,
  startSecondary,
  stepSecondary,
  type SecondaryInput,
  type SecondaryOutput,
  type SecondaryState,
} from '../../shared/dns-transfer/core/secondary.ts'
import type { Received, TransferLimits } from '../../shared/dns-transfer/core/transfer-reader.ts'
import { PeerClient, type Peer } from '../../shared/dns-transfer/peer-client.ts'
import { peersOf } from '../../shared/dns-transfer/primaries-table.ts'
import { fetchSerial, fetchZone } from '../../shared/dns-transfer/zone-fetch.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { SOA_FIELD, soaNumber, soaTimers } from '../../shared/dns/soa.ts'
import { replaceFile } from '../../shared/files/replace-file.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatEndpoint } from '../../shared/net/endpoint.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'
import { keptText } from './core/rpz/kept-zone.ts'
import { PolicyZone } from './core/rpz/policy-zone.ts'
import { inTurns } from './in-turns.ts'
import type { TransferredZone } from './policy-table.ts'

/** A primary's mistake must not fill the memory. */
const TRANSFER_LIMITS: TransferLimits = { records: 2_000_000, octets: 256 * 1024 * 1024 }
/** How often a refresh without news is written down. */
const NOTE_MS = 3_600_000
/** Longer timers are armed again. */
const TIMER_LIMIT_MS = 86_400_000
const RANDOM_STEPS = 65_536

export type PolicyTransfersParts = {
  readonly zones: readonly TransferredZone[]
  /** Where copies are kept. */
  readonly folder: string
  readonly ring: KeyRing
  /** As NameTable has it. */
  readonly seed: number
  readonly clock: Clock
  readonly log: Log
  /** The rules that hold are others now. */
  readonly changed: () => void
}

export class PolicyTransfers {
  readonly #parts: PolicyTransfersParts
  readonly #client: PeerClient
  readonly #copies: readonly Copy[]
  readonly #stopping = new AbortController()

  private constructor(parts: PolicyTransfersParts) {
    this.#parts = parts
    const { ring, clock, zones } = parts
    this.#client = new PeerClient({ ring, clock, policy: { truncated: false, sha1: true } })
    const nowMs = clock.monotonicMs()
    this.#copies = zones.map(({ zone, primaries }) => {
      const peers = peersOf(primaries)
      return {
        zone,
        peers,
        state: startSecondary(peers.length, nowMs),
        rules: undefined,
        notedMs: -Infinity,
        lastError: undefined,
        timer: undefined,
      }
    })
  }

  /** With what is kept; nobody is asked yet. Throws when the folder cannot be made, and `Fatal` for a CA file. */
  static async open(parts: PolicyTransfersParts): Promise<PolicyTransfers> {
    mkdirSync(parts.folder, { recursive: true })
    const transfers = new PolicyTransfers(parts)
    for (const copy of transfers.#copies) await transfers.#readKept(copy)
    return transfers
  }

  /** Begins to ask. */
  start(): void {
    for (const copy of this.#copies) this.#input(copy, { kind: 'wake' })
  }

  /** Those that hold, in the order of the configuration. */
  get zones(): readonly PolicyZone[] {
    return this.#copies.flatMap(({ rules, state }) =>
      rules === undefined || state.isExpired ? [] : [rules],
    )
  }

  /** Who may send NOTIFY of `zone` (canonical); undefined when it is none of these. */
  peersOf(zone: Name): readonly Peer[] | undefined {
    return this.#copies.find((copy) => copy.zone === zone)?.peers
  }

  /** There may be something new at the peer of that address. */
  notify(zone: Name, address: string, serial: number | undefined): void {
    const copy = this.#copies.find((each) => each.zone === zone)
    if (copy === undefined) return
    const primary = copy.peers.findIndex(({ endpoint }) => endpoint.host === address)
    this.#input(copy, {
      kind: 'notify',
      ...(primary >= 0 && { primary }),
      ...(serial !== undefined && { serial }),
    })
  }

  /** Looks at every zone now. */
  refresh(): void {
    for (const copy of this.#copies) this.#input(copy, { kind: 'notify' })
  }

  status(): readonly object[] {
    const { clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const time = (ms: number | undefined): string | undefined =>
      ms === undefined ? undefined : new Date(clock.wallMs() + ms - nowMs).toISOString()
    return this.#copies.map(({ zone, peers, state, rules, lastError }) => ({
      zone: formatName(zone),
      serial: state.serial,
      rules: rules?.size,
      primaries: peers.map(({ endpoint }) => formatEndpoint(endpoint)),
      phase: state.isExpired ? 'expired' : state.phase,
      refreshed: time(state.refreshedAtMs),
      next: state.phase === 'idle' ? time(state.dueAtMs) : undefined,
      expires: time(expiresAt(state)),
      lastError,
    }))
  }

  close(): void {
    this.#stopping.abort()
    for (const copy of this.#copies) {
      copy.timer?.cancel()
      this.#note(copy, 0)
    }
  }

  #input(copy: Copy, input: SecondaryInput): void {
    if (this.#stopping.signal.aborted) return
    const { clock, changed } = this.#parts
    const random = randomInt(RANDOM_STEPS) / RANDOM_STEPS
    const [state, outputs] = stepSecondary(copy.state, input, clock.monotonicMs(), random)
    const isBack = copy.state.isExpired && !state.isExpired
    copy.state = state
    if (isBack) changed()
    for (const output of outputs) void this.#perform(copy, output)
    copy.timer?.cancel()
    const wakeAt = secondaryWakeAt(copy.state)
    if (wakeAt === undefined) return
    const delayMs = Math.min(Math.max(wakeAt - clock.monotonicMs(), 0), TIMER_LIMIT_MS)
    copy.timer = clock.after(delayMs, () => this.#input(copy, { kind: 'wake' }))
  }

  async #perform(copy: Copy, output: SecondaryOutput): Promise<void> {
    const { log, changed } = this.#parts
    const zone = formatName(copy.zone)
    if (output.kind === 'expired') {
      log.error('policy-zone-expired', { zone })
      changed()
      return
    }
    const peer = copy.peers[output.primary]!
    const done =
      output.kind === 'query'
        ? await this.#query(copy, peer)
        : await this.#transfer(copy, peer, output.from)
    if (this.#stopping.signal.aborted) return
    if (done.ok) {
      copy.lastError = undefined
      this.#input(copy, done.value)
      this.#note(copy, NOTE_MS)
      return
    }
    const primary = formatEndpoint(peer.endpoint)
    copy.lastError = `${primary}: ${done.error}`
    const asked = output.kind === 'query' ? 'SOA' : output.from === undefined ? 'AXFR' : 'IXFR'
    log.warn('policy-transfer-failed', { zone, primary, asked, why: done.error })
    this.#input(copy, { kind: 'failed' })
  }

  async #query(copy: Copy, peer: Peer): Promise<Result<SecondaryInput, string>> {
    const serial = await fetchSerial(this.#client, peer, copy.zone, this.#stopping.signal)
    return serial.ok ? ok({ kind: 'serial', serial: serial.value }) : serial
  }

  async #transfer(
    copy: Copy,
    peer: Peer,
    serial: number | undefined,
  ): Promise<Result<SecondaryInput, string>> {
    const { signal } = this.#stopping
    const wanted = { zone: copy.zone, serial, limits: TRANSFER_LIMITS }
    const received = await fetchZone(this.#client, peer, wanted, signal)
    if (!received.ok) return received
    if (received.value.kind === 'current') return ok({ kind: 'current' })
    const { kind, soa } = received.value
    const taken = await this.#take(copy, received.value)
    if (!taken.ok) return taken
    this.#parts.log.info('policy-transfer', {
      zone: formatName(copy.zone),
      primary: formatEndpoint(peer.endpoint),
      kind,
      serial: soaNumber(soa.rdata, SOA_FIELD.serial),
      rules: copy.rules!.size,
    })
    return ok({
      kind: 'stored',
      serial: soaNumber(soa.rdata, SOA_FIELD.serial),
      timers: soaTimers(soa.rdata),
    })
  }

  /** Kept first: what holds is what the next start has. */
  async #take(
    copy: Copy,
    received: Exclude<Received, { readonly kind: 'current' }>,
  ): Promise<Result<void, string>> {
    const before = received.kind === 'full' ? undefined : await this.#kept(copy)
    if (before?.ok === false) return before
    const text = await inTurns(keptText(received, before?.value))
    if (!text.ok) return text
    const rules = await this.#rulesOf(copy, text.value)
    if (this.#stopping.signal.aborted) return err('stopped')
    try {
      const path = this.#pathOf(copy)
      await writeFile(`${path}.new`, text.value, { mode: 0o644 })
      await rename(`${path}.new`, path)
    } catch (cause) {
      return err(`not-kept ${(cause as NodeJS.ErrnoException).code}`)
    }
    copy.rules = rules
    copy.state = { ...copy.state, isExpired: false }
    copy.notedMs = -Infinity
    this.#parts.changed()
    return ok(undefined)
  }

  /** A rule that nobody understands is left out, and said in the log: its primary is not ours to mend. */
  async #rulesOf({ zone }: Copy, text: Buffer): Promise<PolicyZone> {
    const { seed, log } = this.#parts
    const name = formatName(zone).slice(0, -1)
    const rules = await inTurns(
      PolicyZone.read({ name, file: name, text, origin: zone, seed, isCopy: true }),
    )
    for (const wrong of rules.problems)
      log.warn('policy-rule-left-out', { zone: name, why: formatProblem(wrong) })
    return rules
  }

  async #kept(copy: Copy): Promise<Result<Buffer, string>> {
    try {
      return ok(await readFile(this.#pathOf(copy)))
    } catch (cause) {
      return err(`kept ${(cause as NodeJS.ErrnoException).code}`)
    }
  }

  async #readKept(copy: Copy): Promise<void> {
    const { clock, log } = this.#parts
    const path = this.#pathOf(copy)
    const text = await this.#kept(copy)
    if (!text.ok) {
      if (text.error !== 'kept ENOENT')
        log.error('policy-zone-unreadable', { file: path, why: text.error })
      return
    }
    const rules = await this.#rulesOf(copy, text.value)
    const { soaRdata } = rules
    if (soaRdata === undefined) {
      log.error('policy-zone-unreadable', { file: path, why: 'no SOA record' })
      return
    }
    const nowMs = clock.monotonicMs()
    const wallMs = clock.wallMs()
    const refreshedAtMs = nowMs - Math.max(0, wallMs - (await readTime(timePath(path))))
    const serial = soaNumber(soaRdata, SOA_FIELD.serial)
    const timers = soaTimers(soaRdata)
    copy.rules = rules
    copy.state = startSecondary(copy.peers.length, nowMs, { serial, timers, refreshedAtMs })
  }

  /** When the copy was last known to be fresh, unless that was written down less than `everyMs` ago. */
  #note(copy: Copy, everyMs: number): void {
    const { clock, log } = this.#parts
    const { refreshedAtMs } = copy.state
    const nowMs = clock.monotonicMs()
    if (refreshedAtMs === undefined || nowMs - copy.notedMs < everyMs) return
    copy.notedMs = nowMs
    const time = new Date(clock.wallMs() + refreshedAtMs - nowMs).toISOString()
    const path = timePath(this.#pathOf(copy))
    try {
      replaceFile(path, `${time}\n`, 0o644)
    } catch (cause) {
      log.error('policy-zone-not-kept', {
        file: path,
        why: (cause as NodeJS.ErrnoException).code ?? String(cause),
      })
    }
  }

  #pathOf({ zone }: Copy): string {
    // A slash is a fine octet of a name and none of a file's.
    const file = formatName(zone).slice(0, -1).replaceAll('/', '\\047')
    return join(this.#parts.folder, `${file}.rpz`)
  }
}

type Copy = {
  readonly zone: Name
  readonly peers: readonly Peer[]
  state: SecondaryState
  rules: PolicyZone | undefined
  notedMs: number
  lastError: string | undefined
  timer: Timer | undefined
}

function timePath(path: string): string {
  return `${path}.refreshed`
}

/** Milliseconds since 1970; 0 when nothing is noted: then it counts when it was last fresh long ago. */
async function readTime(path: string): Promise<number> {
  try {
    const ms = Date.parse((await readFile(path, 'latin1')).trim())
    return Number.isFinite(ms) ? ms : 0
  } catch {
    // Without it the copy is as good as expired, and fetched anew.
    return 0
  }
}
