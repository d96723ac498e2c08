// Random but valid zones, dense in what makes answers hard: wildcards, empty non-terminals, delegations with and
// without glue, aliases of every kind and length, long answers.
import { hashedOwner, NameHash } from '../../shared/dnssec/name-hash.ts'
import { canonicalName, formatName } from '../../shared/dns/name.ts'
import { name } from './zones.ts'

export type RandomZone = {
  readonly origin: string
  readonly text: string
  /** Owners and targets, absolute, and names near them that may not exist. */
  readonly names: readonly string[]
}

/** A seeded generator (mulberry32): the same seed, the same zone. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 (inclusive) to `limit` (exclusive). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

/** `size` owners or so besides the fixed ones; `origin` absolute; `delegated` are child zones, relative to it. */
export function randomZone(
  random: Random,
  origin: string,
  size: number,
  delegated: readonly string[] = [],
): RandomZone {
  const lines: string[] = [
    `$ORIGIN ${origin}`,
    '$TTL 300',
    '@ SOA ns1 hostmaster 1 7200 3600 1209600 60',
    '@ NS ns1',
    '@ NS ns2.sub',
    '@ NS ns.elsewhere.test.',
    '@ MX 10 mail',
    'ns1 A 192.0.2.1',
    'ns1 AAAA 2001:db8::1',
    'ns2.sub A 192.0.2.2',
    'mail A 192.0.2.3',
    'long TXT ' + Array.from({ length: 9 }, (_, i) => `"${i}${'x'.repeat(99)}"`).join(' '),
    ...Array.from({ length: 40 }, (_, i) => `many TXT "${i} ${'y'.repeat(40)}"`),
    ...Array.from({ length: 30 }, (_, i) => `hosts A 198.51.100.${i}`),
  ]
  const owners = new Map<string, 'data' | 'alias' | 'cut' | 'dname'>([
    ['ns1', 'data'],
    ['ns2.sub', 'data'],
    ['mail', 'data'],
    ['long', 'data'],
    ['many', 'data'],
    ['hosts', 'data'],
  ])
  const isFree = (owner: string) => {
    if (owners.has(owner)) return false
    // Nothing may stand below a DNAME; below a cut only glue, which is added with the cut.
    for (const [other, kind] of owners) {
      if ((kind === 'dname' || kind === 'cut') && owner.endsWith(`.${other}`)) return false
    }
    return true
  }
  const hasBelow = (owner: string) => [...owners.keys()].some((o) => o.endsWith(`.${owner}`))
  for (const child of delegated) {
    owners.set(child, 'cut')
    lines.push(`${child} NS ns1.${child}`, `ns1.${child} A 192.0.2.77`)
  }
  for (let i = 0; i < size; i++) {
    const owner = randomOwner(random)
    if (!isFree(owner)) continue
    const roll = random.below(100)
    if (roll < 55) {
      owners.set(owner, 'data')
      lines.push(...dataLines(random, owner))
    } else if (roll < 80) {
      owners.set(owner, 'alias')
      lines.push(`${owner} CNAME ${randomTarget(random, origin)}`)
    } else if (roll < 93) {
      if (owner.startsWith('*') || hasBelow(owner)) continue
      owners.set(owner, 'cut')
      lines.push(...cutLines(random, owner))
    } else {
      if (owner.startsWith('*') || hasBelow(owner)) continue
      owners.set(owner, 'dname')
      lines.push(`${owner} DNAME ${randomTarget(random, origin)}`)
      if (random.chance(50)) lines.push(`${owner} TXT "beside a DNAME"`)
    }
  }
  const known = [...owners.keys()]
  const near = known.flatMap((o) => [o, `x.${o}`, `a.b.${o}`, o.split('.').slice(1).join('.')])
  const names = new Set(near.map((o) => (o === '' ? origin : `${o}.${origin}`)))
  for (const extra of ['nx', '*', 'x.nx']) names.add(`${extra}.${origin}`)
  return { origin, text: `${lines.join('\n')}\n`, names: [...names] }
}

function randomOwner(random: Random): string {
  const labels: string[] = Array.from({ length: 1 + random.below(3) }, () => random.of(LABELS))
  if (random.chance(20)) labels.unshift('*')
  return labels.join('.')
}

