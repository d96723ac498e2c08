// One zone kept signed while the server runs: its keys and their rolls, the work in slices, the serial that never goes
// back, and what is kept on the disk so that the next run begins where this one ended.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ZoneKey } from './core/dnssec/key-file.ts'
import {
  isEntryKey,
  keyId,
  mayBeUnsigned,
  rollStep,
  zoneKeysAt,
  type KeyPolicy,
  type RollFacts,
} from './core/dnssec/key-roll.ts'
import { decodeSignatures, encodeSignatures } from './core/dnssec/signature-file.ts'
import { signedElsewhere } from './core/dnssec/zone-names.ts'
import { ZoneSigner, type KnownSignatures, type SigningRound } from './core/dnssec/zone-signer.ts'
import { isNewerSerial, nextSerial } from './core/text/soa-serial.ts'
import { changeZone } from './core/zone/zone-change.ts'
import { SOA_FIELD, type Zone } from './core/zone/zone.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import { algorithmNumber, type SigningTable } from './dnssec-table.ts'
import type { KeyFolder, ZoneState } from './key-folder.ts'
import { Driver } from './signing-work.ts'

export type ParentDs = NonNullable<RollFacts['parentDs']>

export type SigningShell = {
  readonly folder: KeyFolder
  readonly clock: Clock
  readonly log: Log
  /** A zone that got ready, or better, when nobody waited for it. */
  readonly publish: (origin: Name, zone: Zone) => void
  /** What all servers of the parent say; undefined when not all of them answered. */
  readonly askParent: (origin: Name, signing: SigningTable) => Promise<ParentDs | undefined>
  readonly fail: (fault: Error) => void
}

/** A change that takes longer is served when it is signed, and answers go on meanwhile. */
const NOW_LIMIT_MS = 60
/** A zone that was never signed is better not served unsigned for a while. */
const FIRST_LIMIT_MS = 300
/** At the start nobody is answered yet: time to take up the signatures of the last run. */
const START_LIMIT_MS = 20_000
const SLICE_MS = 3
const NAMES_AT_ONCE = 16
const SWEEP_SECONDS = 3600
const PARENT_SECONDS = 300
const KEPT_FRAMES_FACTOR = 4
const KEPT_FRAMES_MINIMUM = 10_000

