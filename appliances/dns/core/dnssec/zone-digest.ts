// The digest over a whole zone (RFC 8976, scheme SIMPLE, SHA-384 made and SHA-512 checked too).
import { createHash, type Hash } from 'node:crypto'
import type { Name } from '../../../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import { coveredType, recordTtlSeconds, rrsetOf, type Zone, type ZoneNode } from '../zone/zone.ts'
import { canonicalRdatas, orderKey } from '../../../../shared/dnssec/canonical.ts'

const SCHEME_SIMPLE = 1
const HASHES: { readonly [number: number]: string | undefined } = { 1: 'sha384', 2: 'sha512' }
export const ZONEMD_SHA384 = 1
const SHA384_OCTETS = 48
const HEAD_OCTETS = 6
/** Names digested between two places where the work may pause. */
const NAMES_AT_ONCE = 256

export function zonemdRdata(serial: number, digest: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEAD_OCTETS)
  head.writeUInt32BE(serial)
  head[4] = SCHEME_SIMPLE
  head[5] = ZONEMD_SHA384
  return Buffer.concat([head, digest])
}

/** Stands where the digest will be while it is made (RFC 8976 §3.1). */
export function zonemdPlaceholder(serial: number): Uint8Array {
  return zonemdRdata(serial, new Uint8Array(SHA384_OCTETS))
}

/** Pauses now and then. The zone may be published and changed from meanwhile: names are listed first. */
export function* zoneDigest(
  zone: Zone,
  hashAlgorithm: number = ZONEMD_SHA384,
): Generator<void, Buffer> {
  const hash = createHash(HASHES[hashAlgorithm]!)
  const names = namesInOrder(zone)
  yield
  for (let i = 0; i < names.length; i++) {
    digestNode(hash, zone, names[i]!)
    if (i % NAMES_AT_ONCE === NAMES_AT_ONCE - 1) yield
  }
  return hash.digest()
}

export type DigestVerdict = 'absent' | 'unknown' | 'stale' | 'good' | 'bad'

/**
 * Whether the zone's own ZONEMD holds (RFC 8976 §4): `unknown` when none is of a kind known here, `stale` when its
 * serial is not the zone's. Takes as long as the zone is large.
 */
export function checkZoneDigest(zone: Zone): DigestVerdict {
  const zonemd = zone.apex === undefined ? undefined : rrsetOf(zone.apex, TYPE.ZONEMD)
  if (zonemd === undefined) return 'absent'
  let verdict: DigestVerdict = 'unknown'
  const kinds = zonemd.rdatas.map((rdata) => `${rdata[4]} ${rdata[5]}`)
  for (const rdata of zonemd.rdatas) {
    const view = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length)
    const algorithm = rdata[5]!
    const isDoubled = kinds.filter((kind) => kind === `${rdata[4]} ${rdata[5]}`).length > 1
    if (rdata[4] !== SCHEME_SIMPLE || HASHES[algorithm] === undefined || isDoubled) continue
    if (view.readUInt32BE() !== zone.serial) {
      verdict = 'stale'
      continue
    }
    const work = zoneDigest(zone, algorithm)
    let step = work.next()
    while (step.done !== true) step = work.next()
    if (step.value.equals(view.subarray(HEAD_OCTETS))) return 'good'
    verdict = 'bad'
  }
  return verdict
}

/** A name that is a hash too has its records in two tables. */
function namesInOrder(zone: Zone): readonly Name[] {
  const keyed = new Map<Name, string>()
  for (const { name, rrsets } of zone.everyNode())
    if (rrsets.length > 0) keyed.set(name, orderKey(name))
  const all = [...keyed].sort(([, a], [, b]) => (a < b ? -1 : 1))
  return all.map(([name]) => name)
}

type Digested = { readonly type: number; readonly rdata: Uint8Array; readonly ttlSeconds: number }

function digestNode(hash: Hash, zone: Zone, name: Name): void {
  const records: Digested[] = []
  for (const node of [zone.nodes.get(name), zone.hashed.get(name)])
    if (node !== undefined) collectRecords(node, name === zone.origin, records)
  records.sort((a, b) => a.type - b.type || Buffer.compare(a.rdata, b.rdata))
  for (const { type, rdata, ttlSeconds } of records) {
    const head = Buffer.allocUnsafe(name.length + 10)
    let at = head.write(name, 0, 'latin1')
    at = head.writeUInt16BE(type, at)
    at = head.writeUInt16BE(CLASS.IN, at)
    at = head.writeUInt32BE(ttlSeconds, at)
    head.writeUInt16BE(rdata.length, at)
    hash.update(head).update(rdata)
  }
}

/** The digest of the apex does not count itself, nor the signature over it (RFC 8976 §3.3.1). */
function collectRecords(node: ZoneNode, isApex: boolean, records: Digested[]): void {
  for (const rrset of node.rrsets) {
    const { type } = rrset
    if (isApex && type === TYPE.ZONEMD) continue
    for (const rdata of canonicalRdatas(type, rrset.rdatas)) {
      if (isApex && type === TYPE.RRSIG && coveredType(rdata) === TYPE.ZONEMD) continue
      records.push({ type, rdata, ttlSeconds: recordTtlSeconds(node, rrset, rdata) })
    }
  }
}
