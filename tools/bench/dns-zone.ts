// A zone of any size and questions about it, the same every time: `bench.test` with hosts, mail, services, delegations.
import { Random } from '../../test/fuzz/harness.ts'

export const ORIGIN = 'bench.test'

/** Which host's address `zoneText` changes when it is told to. */
export const CHANGED_HOST = 'h0'

const KINDS = ['A', 'A', 'A', 'A', 'A', 'AAAA', 'CNAME', 'MX', 'TXT', 'NS'] as const

/** Text of a zone with about `records` records. `address` is what `h0.bench.test` points to. */
export function zoneText(records: number, serial: number, address = '192.0.2.10'): string {
  const lines = [
    `$ORIGIN ${ORIGIN}.`,
    '$TTL 3600',
    `@ SOA ns1 hostmaster ${serial} 7200 3600 1209600 300`,
    '@ NS ns1',
    '@ NS ns2',
    'ns1 A 192.0.2.1',
    'ns2 A 192.0.2.2',
    'mail A 192.0.2.3',
    '*.wild A 192.0.2.4',
    `${CHANGED_HOST} A ${address}`,
  ]
  for (let n = lines.length; n < records; n++) lines.push(recordLine(n))
  return `${lines.join('\n')}\n`
}

/** `name type` lines for dnsperf: 80 % that exist, 10 % that do not, 10 % wildcard, no data and apex. */
export function queryLines(records: number, count: number): string {
  const random = new Random(7)
  const lines: string[] = []
  for (let i = 0; i < count; i++) {
    const n = 10 + random.below(records - 10)
    const kind = kindOf(n)
    const chance = random.below(100)
    if (chance < 80)
      lines.push(`${ownerOf(n)}.${ORIGIN} ${kind === 'NS' || kind === 'CNAME' ? 'A' : kind}`)
    else if (chance < 90) lines.push(`missing${random.below(1e9)}.${ORIGIN} A`)
    else if (chance < 94) lines.push(`${ownerOf(n)}.${ORIGIN} SSHFP`)
    else if (chance < 98) lines.push(`w${random.below(1e6)}.wild.${ORIGIN} A`)
    else lines.push(`${ORIGIN} SOA`)
  }
  return `${lines.join('\n')}\n`
}

function recordLine(n: number): string {
  const owner = ownerOf(n)
  switch (kindOf(n)) {
    case 'A':
      return `${owner} A 10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
    case 'AAAA':
      return `${owner} AAAA 2001:db8::${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}`
    case 'CNAME':
      return `${owner} CNAME mail`
    case 'MX':
      return `${owner} MX 10 mail`
    case 'TXT':
      return `${owner} TXT "number=${n} and a text of ordinary length"`
    case 'NS':
      return `${owner} NS ns1.elsewhere.example.`
  }
}

function ownerOf(n: number): string {
  return `${kindOf(n) === 'NS' ? 'd' : 'h'}${n}`
}

function kindOf(n: number): (typeof KINDS)[number] {
  return KINDS[n % KINDS.length]!
}
