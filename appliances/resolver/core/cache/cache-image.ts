// The cache as octets, for a file that outlives the process: what was said and when, but not whether it held. Whoever reads it
// checks signatures again. A magic with a version, a count, the links, and a SHA-256 of it all at the end.
import { createHash } from 'node:crypto'
import type { Name } from '../../../../shared/dns/name.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import type { Upstream } from '../iterate/upstream.ts'
import { expiresMs, type Link } from '../link.ts'
import type { RRset } from '../rrset.ts'

const MAGIC = Buffer.from('CAIRNRC1', 'latin1')
const DIGEST_OCTETS = 32
const KINDS: readonly Link['kind'][] = ['data', 'alias', 'nodata', 'nxdomain']
const HAS = { target: 1, referral: 2, from: 4, tls: 8, tlsName: 16, https: 32 } as const
/** Of one link; what is larger is left out. */
const LINK_LIMIT_OCTETS = 1_000_000

/** `links` as the cache gives them, the one used longest ago first; of more than `limitOctets` those are left out first. */
export function encodeCache(links: Iterable<Link>, limitOctets: number, nowMs: number): Buffer[] {
  const parts: Buffer[] = []
  let octets = MAGIC.length + 4 + DIGEST_OCTETS
  for (const link of links) {
    if (link.security === 'bogus' || expiresMs(link) <= nowMs) continue
    const part = encodeLink(link)
    if (part.length > LINK_LIMIT_OCTETS) continue
    parts.push(part)
    octets += part.length
  }
  let first = 0
  while (octets > limitOctets && first < parts.length) octets -= parts[first++]!.length
  const count = Buffer.alloc(4)
  count.writeUInt32BE(parts.length - first)
  const all = [MAGIC, count, ...parts.slice(first)]
  const hash = createHash('sha256')
  for (const part of all) hash.update(part)
  return [...all, hash.digest()]
}

/** Links that last beyond `nowMs`, all of them unchecked; the sentence says what is wrong with the file. */
export function decodeCache(octets: Buffer, nowMs: number): Result<Link[], string> {
  if (octets.length < MAGIC.length + 4 + DIGEST_OCTETS) return err('Is too short')
  if (!octets.subarray(0, MAGIC.length).equals(MAGIC)) return err('Is no cache of this version')
  const body = octets.subarray(0, -DIGEST_OCTETS)
  const digest = createHash('sha256').update(body).digest()
  if (!digest.equals(octets.subarray(-DIGEST_OCTETS))) return err('Is damaged: its sum is another')
  const reader = new Reader(body, MAGIC.length)
  const links: Link[] = []
  for (let left = reader.u32(); left > 0; left--) {
    const link = decodeLink(reader)
    if (reader.isOver) return err('Ends in the middle')
    // A clock that went back since would make it last for ever.
    if (link.storedMs <= nowMs && expiresMs(link) > nowMs) links.push(link)
  }
  return reader.isAtEnd ? ok(links) : err('Goes on behind its end')
}

function encodeLink(link: Link): Buffer {
  const { target, from } = link
  const writer = new Writer()
  writer.u8(KINDS.indexOf(link.kind))
  writer.u8(
    (target === undefined ? 0 : HAS.target) |
      (link.isFromReferral ? HAS.referral : 0) |
      (from === undefined ? 0 : HAS.from) |
      (from?.protocol === 'tls' ? HAS.tls : 0) |
      (from?.protocol === 'https' ? HAS.https : 0) |
      (from?.tlsName === undefined ? 0 : HAS.tlsName),
  )
  writer.u16(link.qtype)
  writer.u32(link.ttlSeconds)
  writer.f64(link.storedMs)
  writer.text(link.qname)
  writer.text(link.zone)
  if (target !== undefined) writer.text(target)
  if (from !== undefined) {
    writer.u16(from.port)
    writer.text(from.address)
    if (from.tlsName !== undefined) writer.text(from.tlsName)
    if (from.protocol === 'https') writer.text(from.path!)
  }
  for (const rrsets of [link.rrsets, link.authority]) {
    writer.u16(rrsets.length)
    for (const rrset of rrsets) writeRRset(writer, rrset)
  }
  return writer.octets()
}

