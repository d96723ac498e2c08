// The canonical form of names, rdata and rrsets that DNSSEC signs and digests (RFC 4034 §6, RFC 6840 §5.1).
import { labelCount, type Name } from '../dns/name.ts'
import { rdataNames } from '../dns/rdata.ts'
import { TYPE } from '../dns/record-types.ts'

/**
 * A string that sorts (as JavaScript compares strings) where `name` (canonical) stands in canonical order (§6.1):
 * labels from the root on, each closed by a zero. Names below a name are those whose key begins with its key.
 */
export function orderKey(name: Name): string {
  const ends: number[] = []
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at)) ends.push(at)
  let key = ''
  for (let i = ends.length - 1; i >= 0; i--) {
    const at = ends[i]! + 1
    const label = name.slice(at, at + name.charCodeAt(at - 1))
    key += (ESCAPED.test(label) ? label.replace(ESCAPED_ALL, escapeOctet) : label) + '\0'
  }
  return key
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

function escapeOctet(octet: string): string {
  return octet === '\0' ? '\x01\x01' : '\x01\x02'
}

const UPPER_A = 0x41
const UPPER_Z = 0x5a
const LOWER = 0x20
// oxlint-disable-next-line no-control-regex -- labels hold any octet
const ESCAPED = /[\0\x01]/
// oxlint-disable-next-line no-control-regex -- labels hold any octet
const ESCAPED_ALL = /[\0\x01]/g

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
