// Record data in presentation form, any that a zone file may hold, for each type; as fast-check arbitraries.
// The words are as BIND and ldns take them too, so that what we make of them can be held against both.
import fc from 'fast-check'
import { TYPE, typeText } from '../../shared/dns/record-types.ts'

type Words = fc.Arbitrary<readonly string[]>

const u8 = fc.nat(0xff).map(String)
const u16 = fc.nat(0xffff).map(String)
const u32 = fc.nat(0xffff_ffff).map(String)
const octets = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })
const seconds = fc.oneof(
  fc.nat(0x7fff_ffff).map(String),
  fc.constantFrom('1h', '2H30m', '1w', '1d2h3m4s', '0'),
)

const label = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '_tcp',
      'UPPER',
      '*',
      'x\\.y',
      'a\\032b',
      '\\255\\000',
      'a\\;b',
      '1',
    ),
  },
)

/** Absolute or relative. */
export const nameText: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '.'))
    .map(([labels, dot]) => labels.join('.') + dot),
  fc.constantFrom('.', '@', 'Ns.Example.Com.'),
)

/** A character string, quoted or not. */
export const stringText: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9=:.,~_/-]{1,20}$/),
  fc.constantFrom(
    '""',
    '"a b;c(d)"',
    'a\\"b',
    '"\\"\\\\"',
    '\\010x',
    'semi\\;colon',
    '\\(',
    'a\\ b',
    '"\\255"',
  ),
  octets(0, 255).map(quoted),
)

const ipv4 = fc.ipV4()
const ipv6 = fc.ipV6().filter((text) => /^[0-9a-f:.]+$/i.test(text))
const hex = (min: number, max: number) =>
  octets(min, max).map((bytes) => Buffer.from(bytes).toString('hex'))
const base64 = octets(1, 60).map((bytes) => Buffer.from(bytes).toString('base64'))
/** The same digits in several words. */
const split = (text: fc.Arbitrary<string>): Words =>
  fc
    .tuple(text, fc.nat(20))
    .map(([digits, at]) =>
      at === 0 || at >= digits.length ? [digits] : [digits.slice(0, at), digits.slice(at)],
    )

const time = fc
  .oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff, 951_782_400))
  .chain((value) => {
    const iso = new Date(value * 1000).toISOString()
    return fc.constantFrom(String(value), iso.slice(0, 19).replaceAll(/[-T:]/g, ''))
  })

const typeName = fc.constantFrom(
  'A',
  'NS',
  'MX',
  'TXT',
  'AAAA',
  'RRSIG',
  'CAA',
  'TYPE1234',
  'TYPE65280',
)
const typeNames = (minLength: number) => fc.uniqueArray(typeName, { minLength, maxLength: 6 })
// BIND looks into keys of private algorithms, which random ones are not.
const algorithm = fc.constantFrom(
  '5',
  '8',
  '13',
  '16',
  '200',
  'RSASHA256',
  'ED25519',
  'ECDSAP256SHA256',
)
const base32 = octets(20, 20).map((bytes) => {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  return (bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2).toString(32)).join('')
})
const salt = fc.oneof(fc.constant('-'), hex(1, 8))
const digest = fc.oneof(
  fc.tuple(fc.constantFrom('1', 'SHA-1'), split(hex(20, 20))),
  fc.tuple(fc.constantFrom('2', 'SHA-256'), split(hex(32, 32))),
  fc.tuple(fc.constant('4'), split(hex(48, 48))),
)
const delegation = fc
  .tuple(u16, algorithm, digest)
  .map(([tag, alg, [kind, value]]) => [tag, alg, kind, ...value])
const key = fc
  .tuple(fc.constantFrom('256', '257', '0'), fc.constant('3'), algorithm, split(base64))
  .map(([flags, protocol, alg, data]) => [flags, protocol, alg, ...data])
const signature = fc
  .tuple(
    typeName,
    algorithm,
    fc.integer({ min: 5, max: 127 }).map(String),
    fc.nat(0x7fff_ffff).map(String),
    time,
    time,
    u16,
    fc.constantFrom('@', '.', 'example.com.'),
    split(base64),
  )
  .map((parts) => parts.flat())
const association = fc
  .tuple(
    fc.oneof(u8, fc.constantFrom('0', '3')),
    fc.oneof(u8, fc.constantFrom('0', '1')),
    u8,
    split(hex(1, 64)),
  )
  .map((parts) => parts.flat())
