// One zone kept signed while the server runs: its keys and their rolls, little work at once and much in slices or in a
// thread, the serial that never goes back, and what is kept on the disk so that the next run begins where this one ended.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../../shared/clock/clock.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import type { Log } from '../../../shared/log/log.ts'
import type { ZoneKey } from '../core/dnssec/key-file.ts'
import {
  isEntryKey,
  keyId,
  keysSignedAgain,
  mayBeUnsigned,
  rollStep,
  zoneKeysAt,
  type KeyPolicy,
  type RollFacts,
} from '../core/dnssec/key-roll.ts'
import { decodeZone, encodeChange } from '../core/dnssec/kept-zone.ts'
import type { SignerSettings, SigningRound } from '../core/dnssec/signing-plan.ts'
import { signedElsewhere } from '../core/dnssec/zone-names.ts'
import { ZoneSigner, type SignedOwner } from '../core/dnssec/zone-signer.ts'
import { isNewerSerial, nextSerial } from '../core/text/soa-serial.ts'
import { changeZone } from '../core/zone/zone-change.ts'
import { highestTtlSeconds, SOA_FIELD, type Zone } from '../core/zone/zone.ts'
import { algorithmNumber, type SigningTable } from '../dnssec-table.ts'
import type { KeyFolder, ZoneState } from '../key-folder.ts'
import { writeKeptZone } from './kept-zone-file.ts'
import type { SignThread } from './sign-thread.ts'
import { runAtOnce, runInSlices } from './signing-run.ts'

export type ParentDs = NonNullable<RollFacts['parentDs']>

