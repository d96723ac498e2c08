// Numbers and mnemonics of record types and classes (IANA DNS parameters; unknown ones as RFC 3597 §5 has them).

export const TYPE = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  DSYNC: 66,
  SPF: 99,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  AMTRELAY: 260,
  RESINFO: 261,
  WALLET: 262,
  TA: 32768,
  DLV: 32769,
} as const

export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

/** A mnemonic in any case, or `TYPE` and a number up to 65535; undefined for anything else. */
export function typeNumber(text: string): number | undefined {
  return NUMBERS.get(text) ?? NUMBERS.get(text.toUpperCase()) ?? genericNumber('TYPE', text)
}

export function typeText(type: number): string {
  return MNEMONICS.get(type) ?? `TYPE${type}`
}

/** A mnemonic in any case, or `CLASS` and a number up to 65535; undefined for anything else. */
export function classNumber(text: string): number | undefined {
  return CLASSES.get(text.toUpperCase()) ?? genericNumber('CLASS', text)
}

/** Types that live in questions and messages, never in a zone (RFC 6895 §3.1: OPT and 128 to 255). */
export function isMetaType(type: number): boolean {
  return type === 0 || type === TYPE.OPT || (type >= 128 && type <= 255)
}

/** Leading zeros (`TYPE001`) are read, though nobody writes them. */
function genericNumber(prefix: string, text: string): number | undefined {
  const digits = text.slice(prefix.length)
  if (text.slice(0, prefix.length).toUpperCase() !== prefix) return undefined
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined
  const number = Number(digits)
  return number <= 0xffff ? number : undefined
}

const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(TYPE))
const MNEMONICS: ReadonlyMap<number, string> = new Map(
  Object.entries(TYPE).map(([text, number]) => [number, text]),
)
const CLASSES: ReadonlyMap<string, number> = new Map(Object.entries(CLASS))
