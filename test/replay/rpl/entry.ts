// Entries of a scenario (ENTRY_BEGIN to ENTRY_END): which query one answers, the message it holds, and how what a client
// got is compared with it.
import { chunkRecordsOf } from './records.ts'
import type { EdnsOption } from '../../../shared/dns/edns.ts'
import { EDNS_OPTION } from '../../../shared/dns/edns.ts'
import {
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
  type MessageRecord,
  type Question,
} from '../../../shared/dns/message.ts'
import {
  canonicalName,
  formatName,
  isAtOrBelow,
  parseName,
  ROOT,
} from '../../../shared/dns/name.ts'
import { formatRdata } from '../../../shared/dns/rdata.ts'
import { classNumber, TYPE, typeNumber, typeText } from '../../../shared/dns/record-types.ts'
import { canonicalRdata } from '../../../shared/dnssec/canonical.ts'
import type { Line } from './scenario.ts'
import { Unsupported } from './unsupported.ts'

export type Entry = {
  readonly line: number
  readonly match: ReadonlySet<string>
  readonly adjust: ReadonlySet<string>
  /** Seconds until the answer comes. */
  readonly sleepSeconds: number
  readonly message: Message
  /** Octets given as they are. */
  readonly raw?: Uint8Array
}

export type Transport = 'udp' | 'tcp' | 'tls' | 'https'

export function parseEntry(lines: readonly Line[], startLine: number): Entry {
  const match = new Set<string>()
  const adjust = new Set<string>()
  const flags = new Set<string>()
  const sections = new Map<string, Line[]>()
  let sleepSeconds = 0
  let section = ''
  let hex: 'HEX_ANSWER' | 'HEX_EDNSDATA' | undefined
  const octets = { HEX_ANSWER: '', HEX_EDNSDATA: '' }
  let isRaw = false
  for (const { text, number } of lines) {
    const [word = '', ...rest] = text.split(/\s+/)
    if (hex !== undefined) {
      if (word === `${hex}_END`) hex = undefined
      else octets[hex] += text.replace(/\s/g, '')
    } else if (word === 'MATCH') for (const item of rest) match.add(checked(item, MATCHES, number))
    else if (word === 'REPLY') for (const item of rest) flags.add(checked(item, FLAGS, number))
    else if (word === 'ADJUST') {
      for (const item of rest) {
        const sleep = /^(?:packet_)?sleep=([0-9]+)$/.exec(item)
        if (sleep === null) adjust.add(checked(item, ADJUSTS, number))
        else sleepSeconds += Number(sleep[1])
      }
    } else if (word === 'SECTION') section = rest[0] ?? ''
    else if (word === 'HEX_ANSWER_BEGIN') [hex, isRaw] = ['HEX_ANSWER', true]
    else if (word === 'HEX_EDNSDATA_BEGIN') hex = 'HEX_EDNSDATA'
    else if (word === 'EXTRA_PACKET') throw new Unsupported('EXTRA_PACKET', number)
    else sections.set(section, [...(sections.get(section) ?? []), { text, number }])
  }
  const options = ednsOptions(Buffer.from(octets.HEX_EDNSDATA, 'hex'))
  const records = (name: string): MessageRecord[] => chunkRecordsOf(sections.get(name) ?? [])
  const message: Message = {
    id: 0,
    opcode: [...flags].reduce((value, flag) => OPCODES[flag] ?? value, OPCODE.QUERY as number),
    flags: [...flags].reduce((value, flag) => value | (BITS[flag] ?? 0), 0),
    rcode: [...flags].reduce((value, flag) => RCODES[flag] ?? value, 0),
    questions: (sections.get('QUESTION') ?? []).map(parseQuestion),
    answers: records('ANSWER'),
    authorities: records('AUTHORITY'),
    additionals: records('ADDITIONAL'),
    ...((flags.has('DO') || options.length > 0) && {
      edns: {
        udpOctets: 4096,
        extendedRcode: 0,
        version: 0,
        dnssecOk: flags.has('DO'),
        options,
      },
    }),
  }
  const raw = isRaw ? { raw: new Uint8Array(Buffer.from(octets.HEX_ANSWER, 'hex')) } : {}
  return { line: startLine, match, adjust, sleepSeconds, message, ...raw }
}

