// The signed zones that RFCs print (test/vectors), and what their example answers are made of: RRsets, each with its
// signatures. Asks the name server and a packet worker, which have to give the same octets.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Nameserver, type NameserverOptions } from '../../appliances/dns/core/answer/nameserver.ts'
import { ImageResponder } from '../../appliances/dns/core/image/image-responder.ts'
import { ImageWriter } from '../../appliances/dns/core/image/image-writer.ts'
import { rrsetOf, type Zone } from '../../appliances/dns/core/zone/zone.ts'
import { canonicalName, formatName } from '../../shared/dns/name.ts'
import { decodeMessage } from '../../shared/dns/message.ts'
import { TYPE, typeText } from '../../shared/dns/record-types.ts'
import { parseRrsig, verifyRrsig } from '../../shared/dnssec/rrsig.ts'
import { ROOT } from './source-tree.ts'
import { clientOf, queryOf, replyOf, zoneOf, zoneRecords, type Reply } from './zones.ts'

const OPTIONS: NameserverOptions = { udpLimitOctets: 4096 }
const SILENT = { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} }

export function vectorText(file: string): string {
  return readFileSync(join(ROOT, 'test/vectors', `${file}.zone`), 'utf8')
}

export function vectorZone(file: string, origin: string): Zone {
  return zoneOf(origin, vectorText(file))
}

/** An example answer: RRsets as `owner TYPE`, or `owner TYPE from *.owner` where a wildcard stands in. */
export type Example = {
  readonly question: string
  readonly status: string
  readonly answer?: readonly string[]
  readonly authority?: readonly string[]
  readonly additional?: readonly string[]
}

export class SignedZoneServers {
  readonly #zone: Zone
  readonly #server: Nameserver
  readonly #worker: ImageResponder

  constructor(zone: Zone) {
    this.#zone = zone
    this.#server = new Nameserver(
      { get: (origin) => (origin === zone.origin ? { zone } : undefined) },
      OPTIONS,
      SILENT,
    )
    const image = new ImageWriter(1)
    image.apply([{ origin: zone.origin, before: undefined, after: zone, isBroken: false }])
    this.#worker = new ImageResponder(image.memory, OPTIONS, SILENT)
  }

  /** Over UDP with DO; the sections sorted. */
  ask(question: string): Reply {
    const query = queryOf(question, { edns: 4096, dnssecOk: true })
    const out = Buffer.alloc(4096)
    const answer = out.subarray(0, this.#server.handle(query, clientOf('udp'), out))
    const other = Buffer.alloc(4096)
    const octets = this.#worker.respond(query, 0, query.length, clientOf('udp'), other, 0, 4096)
    expect(other.subarray(0, Math.max(0, octets)).toString('hex')).toBe(answer.toString('hex'))
    const decoded = decodeMessage(answer)
    if (!decoded.ok) throw new Error(decoded.error.kind)
    const reply = replyOf(decoded.value)
    return {
      status: reply.status,
      answer: reply.answer.toSorted(),
      authority: reply.authority.toSorted(),
      additional: reply.additional.toSorted(),
    }
  }

  expectExample({ question, status, answer, authority, additional }: Example): void {
    expect(this.ask(question)).toEqual({
      status,
      answer: recordsOf(this.#zone, answer),
      authority: recordsOf(this.#zone, authority),
      additional: recordsOf(this.#zone, additional),
    })
  }
}

/** How many signatures of the zone's own keys hold; fails for any that does not. */
export function goodSignatures(zone: Zone): number {
  const keys = rrsetOf(zone.apex!, TYPE.DNSKEY)!.rdatas
  let good = 0
  for (const node of zone.everyNode())
    for (const rrsig of rrsetOf(node, TYPE.RRSIG)?.rdatas ?? []) {
      const { covered, ttlSeconds } = parseRrsig(rrsig)
      const { rdatas } = rrsetOf(node, covered)!
      const rrset = { owner: canonicalName(node.name), type: covered, ttlSeconds, rdatas }
      const holds = keys.some((key) => verifyRrsig(rrset, rrsig, key))
      if (!holds) expect.fail(`${formatName(node.name)} ${typeText(covered)}`)
      good++
    }
  return good
}

function recordsOf(zone: Zone, rrsets: readonly string[] = []): readonly string[] {
  const all = zoneRecords(zone)
  const lines = rrsets.flatMap((rrset) => {
    const [owner, type, , source = owner] = rrset.split(' ')
    const found = all.filter((line) => {
      const [at, , own, covered] = line.split(' ')
      return at === source && (own === type || (own === 'RRSIG' && covered === type))
    })
    if (found.length === 0) throw new Error(`The zone has no ${rrset}`)
    return found.map((line) => owner + line.slice(source!.length))
  })
  return lines.toSorted()
}
