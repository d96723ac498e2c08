// Writes an answer of the machine as the sections of a message: names compressed, TTLs counted down, signatures and
// proofs for who asked for them (RFC 4035 §3.2.1), nothing that was not asked for.
import { HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { withSuffixes, type MessageWriter } from '../../../../shared/dns/message-writer.ts'
import { canonicalName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import type { Answer } from '../answer.ts'
import { expiresMs, type Link } from '../link.ts'
import type { RRset } from '../rrset.ts'

export type Sections = {
  readonly answers: number
  readonly authorities: number
  /** Not all of it fits: what is written is whole RRsets, and the client has to ask by TCP. */
  readonly isTruncated: boolean
}

export type Writing = {
  /** As it stands in the question that is written already. */
  readonly qname: Name
  /** DO. */
  readonly wantsDnssec: boolean
  readonly nowMs: number
  /** For answers beyond their time (RFC 8767 §5.2). */
  readonly staleTtlSeconds: number
}

export function writeSections(writer: MessageWriter, answer: Answer, how: Writing): Sections {
  let answers = 0
  const seen = new Set<RRset>()
  for (const link of answer.links) {
    const ttlSeconds = ttlOf(link, answer.isStale, how)
    for (const rrset of link.rrsets) {
      if (seen.has(rrset)) continue
      seen.add(rrset)
      const count = writeRRset(writer, rrset, ttlSeconds, how)
      if (count < 0) return { answers, authorities: 0, isTruncated: true }
      answers += count
    }
  }
  let authorities = 0
  for (const link of answer.links) {
    const ttlSeconds = ttlOf(link, answer.isStale, how)
    for (const rrset of link.authority) {
      // Proofs are for who checks; without, the SOA of what is not there is all (RFC 2308 §3).
      if (rrset.type !== TYPE.SOA && !how.wantsDnssec) continue
      if (seen.has(rrset)) continue
      seen.add(rrset)
      const count = writeRRset(writer, rrset, ttlSeconds, how)
      if (count < 0) return { answers, authorities, isTruncated: true }
      authorities += count
    }
  }
  return { answers, authorities, isTruncated: false }
}

function ttlOf(link: Link, isStale: boolean, how: Writing): number {
  const left = Math.floor((expiresMs(link) - how.nowMs) / 1000)
  // A link that lasts no time at all is for this client only.
  return isStale && left <= 0 ? how.staleTtlSeconds : Math.max(left, 0)
}

/** Records written, or -1 when they do not all fit: then none is. */
function writeRRset(writer: MessageWriter, rrset: RRset, ttlSeconds: number, how: Writing): number {
  const start = writer.at
  const { owner, type, rdatas, signatures } = rrset
  const spelled = spelling(owner, how.qname)
  for (const rdata of rdatas) writeRecord(writer, spelled, type, ttlSeconds, rdata)
  if (how.wantsDnssec)
    for (const rdata of signatures) writeRecord(writer, spelled, TYPE.RRSIG, ttlSeconds, rdata)
  if (writer.overflowed) {
    writer.rewind(start)
    return -1
  }
  return rdatas.length + (how.wantsDnssec ? signatures.length : 0)
}

function writeRecord(
  writer: MessageWriter,
  owner: Name | undefined,
  type: number,
  ttlSeconds: number,
  rdata: Uint8Array,
): void {
  if (owner === undefined) writer.u16(0xc000 | HEADER_OCTETS)
  else writer.name(withSuffixes(owner))
  writer.u16(type)
  writer.u16(CLASS.IN)
  writer.u32(ttlSeconds)
  const lengthAt = writer.at
  writer.u16(rdata.length)
  const shape = COMPRESSED[type]
  if (shape === undefined) return writer.bytes(rdata)
  let at = shape.before
  writer.bytes(rdata.subarray(0, at))
  for (let left = shape.names; left > 0; left--) {
    const end = nameEnd(rdata, at)
    writer.name(withSuffixes(Buffer.from(rdata.subarray(at, end)).toString('latin1') as Name))
    at = end
  }
  writer.bytes(rdata.subarray(at))
  writer.patch16(lengthAt, writer.at - lengthAt - 2)
}

/** The question's own name is pointed to, letters as the client has them; undefined says so. */
function spelling(owner: Name, qname: Name): Name | undefined {
  if (owner.length > qname.length) return owner
  const canonical = canonicalName(qname)
  if (owner === canonical) return undefined
  return isAtOrBelow(canonical, owner) ? (qname.slice(qname.length - owner.length) as Name) : owner
}

function nameEnd(rdata: Uint8Array, start: number): number {
  let at = start
  while (at < rdata.length && rdata[at] !== 0) at += 1 + rdata[at]!
  return at + 1
}

/** Types whose names may be compressed (RFC 3597 §4): octets before the names, and how many there are. */
const COMPRESSED: {
  readonly [type: number]: { readonly before: number; readonly names: number } | undefined
} = {
  [TYPE.NS]: { before: 0, names: 1 },
  [TYPE.CNAME]: { before: 0, names: 1 },
  [TYPE.SOA]: { before: 0, names: 2 },
  [TYPE.PTR]: { before: 0, names: 1 },
  [TYPE.MX]: { before: 2, names: 1 },
}