const service: Words = fc
  .tuple(
    fc.integer({ min: 1, max: 0xffff }),
    nameText,
    fc.record({
      alpn: fc.option(
        fc.uniqueArray(fc.constantFrom('h2', 'h3', 'http/1.1', 'f\\\\\\\\oo\\\\,bar', 'a b'), {
          minLength: 1,
        }),
      ),
      noDefault: fc.boolean(),
      port: fc.option(u16),
      ipv4hint: fc.option(fc.array(ipv4, { minLength: 1, maxLength: 3 })),
      ech: fc.option(base64),
      ipv6hint: fc.option(fc.array(ipv6, { minLength: 1, maxLength: 3 })),
      dohpath: fc.boolean(),
      generic: fc.option(fc.tuple(fc.integer({ min: 600, max: 65_534 }), octets(0, 30))),
      mandatory: fc.boolean(),
      order: fc.nat(100),
    }),
  )
  .map(([priority, target, given]) => {
    const params: string[] = []
    if (given.alpn !== null) {
      params.push(`alpn="${given.alpn.join(',')}"`)
      if (given.noDefault) params.push('no-default-alpn')
    }
    if (given.port !== null) params.push(`port=${given.port}`)
    if (given.ipv4hint !== null) params.push(`ipv4hint=${given.ipv4hint.join(',')}`)
    if (given.ech !== null) params.push(`ech="${given.ech}"`)
    if (given.ipv6hint !== null) params.push(`ipv6hint=${given.ipv6hint.join(',')}`)
    if (given.dohpath) params.push('key7="/q{?dns}"')
    if (given.generic !== null) {
      const [number, value] = given.generic
      params.push(value.length === 0 ? `key${number}` : `key${number}=${quoted(value)}`)
    }
    const names = params.map((param) => param.replace(/=.*/s, ''))
    if (given.mandatory && names.length > 0)
      params.push(`mandatory=${names.toReversed().join(',')}`)
    const turned = params.map((_, i) => params[(i + given.order) % params.length]!)
    return [String(priority), target, ...turned]
  })

const metres = fc
  .integer({ min: -10_000_000, max: 40_000_000 })
  .map((cm) => `${(cm / 100).toFixed(2)}m`)
const precision = fc.constantFrom('0m', '1m', '0.01m', '30m', '10000m', '90000000m', '0.9m', '4000')
const degrees = (limit: number, signs: readonly string[]): fc.Arbitrary<readonly string[]> =>
  fc
    .tuple(fc.nat(limit - 1), fc.nat(59), fc.nat(59_999), fc.constantFrom(...signs), fc.nat(2))
    .map(([d, m, ms, sign, parts]) => {
      const words = [String(d), String(m), (ms / 1000).toFixed(3)]
      return [...words.slice(0, parts + 1), sign]
    })
const location: Words = fc
  .tuple(
    degrees(90, ['N', 'S']),
    degrees(180, ['E', 'W']),
    metres,
    fc.array(precision, { maxLength: 3 }),
  )
  .map((parts) => parts.flat())

const prefix = fc.oneof(
  fc
    .tuple(fc.constantFrom('', '!'), ipv4, fc.nat(32))
    .map(([not, address, n]) => `${not}1:${address}/${n}`),
  fc
    .tuple(fc.constantFrom('', '!'), ipv6, fc.nat(128))
    .map(([not, address, n]) => `${not}2:${address}/${n}`),
)
const gateway = fc.oneof(
  fc.constant(['0', '.']),
  ipv4.map((address) => ['1', address]),
  ipv6.map((address) => ['2', address]),
  nameText.map((name) => ['3', name]),
)
const words = (...parts: readonly fc.Arbitrary<string | readonly string[]>[]): Words =>
  fc.tuple(...parts).map((values) => values.flat())
const preferred = words(u16, nameText)
const strings = fc.array(stringText, { minLength: 1, maxLength: 4 })
const groups = (count: number, octetsEach: number, separator: string) =>
  octets(count * octetsEach, count * octetsEach).map((bytes) => {
    const digits = Buffer.from(bytes).toString('hex')
    return (digits.match(new RegExp(`.{${octetsEach * 2}}`, 'g')) ?? []).join(separator)
  })