/** Whether an entry answers a query. */
export function answers(entry: Entry, query: Message, transport: Transport): boolean {
  const { match, message } = entry
  const asked = query.questions[0]!
  const own = message.questions[0]
  const has = (word: string): boolean => match.has(word) || match.has('all')
  if (match.has('TCP') && transport === 'udp') return false
  if (match.has('UDP') && transport !== 'udp') return false
  if (match.has('DO') && query.edns?.dnssecOk !== true) return false
  if (match.has('noedns') && query.edns !== undefined) return false
  if (has('opcode') && query.opcode !== message.opcode) return false
  if (own === undefined) return true
  if ((has('qtype') || match.has('question')) && asked.qtype !== own.qtype) return false
  const [name, ownName] = [canonicalName(asked.qname), canonicalName(own.qname)]
  if ((has('qname') || match.has('question')) && name !== ownName) return false
  return !match.has('subdomain') || isAtOrBelow(name, ownName)
}

/** The packet that an entry answers a query with. */
export function replyOf(entry: Entry, query: Message): Uint8Array {
  if (entry.raw !== undefined) {
    const raw = entry.raw.slice()
    if (entry.adjust.has('copy_id')) [raw[0], raw[1]] = [query.id >> 8, query.id & 0xff]
    return raw
  }
  const { message } = entry
  const asked = query.questions[0]!
  const own = message.questions[0]
  // Scenarios know nothing of names in mixed case (0x20): what fits is spelled as it was asked.
  const fits = own !== undefined && canonicalName(own.qname) === canonicalName(asked.qname)
  const copies = entry.adjust.has('copy_query') || (fits && own.qtype === asked.qtype)
  const questions = copies ? query.questions : message.questions
  return encodeMessage({ ...message, id: query.id, questions })
}

/** What differs between an answer and what a scenario expects of it; undefined for nothing. */
export function difference(entry: Entry, got: Message, isMinimal: boolean): string | undefined {
  const { match, message } = entry
  const has = (word: string): boolean => match.has(word) || match.has('all')
  if (has('opcode') && got.opcode !== message.opcode) return 'opcode'
  if (has('rcode') && got.rcode !== message.rcode)
    return `rcode ${rcodeText(got.rcode)} where ${rcodeText(message.rcode)} was expected`
  if ((has('all') || match.has('flags')) && got.flags !== message.flags)
    return `flags ${flagText(got.flags)} where ${flagText(message.flags)} were expected`
  if (match.has('question') || match.has('all') || match.has('qname')) {
    const [ours, theirs] = [got.questions.map(questionText), message.questions.map(questionText)]
    if (ours.join() !== theirs.join()) return `question ${ours.join()}`
  }
  const ede = [...match].find((word) => word.startsWith('ede='))
  if (ede !== undefined) {
    const codes = extendedErrors(got)
    const wanted = ede.slice(4)
    const isThere = wanted === 'any' ? codes.length > 0 : codes.includes(Number(wanted))
    if (!isThere) return `extended errors [${codes.join(', ')}] where ${wanted} was expected`
  }
  const withTtl = match.has('ttl')
  if (has('answer')) {
    const wrong = setDifference('answer', got.answers, message.answers, withTtl)
    if (wrong !== undefined) return wrong
  }
  if (!match.has('all') && !match.has('authority')) return undefined
  // A minimal response (whatever the scenario asks for) leaves out what only helps along; it adds nothing.
  const isHelp = ({ type, rdata }: MessageRecord): boolean =>
    HELP.has(type === TYPE.RRSIG ? (rdata[0]! << 8) | rdata[1]! : type)
  const expected = isMinimal
    ? message.authorities.filter((record) => !isHelp(record))
    : message.authorities
  return setDifference('authority', got.authorities, expected, withTtl)
}

