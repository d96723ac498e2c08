// One zone of one view kept signed while the server runs: little work at once and much in slices or in a thread, the serial
// that never goes back, and what is kept on the disk so that the next run begins where this one ended.
import { isNewerSerial, SOA_FIELD } from '../../../shared/dns/soa.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../../shared/clock/clock.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import type { Log } from '../../../shared/log/log.ts'
import type { ZoneKey } from '../core/dnssec/key-file.ts'
import { keyId } from '../core/dnssec/key-roll.ts'
import { decodeZone, encodeChange } from '../core/dnssec/kept-zone.ts'
import type { OnlineKeys } from '../core/dnssec/online-signatures.ts'
import type { SignerSettings, SigningRound } from '../core/dnssec/signing-plan.ts'
import { signedElsewhere } from '../core/dnssec/zone-names.ts'
import { ZoneSigner, type SignedOwner } from '../core/dnssec/zone-signer.ts'
import { nextSerial } from '../core/text/soa-serial.ts'
import { changeZone } from '../core/zone/zone-change.ts'
import type { AnsweredZone } from '../core/zone/answered-zone.ts'
import { hasProofs, highestTtlSeconds, type Zone } from '../core/zone/zone.ts'
import type { SigningTable } from '../dnssec-table.ts'
import type { KeyFolder } from '../key-folder.ts'
import { writeKeptZone } from './kept-zone-file.ts'
import type { SignThread } from './sign-thread.ts'
import { runAtOnce, runInSlices } from './signing-run.ts'
import type { SigningState } from './signing-state.ts'
import type { RollingKeys, SignedFace } from './rolling-keys.ts'

export type SigningShell = {
  /** Of the view. */
  readonly folder: KeyFolder
  /** Of the name, for all views. */
  readonly keys: RollingKeys
  /** Serials of the zone. */
  readonly state: SigningState
  readonly clock: Clock
  readonly log: Log
  /** A zone that got ready, or better, when nobody waited for it. */
  readonly publish: (origin: Name, zone: Zone) => void
  /** Undefined where there are no threads. */
  readonly thread: SignThread | undefined
  readonly fail: (fault: Error) => void
}

/** So many names are signed at once, within some milliseconds; more is served when it is signed. */
const AT_ONCE_NAMES = 48
/** More than this is the work of a thread. */
const IN_SLICES_NAMES = 500
/** What a name costs in a digest over the zone, where signing it is 1. */
const DIGEST_COST = 1 / 16
const SLICE_MS = 3
const SWEPT_AT_ONCE = 16
const SWEEP_SECONDS = 3600
/** What is kept may be so many times as long as a zone written whole, and some octets more. */
const KEPT_FACTOR = 3
const KEPT_MINIMUM_OCTETS = 1 << 20

type Task = {
  readonly unsigned: Zone
  /** Undefined: all of them. */
  readonly names: ReadonlySet<Name> | undefined
  readonly serial: number
  /** The zone as it was served in the last run, which a new signature makes another one. */
  readonly isSame: boolean
}

export class ZoneSigning implements SignedFace {
  readonly origin: Name
  readonly #shell: SigningShell
  readonly #settings: SignerSettings
  readonly #signer: ZoneSigner
  #latest: Zone | undefined
  #served: Zone | undefined
  /** Under way: `#latest` waits for its end. */
  #job: Promise<void> | undefined
  #sweeping: Promise<void> | undefined
  /** As it is on the disk, in a file of so many octets, of which those of a zone written whole. */
  #kept: Zone | undefined
  #keptOctets = 0
  #wholeOctets = 0
  #keySet = ''
  #isFullySigned = false
  #sweptSeconds = 0
  #online: { readonly zone: Zone; readonly by: OnlineKeys } | undefined
  #isStopped = false