export class ZoneSigning {
  readonly origin: Name
  readonly #signing: SigningTable
  readonly #shell: SigningShell
  readonly #policy: KeyPolicy
  readonly #signer: ZoneSigner
  #keys: readonly ZoneKey[]
  #state: ZoneState
  #latest: Zone | undefined
  #served: Zone | undefined
  /** Under way: `#latest` waits for its end. */
  #job: Promise<void> | undefined
  #sweeping: Promise<void> | undefined
  #known: KnownSignatures | undefined
  #frames = 0
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
    this.#signer = new ZoneSigner(origin, {
      denial: signing.denial,
      lifetimeSeconds: seconds(signing.signatureLifetime),
      refreshSeconds: seconds(signing.signatureRefresh),
      jitterSeconds: seconds(signing.signatureJitter),
      dnskeyTtlSeconds: seconds(signing.dnskeyTtl),
      zonemd: signing.zonemd,
    })
    this.#keys = shell.folder.keys(origin)
    this.#state = shell.folder.state(origin)
    this.#takeUpSignatures()
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
    await this.#job
    if (this.#isStopped || this.#latest === undefined || this.#sweeping !== undefined) return
    if (signedElsewhere(this.#latest, [this.origin])) return
    this.#hearRequests()
    await this.#lookAtParent()
    // Another turn may have begun something meanwhile.
    await this.#job
    if (this.#isStopped) return
    this.#roll()
    if (this.#isInsecure()) {
      if (this.#served?.isSigned === true) this.#publish(this.#serveUnsigned(this.#latest))
      return
    }
    if (this.#served?.isSigned !== true) return this.#publish(this.offer(this.#latest))
    const isNew = this.#keySetNow() !== this.#keySet
    if (isNew) {
      this.#isFullySigned = false
      this.#touch()
    }
    const isTime = this.#nowSeconds() >= this.#sweptSeconds + SWEEP_SECONDS
    if (!isNew && !isTime && this.#isFullySigned) return
    this.#sweeping = this.#sweep().finally(() => (this.#sweeping = undefined))
    await this.#sweeping
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all([this.#job, this.#sweeping])
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

  #round(serial: number): SigningRound {
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

  #sign(unsigned: Zone): Zone | undefined {
    const own = unsigned.serial ?? 0
    const { serial: before, unsignedSerial } = this.#state
    const isFirst = this.#signer.signed === undefined
    // The same zone as in the last run is the same zone, if not one signature is new.
    const isSame = isFirst && unsignedSerial === own && before !== undefined
    const serial = isSame ? before : this.#nextSerial(own)
    const round = this.#round(serial)
    const known = this.#known
    this.#known = undefined
    this.#keySet = this.#keySetNow()
    const work = isFirst
      ? this.#signer.sign(unsigned, round, known)
      : this.#signer.update(unsigned, round)
    const driver = new Driver(work, this.#shell.clock)
    const limitMs = isFirst ? FIRST_LIMIT_MS : NOW_LIMIT_MS
    const ready = driver.runFor(known === undefined ? limitMs : START_LIMIT_MS)
    if (ready !== undefined) return this.#settle(unsigned, serial, isSame && driver.signatures > 0)
    this.#job = this.#finishLater(driver, unsigned, { serial, isSame })
      .catch((fault: unknown) => this.#shell.fail(fault as Error))
      .finally(() => (this.#job = undefined))
      .then(() => {
        const latest = this.#latest
        if (latest !== undefined && latest !== unsigned && !this.#isStopped)
          this.#publish(this.offer(latest))
      })
    return undefined
  }

  async #finishLater(
    driver: Driver<Zone>,
    unsigned: Zone,
    about: { readonly serial: number; readonly isSame: boolean },
  ): Promise<void> {
    const zone = formatName(this.origin)
    const startMs = this.#shell.clock.monotonicMs()
    this.#shell.log.info('signing', { zone, names: unsigned.nodes.size })
    const signed = await driver.finish(() => {
      this.#keepSignatures()
      return !this.#isStopped
    })
    if (signed === undefined) return
    const tookMs = Math.round(this.#shell.clock.monotonicMs() - startMs)
    this.#shell.log.info('signed', { zone, signatures: driver.signatures, tookMs })
    this.#publish(this.#settle(unsigned, about.serial, about.isSame && driver.signatures > 0))
  }

  /** The zone as signed now becomes the served one, once its serial is on the disk. */
  #settle(unsigned: Zone, serial: number, needsSerial = false): Zone {
    let served = serial
    if (needsSerial) {
      served = this.#nextSerial(unsigned.serial ?? 0)
      new Driver(this.#signer.touch(this.#round(served)), this.#shell.clock).runFor(Infinity)
    }
    const zone = this.#signer.signed!
    zone.own()
    this.#writeState({ serial: served, unsignedSerial: unsigned.serial ?? 0 })
    this.#keepSignatures()
    this.#served = zone
    return zone
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

  /** The apex anew, under a new serial: other keys, or what a sweep made. */
  #touch(): void {
    const serial = this.#nextSerial(this.#latest?.serial ?? 0)
    this.#keySet = this.#keySetNow()
    new Driver(this.#signer.touch(this.#round(serial)), this.#shell.clock).runFor(Infinity)
    this.#publish(this.#settle(this.#signer.unsigned!, serial))
  }

  async #sweep(): Promise<void> {
    let cursor: string | undefined = ''
    let isChanged = false
    let turnEnds = 0
    while (cursor !== undefined) {
      await this.#job
      if (this.#isStopped) return
      if (this.#shell.clock.monotonicMs() > turnEnds) {
        await nextTurn()
        turnEnds = this.#shell.clock.monotonicMs() + SLICE_MS
        continue
      }
      const round = this.#round(0)
      const { due, next } = this.#signer.dueBehind(cursor, NAMES_AT_ONCE, round)
      if (due) {
        const work = this.#signer.refresh(cursor, NAMES_AT_ONCE, round)
        new Driver(work, this.#shell.clock).runFor(Infinity)
        isChanged = true
      }
      cursor = next
    }
    if (isChanged) this.#touch()
    else this.#isFullySigned = true
    this.#sweptSeconds = this.#nowSeconds()
  }

  #roll(): void {
    const { folder, log } = this.#shell
    // What a step makes may let the next one go on; a zone never rolls that often at once.
    for (let times = 0; times < 4; times++) {
      const facts: RollFacts = {
        nowSeconds: this.#nowSeconds(),
        maximumTtlSeconds: this.#signer.maximumTtlSeconds || this.#highestTtl(),
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

  #highestTtl(): number {
    let highest = 0
    for (const { rrsets } of this.#latest?.everyNode() ?? [])
      for (const { ttlSeconds } of rrsets) highest = Math.max(highest, ttlSeconds)
    return highest
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
      else if (request === 'secure') this.#writeState({ roll: staying })
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

  #takeUpSignatures(): void {
    const { folder } = this.#shell
    const file = folder.signatures(this.origin)
    if (file.length === 0) return
    const { find, goodOctets, frames } = decodeSignatures(file)
    if (goodOctets < file.length) {
      const lost = file.length - goodOctets
      this.#shell.log.warn('signatures-damaged', { zone: formatName(this.origin), lost })
      folder.cutSignatures(this.origin, goodOctets)
    }
    this.#known = find
    this.#frames = frames
  }

  #keepSignatures(): void {
    const fresh = this.#signer.takeFresh()
    if (fresh.length === 0) return
    const { folder } = this.#shell
    this.#frames += fresh.length
    if (
      this.#frames > KEPT_FRAMES_FACTOR * this.#signer.size + KEPT_FRAMES_MINIMUM &&
      this.#job === undefined
    ) {
      folder.cutSignatures(this.origin, 0)
      const all = [...this.#signer.signedRRsets()]
      this.#frames = all.length
      folder.appendSignatures(this.origin, encodeSignatures(all))
    } else folder.appendSignatures(this.origin, encodeSignatures(fresh))
  }
}
