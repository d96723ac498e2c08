// The keys of one name, their rolls, and what its parent has: the same for the zones of that name in all views, since
// whoever validates begins at the one parent. A roll goes on when all of these zones are where it wants them.
import type { Clock } from '../../../shared/clock/clock.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
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
import type { ZoneKeys } from '../core/dnssec/signing-plan.ts'
import { algorithmNumber, type SigningTable } from '../dnssec-table.ts'
import type { KeyFolder } from '../key-folder.ts'
import type { SigningState } from './signing-state.ts'

export type ParentDs = NonNullable<RollFacts['parentDs']>

/** A zone that is signed by the keys. */
export interface SignedFace {
  /** False while there is no such zone. */
  readonly isServed: boolean
  /** Whether every signature is by the keys as they are now. */
  readonly isFullySigned: boolean
  /** It may take a look at every name. */
  maximumTtlSeconds(): number
}

type KeysShell = {
  readonly folder: KeyFolder
  readonly clock: Clock
  readonly log: Log
  /** What all servers of the parent say; undefined when not all of them answered. */
  readonly askParent: (origin: Name, signing: SigningTable) => Promise<ParentDs | undefined>
}

const PARENT_SECONDS = 300

export class RollingKeys {
  readonly #origin: Name
  readonly #signing: SigningTable
  readonly #shell: KeysShell
  readonly #state: SigningState
  readonly #policy: KeyPolicy
  readonly #faces = new Set<SignedFace>()
  #keys: readonly ZoneKey[]
  #askedSeconds = 0
  #parentDs: ParentDs | undefined

