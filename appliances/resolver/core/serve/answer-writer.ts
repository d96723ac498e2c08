// Writes an answer of the machine as the sections of a message: names compressed, TTLs counted down, signatures and
// proofs for who asked for them (RFC 4035 §3.2.1), nothing that was not asked for.
import { HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { withSuffixes, type MessageWriter } from '../../../../shared/dns/message-writer.ts'
import type { Name } from '../../../../shared/dns/name.ts'
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
  /** Canonical; it is written already, as the client has it: names point into it. */
  readonly qname: Name
  /** DO. */
  readonly wantsDnssec: boolean
  readonly nowMs: number
  /** For answers beyond their time (RFC 8767 §5.2). */
  readonly staleTtlSeconds: number
  /** Told where each TTL stands, and which link of the answer it comes from. */
  readonly ttlWritten?: (at: number, link: number) => void
}

export function writeSections(writer: MessageWriter, answer: Answer, how: Writing): Sections {
  if (hasOtherNames(answer, how)) rememberQuestion(writer, how.qname)
  let answers = 0
  const seen = new Set<RRset>()
  for (const [nth, link] of answer.links.entries()) {
    const ttlSeconds = ttlOf(link, answer.isStale, how)
    for (const rrset of link.rrsets) {
      if (seen.has(rrset)) continue
      seen.add(rrset)
      const count = writeRRset(writer, rrset, { ttlSeconds, link: nth }, how)
      if (count < 0) return { answers, authorities: 0, isTruncated: true }
      answers += count
    }
  }
  let authorities = 0
  for (const [nth, link] of answer.links.entries()) {
    const ttlSeconds = ttlOf(link, answer.isStale, how)
    for (const rrset of link.authority) {
      // Proofs are for who checks; without, the SOA of what is not there is all (RFC 2308 §3).
      if (rrset.type !== TYPE.SOA && !how.wantsDnssec) continue
      if (seen.has(rrset)) continue
      seen.add(rrset)
      const count = writeRRset(writer, rrset, { ttlSeconds, link: nth }, how)
      if (count < 0) return { answers, authorities, isTruncated: true }
      authorities += count
    }
  }
  return { answers, authorities, isTruncated: false }
}

/** Whether anything is written that may end in a part of the question's name: mostly nothing is. */
function hasOtherNames({ links }: Answer, { qname }: Writing): boolean {
  const isOther = ({ owner, type }: RRset): boolean =>
    owner !== qname || COMPRESSED[type] !== undefined
  return links.some(({ rrsets, authority }) => rrsets.some(isOther) || authority.some(isOther))
}

function rememberQuestion(writer: MessageWriter, qname: Name): void {
  for (let at = 0; qname.charCodeAt(at) !== 0; at += 1 + qname.charCodeAt(at))
    writer.remember(qname.slice(at) as Name, HEADER_OCTETS + at)
}

function ttlOf(link: Link, isStale: boolean, how: Writing): number {
  const left = Math.floor((expiresMs(link) - how.nowMs) / 1000)
  // A link that lasts no time at all is for this client only.
  return isStale && left <= 0 ? how.staleTtlSeconds : Math.max(left, 0)
}

type Lasting = { readonly ttlSeconds: number; readonly link: number }

/** Records written, or -1 when they do not all fit: then none is. */
function writeRRset(writer: MessageWriter, rrset: RRset, lasting: Lasting, how: Writing): number {
  const start = writer.at
  const { owner, type, rdatas, signatures } = rrset
  for (const rdata of rdatas) writeRecord(writer, owner, type, lasting, rdata, how)
  if (how.wantsDnssec)
    for (const rdata of signatures) writeRecord(writer, owner, TYPE.RRSIG, lasting, rdata, how)
  if (writer.overflowed) {
    writer.rewind(start)
    return -1
  }
  return rdatas.length + (how.wantsDnssec ? signatures.length : 0)
}

function writeRecord(
  writer: MessageWriter,
  owner: Name,
  type: number,
  { ttlSeconds, link }: Lasting,
  rdata: Uint8Array,
  { qname, ttlWritten }: Writing,
): void {
  // By far the most are of the question's own name.
  if (owner === qname) writer.u16(0xc000 | HEADER_OCTETS)
  else writer.name(withSuffixes(owner))
  writer.u16(type)
  writer.u16(CLASS.IN)
  ttlWritten?.(writer.at, link)
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
