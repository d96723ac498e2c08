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
const DS_DIGEST_CHECK = digestCheck(3, 4, { 1: 20, 2: 32, 3: 32, 4: 48 })
const ZONE_DIGEST_CHECK = digestCheck(5, 6, { 1: 48, 2: 64 })

const ONE_NAME: Shape = { fields: [['name', name]] }
const TEXT: Shape = { fields: [['text', strings]] }
const TWO_NAMES: Shape['fields'] = [
  ['mailbox', name],
  ['error mailbox', name],
]
const PREFERRED: Shape = {
  fields: [
    ['preference', u16],
    ['host', plainName],
  ],
}
const DELEGATION: Shape = {
  fields: [
    ['key tag', u16],
    ['algorithm', algorithm],
    ['digest type', mnemonic(1, DIGESTS)],
    ['digest', hex],
  ],
  check: DS_DIGEST_CHECK,
}
const KEY: Shape = {
  fields: [
    ['flags', u16],
    ['protocol', u8],
    ['algorithm', algorithm],
    ['public key', base64],
  ],
}
const SIGNATURE: Shape = {
  fields: [
    ['type covered', recordType],
    ['algorithm', algorithm],
    ['labels', u8],
    ['original TTL', seconds],
    ['expiration', time],
    ['inception', time],
    ['key tag', u16],
    ['signer', plainName],
    ['signature', base64],
  ],
}
const ASSOCIATION: Shape = {
  fields: [
    ['usage', mnemonic(1, TLSA_USAGES)],
    ['selector', mnemonic(1, TLSA_SELECTORS)],
    ['matching type', mnemonic(1, TLSA_MATCHINGS)],
    ['association data', hex],
  ],
}
const SERVICE: Shape = {
  fields: [
    ['priority', u16],
    ['target', plainName],
    ['parameters', svcParams],
  ],
}
const LOCATOR64: Shape = {
  fields: [
    ['preference', u16],
    ['locator', hexGroups(8, 2, ':')],
  ],
}

const SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [TYPE.A, { fields: [['address', ipv4]] }],
  [TYPE.NS, ONE_NAME],
  [TYPE.MD, ONE_NAME],
  [TYPE.MF, ONE_NAME],
  [TYPE.CNAME, ONE_NAME],
  [
    TYPE.SOA,
    {
      fields: [
        ['mname', name],
        ['rname', name],
        ['serial', u32],
        ['refresh', seconds],
        ['retry', seconds],
        ['expire', seconds],
        ['minimum', seconds],
      ],
    },
  ],
  [TYPE.MB, ONE_NAME],
  [TYPE.MG, ONE_NAME],
  [TYPE.MR, ONE_NAME],
  [TYPE.PTR, ONE_NAME],
  [
    TYPE.HINFO,
    {
      fields: [
        ['CPU', string],
        ['OS', string],
      ],
    },
  ],
  [TYPE.MINFO, { fields: TWO_NAMES }],
  [
    TYPE.MX,
    {
      fields: [
        ['preference', u16],
        ['exchange', name],
      ],
    },
  ],
  [TYPE.TXT, TEXT],
  [
    TYPE.RP,
    {
      fields: [
        ['mailbox', plainName],
        ['text owner', plainName],
      ],
    },
  ],
  [TYPE.AFSDB, PREFERRED],
  [TYPE.X25, { fields: [['address', string]] }],
  [TYPE.ISDN, { fields: [['address', strings]], check: checkIsdn }],
  [TYPE.RT, PREFERRED],
  [TYPE.SIG, SIGNATURE],
  [TYPE.KEY, KEY],
  [
    TYPE.PX,
    {
      fields: [
        ['preference', u16],
        ['map822', plainName],
        ['mapx400', plainName],
      ],
    },
  ],
  [
    TYPE.GPOS,
    {
      fields: [
        ['longitude', string],
        ['latitude', string],
        ['altitude', string],
      ],
    },
  ],
  [TYPE.AAAA, { fields: [['address', ipv6]] }],
  [TYPE.LOC, { fields: [['position', location]] }],
  [
    TYPE.SRV,
    {
      fields: [
        ['priority', u16],
        ['weight', u16],
        ['port', u16],
        ['target', plainName],
      ],
    },
  ],
  [
    TYPE.NAPTR,
    {
      fields: [
        ['order', u16],
        ['preference', u16],
        ['flags', string],
        ['services', string],
        ['regexp', string],
        ['replacement', plainName],
      ],
    },
  ],
  [TYPE.KX, PREFERRED],
  [
    TYPE.CERT,
    {
      fields: [
        ['type', mnemonic(2, CERTIFICATES)],
        ['key tag', u16],
        ['algorithm', algorithm],
        ['certificate', base64],
      ],
    },
  ],
  [TYPE.DNAME, { fields: [['target', plainName]] }],
  [TYPE.APL, { fields: [['prefixes', addressPrefixes]] }],
  [TYPE.DS, DELEGATION],
  [
    TYPE.SSHFP,
    {
      fields: [
        ['algorithm', u8],
        ['fingerprint type', u8],
        ['fingerprint', hex],
      ],
      check: digestCheck(1, 2, { 1: 20, 2: 32 }),
    },
  ],
  [
    TYPE.IPSECKEY,
    {
      fields: [
        ['precedence', u8],
        ['gateway', ipsecGateway],
      ],
    },
  ],
  [TYPE.RRSIG, SIGNATURE],
  [
    TYPE.NSEC,
    {
      fields: [
        ['next name', plainName],
        ['types', typeBitmap({ mayBeEmpty: false })],
      ],
    },
  ],
  [TYPE.DNSKEY, KEY],
  [TYPE.DHCID, { fields: [['digest', base64]] }],
  [
    TYPE.NSEC3,
    {
      fields: [
        ['hash algorithm', u8],
        ['flags', u8],
        ['iterations', u16],
        ['salt', salt],
        ['next hashed owner', base32hex],
        ['types', typeBitmap({ mayBeEmpty: true })],
      ],
    },
  ],
  [
    TYPE.NSEC3PARAM,
    {
      fields: [
        ['hash algorithm', u8],
        ['flags', u8],
        ['iterations', u16],
        ['salt', salt],
      ],
    },
  ],
  [TYPE.TLSA, ASSOCIATION],
  [TYPE.SMIMEA, ASSOCIATION],
  [TYPE.HIP, { fields: [['identity', hostIdentity]] }],
  [TYPE.CDS, DELEGATION],
  [TYPE.CDNSKEY, KEY],
  [TYPE.OPENPGPKEY, { fields: [['public key', base64]] }],
  [
    TYPE.CSYNC,
    {
      fields: [
        ['serial', u32],
        ['flags', u16],
        ['types', typeBitmap({ mayBeEmpty: true })],
      ],
    },
  ],
  [
    TYPE.ZONEMD,
    {
      fields: [
        ['serial', u32],
        ['scheme', u8],
        ['hash algorithm', u8],
        ['digest', hex],
      ],
      check: checkZoneDigest,
    },
  ],
  [TYPE.SVCB, SERVICE],
  [TYPE.HTTPS, SERVICE],
  [
    TYPE.DSYNC,
    {
      fields: [
        ['type', recordType],
        ['scheme', mnemonic(1, { NOTIFY: 1 })],
        ['port', u16],
        ['target', plainName],
      ],
    },
  ],
  [TYPE.SPF, TEXT],
  [TYPE.NID, LOCATOR64],
  [
    TYPE.L32,
    {
      fields: [
        ['preference', u16],
        ['locator', ipv4],
      ],
    },
  ],
  [TYPE.L64, LOCATOR64],
  [TYPE.LP, PREFERRED],
  [TYPE.EUI48, { fields: [['address', hexGroups(6, 1, '-')]] }],
  [TYPE.EUI64, { fields: [['address', hexGroups(8, 1, '-')]] }],
  [
    TYPE.URI,
    {
      fields: [
        ['priority', u16],
        ['weight', u16],
        ['target', longString({ minOctets: 1 })],
      ],
    },
  ],
  [
    TYPE.CAA,
    {
      fields: [
        ['flags', u8],
        ['tag', tag],
        ['value', longString({ minOctets: 0 })],
      ],
    },
  ],
  [TYPE.AVC, TEXT],
  [
    TYPE.AMTRELAY,
    {
      fields: [
        ['precedence', u8],
        ['relay', amtRelay],
      ],
    },
  ],
  [TYPE.RESINFO, TEXT],
  [TYPE.WALLET, TEXT],
  [TYPE.TA, DELEGATION],
  [TYPE.DLV, DELEGATION],
])