  constructor(origin: Name, signing: SigningTable, shell: SigningShell) {
    this.origin = origin
    this.#shell = shell
    const seconds = (ms: number): number => Math.round(ms / 1000)
    this.#settings = {
      denial: signing.denial,
      lifetimeSeconds: seconds(signing.signatureLifetime),
      refreshSeconds: seconds(signing.signatureRefresh),
      jitterSeconds: seconds(signing.signatureJitter),
      dnskeyTtlSeconds: seconds(signing.dnskeyTtl),
      zonemd: signing.zonemd,
    }
    this.#signer = new ZoneSigner(origin, this.#settings)
    this.#takeUpKept()
    shell.keys.addFace(this)
  }

  /** What is to be served now that the branch says `unsigned`: signed if that is quick, else what was served before. */
  offer(unsigned: Zone): Zone {
    this.#latest = unsigned
    if (this.#isStopped) return this.#served ?? unsigned
    if (signedElsewhere(unsigned, [this.origin])) {
      const why = 'it has RRSIG or NSEC records of its own and is served as it is'
      this.#shell.log.error('zone-signed-elsewhere', { zone: formatName(this.origin), why })
      this.#served = unsigned
      return unsigned
    }
    if (this.#job !== undefined) return this.#served ?? unsigned
    this.#shell.keys.roll()
    if (this.#shell.keys.isInsecure()) return this.#serveUnsigned(unsigned)
    return this.#sign(unsigned) ?? this.#served ?? unsigned
  }

  /** Of the branch no more, until it is offered again. */
  leave(): void {
    this.#latest = undefined
  }

  get isFullySigned(): boolean {
    return this.#isFullySigned && this.#keySet === this.#keySetNow()
  }

  get isServed(): boolean {
    return this.#latest !== undefined
  }

  maximumTtlSeconds(): number {
    const known = this.#signer.maximumTtlSeconds
    return known > 0 || this.#latest === undefined ? known : highestTtlSeconds(this.#latest)
  }

  /** Once a minute, and when a person asked: rolls keys and makes signatures anew that are due. */
  async tick(): Promise<void> {
    await this.#idle()
    if (this.#isStopped || this.#latest === undefined || this.#sweeping !== undefined) return
    if (signedElsewhere(this.#latest, [this.origin])) return
    await this.#shell.keys.look()
    // Another turn may have begun something meanwhile.
    await this.#idle()
    if (this.#isStopped || this.#latest === undefined) return
    this.#shell.keys.roll()
    if (this.#shell.keys.isInsecure()) {
      if (this.#served?.isSigned === true) this.#publish(this.#serveUnsigned(this.#latest))
      return
    }
    if (this.#served?.isSigned !== true || this.#signer.unsigned === undefined)
      return this.#publish(this.offer(this.#latest))
    const isNew = this.#keySetNow() !== this.#keySet
    if (isNew) this.#isFullySigned = false
    if (isNew || this.#isOvergrown()) {
      this.#touch(this.#isLarge() ? undefined : NO_NAMES)
      await this.#idle()
    }
    const isTime = this.#nowSeconds() >= this.#sweptSeconds + SWEEP_SECONDS
    if (!isNew && !isTime && this.#isFullySigned) return
    this.#sweeping = this.#sweep().finally(() => (this.#sweeping = undefined))
    await this.#sweeping
  }

  /** What signs answers from `zone`, which it made and which has no proofs of absence. The same until the keys change. */
  onlineKeys(zone: AnsweredZone): OnlineKeys | undefined {
    return this.#online?.zone === zone ? this.#online.by : undefined
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#idle(), this.#sweeping])
  }

  status(): { readonly [key: string]: unknown } {
    return {
      zone: formatName(this.origin),
      serial: this.#served?.serial,
      signed: this.#served?.isSigned === true,
      busy: this.#job !== undefined,
      keys: this.#shell.keys.ids(),
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#shell.clock.wallMs() / 1000)
  }

  #round(serial: number): SigningRound<ZoneKey> {
    return { keys: this.#shell.keys.round(), serial, nowSeconds: this.#nowSeconds() }
  }

  #keySetNow(): string {
    const { dnskeys, entryKeys, zoneKeys, cds } = this.#round(0).keys
    return [dnskeys.length, ...entryKeys.map(keyId), '/', ...zoneKeys.map(keyId), '/']
      .concat(cds.map((rdata) => Buffer.from(rdata).toString('hex')))
      .join(' ')
  }

  #nextSerial(unsigned: number): number {
    const { serial } = this.#shell.state.value
    if (serial === undefined || isNewerSerial(unsigned, serial)) return unsigned
    return nextSerial(serial, { wallMs: this.#shell.clock.wallMs() })
  }

  /** Undefined when it takes longer. */
  #sign(unsigned: Zone): Zone | undefined {
    const own = unsigned.serial ?? 0
    const { serial: before, unsignedSerial } = this.#shell.state.value
    const names = this.#signer.differing(unsigned)
    const isFirst = this.#signer.unsigned === undefined
    if (isFirst && names?.size === 0 && unsignedSerial === own && before !== undefined)
      return this.#start({ unsigned, names, serial: before, isSame: true })
    return this.#start({ unsigned, names, serial: this.#nextSerial(own), isSame: false })
  }

  /** Undefined when it takes longer: then it is published when it is done. */
  #start(task: Task): Zone | undefined {
    this.#keySet = this.#keySetNow()
    let next = task
    while (this.#costOf(next) <= AT_ONCE_NAMES) {
      const { unsigned, names, serial } = next
      const work = this.#signer.update(unsigned, this.#round(serial), names)
      const again = this.#again(next, runAtOnce(work).signatures)
      if (again === undefined) return this.#settle(next)
      next = again
    }
    this.#job = this.#carryOut(next)
      .catch((fault: unknown) => this.#shell.fail(fault as Error))
      .finally(() => (this.#job = undefined))
      .then(() => {
        const latest = this.#latest
        if (latest !== undefined && latest !== next.unsigned && !this.#isStopped)
          this.#publish(this.offer(latest))
      })
    return undefined
  }

  async #carryOut(task: Task): Promise<void> {
    const { clock, log } = this.#shell
    const zone = formatName(this.origin)
    const startMs = clock.monotonicMs()
    const names = (task.names ?? task.unsigned.nodes).size
    log.info('signing', { zone, names })
    let signatures = 0
    let next: Task | undefined = task
    while (next !== undefined) {
      const done = await this.#signLater(next)
      if (done === undefined) return
      signatures += done.signatures
      const again = this.#again(next, done.signatures)
      if (again === undefined) {
        const tookMs = Math.round(clock.monotonicMs() - startMs)
        log.info('signed', { zone, signatures, tookMs })
        this.#publish(this.#settle(next, done.fileOctets))
      }
      next = again
    }
  }

  async #signLater(
    task: Task,
  ): Promise<{ readonly signatures: number; readonly fileOctets?: number } | undefined> {
    const { unsigned, names, serial } = task
    const { clock, folder, thread } = this.#shell
    const round = this.#round(serial)
    if (thread === undefined || this.#costOf(task) <= IN_SLICES_NAMES) {
      const work = this.#signer.update(unsigned, round, names)
      return await runInSlices(work, clock, () => this.#isStopped)
    }
    const done = await thread.sign({
      settings: this.#settings,
      unsigned,
      before: this.#signer.signed,
      isChange: names !== undefined,
      round,
      file: folder.newKeptFile(this.origin),
    })
    if (done === undefined) return undefined
    this.#signer.adopt(done.signed, { unsigned, maximumTtlSeconds: done.maximumTtlSeconds })
    return done
  }

  /** What is still to be done when the zone of the last run got new signatures: it needs another serial. */
  #again(task: Task, signatures: number): Task | undefined {
    if (!task.isSame || signatures === 0) return undefined
    const serial = this.#nextSerial(task.unsigned.serial ?? 0)
    return { ...task, names: NO_NAMES, serial, isSame: false }
  }

  /** The zone as signed now becomes the served one, once its serial is on the disk. */
  #settle({ unsigned, serial }: Task, fileOctets?: number): Zone {
    const zone = this.#signer.signed!
    zone.own()
    this.#shell.state.write({ serial, unsignedSerial: unsigned.serial ?? 0 })
    this.#keep(zone, fileOctets)
    this.#served = zone
    this.#noteOnline(zone)
    return zone
  }

  /** In names that are signed. */
  #costOf({ unsigned, names }: Task): number {
    const digest = this.#settings.zonemd ? unsigned.nodes.size * DIGEST_COST : 0
    return (names ?? unsigned.nodes).size + digest
  }

  #isLarge(): boolean {
    return this.#shell.thread !== undefined && this.#signer.unsigned!.nodes.size > IN_SLICES_NAMES
  }

  async #idle(): Promise<void> {
    while (this.#job !== undefined) await this.#job
  }

  #serveUnsigned(unsigned: Zone): Zone {
    const served = this.#served
    const serial = this.#nextSerial(unsigned.serial ?? 0)
    const soa = unsigned.soa
    if (served !== undefined && !served.isSigned && served.serial === unsigned.serial) return served
    const rdata = Buffer.from(soa?.rdatas[0] ?? [])
    if (soa === undefined || rdata.length < SOA_FIELD.serial) return unsigned
    const owner = this.origin
    const { ttlSeconds } = soa
    const old = { owner, type: TYPE.SOA, ttlSeconds, rdata: soa.rdatas[0]! }
    rdata.writeUInt32BE(serial, rdata.length - SOA_FIELD.serial)
    const zone = changeZone(unsigned, { removed: [old], added: [{ ...old, rdata }] })
    this.#shell.state.write({ serial, unsignedSerial: unsigned.serial ?? 0 })
    this.#served = zone
    return zone
  }

  #publish(zone: Zone): void {
    this.#shell.publish(this.origin, zone)
  }

  /** These names and the apex anew, under a new serial: other keys, or what a sweep made. */
  #touch(names: ReadonlySet<Name> | undefined): void {
    const unsigned = this.#signer.unsigned!
    const serial = this.#nextSerial(this.#latest?.serial ?? 0)
    const zone = this.#start({ unsigned, names, serial, isSame: false })
    if (zone !== undefined) this.#publish(zone)
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#shell
    const owners = this.#signer.owners()
    let isChanged = false
    let sliceEnds = 0
    for (;;) {
      await this.#idle()
      if (this.#isStopped) return
      if (clock.monotonicMs() > sliceEnds) {
        await nextTurn()
        sliceEnds = clock.monotonicMs() + SLICE_MS
        continue
      }
      const some = take(owners, SWEPT_AT_ONCE)
      if (some.length === 0) break
      const round = this.#round(0)
      const due = this.#signer.due(some, round)
      if (due.length === 0) continue
      runAtOnce(this.#signer.refresh(due, round))
      isChanged = true
    }
    if (isChanged) this.#touch(NO_NAMES)
    else this.#isFullySigned = true
    this.#sweptSeconds = this.#nowSeconds()
  }

  /** Serves what was signed in the last run, until it is compared with what there is now. */
  #takeUpKept(): void {
    const { folder } = this.#shell
    const file = folder.keptZone(this.origin)
    if (file.length === 0) return
    const { zone, goodOctets } = decodeZone(this.origin, file)
    if (goodOctets < file.length) {
      const lost = file.length - goodOctets
      this.#shell.log.warn('signatures-damaged', { zone: formatName(this.origin), lost })
      folder.cutKept(this.origin, goodOctets)
    }
    if (!zone.isSigned) return
    const maximumTtlSeconds = highestTtlSeconds(zone)
    this.#signer.adopt(zone, { unsigned: undefined, maximumTtlSeconds })
    this.#kept = this.#served = zone
    this.#noteOnline(zone)
    this.#keptOctets = this.#wholeOctets = goodOctets
  }

  /** Also a zone of another run, when absence was not proved by records: until it is signed as it is to be now. */
  #noteOnline(zone: Zone): void {
    if (hasProofs(zone)) {
      this.#online = undefined
      return
    }
    const { zoneKeys } = this.#round(0).keys
    const before = this.#online?.by
    const isSame =
      before?.keys.length === zoneKeys.length && before.keys.every((key, i) => key === zoneKeys[i])
    const { lifetimeSeconds } = this.#settings
    this.#online = { zone, by: isSame ? before : { keys: zoneKeys, lifetimeSeconds } }
  }

  /** `fileOctets` when it was written whole already. */
  #keep(zone: Zone, fileOctets: number | undefined): void {
    const { folder } = this.#shell
    const change =
      fileOctets === undefined && this.#kept !== undefined
        ? encodeChange(this.#kept, zone)
        : undefined
    if (change !== undefined && !(this.#isOvergrown() && !this.#isLarge())) {
      folder.appendKept(this.origin, change)
      this.#keptOctets += change.length
    } else {
      this.#wholeOctets = fileOctets ?? writeKeptZone(folder.newKeptFile(this.origin), zone)
      this.#keptOctets = this.#wholeOctets
      folder.replaceKept(this.origin)
    }
    this.#kept = zone
  }

  #isOvergrown(): boolean {
    return this.#keptOctets > KEPT_FACTOR * this.#wholeOctets + KEPT_MINIMUM_OCTETS
  }
}

/** Up to `count` of what is to come. */
function take(owners: Iterator<SignedOwner>, count: number): readonly SignedOwner[] {
  const taken: SignedOwner[] = []
  while (taken.length < count) {
    const next = owners.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

const NO_NAMES: ReadonlySet<Name> = new Set()