function decodeLink(reader: Reader): Link {
  const kind = KINDS[reader.u8() & 3]!
  const flags = reader.u8()
  const qtype = reader.u16()
  const ttlSeconds = reader.u32()
  const storedMs = reader.f64()
  const qname = reader.name()
  const zone = reader.name()
  const target = (flags & HAS.target) === 0 ? undefined : reader.name()
  const from = (flags & HAS.from) === 0 ? undefined : readUpstream(reader, flags)
  const rrsets = reader.list(readRRset)
  const authority = reader.list(readRRset)
  return {
    kind,
    qname,
    qtype,
    zone,
    rrsets,
    ...(target !== undefined && { target }),
    authority,
    ttlSeconds,
    storedMs,
    isFromReferral: (flags & HAS.referral) !== 0,
    ...(from && { from }),
    security: 'unchecked',
  }
}

function readUpstream(reader: Reader, flags: number): Upstream {
  const port = reader.u16()
  const address = reader.text()
  const tlsName = (flags & HAS.tlsName) === 0 ? undefined : reader.text()
  if ((flags & HAS.https) !== 0)
    return { address, port, protocol: 'https', tlsName: tlsName!, path: reader.text() }
  const protocol = (flags & HAS.tls) === 0 ? 'plain' : 'tls'
  return { address, port, protocol, ...(tlsName !== undefined && { tlsName }) }
}

function writeRRset(writer: Writer, { owner, type, ttlSeconds, rdatas, signatures }: RRset): void {
  writer.text(owner)
  writer.u16(type)
  writer.u32(ttlSeconds)
  for (const list of [rdatas, signatures]) {
    writer.u16(list.length)
    for (const rdata of list) writer.bytes(rdata)
  }
}

function readRRset(reader: Reader): RRset {
  return {
    owner: reader.name(),
    type: reader.u16(),
    ttlSeconds: reader.u32(),
    rdatas: reader.list((from) => from.bytes()),
    signatures: reader.list((from) => from.bytes()),
  }
}

class Writer {
  #octets = Buffer.alloc(512)
  #at = 0

  u8(value: number): void {
    this.#octets[this.#place(1)] = value
  }

  u16(value: number): void {
    const at = this.#place(2)
    this.#octets.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.#place(4)
    this.#octets.writeUInt32BE(value, at)
  }

  f64(value: number): void {
    const at = this.#place(8)
    this.#octets.writeDoubleBE(value, at)
  }

  /** At most 65,535 octets, one a character. */
  text(value: string): void {
    this.u16(value.length)
    const at = this.#place(value.length)
    this.#octets.write(value, at, 'latin1')
  }

  bytes(value: Uint8Array): void {
    this.u16(value.length)
    const at = this.#place(value.length)
    this.#octets.set(value, at)
  }

  octets(): Buffer {
    return this.#octets.subarray(0, this.#at)
  }

  #place(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#octets.length) {
      const grown = Buffer.alloc(2 * this.#at)
      grown.set(this.#octets)
      this.#octets = grown
    }
    return at
  }
}

/** Labels that end where the text does. */
function isName(text: string): boolean {
  let at = 0
  while (at < text.length && text.charCodeAt(at) !== 0) at += 1 + text.charCodeAt(at)
  return at === text.length - 1 && at < 255
}

/** Beyond the end there is nothing but zeros, and `isOver` says so. */
class Reader {
  readonly #octets: Buffer
  #at: number

  constructor(octets: Buffer, at: number) {
    this.#octets = octets
    this.#at = at
  }

  get isOver(): boolean {
    return this.#at > this.#octets.length
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length
  }

  u8(): number {
    const at = this.#place(1)
    return this.isOver ? 0 : this.#octets[at]!
  }

  u16(): number {
    const at = this.#place(2)
    return this.isOver ? 0 : this.#octets.readUInt16BE(at)
  }

  u32(): number {
    const at = this.#place(4)
    return this.isOver ? 0 : this.#octets.readUInt32BE(at)
  }

  f64(): number {
    const at = this.#place(8)
    return this.isOver ? 0 : this.#octets.readDoubleBE(at)
  }

  text(): string {
    const length = this.u16()
    const at = this.#place(length)
    return this.isOver ? '' : this.#octets.toString('latin1', at, at + length)
  }

  name(): Name {
    const text = this.text()
    if (!isName(text)) this.#at = Infinity
    return text as Name
  }

  /** A copy: the file is not to be kept for the sake of one rdata. */
  bytes(): Uint8Array {
    const length = this.u16()
    const at = this.#place(length)
    return this.isOver ? new Uint8Array() : Uint8Array.from(this.#octets.subarray(at, at + length))
  }

  list<T>(read: (from: this) => T): T[] {
    const made: T[] = []
    for (let left = this.u16(); left > 0 && !this.isOver; left--) made.push(read(this))
    return made
  }

  #place(length: number): number {
    const at = this.#at
    this.#at += length
    return at
  }
}