/** Relative inside the zone, mostly; sometimes outside. */
function randomTarget(random: Random, origin: string): string {
  if (random.chance(12)) return `${random.of(LABELS)}.elsewhere.test.`
  if (random.chance(5)) return origin
  if (random.chance(10)) return random.of(['mail', 'hosts', 'many', 'long', 'ns1'])
  return randomOwner(random).replace(/^\*\./, '')
}

function dataLines(random: Random, owner: string): string[] {
  const kinds = new Set([random.of(DATA), random.of(DATA)])
  return [...kinds].flatMap((kind) => kind(random).map((rdata) => `${owner} ${rdata}`))
}

function cutLines(random: Random, owner: string): string[] {
  const lines: string[] = []
  const servers = 1 + random.below(4)
  for (let i = 0; i < servers; i++) {
    const kind = random.below(5)
    if (kind === 0) lines.push(`${owner} NS ns${i}.elsewhere.test.`)
    else if (kind === 1) lines.push(`${owner} NS ns1`)
    else {
      const host = random.chance(80) ? `ns${i}.${owner}` : owner
      lines.push(`${owner} NS ${host}`, `${host} A 203.0.113.${i}`)
      if (random.chance(50)) lines.push(`${host} AAAA 2001:db8:1::${i}`)
    }
  }
  if (random.chance(30)) lines.push(`${owner} DS 12345 13 2 ${'ab'.repeat(32)}`)
  return [...new Set(lines)]
}

const LABELS = ['a', 'b', 'c', 'd', 'www', 'MiXed', 'x-1', '_srv'] as const

const DATA: readonly ((random: Random) => string[])[] = [
  (random) => [`A 192.0.2.${random.below(256)}`],
  (random) => [`A 192.0.2.${random.below(128)}`, `A 192.0.2.${128 + random.below(128)}`],
  (random) => [`AAAA 2001:db8::${random.below(9999)}`],
  (random) => [`TXT "${random.below(9999)}" "second"`],
  () => ['MX 10 mail', 'MX 20 mx.elsewhere.test.', 'MX 30 ns2.sub'],
  (random) => [`SRV 0 0 ${random.below(65_536)} mail`],
  (random) => [`600 PTR host${random.below(99)}.elsewhere.test.`],
  () => ['CAA 0 issue "ca.elsewhere.test"'],
  (random) => [`TYPE65400 \\# 3 0102${random.of(['aa', 'ff'])}`],
]

/**
 * Lines that a signer might have written, though nothing of them is true: for what reads the records of a signed zone
 * without verifying them. The chain of hashes begins at the apex, more often than not.
 */
export function signedLines(random: Random, zone: RandomZone): string {
  const origin = name(zone.origin)
  const chains = [new Uint8Array(0), Uint8Array.of(0xaa, 0xbb)].map((salt) => {
    return { text: salt.length === 0 ? '-' : 'AABB', hash: new NameHash({ iterations: 1, salt }) }
  })
  const signature = (type: string) =>
    `RRSIG ${type} 13 2 300 20300101000000 20200101000000 1 @ AAAA`
  const lines = [`@ DNSKEY 257 3 13 AAAA`, `@ ${signature('DNSKEY')}`]
  for (const owner of zone.names) {
    if (random.chance(40))
      lines.push(`${owner} NSEC @ A RRSIG NSEC`, `${owner} ${signature('NSEC')}`)
    for (const { text, hash } of chains) {
      if (random.chance(50)) continue
      const hashed = formatName(hashedOwner(hash.of(canonicalName(name(owner))), origin))
      const next = '2vptu5timamqttgl4luu9kg21e0aor3s'
      lines.push(`${hashed} NSEC3 1 1 1 ${text} ${next} A`, `${hashed} ${signature('NSEC3')}`)
      if (random.chance(5)) lines.push(`${hashed} TXT "as well"`)
    }
  }
  for (const { text, hash } of random.chance(80) ? chains : []) {
    const hashed = formatName(hashedOwner(hash.of(origin), origin))
    lines.push(`@ NSEC3PARAM 1 0 1 ${text}`)
    lines.push(`${hashed} NSEC3 1 1 1 ${text} 2vptu5timamqttgl4luu9kg21e0aor3s SOA`)
  }
  return `${lines.join('\n')}\n`
}
