// What the data of each record type is made of, field by field.
// A type that is not here has the generic form alone (RFC 3597 §5): WKS, NULL, NSAP, NXT and all the unknown.
import {
  base64,
  hex,
  hexGroups,
  ipv4,
  ipv6,
  longString,
  mnemonic,
  name,
  plainName,
  recordType,
  salt,
  seconds,
  string,
  strings,
  tag,
  time,
  typeBitmap,
  u16,
  u32,
  u8,
  type Field,
} from './rdata-fields.ts'
import {
  addressPrefixes,
  amtRelay,
  base32hex,
  hostIdentity,
  ipsecGateway,
} from './rdata-gateway.ts'
import { location } from './rdata-loc.ts'
import { svcParams } from './rdata-svcb.ts'
import { TYPE } from './record-types.ts'

export type Shape = {
  /** In wire order, with the RFC's word for each. */
  readonly fields: readonly (readonly [label: string, field: Field])[]
  /** What the fields must be to each other; why not, when they are not. */
  readonly check?: (rdata: Uint8Array) => string | undefined
}

export function shapeOf(type: number): Shape | undefined {
  return SHAPES.get(type)
}

/** The fields by their labels, in wire order. */
function shape(fields: { readonly [label: string]: Field }, check?: Shape['check']): Shape {
  return { fields: Object.entries(fields), ...(check === undefined ? {} : { check }) }
}

/** Digests have the length of their algorithm; `at` holds the algorithm and the digest follows `digestAt`. */
function digestCheck(
  at: number,
  digestAt: number,
  lengths: { readonly [algorithm: number]: number | undefined },
): (rdata: Uint8Array) => string | undefined {
  return (rdata) => {
    const wanted = lengths[rdata[at]!]
    const found = rdata.length - digestAt
    if (wanted === undefined || wanted === found) return undefined
    return `Digest of ${found} octets where type ${rdata[at]} has ${wanted}`
  }
}

/** RFC 8976 §2.2.4: at least twelve octets, and those of known algorithms in full. */
function checkZoneDigest(rdata: Uint8Array): string | undefined {
  const found = rdata.length - 6
  if (found < 12) return `Digest of ${found} octets where 12 are the least`
  return rdata[4] === 1 ? ZONE_DIGEST_CHECK(rdata) : undefined
}

function checkIsdn(rdata: Uint8Array): string | undefined {
  let count = 0
  for (let at = 0; at < rdata.length; at += 1 + rdata[at]!) count++
  return count <= 2 ? undefined : 'More than an address and a subaddress'
}

/** IANA DNS Security Algorithm Numbers. */
const ALGORITHMS = {
  DELETE: 0,
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  NSEC3DSA: 6,
  'RSASHA1-NSEC3-SHA1': 7,
  NSEC3RSASHA1: 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECCGOST: 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
}
const DIGESTS = { 'SHA-1': 1, SHA1: 1, 'SHA-256': 2, SHA256: 2, GOST: 3, 'SHA-384': 4, SHA384: 4 }
const CERTIFICATES = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPKIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
}
/** RFC 7218. */
const TLSA_USAGES = { 'PKIX-TA': 0, 'PKIX-EE': 1, 'DANE-TA': 2, 'DANE-EE': 3, PRIVCERT: 255 }
const TLSA_SELECTORS = { CERT: 0, SPKI: 1, PRIVSEL: 255 }
const TLSA_MATCHINGS = { FULL: 0, 'SHA2-256': 1, 'SHA2-512': 2, PRIVMATCH: 255 }

const algorithm = mnemonic(1, ALGORITHMS)
const ZONE_DIGEST_CHECK = digestCheck(5, 6, { 1: 48, 2: 64 })

const ONE_NAME = shape({ name })
const TEXT = shape({ text: strings })
const PREFERRED = shape({ preference: u16, host: plainName })
const DELEGATION = shape(
  { 'key tag': u16, algorithm, 'digest type': mnemonic(1, DIGESTS), digest: hex },
  digestCheck(3, 4, { 1: 20, 2: 32, 3: 32, 4: 48 }),
)
const KEY = shape({ flags: u16, protocol: u8, algorithm, 'public key': base64 })
const SIGNATURE = shape({
  'type covered': recordType,
  algorithm,
  labels: u8,
  'original TTL': seconds,
  expiration: time,
  inception: time,
  'key tag': u16,
  signer: plainName,
  signature: base64,
})
const ASSOCIATION = shape({
  usage: mnemonic(1, TLSA_USAGES),
  selector: mnemonic(1, TLSA_SELECTORS),
  'matching type': mnemonic(1, TLSA_MATCHINGS),
  'association data': hex,
})
const SERVICE = shape({ priority: u16, target: plainName, parameters: svcParams })
const LOCATOR64 = shape({ preference: u16, locator: hexGroups(8, 2, ':') })
const SOA = shape({
  mname: name,
  rname: name,
  serial: u32,
  refresh: seconds,
  retry: seconds,
  expire: seconds,
  minimum: seconds,
})
const NAPTR = shape({
  order: u16,
  preference: u16,
  flags: string,
  services: string,
  regexp: string,
  replacement: plainName,
})
const CERT = shape({
  type: mnemonic(2, CERTIFICATES),
  'key tag': u16,
  algorithm,
  certificate: base64,
})
const NSEC3 = shape({
  'hash algorithm': u8,
  flags: u8,
  iterations: u16,
  salt,
  'next hashed owner': base32hex,
  types: typeBitmap({ mayBeEmpty: true }),
})
const DSYNC = shape({
  type: recordType,
  scheme: mnemonic(1, { NOTIFY: 1 }),
  port: u16,
  target: plainName,
})
const SSHFP = shape(
  { algorithm: u8, 'fingerprint type': u8, fingerprint: hex },
  digestCheck(1, 2, { 1: 20, 2: 32 }),
)
const ZONEMD = shape(
  { serial: u32, scheme: u8, 'hash algorithm': u8, digest: hex },
  checkZoneDigest,
)

const SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [TYPE.A, shape({ address: ipv4 })],
  [TYPE.NS, ONE_NAME],
  [TYPE.MD, ONE_NAME],
  [TYPE.MF, ONE_NAME],
  [TYPE.CNAME, ONE_NAME],
  [TYPE.SOA, SOA],
  [TYPE.MB, ONE_NAME],
  [TYPE.MG, ONE_NAME],
  [TYPE.MR, ONE_NAME],
  [TYPE.PTR, ONE_NAME],
  [TYPE.HINFO, shape({ CPU: string, OS: string })],
  [TYPE.MINFO, shape({ mailbox: name, 'error mailbox': name })],
  [TYPE.MX, shape({ preference: u16, exchange: name })],
  [TYPE.TXT, TEXT],
  [TYPE.RP, shape({ mailbox: plainName, 'text owner': plainName })],
  [TYPE.AFSDB, PREFERRED],
  [TYPE.X25, shape({ address: string })],
  [TYPE.ISDN, shape({ address: strings }, checkIsdn)],
  [TYPE.RT, PREFERRED],
  [TYPE.SIG, SIGNATURE],
  [TYPE.KEY, KEY],
  [TYPE.PX, shape({ preference: u16, map822: plainName, mapx400: plainName })],
  [TYPE.GPOS, shape({ longitude: string, latitude: string, altitude: string })],
  [TYPE.AAAA, shape({ address: ipv6 })],
  [TYPE.LOC, shape({ position: location })],
  [TYPE.SRV, shape({ priority: u16, weight: u16, port: u16, target: plainName })],
  [TYPE.NAPTR, NAPTR],
  [TYPE.KX, PREFERRED],
  [TYPE.CERT, CERT],
  [TYPE.DNAME, shape({ target: plainName })],
  [TYPE.APL, shape({ prefixes: addressPrefixes })],
  [TYPE.DS, DELEGATION],
  [TYPE.SSHFP, SSHFP],
  [TYPE.IPSECKEY, shape({ precedence: u8, gateway: ipsecGateway })],
  [TYPE.RRSIG, SIGNATURE],
  [TYPE.NSEC, shape({ 'next name': plainName, types: typeBitmap({ mayBeEmpty: false }) })],
  [TYPE.DNSKEY, KEY],
  [TYPE.DHCID, shape({ digest: base64 })],
  [TYPE.NSEC3, NSEC3],
  [TYPE.NSEC3PARAM, shape({ 'hash algorithm': u8, flags: u8, iterations: u16, salt })],
  [TYPE.TLSA, ASSOCIATION],
  [TYPE.SMIMEA, ASSOCIATION],
  [TYPE.HIP, shape({ identity: hostIdentity })],
  [TYPE.CDS, DELEGATION],
  [TYPE.CDNSKEY, KEY],
  [TYPE.OPENPGPKEY, shape({ 'public key': base64 })],
  [TYPE.CSYNC, shape({ serial: u32, flags: u16, types: typeBitmap({ mayBeEmpty: true }) })],
  [TYPE.ZONEMD, ZONEMD],
  [TYPE.SVCB, SERVICE],
  [TYPE.HTTPS, SERVICE],
  [TYPE.DSYNC, DSYNC],
  [TYPE.SPF, TEXT],
  [TYPE.NID, LOCATOR64],
  [TYPE.L32, shape({ preference: u16, locator: ipv4 })],
  [TYPE.L64, LOCATOR64],
  [TYPE.LP, PREFERRED],
  [TYPE.EUI48, shape({ address: hexGroups(6, 1, '-') })],
  [TYPE.EUI64, shape({ address: hexGroups(8, 1, '-') })],
  [TYPE.URI, shape({ priority: u16, weight: u16, target: longString({ minOctets: 1 }) })],
  [TYPE.CAA, shape({ flags: u8, tag, value: longString({ minOctets: 0 }) })],
  [TYPE.AVC, TEXT],
  [TYPE.AMTRELAY, shape({ precedence: u8, relay: amtRelay })],
  [TYPE.RESINFO, TEXT],
  [TYPE.WALLET, TEXT],
  [TYPE.TA, DELEGATION],
  [TYPE.DLV, DELEGATION],
])