/** The words of the data, by type number. */
export const RDATA_WORDS: ReadonlyMap<number, Words> = new Map<number, Words>([
  [TYPE.A, words(ipv4)],
  [TYPE.NS, words(nameText)],
  [TYPE.CNAME, words(nameText)],
  [TYPE.SOA, words(nameText, nameText, u32, seconds, seconds, seconds, seconds)],
  [TYPE.MB, words(nameText)],
  [TYPE.MG, words(nameText)],
  [TYPE.MR, words(nameText)],
  [TYPE.PTR, words(nameText)],
  [TYPE.HINFO, words(stringText, stringText)],
  [TYPE.MINFO, words(nameText, nameText)],
  [TYPE.MX, preferred],
  [TYPE.TXT, strings],
  [TYPE.RP, words(nameText, nameText)],
  [TYPE.AFSDB, preferred],
  [TYPE.X25, words(fc.stringMatching(/^[0-9]{4,15}$/))],
  [TYPE.ISDN, fc.array(fc.stringMatching(/^[0-9]{1,15}$/), { minLength: 1, maxLength: 2 })],
  [TYPE.RT, preferred],
  [TYPE.KEY, key],
  [TYPE.PX, words(u16, nameText, nameText)],
  [
    TYPE.GPOS,
    words(
      fc.constantFrom('-32.6882', '10'),
      fc.constantFrom('116.8652', '0'),
      fc.constantFrom('10.0', '"5"'),
    ),
  ],
  [TYPE.AAAA, words(ipv6)],
  [TYPE.LOC, location],
  [TYPE.SRV, words(u16, u16, u16, nameText)],
  [
    TYPE.NAPTR,
    words(
      u16,
      u16,
      fc.constantFrom('"S"', 'U', '""', 'a'),
      fc.constantFrom('"SIP+D2U"', '""', 'E2U+sip'),
      fc.constantFrom('""', '"!^.*$!sip:x@example.com!"'),
      nameText,
    ),
  ],
  [TYPE.KX, preferred],
  [
    TYPE.CERT,
    words(fc.oneof(u16, fc.constantFrom('PKIX', 'PGP', 'OID')), u16, algorithm, split(base64)),
  ],
  [TYPE.DNAME, words(nameText)],
  [TYPE.APL, fc.array(prefix, { maxLength: 4 })],
  [TYPE.DS, delegation],
  [
    TYPE.SSHFP,
    fc.oneof(
      words(u8, fc.constant('1'), split(hex(20, 20))),
      words(u8, fc.constant('2'), split(hex(32, 32))),
    ),
  ],
  [
    TYPE.IPSECKEY,
    words(
      u8,
      gateway.map((g) => [g[0]!, '2', g[1]!]),
      split(base64),
    ),
  ],
  [TYPE.RRSIG, signature],
  [TYPE.NSEC, words(nameText, typeNames(1))],
  [TYPE.DNSKEY, key],
  [TYPE.DHCID, split(octets(4, 40).map((bytes) => Buffer.from(bytes).toString('base64')))],
  [TYPE.NSEC3, words(fc.constant('1'), u8, u16, salt, base32, typeNames(0))],
  [TYPE.NSEC3PARAM, words(fc.constant('1'), u8, u16, salt)],
  [TYPE.TLSA, association],
  [TYPE.SMIMEA, association],
  [TYPE.HIP, words(fc.constant('2'), hex(16, 16), base64, fc.array(nameText, { maxLength: 3 }))],
  [TYPE.CDS, fc.oneof(delegation, fc.constant(['0', '0', '0', '00']))],
  [TYPE.CDNSKEY, fc.oneof(key, fc.constant(['0', '3', '0', 'AA==']))],
  [TYPE.OPENPGPKEY, split(base64)],
  [TYPE.CSYNC, words(u32, u16, typeNames(1))],
  [TYPE.ZONEMD, words(u32, fc.constant('1'), fc.constant('1'), split(hex(48, 48)))],
  [TYPE.SVCB, service],
  [TYPE.HTTPS, service],
  [TYPE.DSYNC, words(typeName, fc.constantFrom('NOTIFY', '1', '7'), u16, nameText)],
  [TYPE.SPF, strings],
  [TYPE.NID, words(u16, groups(4, 2, ':'))],
  [TYPE.L32, words(u16, ipv4)],
  [TYPE.L64, words(u16, groups(4, 2, ':'))],
  [TYPE.LP, preferred],
  [TYPE.EUI48, words(groups(6, 1, '-'))],
  [TYPE.EUI64, words(groups(8, 1, '-'))],
  [
    TYPE.URI,
    words(u16, u16, fc.constantFrom('"ftp://ftp1.example.com/public"', '"x"', '"a \\"b\\" \\010"')),
  ],
  [
    TYPE.CAA,
    words(
      fc.constantFrom('0', '128'),
      fc.constantFrom('issue', 'issuewild', 'iodef', 'x1'),
      fc.constantFrom('"ca.example.net; policy=ev"', '";"', '""', 'mailto:x@example.org'),
    ),
  ],
  [TYPE.AVC, strings],
  [
    TYPE.AMTRELAY,
    words(
      u8,
      fc.constantFrom('0', '1').chain((d) => gateway.map((g) => [d, ...g])),
    ),
  ],
  [TYPE.RESINFO, strings],
  [TYPE.WALLET, strings],
  [TYPE.TA, delegation],
  [TYPE.DLV, delegation],
  [
    4711,
    octets(0, 40).map((bytes) => [
      '\\#',
      String(bytes.length),
      ...(bytes.length === 0 ? [] : [Buffer.from(bytes).toString('hex')]),
    ]),
  ],
])

/** All types above, as `[mnemonic, type, words]`. */
export const RDATA_CASES: readonly (readonly [string, number, Words])[] = [...RDATA_WORDS].map(
  ([type, arbitrary]) => [typeText(type), type, arbitrary],
)

export function quoted(bytes: Uint8Array): string {
  let text = ''
  for (const octet of bytes) {
    if (octet === 34 || octet === 92) text += `\\${String.fromCharCode(octet)}`
    else if (octet >= 32 && octet < 127) text += String.fromCharCode(octet)
    else text += `\\${String(octet).padStart(3, '0')}`
  }
  return `"${text}"`
}