export function questionText({ qname, qtype }: Question): string {
  return `${formatName(canonicalName(qname))} ${typeText(qtype)}`
}

function setDifference(
  section: string,
  got: readonly MessageRecord[],
  expected: readonly MessageRecord[],
  withTtl: boolean,
): string | undefined {
  const text = (record: MessageRecord): string => recordText(record, withTtl)
  const [ours, theirs] = [new Set(got.map(text)), new Set(expected.map(text))]
  const missing = [...theirs].find((record) => !ours.has(record))
  if (missing !== undefined) return `${section} without ${missing}`
  const extra = [...ours].find((record) => !theirs.has(record))
  return extra === undefined ? undefined : `${section} with ${extra}`
}

function recordText({ owner, type, ttlSeconds, rdata }: MessageRecord, withTtl: boolean): string {
  const name = formatName(canonicalName(owner))
  const data = formatRdata(type, canonicalRdata(type, rdata))
  return `${name} ${withTtl ? `${ttlSeconds} ` : ''}${typeText(type)} ${data}`
}

function parseQuestion({ text, number }: Line): Question {
  const [qname = '', ...rest] = text.split(/\s+/).filter((word) => !/^[0-9]+$/.test(word))
  const [qtype = '', qclass = 'IN'] = rest.toReversed()
  const name = parseName(qname, ROOT)
  const type = typeNumber(qtype)
  if (!name.ok || type === undefined) throw new Unsupported(`question ${text}`, number)
  return { qname: name.value, qtype: type, qclass: classNumber(qclass) ?? 1 }
}

function ednsOptions(octets: Uint8Array): EdnsOption[] {
  const options: EdnsOption[] = []
  for (let at = 0; at + 4 <= octets.length;) {
    const code = (octets[at]! << 8) | octets[at + 1]!
    const end = at + 4 + ((octets[at + 2]! << 8) | octets[at + 3]!)
    options.push({ code, data: octets.subarray(at + 4, end) })
    at = end
  }
  return options
}

function extendedErrors({ edns }: Message): number[] {
  return (edns?.options ?? [])
    .filter(({ code }) => code === EDNS_OPTION.EXTENDED_ERROR)
    .map(({ data }) => (data[0]! << 8) | data[1]!)
}

function checked(word: string, known: ReadonlySet<string>, line: number): string {
  if (known.has(word) || (known === MATCHES && /^ede=([0-9]+|any)$/.test(word))) return word
  throw new Unsupported(word, line)
}

function rcodeText(rcode: number): string {
  return Object.entries(RCODE).find(([, code]) => code === rcode)?.[0] ?? String(rcode)
}

function flagText(flags: number): string {
  return Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(' ')
}

const HELP: ReadonlySet<number> = new Set([TYPE.NS, TYPE.A, TYPE.AAAA, TYPE.DS])
const BITS: { readonly [name: string]: number | undefined } = FLAG
const OPCODES: { readonly [name: string]: number | undefined } = OPCODE
const RCODES: { readonly [name: string]: number | undefined } = { ...RCODE, NOTIMPL: RCODE.NOTIMP }
const FLAGS: ReadonlySet<string> = new Set([
  ...Object.keys(FLAG),
  ...Object.keys(OPCODE),
  ...Object.keys(RCODES),
  'DO',
])
const MATCHES: ReadonlySet<string> = new Set(
  'opcode qtype qname rcode question answer authority additional subdomain all ttl DO noedns UDP TCP flags'.split(
    ' ',
  ),
)
const ADJUSTS: ReadonlySet<string> = new Set(['copy_id', 'copy_query', 'do_not_answer'])
