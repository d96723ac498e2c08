// Compact denial of existence (RFC 9824): a name that is not there is answered as one that has no records of any type,
// by one NSEC record at that name, made and signed for the question; a wildcard's records are signed under the name that
// was asked for (§3.3). Next names are the closest there are, so that nothing else is denied (RFC 4470).
import { isAtOrBelow, parentName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { nsecRdata } from '../../../../shared/dnssec/nsec.ts'
import type { RRset } from '../../../../shared/dnssec/rrsig.ts'
import type { AnsweredZone } from '../zone/answered-zone.ts'
import {
  encodeNode,
  encodeRRset,
  NODE_FLAG,
  type ZoneNode,
  type ZoneRRset,
} from '../zone/zone-node.ts'
import type { OnlineSignatures } from './online-signatures.ts'
import { isInBitmap } from './zone-names.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63

export class CompactDenial {
  readonly #signatures: OnlineSignatures

  constructor(signatures: OnlineSignatures) {
    this.#signatures = signatures
  }

  covers(zone: AnsweredZone): boolean {
    return this.#signatures.covers(zone)
  }

  /**
   * A node at `name` with its NSEC record and the signatures over it. `node` is what is there: the name's own, a wildcard
   * that stands in for it, or nothing. Undefined when nothing may be signed now.
   */
  deny(
    zone: AnsweredZone,
    name: Name,
    node: ZoneNode | undefined,
    ttlSeconds: number,
  ): ZoneNode | undefined {
    const isCut =
      node !== undefined &&
      node.name === name &&
      name !== zone.origin &&
      (node.flags & NODE_FLAG.NS) !== 0
    const next = isCut ? nameAfterAll(name, zone.origin) : nameAfter(name, zone.origin)
    const rdata = nsecRdata(next, typesOf(node, isCut))
    const nsec = { owner: name, type: TYPE.NSEC, ttlSeconds, rdatas: [rdata] }
    const rrsigs = this.#signatures.over(zone, nsec)
    if (rrsigs === undefined) return undefined
    return encodeNode(name, 0, [
      encoded(TYPE.RRSIG, ttlSeconds, rrsigs),
      encoded(TYPE.NSEC, ttlSeconds, [rdata]),
    ])
  }

  /** The signatures over a wildcard's rrset under the name that it stands in for, as a node; undefined as for `deny`. */
  expand(zone: AnsweredZone, name: Name, rrset: ZoneRRset): ZoneNode | undefined {
    const { type, ttlSeconds, rdatas } = rrset
    const signed: RRset = { owner: name, type, ttlSeconds, rdatas }
    const rrsigs = this.#signatures.over(zone, signed)
    return rrsigs && encodeNode(name, 0, [encoded(TYPE.RRSIG, ttlSeconds, rrsigs)])
  }
}

/** The name right behind `name` in canonical order, and before anything below it; the origin behind the last one. */
export function nameAfter(name: Name, origin: Name): Name {
  if (name.length + 2 > NAME_LIMIT_OCTETS) return nameAfterAll(name, origin)
  return `\x01\0${name}` as Name
}

/** The name right behind `name` and all that may be below it. `name` is canonical, at or below the origin. */
export function nameAfterAll(name: Name, origin: Name): Name {
  if (name === origin || !isAtOrBelow(name, origin)) return origin
  const octets = name.charCodeAt(0)
  const label = name.slice(1, 1 + octets)
  const parent = parentName(name)!
  if (octets < LABEL_LIMIT_OCTETS && name.length < NAME_LIMIT_OCTETS)
    return `${String.fromCharCode(octets + 1)}${label}\0${parent}` as Name
  // No longer label may follow: the next one has a higher octet.
  const trimmed = label.replace(/\xff+$/, '')
  if (trimmed === '') return nameAfterAll(parent, origin)
  const last = trimmed.charCodeAt(trimmed.length - 1)
  // Capitals stand where small letters do.
  const higher = String.fromCharCode(last === AT_SIGN ? LEFT_BRACKET : last + 1)
  return `${String.fromCharCode(trimmed.length)}${trimmed.slice(0, -1)}${higher}${parent}` as Name
}

function typesOf(node: ZoneNode | undefined, isCut: boolean): readonly number[] {
  const types: number[] = [TYPE.RRSIG, TYPE.NSEC]
  if (node === undefined) return [...types, TYPE.NXNAME]
  const kind = isCut ? 'delegation' : 'data'
  for (const { type } of node.rrsets) if (isInBitmap(kind, type)) types.push(type)
  return types
}

function encoded(type: number, ttlSeconds: number, rdatas: readonly Uint8Array[]): Uint8Array {
  return encodeRRset({ type, lines: rdatas.map((rdata) => ({ rdata, ttls: [ttlSeconds] })) })
}

const AT_SIGN = 0x40
const LEFT_BRACKET = 0x5b
