// The canonical form of names, rdata and rrsets that DNSSEC signs and digests (RFC 4034 §6, RFC 6840 §5.1).
import { labelCount, ROOT, type Name } from '../dns/name.ts'
import { rdataNames } from '../dns/rdata.ts'
import { TYPE } from '../dns/record-types.ts'

/**
 * A string that sorts (as JavaScript compares strings) where `name` (canonical) stands in canonical order (§6.1) among
 * the names at and below `origin`: labels in front of it, the last one first, each closed by a zero. Octets 0 and 1 of a
 * label become 1 1 and 1 2. Names below a name are those whose key begins with its key.
 */
export function orderKey(name: Name, origin: Name = ROOT): string {
  const end = name.length - origin.length
  let key = ''
  for (let at = 0; at < end;) {
    const next = at + 1 + name.charCodeAt(at)
    key = `${escapeLabel(name.slice(at + 1, next))}\0${key}`
    at = next
  }
  return key
}

/** The name that has this key. */
export function nameOfKey(key: string, origin: Name): Name {
  let name: string = origin
  for (let at = 0; at < key.length;) {
    const end = key.indexOf('\0', at)
    const label = unescapeLabel(key.slice(at, end))
    name = String.fromCharCode(label.length) + label + name
    at = end + 1
  }
  return name as Name
}

/** Negative, zero or positive; both names canonical. */
export function compareNames(a: Name, b: Name): number {
  const [left, right] = [orderKey(a), orderKey(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** The same octets where nothing is to be changed: names in the data of the types of §6.2 in lower case. */
export function canonicalRdata(type: number, rdata: Uint8Array): Uint8Array {
  if (!LOWER_CASED.has(type)) return rdata
  let canonical: Uint8Array | undefined
  for (const { name, offset } of rdataNames(type, rdata)) {
    if (!/[A-Z]/.test(name)) continue
    canonical ??= rdata.slice()
    for (let at = offset; at < offset + name.length; at++) {
      const octet = canonical[at]!
      // No length octet is a letter.
      if (octet >= UPPER_A && octet <= UPPER_Z) canonical[at] = octet | LOWER
    }
  }
  return canonical ?? rdata
}

/** Canonical data in canonical order, without repetitions (§6.3). */
export function canonicalRdatas(
  type: number,
  rdatas: readonly Uint8Array[],
): readonly Uint8Array[] {
  if (rdatas.length === 1) {
    const only = rdatas[0]!
    const canonical = canonicalRdata(type, only)
    return canonical === only ? rdatas : [canonical]
  }
  return rdatas
    .map((rdata) => canonicalRdata(type, rdata))
    .sort((a, b) => Buffer.compare(a, b))
    .filter((rdata, i, all) => i === 0 || Buffer.compare(rdata, all[i - 1]!) !== 0)
}

/** The labels field of an RRSIG: neither the root nor a leading `*` counts (RFC 4034 §3.1.3). */
export function signedLabels(owner: Name): number {
  const isWildcard = owner.charCodeAt(0) === 1 && owner[1] === '*'
  return labelCount(owner) - (isWildcard ? 1 : 0)
}

function escapeLabel(label: string): string {
  for (let i = 0; i < label.length; i++)
    if (label.charCodeAt(i) <= 1)
      return label.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
  return label
}

function unescapeLabel(label: string): string {
  return label.includes('\x01')
    ? label.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01')
    : label
}

const UPPER_A = 0x41
const UPPER_Z = 0x5a
const LOWER = 0x20

/** RFC 4034 §6.2 without NSEC (RFC 6840 §5.1) and without HINFO, which has no names. */
const LOWER_CASED: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.MD,
  TYPE.MF,
  TYPE.CNAME,
  TYPE.SOA,
  TYPE.MB,
  TYPE.MG,
  TYPE.MR,
  TYPE.PTR,
  TYPE.MINFO,
  TYPE.MX,
  TYPE.RP,
  TYPE.AFSDB,
  TYPE.RT,
  TYPE.SIG,
  TYPE.PX,
  TYPE.NXT,
  TYPE.NAPTR,
  TYPE.KX,
  TYPE.SRV,
  TYPE.DNAME,
  TYPE.RRSIG,
])
