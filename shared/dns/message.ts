// Whole DNS messages to and from values (RFC 1035 §4, compressed rdata of RFC 3597 §4). The servers' hot paths
// read and write packets in place; this codec is for clients, tests and everything that is not hot.
import { err, ok, type Result } from '../result/result.ts'
import { decodeEdns, encodeEdnsOptions, ednsTtl, OPT, type Edns } from './edns.ts'
import { MessageWriter, withSuffixes } from './message-writer.ts'
import { decodeName, ROOT, type Name } from './name.ts'
import type { Record } from './record.ts'

export const HEADER_OCTETS = 12
export const MESSAGE_LIMIT_OCTETS = 65_535

/** Bits of the 16-bit flag word. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const

export const OPCODE = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const

export type Question = { readonly qname: Name; readonly qtype: number; readonly qclass: number }

/** A record as it stands in a message; class is rarely anything but 1 (IN). */
export type MessageRecord = Record & { readonly class: number }

export type Message = {
  readonly id: number
  readonly opcode: number
  /** The flag word without opcode and rcode: see FLAG. */
  readonly flags: number
  /** Twelve bits when there is an OPT record. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly MessageRecord[]
  readonly authorities: readonly MessageRecord[]
  /** Without the OPT record, which is `edns`. */
  readonly additionals: readonly MessageRecord[]
  readonly edns?: Edns
}

export type MessageError =
  | { readonly kind: 'truncated' }
  | { readonly kind: 'bad-name'; readonly why: string }
  | { readonly kind: 'bad-rdata'; readonly type: number }
  | { readonly kind: 'bad-edns' }
  | { readonly kind: 'trailing-octets'; readonly count: number }

const FLAG_MASK = 0x87f0

/** Names in rdata come out uncompressed. Work is bounded by the message's length times the longest name. */
export function decodeMessage(bytes: Uint8Array): Result<Message, MessageError> {
  if (bytes.length < HEADER_OCTETS) return err({ kind: 'truncated' })
  const word = u16(bytes, 2)
  const questions: Question[] = []
  let at = HEADER_OCTETS
  for (let left = u16(bytes, 4); left > 0; left--) {
    const name = decodeName(bytes, at)
    if (!name.ok) return err(nameError(name.error))
    at = name.value.next + 4
    if (at > bytes.length) return err({ kind: 'truncated' })
    questions.push({
      qname: name.value.name,
      qtype: u16(bytes, at - 4),
      qclass: u16(bytes, at - 2),
    })
  }
  const sections: MessageRecord[][] = []
  let edns: Edns | undefined
  for (const countAt of [6, 8, 10]) {
    const records: MessageRecord[] = []
    sections.push(records)
    for (let left = u16(bytes, countAt); left > 0; left--) {
      const read = decodeRecord(bytes, at)
      if (!read.ok) return read
      at = read.value.next
      const { record } = read.value
      if (record.type !== OPT) {
        records.push(record)
        continue
      }
      const decoded = decodeEdns(record)
      if (countAt !== 10 || edns !== undefined || record.owner !== ROOT || !decoded.ok)
        return err({ kind: 'bad-edns' })
      edns = decoded.value
    }
  }
  if (at < bytes.length) return err({ kind: 'trailing-octets', count: bytes.length - at })
  return ok({
    id: u16(bytes, 0),
    opcode: (word >>> 11) & 0xf,
    flags: word & FLAG_MASK,
    rcode: (word & 0xf) | ((edns?.extendedRcode ?? 0) << 4),
    questions,
    answers: sections[0]!,
    authorities: sections[1]!,
    additionals: sections[2]!,
    ...(edns === undefined ? {} : { edns }),
  })
}

/** Compresses owners, and the rdata names that RFC 3597 §4 allows; throws when it does not fit 65,535 octets. */
export function encodeMessage(message: Message): Uint8Array {
  const out = new Uint8Array(MESSAGE_LIMIT_OCTETS)
  const writer = new MessageWriter()
  writer.start(out, MESSAGE_LIMIT_OCTETS)
  const { edns } = message
  writer.u16(message.id)
  writer.u16((message.flags & FLAG_MASK) | (message.opcode << 11) | (message.rcode & 0xf))
  writer.u16(message.questions.length)
  writer.u16(message.answers.length)
  writer.u16(message.authorities.length)
  writer.u16(message.additionals.length + (edns === undefined ? 0 : 1))
  for (const { qname, qtype, qclass } of message.questions) {
    writer.name(withSuffixes(qname))
    writer.u16(qtype)
    writer.u16(qclass)
  }
  for (const records of [message.answers, message.authorities, message.additionals])
    for (const record of records) writeRecord(writer, record)
  if (edns !== undefined) {
    const rdata = encodeEdnsOptions(edns.options)
    const ttlSeconds = ednsTtl({ ...edns, extendedRcode: message.rcode >>> 4 })
    writeRecord(writer, { owner: ROOT, type: OPT, class: edns.udpOctets, ttlSeconds, rdata })
  }
  if (writer.overflowed) throw new RangeError('message longer than 65,535 octets')
  return out.slice(0, writer.at)
}