export type SigningShell = {
  readonly folder: KeyFolder
  readonly clock: Clock
  readonly log: Log
  /** A zone that got ready, or better, when nobody waited for it. */
  readonly publish: (origin: Name, zone: Zone) => void
  /** What all servers of the parent say; undefined when not all of them answered. */
  readonly askParent: (origin: Name, signing: SigningTable) => Promise<ParentDs | undefined>
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
const PARENT_SECONDS = 300
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

export class ZoneSigning {
  readonly origin: Name
  readonly #signing: SigningTable
  readonly #shell: SigningShell
  readonly #policy: KeyPolicy
  readonly #settings: SignerSettings
  readonly #signer: ZoneSigner
  #keys: readonly ZoneKey[]
  #state: ZoneState
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
  #askedSeconds = 0
  #parentDs: ParentDs | undefined
  #isStopped = false

  constructor(origin: Name, signing: SigningTable, shell: SigningShell) {
    this.origin = origin
    this.#signing = signing
    this.#shell = shell
    const seconds = (ms: number): number => Math.round(ms / 1000)
    this.#policy = {
      algorithm: algorithmNumber(signing),
      scheme: signing.scheme,
      zskLifetimeSeconds:
        signing.zskLifetime === undefined ? undefined : seconds(signing.zskLifetime),
      kskLifetimeSeconds:
        signing.kskLifetime === undefined ? undefined : seconds(signing.kskLifetime),
      propagationSeconds: seconds(signing.propagation),
      dnskeyTtlSeconds: seconds(signing.dnskeyTtl),
      dsTtlSeconds: seconds(signing.dsTtl),
    }
    this.#settings = {
      denial: signing.denial,
      lifetimeSeconds: seconds(signing.signatureLifetime),
      refreshSeconds: seconds(signing.signatureRefresh),
      jitterSeconds: seconds(signing.signatureJitter),
      dnskeyTtlSeconds: seconds(signing.dnskeyTtl),
      zonemd: signing.zonemd,
    }
    this.#signer = new ZoneSigner(origin, this.#settings)
    this.#keys = shell.folder.keys(origin)
    this.#state = shell.folder.state(origin)
    this.#takeUpKept()
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
    this.#roll()
    if (this.#isInsecure()) return this.#serveUnsigned(unsigned)
    return this.#sign(unsigned) ?? this.#served ?? unsigned
  }

  /** Once a minute, and when a person asked: rolls keys and makes signatures anew that are due. */
  async tick(): Promise<void> {
    await this.#idle()
    if (this.#isStopped || this.#latest === undefined || this.#sweeping !== undefined) return
    if (signedElsewhere(this.#latest, [this.origin])) return
    this.#hearRequests()
    await this.#lookAtParent()
    // Another turn may have begun something meanwhile.
    await this.#idle()
    if (this.#isStopped) return
    this.#roll()
    if (this.#isInsecure()) {
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

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#idle(), this.#sweeping])
  }

  status(): unknown {
    const now = this.#nowSeconds()
    return {
      zone: formatName(this.origin),
      serial: this.#served?.serial,
      signed: this.#served?.isSigned === true,
      busy: this.#job !== undefined,
      keys: this.#keys
        .filter(({ times }) => times.delete === undefined || times.delete > now)
        .map((key) => keyId(key)),
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#shell.clock.wallMs() / 1000)
  }

  #round(serial: number): SigningRound<ZoneKey> {
    const nowSeconds = this.#nowSeconds()
    const at = { nowSeconds, state: this.#state.roll }
    return { keys: zoneKeysAt(this.origin, this.#keys, at), serial, nowSeconds }
  }

  #keySetNow(): string {
    const { dnskeys, entryKeys, zoneKeys, cds } = this.#round(0).keys
    return [dnskeys.length, ...entryKeys.map(keyId), '/', ...zoneKeys.map(keyId), '/']
      .concat(cds.map((rdata) => Buffer.from(rdata).toString('hex')))
      .join(' ')
  }

  #nextSerial(unsigned: number): number {
    const { serial } = this.#state
    if (serial === undefined || isNewerSerial(unsigned, serial)) return unsigned
    return nextSerial(serial, { wallMs: this.#shell.clock.wallMs() })
  }

  /** Undefined when it takes longer. */
  #sign(unsigned: Zone): Zone | undefined {
    const own = unsigned.serial ?? 0
    const { serial: before, unsignedSerial } = this.#state
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
    this.#writeState({ serial, unsignedSerial: unsigned.serial ?? 0 })
    this.#keep(zone, fileOctets)
    this.#served = zone
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
    this.#writeState({ serial, unsignedSerial: unsigned.serial ?? 0 })
    this.#served = zone
    return zone
  }

  #isInsecure(): boolean {
    return mayBeUnsigned(this.#state.roll, this.#policy, this.#nowSeconds())
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

  #roll(): void {
    const { folder, log } = this.#shell
    // What a step makes may let the next one go on; a zone never rolls that often at once.
    for (let times = 0; times < 4; times++) {
      const maximumTtlSeconds = (): number => this.#maximumTtlSeconds()
      const facts: RollFacts = {
        nowSeconds: this.#nowSeconds(),
        // Only looked for where it is needed: it may take a look at every name.
        get maximumTtlSeconds() {
          return maximumTtlSeconds()
        },
        isFullySigned: this.#isFullySigned,
        ...(this.#parentDs !== undefined && { parentDs: this.#parentDs }),
      }
      const by = { state: this.#state.roll, policy: this.#policy, facts }
      const { state, changed, make } = rollStep(this.origin, this.#keys, by)
      const zone = formatName(this.origin)
      for (const key of changed) {
        folder.writeKey(this.origin, key)
        log.info('key-changed', { zone, key: keyId(key), ...key.times })
      }
      const made = make.map(({ flags, times: keyTimes }) => {
        const wish = { algorithm: this.#algorithmOfKeys(), flags, times: keyTimes }
        const key = folder.makeKey(this.origin, wish)
        log.info('key-made', { zone, key: keyId(key), flags })
        return key
      })
      const ids = new Map(changed.map((key) => [keyId(key), key]))
      this.#keys = [...this.#keys.map((key) => ids.get(keyId(key)) ?? key), ...made]
      if (JSON.stringify(state) !== JSON.stringify(this.#state.roll))
        this.#writeState({ roll: state })
      if (changed.length + made.length === 0) return
    }
  }

  /** That of the keys there are: another one in the configuration does not roll by itself. */
  #algorithmOfKeys(): number {
    const now = this.#nowSeconds()
    const inUse = this.#keys.filter(({ times }) => times.delete === undefined || times.delete > now)
    const [first] = inUse
    if (first === undefined || first.algorithm === this.#policy.algorithm)
      return this.#policy.algorithm
    const why = 'keys keep the algorithm they have; go through "dnssec insecure" to change it'
    this.#shell.log.warn('algorithm-differs', { zone: formatName(this.origin), why })
    return first.algorithm
  }

  #maximumTtlSeconds(): number {
    const known = this.#signer.maximumTtlSeconds
    return known > 0 || this.#latest === undefined ? known : highestTtlSeconds(this.#latest)
  }

  #hearRequests(): void {
    const now = this.#nowSeconds()
    for (const request of this.#shell.folder.takeRequests(this.origin)) {
      this.#shell.log.info('dnssec-request', { zone: formatName(this.origin), request })
      const { roll } = this.#state
      const { leavingSince: _, dsGoneSince: __, ...staying } = roll
      if (request === 'roll ksk' || request === 'roll zsk') {
        const word = request === 'roll ksk' ? 'ksk' : 'zsk'
        this.#writeState({ roll: { ...roll, asked: [...new Set([...roll.asked, word] as const)] } })
      } else if (request === 'insecure')
        this.#writeState({ roll: { ...roll, leavingSince: roll.leavingSince ?? now } })
      else if (request === 'secure') this.#stay(staying)
      else if (request === 'gone' && roll.leavingSince !== undefined)
        this.#writeState({ roll: { ...roll, dsGoneSince: roll.dsGoneSince ?? now } })
      else if (request.startsWith('seen ')) {
        const tag = Number(request.slice(5))
        const key = this.#keys.find((one) => one.tag === tag && isEntryKey(one))
        if (key === undefined) continue
        const seen = { ...roll.seen, [keyId(key)]: roll.seen[keyId(key)] ?? now }
        this.#writeState({ roll: { ...roll, seen } })
      }
    }
  }

  /** Signed after all; of a zone that was unsigned already the parent is told later. */
  #stay(roll: ZoneState['roll']): void {
    if (!this.#isInsecure()) return this.#writeState({ roll })
    const { dnskeyTtlSeconds, propagationSeconds } = this.#policy
    const ttlSeconds = Math.max(this.#maximumTtlSeconds(), dnskeyTtlSeconds)
    const by = { nowSeconds: this.#nowSeconds(), waitSeconds: propagationSeconds + ttlSeconds }
    const changed = keysSignedAgain(this.#keys, by)
    for (const key of changed) this.#shell.folder.writeKey(this.origin, key)
    const ids = new Map(changed.map((key) => [keyId(key), key]))
    this.#keys = this.#keys.map((key) => ids.get(keyId(key)) ?? key)
    // What the parent had it has no more.
    this.#writeState({ roll: { ...roll, seen: {} } })
  }

  async #lookAtParent(): Promise<void> {
    const now = this.#nowSeconds()
    if (this.#signing.parents.length === 0 || now < this.#askedSeconds + PARENT_SECONDS) return
    this.#askedSeconds = now
    this.#parentDs = await this.#shell.askParent(this.origin, this.#signing)
  }

  #writeState(change: Partial<ZoneState>): void {
    const state = { ...this.#state, ...change }
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return
    this.#shell.folder.writeState(this.origin, state)
    this.#state = state
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
    this.#keptOctets = this.#wholeOctets = goodOctets
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
