// What a thread that signs a whole zone is given, and what it gives back.
import type { KeyObject } from 'node:crypto'
import type { Record } from '../../../shared/dns/record.ts'
import { algorithmOf } from '../../../shared/dnssec/algorithms.ts'
import { zoneKey, type ZoneKey } from '../core/dnssec/key-file.ts'
import type { SignerSettings, SigningRound } from '../core/dnssec/signing-plan.ts'
import type { ZoneParts } from '../core/zone/zone-parts.ts'

export type SignJob = {
  readonly settings: SignerSettings
  readonly unsigned: ZoneParts
  /** Signed last: what is good of it is kept. */
  readonly before: ZoneParts | undefined
  /** Little of it changed: the difference is worth finding. */
  readonly isChange: boolean
  readonly round: SentRound
  /** Where the signed zone is kept; written whole. */
  readonly file: string
  /** Signs on the thread pool, for machines with cores to spare. */
  readonly onPool: boolean
}

export type SignResult = {
  readonly signed:
    | { readonly kind: 'whole'; readonly parts: ZoneParts }
    | {
        readonly kind: 'change'
        readonly added: readonly Record[]
        readonly removed: readonly Record[]
      }
  readonly signatures: number
  readonly maximumTtlSeconds: number
  readonly fileOctets: number
}

/** A round whose keys can be sent: functions cannot. */
export type SentRound = Omit<SigningRound, 'keys'> & {
  readonly keys: Omit<SigningRound['keys'], 'entryKeys' | 'zoneKeys'> & {
    readonly entryKeys: readonly SentKey[]
    readonly zoneKeys: readonly SentKey[]
  }
}

type SentKey = {
  readonly privateKey: KeyObject
  readonly algorithm: number
  readonly flags: number
}

export function sentRound(round: SigningRound<ZoneKey>): SentRound {
  const { keys } = round
  const seed = ({ privateKey, algorithm, flags }: ZoneKey): SentKey => ({
    privateKey,
    algorithm,
    flags,
  })
  const [entryKeys, zoneKeys] = [keys.entryKeys.map(seed), keys.zoneKeys.map(seed)]
  return { ...round, keys: { ...keys, entryKeys, zoneKeys } }
}

export function receivedRound(round: SentRound): SigningRound<ZoneKey> {
  const { keys } = round
  const whole = ({ privateKey, algorithm, flags }: SentKey): ZoneKey =>
    zoneKey(privateKey, { algorithm: algorithmOf(algorithm)!, flags, times: {} })
  const [entryKeys, zoneKeys] = [keys.entryKeys.map(whole), keys.zoneKeys.map(whole)]
  return { ...round, keys: { ...keys, entryKeys, zoneKeys } }
}
