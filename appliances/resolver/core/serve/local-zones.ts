// Zones that every resolver serves itself, so that nobody leaks them to the root or answers them for us: reverse zones of
// private addresses (RFC 6303), special names (RFC 6761, RFC 7686, RFC 8375, RFC 9476), `localhost` with its addresses.
import { isAtOrBelow, parentName, parseName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import type { Answer, Question } from '../answer.ts'
import type { RRset } from '../rrset.ts'
import { localAnswer, type LocalAnswers } from './local-answers.ts'

/** RFC 6303 §3. */
const TTL_SECONDS = 10_800

export class LocalZones implements LocalAnswers {
  readonly #zones: ReadonlyMap<Name, Zone>

  /** `elsewhere`: zones that are configured to be asked of someone; they and what lies below them are not ours. */
  constructor(elsewhere: readonly Name[]) {
    const zones = new Map<Name, Zone>()
    for (const text of EMPTY_ZONES) zones.set(nameOf(text), emptyZone(nameOf(text)))
    for (const [text, type, rdata] of FILLED) {
      const owner = nameOf(text)
      const zone = [...zones.values()].find(({ origin }) => isAtOrBelow(owner, origin))
      zone!.rrsets.push({ owner, type, ttlSeconds: TTL_SECONDS, rdatas: [rdata], signatures: [] })
    }
    for (const name of elsewhere) zones.delete(name)
    this.#elsewhere = new Set(elsewhere)
    this.#zones = zones
  }

  readonly #elsewhere: ReadonlySet<Name>

  find(question: Question, nowMs: number): Answer | undefined {
    const zone = this.#zoneOf(question)
    if (zone === undefined) return undefined
    const { qname, qtype } = question
    const { origin, soa, rrsets } = zone
    const at = { zone: origin, soa, ttlSeconds: TTL_SECONDS, nowMs }
    const rrset = rrsets.find((each) => each.owner === qname && each.type === qtype)
    if (rrset !== undefined) return localAnswer(question, { ...at, rrset })
    const isThere = rrsets.some(({ owner }) => isAtOrBelow(owner, qname))
    // Everything below localhost is this machine too (RFC 6761 §6.3).
    if (!isThere && origin === LOCALHOST) {
      const apex = rrsets.find((each) => each.owner === origin && each.type === qtype)
      if (apex !== undefined && qtype !== TYPE.SOA && qtype !== TYPE.NS)
        return localAnswer(question, { ...at, rrset: { ...apex, owner: qname } })
      return localAnswer(question, at)
    }
    return localAnswer(question, { ...at, isDenied: !isThere })
  }

  #zoneOf({ qname, qtype }: Question): Zone | undefined {
    for (let name: Name | undefined = qname; name !== undefined; name = parentName(name)) {
      if (this.#elsewhere.has(name)) return undefined
      const zone = this.#zones.get(name)
      if (zone === undefined) continue
      // The parent's servers say whether there is a DS, and that is what makes the zone insecure.
      return qtype === TYPE.DS && name === qname ? undefined : zone
    }
    return undefined
  }
}

type Zone = { readonly origin: Name; readonly soa: RRset; readonly rrsets: RRset[] }

/** SOA and NS as RFC 6303 §3 has them: the zone is its own server, and nobody is responsible. */
function emptyZone(origin: Name): Zone {
  const server = Buffer.from(origin, 'latin1')
  const nobody = Buffer.from(nameOf('nobody.invalid'), 'latin1')
  const numbers = Buffer.alloc(20)
  for (const [i, value] of [1, 3600, 1200, 604_800, TTL_SECONDS].entries())
    numbers.writeUInt32BE(value, 4 * i)
  const rrset = (type: number, rdata: Uint8Array): RRset => ({
    owner: origin,
    type,
    ttlSeconds: TTL_SECONDS,
    rdatas: [rdata],
    signatures: [],
  })
  const soa = rrset(TYPE.SOA, Buffer.concat([server, nobody, numbers]))
  return { origin, soa, rrsets: [soa, rrset(TYPE.NS, server)] }
}

function nameOf(text: string): Name {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Bug(parsed.error)
  return parsed.value
}

const LOCALHOST = nameOf('localhost')
const LOOPBACK6 = Buffer.from('00000000000000000000000000000001', 'hex')

const FILLED: readonly (readonly [string, number, Uint8Array])[] = [
  ['localhost', TYPE.A, Uint8Array.of(127, 0, 0, 1)],
  ['localhost', TYPE.AAAA, LOOPBACK6],
  ['1.0.0.127.in-addr.arpa', TYPE.PTR, Buffer.from(LOCALHOST, 'latin1')],
  [`1.${'0.'.repeat(31)}ip6.arpa`, TYPE.PTR, Buffer.from(LOCALHOST, 'latin1')],
]

const EMPTY_ZONES: readonly string[] = [
  // RFC 6761, RFC 7686, RFC 8375, RFC 9476.
  'localhost',
  'test',
  'invalid',
  'onion',
  'alt',
  'home.arpa',
  // RFC 6303 §4.1 to §4.3, and 100.64.0.0/10 (RFC 7793).
  '10.in-addr.arpa',
  ...Array.from({ length: 16 }, (_, i) => `${16 + i}.172.in-addr.arpa`),
  '168.192.in-addr.arpa',
  ...Array.from({ length: 64 }, (_, i) => `${64 + i}.100.in-addr.arpa`),
  '0.in-addr.arpa',
  '127.in-addr.arpa',
  '254.169.in-addr.arpa',
  '2.0.192.in-addr.arpa',
  '100.51.198.in-addr.arpa',
  '113.0.203.in-addr.arpa',
  '255.255.255.255.in-addr.arpa',
  // RFC 6303 §4.4 to §4.7: unspecified and loopback, unique local, link local, documentation.
  `0.${'0.'.repeat(31)}ip6.arpa`,
  `1.${'0.'.repeat(31)}ip6.arpa`,
  'd.f.ip6.arpa',
  '8.e.f.ip6.arpa',
  '9.e.f.ip6.arpa',
  'a.e.f.ip6.arpa',
  'b.e.f.ip6.arpa',
  '8.b.d.0.1.0.0.2.ip6.arpa',
]
