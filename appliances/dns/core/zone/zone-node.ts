// A name of a zone and its records, as octets: what an arena (name-table.ts) holds, decoded when somebody looks.
//
// A node is the head that name-table.ts describes, its name, and behind that its rrsets in the order of their types:
//
//     head    flags: what types there are, see NODE_FLAG; count: rrsets; number: nodes one label below
//     rrset   type 16 | ttl 32 | rdatas 32, UNEVEN in the highest bit | octets of the whole rrset 32 | rdata ... [lines]
//     rdata   octets 16 | wire form, uncompressed
//     lines   for each rdata: how many 32 | ttl 32 of each
//
// Numbers in an rrset have their high octet first, so that what goes into a message is copied as it is. Lines are only
// there when the ttls disagree or something is there twice: an edit may take one of them away.
import { withSuffixes, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import { decodeName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { DEAD, HEAD, readU32, writeU32 } from './name-table.ts'

/** What is at a node, for whoever only wants to know that. */
export const NODE_FLAG = {
  NS: 0x01,
  DNAME: 0x02,
  CNAME: 0x04,
  /** A, AAAA or MX: its name ought to be one of a host. */
  HOST: 0x08,
  /** NS, MX or SRV: its targets ought to have addresses. */
  REFERRING: 0x10,
  /** SOA or NSEC3, something uneven, or so much that it may not fit a message. */
  SPECIAL: 0x20,
  NSEC: 0x40,
} as const

/** All records of one type at a node. */
export class ZoneRRset {
  readonly type: number
  /** The lowest where lines disagree (RFC 2181 §5.2). */
  readonly ttlSeconds: number
  readonly #bytes: Uint8Array
  readonly #at: number
  #rdatas: readonly Uint8Array[] | undefined
  #names: readonly SuffixedName[] | undefined

  constructor(bytes: Uint8Array, at: number) {
    this.type = readU16High(bytes, at)
    this.ttlSeconds = readU32High(bytes, at + 2)
    this.#bytes = bytes
    this.#at = at
  }

  /** Without duplicates, in the order in which they came. */
  get rdatas(): readonly Uint8Array[] {
    return (this.#rdatas ??= this.#decodeRdatas())
  }

  /**
   * The names that the rdatas point to, one each and in their order; of a SOA its mname and rname; none for types
   * that name no host. Made at the first use and kept, since answers write and follow them again and again.
   */
  get names(): readonly SuffixedName[] {
    return (this.#names ??= namesOf(this.type, this.rdatas))
  }

  /** Whether lines disagree about the TTL, or one is there twice. */
  get isUneven(): boolean {
    return (readU32High(this.#bytes, this.#at + RRSET.rdatas) & UNEVEN) !== 0
  }

  /** The TTLs of the lines that say each rdata, duplicates too. */
  lineTtls(): readonly (readonly number[])[] {
    const { rdatas, ttlSeconds } = this
    if (!this.isUneven) return rdatas.map(() => [ttlSeconds])
    const bytes = this.#bytes
    let at = this.#at + RRSET.rdata
    for (const rdata of rdatas) at += 2 + rdata.length
    return rdatas.map(() => {
      const ttls: number[] = []
      const end = at + 4 + 4 * readU32High(bytes, at)
      for (at += 4; at < end; at += 4) ttls.push(readU32High(bytes, at))
      return ttls
    })
  }

  /** As a node holds it. */
  get encoded(): Uint8Array {
    const octets = readU32High(this.#bytes, this.#at + RRSET.octets)
    return this.#bytes.subarray(this.#at, this.#at + octets)
  }

  #decodeRdatas(): readonly Uint8Array[] {
    const bytes = this.#bytes
    const count = (readU32High(bytes, this.#at + RRSET.rdatas) & ~UNEVEN) >>> 0
    let at = this.#at + RRSET.rdata
    const end = at + 2 + readU16High(bytes, at)
    // Nearly always there is one.
    if (count === 1) return [bytes.subarray(at + 2, end)]
    const rdatas: Uint8Array[] = []
    for (let i = 0; i < count; i++) {
      const next = at + 2 + readU16High(bytes, at)
      rdatas.push(bytes.subarray(at + 2, next))
      at = next
    }
    return rdatas
  }
}

export class ZoneNode {
  /** Canonical. */
  readonly name: Name
  /** Where it is encoded: never changed, so it may be copied at any time. */
  readonly bytes: Uint8Array
  readonly at: number
  #rrsets: readonly ZoneRRset[] | undefined

  constructor(name: Name, bytes: Uint8Array, at: number) {
    this.name = name
    this.bytes = bytes
    this.at = at
  }

  /** Nodes one label below. */
  get children(): number {
    return readU32(this.bytes, this.at + HEAD.number)
  }

  /** Bits of NODE_FLAG. */
  get flags(): number {
    return this.bytes[this.at + HEAD.flags]! & ~DEAD
  }

  /** In the order of their types; empty for an empty non-terminal. */
  get rrsets(): readonly ZoneRRset[] {
    return (this.#rrsets ??= this.#decode())
  }

  /** The same in memory of its own. */
  detached(): ZoneNode {
    const { name, bytes, at } = this
    return new ZoneNode(name, bytes.slice(at, at + readU32(bytes, at + HEAD.octets)), 0)
  }

  #decode(): readonly ZoneRRset[] {
    const { bytes, at } = this
    const count = bytes[at + HEAD.count]! | (bytes[at + HEAD.count + 1]! << 8)
    if (count === 0) return NO_RRSETS
    let next = at + HEAD.name + bytes[at]!
    if (count === 1) return [new ZoneRRset(bytes, next)]
    const rrsets: ZoneRRset[] = []
    for (let i = 0; i < count; i++) {
      rrsets.push(new ZoneRRset(bytes, next))
      next += readU32High(bytes, next + RRSET.octets)
    }
    return rrsets
  }
}

export function rrsetOf(node: ZoneNode, type: number): ZoneRRset | undefined {
  const { rrsets } = node
  for (let i = 0; i < rrsets.length; i++) if (rrsets[i]!.type === type) return rrsets[i]
  return undefined
}

export function hasDname(node: ZoneNode): boolean {
  return (node.flags & NODE_FLAG.DNAME) !== 0
}

/** Offsets of an rrset's fields. */
export const RRSET = { ttl: 2, rdatas: 6, octets: 10, rdata: 14 } as const

export const UNEVEN = 0x8000_0000

/** An rrset this long is SPECIAL: with a head for each of its records it may be too much for a message. */
const LARGE_RRSET_OCTETS = 8192

/** What an rrset of `type` makes of its node. */
export function flagsOf(type: number, octets: number, isUneven: boolean): number {
  const flags = type < FLAGS.length ? FLAGS[type]! : 0
  return isUneven || octets >= LARGE_RRSET_OCTETS ? flags | NODE_FLAG.SPECIAL : flags
}

/** One rrset to be encoded: each rdata once, with the TTL of every line that says it. */
export type RRsetDraft = {
  readonly type: number
  readonly lines: readonly { readonly rdata: Uint8Array; readonly ttls: readonly number[] }[]
}

export function encodeRRset({ type, lines }: RRsetDraft): Uint8Array {
  let ttl = lines[0]!.ttls[0]!
  let isUneven = false
  let octets = RRSET.rdata
  for (const { rdata, ttls } of lines) {
    octets += 2 + rdata.length
    isUneven ||= ttls.length > 1
    for (const other of ttls) {
      isUneven ||= other !== ttl
      ttl = Math.min(ttl, other)
    }
  }
  if (isUneven) for (const { ttls } of lines) octets += 4 + 4 * ttls.length
  const out = new Uint8Array(octets)
  writeU16High(out, 0, type)
  writeU32High(out, RRSET.ttl, ttl)
  writeU32High(out, RRSET.rdatas, isUneven ? lines.length | UNEVEN : lines.length)
  writeU32High(out, RRSET.octets, octets)
  let at: number = RRSET.rdata
  for (const { rdata } of lines) {
    writeU16High(out, at, rdata.length)
    out.set(rdata, at + 2)
    at += 2 + rdata.length
  }
  if (!isUneven) return out
  for (const { ttls } of lines) {
    writeU32High(out, at, ttls.length)
    at += 4
    for (const other of ttls) {
      writeU32High(out, at, other)
      at += 4
    }
  }
  return out
}

/** `rrsets` encoded, in the order of their types. */
export function encodeNode(name: Name, children: number, rrsets: readonly Uint8Array[]): ZoneNode {
  let octets = HEAD.name + name.length
  for (const rrset of rrsets) octets += rrset.length
  const out = new Uint8Array(octets)
  out[HEAD.nameOctets] = name.length
  out[HEAD.count] = rrsets.length
  out[HEAD.count + 1] = rrsets.length >>> 8
  writeU32(out, HEAD.number, children)
  writeU32(out, HEAD.octets, octets)
  for (let i = 0; i < name.length; i++) out[HEAD.name + i] = name.charCodeAt(i)
  let at = HEAD.name + name.length
  let flags = 0
  for (const rrset of rrsets) {
    out.set(rrset, at)
    at += rrset.length
    const isUneven = (readU32High(rrset, RRSET.rdatas) & UNEVEN) !== 0
    flags |= flagsOf(readU16High(rrset, 0), rrset.length, isUneven)
  }
  out[HEAD.flags] = flags
  return new ZoneNode(name, out, 0)
}

export function readU16High(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function readU32High(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  )
}

export function writeU16High(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function writeU32High(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function namesOf(type: number, rdatas: readonly Uint8Array[]): readonly SuffixedName[] {
  const offset = NAME_OFFSETS[type]
  if (offset === undefined) return NO_NAMES
  const names: SuffixedName[] = []
  for (const rdata of rdatas) {
    let at = offset
    for (let left = type === TYPE.SOA ? 2 : 1; left > 0; left--) {
      const name = decodeName(rdata, at)
      if (!name.ok) throw new Bug(`Rdata of type ${type} was not checked: ${name.error}`)
      names.push(withSuffixes(name.value.name))
      at = name.value.next
    }
  }
  return names
}

const NO_NAMES: readonly SuffixedName[] = []
const NO_RRSETS: readonly ZoneRRset[] = []

/** Where the name of a host stands in the rdata of the types that have one. */
const NAME_OFFSETS: { readonly [type: number]: number | undefined } = {
  [TYPE.NS]: 0,
  [TYPE.CNAME]: 0,
  [TYPE.SOA]: 0,
  [TYPE.PTR]: 0,
  [TYPE.MX]: 2,
  [TYPE.SRV]: 6,
  [TYPE.DNAME]: 0,
  [TYPE.SVCB]: 2,
  [TYPE.HTTPS]: 2,
}

/** By type number; all others mean nothing. */
const FLAGS = new Uint8Array(64)
for (const [type, flags] of [
  [TYPE.NS, NODE_FLAG.NS | NODE_FLAG.REFERRING],
  [TYPE.MX, NODE_FLAG.HOST | NODE_FLAG.REFERRING],
  [TYPE.SRV, NODE_FLAG.REFERRING],
  [TYPE.A, NODE_FLAG.HOST],
  [TYPE.AAAA, NODE_FLAG.HOST],
  [TYPE.CNAME, NODE_FLAG.CNAME],
  [TYPE.DNAME, NODE_FLAG.DNAME],
  [TYPE.SOA, NODE_FLAG.SPECIAL],
  [TYPE.NSEC3, NODE_FLAG.SPECIAL],
  [TYPE.NSEC, NODE_FLAG.NSEC],
] as const)
  FLAGS[type] = flags
