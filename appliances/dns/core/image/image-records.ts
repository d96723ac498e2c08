// Writes rrsets of an image into an answer, octet for octet as answer/answer-message.ts does: with their signatures, and
// with names compressed where a type's rdata may be. What does not fit whole is not written here at all.
import { HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import type { ImageReader } from './image-reader.ts'
import { NODE, RRSET } from './layout.ts'
import { NameKey } from './name-key.ts'
import { WireWriter } from './wire-writer.ts'

export class ImageRecords {
  readonly writer: WireWriter
  readonly #octets: Uint8Array
  /** Of rdata, while it is written. */
  readonly #name: NameKey
  // Of what is written: without an owner it is the qname; it is spelled at `#spelledAt` of `#spelling`.
  #owner: NameKey | undefined
  #spelling: Uint8Array
  #spelledAt = 0
  /** For the owner written last: what a pointer to it says. */
  #pointer = QNAME_POINTER
  #ttlSeconds = 0

  constructor(reader: ImageReader) {
    this.writer = new WireWriter(reader.octets)
    this.#octets = reader.octets
    this.#spelling = reader.octets
    this.#name = new NameKey(reader.seed)
  }

  /** What is written from now on belongs to the qname. */
  ownedByQname(): void {
    this.#owner = undefined
    this.#pointer = QNAME_POINTER
  }

  /** What is written from now on belongs to `owner`, as `spelling` has it at `at`. */
  ownedBy(owner: NameKey, spelling: Uint8Array, at: number): void {
    this.#owner = owner
    this.#spelling = spelling
    this.#spelledAt = at
  }

  /** Offset of a node's rrset; 0 when it has none of the type. */
  rrsetOf(node: number, type: number): number {
    const octets = this.#octets
    let left = octets[node + NODE.rrsets]! | (octets[node + NODE.rrsets + 1]! << 8)
    let at = node + NODE.name + octets[node + NODE.nameLength]!
    for (; left > 0 && at < octets.length; left--) {
      if (read16(octets, at) === type) return at
      at += RRSET.records + read32(octets, at + RRSET.octets)
    }
    return 0
  }

  ttlSecondsOf(rrset: number): number {
    return read32(this.#octets, rrset + RRSET.ttl)
  }

  /** Number of records of an rrset of `node`, with those that sign it when `isSigned`; -1 when they do not fit. */
  write(node: number, rrset: number, ttlSeconds: number, isSigned: boolean): number {
    this.#ttlSeconds = ttlSeconds
    const type = read16(this.#octets, rrset + RRSET.type)
    const names = COMPRESSED_NAMES[type]
    const count =
      names === undefined ? this.#writePlain(rrset) : this.#writeCompressed(rrset, names)
    if (count < 0 || !isSigned) return count
    const signatures = this.#writeSignatures(node, type)
    return signatures < 0 ? -1 : count + signatures
  }

  #writePlain(rrset: number): number {
    const octets = this.#octets
    const { writer } = this
    const count = read16(octets, rrset + RRSET.count)
    const type = read16(octets, rrset + RRSET.type)
    let record = rrset + RRSET.records
    for (let i = 0; i < count; i++) {
      const size = 2 + read16(octets, record)
      if (!this.#writeOwner() || !writer.fits(8 + size)) return -1
      this.#writeFixed(type)
      writer.copy(record, size)
      record += size
    }
    return count
  }

  #writeCompressed(rrset: number, names: CompressedNames): number {
    const octets = this.#octets
    const { writer } = this
    const count = read16(octets, rrset + RRSET.count)
    const type = read16(octets, rrset + RRSET.type)
    const name = this.#name
    let record = rrset + RRSET.records
    for (let i = 0; i < count; i++) {
      const end = record + 2 + read16(octets, record)
      if (!this.#writeOwner() || !writer.fits(10 + names.before)) return -1
      this.#writeFixed(type)
      const lengthAt = writer.at
      writer.at += 2
      writer.copy(record + 2, names.before)
      let at = record + 2 + names.before
      for (let left = names.count; left > 0; left--) {
        const next = name.load(octets, at, end)
        if (next < 0 || !writer.name(name, octets, at)) return -1
        at = next
      }
      if (at > end || !writer.fits(end - at)) return -1
      writer.copy(at, end - at)
      writer.patch16(lengthAt, writer.at - lengthAt - 2)
      record = end
    }
    return count
  }

  /** With the TTL that what they sign has in this answer (RFC 4034 §3). */
  #writeSignatures(node: number, type: number): number {
    const octets = this.#octets
    const { writer } = this
    const rrsigs = this.rrsetOf(node, TYPE.RRSIG)
    if (rrsigs === 0) return 0
    let record = rrsigs + RRSET.records
    let written = 0
    for (let left = read16(octets, rrsigs + RRSET.count); left > 0; left--) {
      const size = 2 + read16(octets, record)
      if (read16(octets, record + 2) === type) {
        if (!writer.fits(10 + size)) return -1
        writer.u16(this.#pointer)
        this.#writeFixed(TYPE.RRSIG)
        writer.copy(record, size)
        written++
      }
      record += size
    }
    return written
  }

  #writeOwner(): boolean {
    const { writer } = this
    const owner = this.#owner
    if (owner === undefined) {
      if (!writer.fits(2)) return false
      writer.u16(QNAME_POINTER)
      return true
    }
    if (!writer.name(owner, this.#spelling, this.#spelledAt)) return false
    this.#pointer = 0xc000 | writer.nameAt
    return true
  }

  /** The caller has asked whether it fits. */
  #writeFixed(type: number): void {
    const { out, at } = this.writer
    const ttlSeconds = this.#ttlSeconds
    out[at] = type >>> 8
    out[at + 1] = type
    out[at + 2] = 0
    out[at + 3] = CLASS.IN
    out[at + 4] = ttlSeconds >>> 24
    out[at + 5] = ttlSeconds >>> 16
    out[at + 6] = ttlSeconds >>> 8
    out[at + 7] = ttlSeconds
    this.writer.at = at + 8
  }
}

export function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!
}

export function read32(octets: Uint8Array, at: number): number {
  return ((read16(octets, at) << 16) | read16(octets, at + 2)) >>> 0
}

/** The question's name is always the first thing behind the header. */
const QNAME_POINTER = 0xc000 | HEADER_OCTETS

type CompressedNames = { readonly before: number; readonly count: number }

/** Types whose rdata is written compressed: octets before the names, and how many there are. */
const COMPRESSED_NAMES: { readonly [type: number]: CompressedNames | undefined } = {
  [TYPE.NS]: { before: 0, count: 1 },
  [TYPE.CNAME]: { before: 0, count: 1 },
  [TYPE.PTR]: { before: 0, count: 1 },
  [TYPE.MX]: { before: 2, count: 1 },
  [TYPE.SOA]: { before: 0, count: 2 },
}
