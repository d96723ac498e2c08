// Hostile zone files and record data: every input is answered in bounded time, and the incremental reading agrees
// with the plain one whatever the text.
import { isDeepStrictEqual } from 'node:util'
import { parseZoneText, type ZoneText } from '../../shared/zone-text/zone-text.ts'
import { parseName, ROOT } from '../../shared/dns/name.ts'
import { checkRdata, formatRdata, parseRdata, rdataNames } from '../../shared/dns/rdata.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import { ZoneLexer } from '../../shared/zone-text/zone-text-lexer.ts'
import { textRecords } from '../support/zones.ts'
import { fuzz } from './harness.ts'

const parsed = parseName('example.org.')
if (!parsed.ok) throw new Error(parsed.error)
const origin = parsed.value

const ZONES = [
  '$TTL 1h\n@ IN SOA ns root ( 1 2 3 4 5 ) ; x\n NS ns\nns A 192.0.2.1\n\tAAAA 2001:db8::1\n',
  '$ORIGIN a\n$GENERATE 1-20/3 h${-3,4,x}\\$ 5 IN MX "10 $$.${0,7,n}"\n$INCLUDE self sub\n',
  'x 1w2d TXT "a;b" ( c\n"d" e\\"f \\010 ) ;\n"q" CNAME @\n*.y SRV 1 2 3 z.\n',
  'a 1 HTTPS 1 . alpn="h2,h3" port=1 mandatory=alpn,port key9="x y" ipv4hint=1.2.3.4\n',
  'a 1 LOC 1 2 3.4 N 5 6 7.8 W -9.1m 2m 3m\nb TYPE4711 \\# 4 0a 0b 0c0d\nc NSEC d A TYPE9\n',
  'a 1 NSEC3 1 0 5 abcd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\nb DS 1 8 1 00112233445566778899 aabbccddeeff00112233\n',
  'a 1 APL 1:1.2.3.0/24 !2:2001::/16\nb IPSECKEY 1 3 2 gw AQID\nc HIP 2 0102 AQID r\nd CAA 0 issue ";"\n',
  'a 1 RRSIG A 8 2 60 20300101000000 1 2 @ AAAA BBBB\nb NAPTR 1 2 "S" "" "!a!b!" .\nc EUI48 00-11-22-33-44-55\n',
]

fuzz('zone text', { seeds: ZONES, limitBytes: 16 * 1024, slowMs: 4000 }, (input) => {
  const text = Buffer.from(input).toString('latin1')
  const zone = read(text)
  for (const { type, rdata } of textRecords(zone)) {
    const fault = checkRdata(type, rdata)
    if (fault !== undefined) throw new Error(fault)
  }
})

// Cut small, so that mutated texts have many chunks to find again.
const LONG = ZONES.map((text) => text.repeat(60))
fuzz('zone text read again', { seeds: LONG, limitBytes: 32 * 1024, slowMs: 6000 }, (input) => {
  const text = Buffer.from(input).toString('latin1').replaceAll('$GENERATE', '$GENERAT')
  const at = (input[0] ?? 0) * 64
  const before = text.slice(0, at) + text.slice(at + (input[1] ?? 0))
  if (!isDeepStrictEqual(view(read(text, read(before))), view(read(text))))
    throw new Error('read again it is another zone')
})

const TYPES = [...Object.values(TYPE), 4711]
const WIRE = TYPES.map((type) => Uint8Array.of(type >>> 8, type, 0, 1, 2, 3, 1, 97, 0, 0, 1, 64))

fuzz('record data from the wire', { seeds: WIRE, limitBytes: 1024 }, (input) => {
  const type = TYPES[(input[0] ?? 0) % TYPES.length]!
  const rdata = input.subarray(1)
  rdataNames(type, rdata)
  const text = formatRdata(type, rdata)
  if (checkRdata(type, rdata) !== undefined) return
  const again = parseRdata(type, words(text, type), ROOT)
  if (!again.ok) throw new Error(`${text}: ${again.error}`)
  if (Buffer.compare(again.value, rdata) !== 0) throw new Error(`${text} is other data`)
})

function read(text: string, previous?: ZoneText): ZoneText {
  return parseZoneText({
    text,
    file: 'zone',
    origin,
    include: (file) => ({ file, text: 'i A 192.0.2.1\n$INCLUDE self\n' }),
    ...(previous === undefined ? {} : { previous }),
  })
}

function view(zone: ZoneText): unknown {
  return { records: textRecords(zone), problems: zone.problems, missing: zone.missing }
}

function words(text: string, type: number): string[] {
  const lexer = new ZoneLexer(Buffer.from(text, 'latin1'), 0, 0)
  const form = type === TYPE.SVCB || type === TYPE.HTTPS ? 'key=value' : 'plain'
  const found: string[] = []
  for (let word = lexer.next(form); word !== undefined; word = lexer.next(form)) found.push(word)
  return found
}
