// Zones signed in a test: keys made on the spot, all work done at once, and the result as text for other programs.
import { generateKeyPairSync } from 'node:crypto'
import { algorithmNamed, type AlgorithmName } from '../../shared/dnssec/algorithms.ts'
import { dsRdata } from '../../shared/dnssec/dnskey.ts'
import { zoneKey, type ZoneKey } from '../../appliances/dns/core/dnssec/key-file.ts'
import { Nameserver } from '../../appliances/dns/core/answer/nameserver.ts'
import {
  OnlineSigner,
  type OnlineKeys,
  type OnlineSignerOptions,
} from '../../appliances/dns/core/dnssec/online-signatures.ts'
import type {
  SignerSettings,
  SigningRound,
  ZoneKeys,
} from '../../appliances/dns/core/dnssec/signing-plan.ts'
import type { SigningWork } from '../../appliances/dns/core/dnssec/whole-signing.ts'
import { ZoneSigner } from '../../appliances/dns/core/dnssec/zone-signer.ts'
import { recordTtlSeconds, type Zone } from '../../appliances/dns/core/zone/zone.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { typeText } from '../../shared/dns/record-types.ts'

export const SETTINGS: SignerSettings = {
  denial: 'nsec',
  lifetimeSeconds: 14 * 86_400,
  refreshSeconds: 5 * 86_400,
  jitterSeconds: 86_400,
  dnskeyTtlSeconds: 3600,
  zonemd: false,
}

/** `flags` 257 for a key that a DS points to, 256 for one that signs the zone. */
export function makeKey(name: AlgorithmName = 'ECDSAP256SHA256', flags = 257): ZoneKey {
  const algorithm = algorithmNamed(name)!
  const { family } = algorithm
  const { privateKey } =
    family.kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : family.kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: family.curve })
        : generateKeyPairSync('ed25519')
  return zoneKey(privateKey, { algorithm, flags, times: {} })
}

/** One key for everything, or a key that signs keys and one that signs the rest. */
export function keysOf(origin: Name, entry: ZoneKey, zone: ZoneKey = entry): ZoneKeys {
  return {
    dnskeys: [...new Set([entry, zone])].map(({ dnskey }) => dnskey),
    entryKeys: [entry],
    zoneKeys: [zone],
    cds: [dsRdata(origin, entry.dnskey)],
    cdnskeys: [entry.dnskey],
  }
}

/** A name server for a zone that is signed here with compact denial, and what it takes to sign for its answers. */
export function compactServer(
  unsigned: Zone,
  {
    key = makeKey(),
    nowSeconds: now = nowSeconds,
    monotonicMs = () => 0,
    signaturesPerSecond = 1_000_000,
    keptOctets = 1 << 20,
  }: Partial<OnlineSignerOptions> & { readonly key?: ZoneKey } = {},
): {
  readonly server: Nameserver
  readonly zone: Zone
  readonly signer: OnlineSigner
  readonly counts: { made: number; kept: number; refused: number }
  /** Signs with these from now on. */
  sign(by: OnlineKeys): void
} {
  const keys = { ...keysOf(unsigned.origin, key), cds: [], cdnskeys: [] }
  const round = { keys, serial: unsigned.serial ?? 0, nowSeconds: now() }
  const { signed } = signWhole(unsigned, round, { ...SETTINGS, denial: 'compact' })
  const counts = { made: 0, kept: 0, refused: 0 }
  let by: OnlineKeys = { keys: keys.zoneKeys, lifetimeSeconds: SETTINGS.lifetimeSeconds }
  const signer = new OnlineSigner({
    keysOf: (zone) => (zone === signed ? by : undefined),
    nowSeconds: now,
    monotonicMs,
    signaturesPerSecond,
    keptOctets,
    counted: (result, signatures) => void (counts[result] += signatures),
  })
  const server = new Nameserver(
    { get: (origin) => (origin === signed.origin ? { zone: signed } : undefined) },
    { udpLimitOctets: 1232, online: signer },
    { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} },
  )
  return { server, zone: signed, signer, counts, sign: (other) => void (by = other) }
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** How many signatures were made is counted in `count`. */
export function finish<T>(work: SigningWork<T>, count = { signatures: 0 }): T {
  let step = work.next()
  while (step.done !== true) {
    for (const pending of step.value) {
      pending.signature = pending.key.sign(pending.data)
      count.signatures++
    }
    step = work.next()
  }
  return step.value
}

export function signWhole(
  zone: Zone,
  round: SigningRound,
  settings: SignerSettings = SETTINGS,
): { signer: ZoneSigner; signed: Zone } {
  const signer = new ZoneSigner(zone.origin, settings)
  return { signer, signed: finish(signer.sign(zone, round)) }
}

/** A master file; each RRSIG with the TTL of what it covers. */
export function zoneFileText(zone: Zone): string {
  const lines: string[] = []
  for (const node of zone.everyNode())
    for (const rrset of node.rrsets)
      for (const rdata of rrset.rdatas) {
        const { type } = rrset
        const head = `${formatName(node.name)} ${recordTtlSeconds(node, rrset, rdata)} IN`
        lines.push(`${head} ${typeText(type)} ${formatRdata(type, rdata)}`)
      }
  // The SOA first, as programs that read line by line want it.
  const isSoa = (line: string): number => (/^\S+ \d+ IN SOA /.test(line) ? 0 : 1)
  return `${lines.sort((a, b) => isSoa(a) - isSoa(b) || (a < b ? -1 : 1)).join('\n')}\n`
}