/** Reads a record at `at`; `next` is the offset behind it. */
export function decodeRecord(
  bytes: Uint8Array,
  at: number,
): Result<{ record: MessageRecord; next: number }, MessageError> {
  const owner = decodeName(bytes, at)
  if (!owner.ok) return err(nameError(owner.error))
  const start = owner.value.next + 10
  if (start > bytes.length) return err({ kind: 'truncated' })
  const next = start + u16(bytes, start - 2)
  if (next > bytes.length) return err({ kind: 'truncated' })
  const type = u16(bytes, start - 10)
  const rdata = expandRdata(bytes, type, start, next)
  if (rdata === undefined) return err({ kind: 'bad-rdata', type })
  const ttlSeconds = ((u16(bytes, start - 6) << 16) | u16(bytes, start - 4)) >>> 0
  return ok({
    record: {
      owner: owner.value.name,
      type,
      class: u16(bytes, start - 8),
      ttlSeconds,
      rdata,
    },
    next,
  })
}

function writeRecord(writer: MessageWriter, record: MessageRecord): void {
  writer.name(withSuffixes(record.owner))
  writer.u16(record.type)
  writer.u16(record.class)
  writer.u32(record.ttlSeconds)
  const lengthAt = writer.at
  writer.u16(record.rdata.length)
  const shape = SHAPES[record.type]
  const names = shape?.compress === true ? splitRdata(record.rdata, shape) : undefined
  if (names === undefined) writer.bytes(record.rdata)
  else {
    writer.bytes(record.rdata.subarray(0, shape!.before))
    for (const name of names.names) writer.name(withSuffixes(name))
    writer.bytes(record.rdata.subarray(names.end))
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }
}

/** Rdata with its names uncompressed; undefined when a name in it is broken or runs out of it. */
function expandRdata(
  bytes: Uint8Array,
  type: number,
  start: number,
  end: number,
): Uint8Array | undefined {
  const shape = SHAPES[type]
  // An UPDATE (RFC 2136 §2.5) deletes with empty rdata of any type.
  if (shape === undefined || start === end) return bytes.slice(start, end)
  const parts: Uint8Array[] = [bytes.subarray(start, start + shape.before)]
  let at = start + shape.before
  for (let left = shape.names; left > 0; left--) {
    if (at >= end) return undefined
    const name = decodeName(bytes, at)
    if (!name.ok || name.value.next > end) return undefined
    parts.push(Buffer.from(name.value.name, 'latin1'))
    at = name.value.next
  }
  parts.push(bytes.subarray(at, end))
  return new Uint8Array(Buffer.concat(parts))
}

function splitRdata(rdata: Uint8Array, shape: Shape): { names: Name[]; end: number } | undefined {
  const names: Name[] = []
  let at = shape.before
  for (let left = shape.names; left > 0; left--) {
    const name = decodeName(rdata, at)
    if (!name.ok) return undefined
    names.push(name.value.name)
    at = name.value.next
  }
  return { names, end: at }
}

function nameError(why: string): MessageError {
  return why === 'truncated' ? { kind: 'truncated' } : { kind: 'bad-name', why }
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** Octets before the names, how many names, and whether a sender may compress them (RFC 1035 types only). */
type Shape = { readonly before: number; readonly names: number; readonly compress: boolean }

/** Types whose rdata may arrive with compressed names (RFC 3597 §4), by type number. NAPTR has no fixed prefix and is left out. */
const SHAPES: { readonly [type: number]: Shape | undefined } = {
  2: { before: 0, names: 1, compress: true }, // NS
  3: { before: 0, names: 1, compress: true }, // MD
  4: { before: 0, names: 1, compress: true }, // MF
  5: { before: 0, names: 1, compress: true }, // CNAME
  6: { before: 0, names: 2, compress: true }, // SOA
  7: { before: 0, names: 1, compress: true }, // MB
  8: { before: 0, names: 1, compress: true }, // MG
  9: { before: 0, names: 1, compress: true }, // MR
  12: { before: 0, names: 1, compress: true }, // PTR
  14: { before: 0, names: 2, compress: true }, // MINFO
  15: { before: 2, names: 1, compress: true }, // MX
  17: { before: 0, names: 2, compress: false }, // RP
  18: { before: 2, names: 1, compress: false }, // AFDB
  21: { before: 2, names: 1, compress: false }, // RT
  26: { before: 2, names: 2, compress: false }, // PX
  33: { before: 6, names: 1, compress: false }, // SRV
  36: { before: 2, names: 1, compress: false }, // KX
  39: { before: 0, names: 1, compress: false }, // DNAME
}