  /** Keeps the state of rolls in `state`. */
  constructor(origin: Name, signing: SigningTable, shell: KeysShell, state: SigningState) {
    this.#origin = origin
    this.#signing = signing
    this.#shell = shell
    this.#state = state
    const seconds = (ms: number): number => Math.round(ms / 1000)
    const { zskLifetime, kskLifetime } = signing
    this.#policy = {
      algorithm: algorithmNumber(signing),
      scheme: signing.scheme,
      zskLifetimeSeconds: zskLifetime === undefined ? undefined : seconds(zskLifetime),
      kskLifetimeSeconds: kskLifetime === undefined ? undefined : seconds(kskLifetime),
      propagationSeconds: seconds(signing.propagation),
      dnskeyTtlSeconds: seconds(signing.dnskeyTtl),
      dsTtlSeconds: seconds(signing.dsTtl),
    }
    this.#keys = shell.folder.keys(origin)
  }

  addFace(face: SignedFace): void {
    this.#faces.add(face)
  }

  /** Those that are not to be forgotten yet, by `keyId`. */
  ids(): readonly string[] {
    return this.#inUse().map(keyId)
  }

  /** What is signed with now. */
  round(): ZoneKeys<ZoneKey> {
    const at = { nowSeconds: this.#nowSeconds(), state: this.#state.value.roll }
    return zoneKeysAt(this.#origin, this.#keys, at)
  }

  /** Whether the zone may be served without signatures: it is leaving DNSSEC, and its parent knows. */
  isInsecure(): boolean {
    return mayBeUnsigned(this.#state.value.roll, this.#policy, this.#nowSeconds())
  }

  /** What a minute brings, but for the rolls themselves. */
  async look(): Promise<void> {
    this.#hearRequests()
    const now = this.#nowSeconds()
    if (this.#signing.parents.length === 0 || now < this.#askedSeconds + PARENT_SECONDS) return
    this.#askedSeconds = now
    this.#parentDs = await this.#shell.askParent(this.#origin, this.#signing)
  }

  roll(): void {
    const { folder, log } = this.#shell
    // What a step makes may let the next one go on; a zone never rolls that often at once.
    for (let times = 0; times < 4; times++) {
      const maximumTtlSeconds = (): number => this.#maximumTtlSeconds()
      const faces = this.#served()
      const facts: RollFacts = {
        nowSeconds: this.#nowSeconds(),
        // Only looked for where it is needed: it may take a look at every name.
        get maximumTtlSeconds() {
          return maximumTtlSeconds()
        },
        isFullySigned: faces.length > 0 && faces.every(({ isFullySigned }) => isFullySigned),
        ...(this.#parentDs !== undefined && { parentDs: this.#parentDs }),
      }
      const by = { state: this.#state.value.roll, policy: this.#policy, facts }
      const { state, changed, make } = rollStep(this.#origin, this.#keys, by)
      const zone = formatName(this.#origin)
      for (const key of changed) {
        folder.writeKey(this.#origin, key)
        log.info('key-changed', { zone, key: keyId(key), ...key.times })
      }
      const made = make.map(({ flags, times: keyTimes }) => {
        const wish = { algorithm: this.#algorithmOfKeys(), flags, times: keyTimes }
        const key = folder.makeKey(this.#origin, wish)
        log.info('key-made', { zone, key: keyId(key), flags })
        return key
      })
      this.#replace(changed)
      this.#keys = [...this.#keys, ...made]
      this.#state.write({ roll: state })
      if (changed.length + made.length === 0) return
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#shell.clock.wallMs() / 1000)
  }

  #served(): readonly SignedFace[] {
    return [...this.#faces].filter(({ isServed }) => isServed)
  }

  #maximumTtlSeconds(): number {
    return Math.max(0, ...this.#served().map((face) => face.maximumTtlSeconds()))
  }

  #inUse(): readonly ZoneKey[] {
    const now = this.#nowSeconds()
    return this.#keys.filter(({ times }) => times.delete === undefined || times.delete > now)
  }

  #replace(changed: readonly ZoneKey[]): void {
    const ids = new Map(changed.map((key) => [keyId(key), key]))
    this.#keys = this.#keys.map((key) => ids.get(keyId(key)) ?? key)
  }

  /** That of the keys there are: another one in the configuration does not roll by itself. */
  #algorithmOfKeys(): number {
    const [first] = this.#inUse()
    if (first === undefined || first.algorithm === this.#policy.algorithm)
      return this.#policy.algorithm
    const why = 'keys keep the algorithm they have; go through "dnssec insecure" to change it'
    this.#shell.log.warn('algorithm-differs', { zone: formatName(this.#origin), why })
    return first.algorithm
  }

  #hearRequests(): void {
    const now = this.#nowSeconds()
    for (const request of this.#shell.folder.takeRequests(this.#origin)) {
      this.#shell.log.info('dnssec-request', { zone: formatName(this.#origin), request })
      const { roll } = this.#state.value
      const { leavingSince: _, dsGoneSince: __, ...staying } = roll
      if (request === 'roll ksk' || request === 'roll zsk') {
        const word = request === 'roll ksk' ? 'ksk' : 'zsk'
        const asked = [...new Set([...roll.asked, word] as const)]
        this.#state.write({ roll: { ...roll, asked } })
      } else if (request === 'insecure')
        this.#state.write({ roll: { ...roll, leavingSince: roll.leavingSince ?? now } })
      else if (request === 'secure') this.#stay(staying)
      else if (request === 'gone' && roll.leavingSince !== undefined)
        this.#state.write({ roll: { ...roll, dsGoneSince: roll.dsGoneSince ?? now } })
      else if (request.startsWith('seen ')) {
        const tag = Number(request.slice(5))
        const key = this.#keys.find((one) => one.tag === tag && isEntryKey(one))
        if (key === undefined) continue
        const seen = { ...roll.seen, [keyId(key)]: roll.seen[keyId(key)] ?? now }
        this.#state.write({ roll: { ...roll, seen } })
      }
    }
  }

  /** Signed after all; of a zone that was unsigned already the parent is told later. */
  #stay(roll: SigningState['value']['roll']): void {
    if (!this.isInsecure()) return this.#state.write({ roll })
    const { dnskeyTtlSeconds, propagationSeconds } = this.#policy
    const ttlSeconds = Math.max(this.#maximumTtlSeconds(), dnskeyTtlSeconds)
    const by = { nowSeconds: this.#nowSeconds(), waitSeconds: propagationSeconds + ttlSeconds }
    const changed = keysSignedAgain(this.#keys, by)
    for (const key of changed) this.#shell.folder.writeKey(this.#origin, key)
    this.#replace(changed)
    // What the parent had it has no more.
    this.#state.write({ roll: { ...roll, seen: {} } })
  }
}
