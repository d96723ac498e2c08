// Zones from text and questions as one writes them for dig, for tests of the name server.
import { Nameserver } from '../../appliances/dns/core/answer/nameserver.ts'
import type { Client, Transport } from '../../shared/dns-server/core/client.ts'
import { buildZone } from '../../appliances/dns/core/zone/zone-build.ts'
import { recordTtlSeconds, type Zone } from '../../appliances/dns/core/zone/zone.ts'
import type { ReadRecord } from '../../shared/zone-text/record-sink.ts'
import {
  ChunkReader,
  chunksOf,
  parseZoneText,
  type ChunkPlace,
  type ZoneText,
} from '../../shared/zone-text/zone-text.ts'
import type { PlacedRecord } from '../../appliances/dns/core/zone/zone-places.ts'
import { SocketClient } from '../../shared/dns-server/socket-client.ts'
import { canonicalName, formatName, parseName, type Name } from '../../shared/dns/name.ts'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
  type MessageRecord,
} from '../../shared/dns/message.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { CLASS, typeNumber, typeText } from '../../shared/dns/record-types.ts'

export function name(text: string): Name {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return parsed.value
}

export function zoneText(origin: string, text: string, previous?: ZoneText): ZoneText {
  return parseZoneText({
    text,
    file: `zones/${origin.replace(/\.$/, '')}`,
    origin: name(origin),
    include: () => undefined,
    ...(previous === undefined ? {} : { previous }),
  })
}

/** All records of a text in its order, with their places. */
export function textRecords(text: ZoneText): PlacedRecord[] {
  const records: PlacedRecord[] = []
  for (const place of chunksOf(text.part)) records.push(...chunkRecords(place))
  return records
}

/** Those of one chunk, without what it includes. */
export function chunkRecords(place: ChunkPlace): PlacedRecord[] {
  const records: PlacedRecord[] = []
  const { file } = place.part
  const { startLine } = place.chunk
  const add = (record: ReadRecord): void => {
    records.push({ ...record.copy(), file, line: startLine + record.line })
  }
  new ChunkReader({ add }).read(place)
  return records
}

export function zoneOf(origin: string, text: string): Zone {
  return buildZone(name(origin), zoneText(origin, text)).zone
}

/** A name server for these zones that counts nothing. */
export function serverOf(...zones: readonly Zone[]): Nameserver {
  const table = new Map(zones.map((zone) => [zone.origin, { zone }]))
  return new Nameserver(
    { get: (origin) => table.get(origin) },
    { udpLimitOctets: 1232 },
    { answered: () => {}, truncated: () => {}, ignored: () => {}, limited: () => {} },
  )
}

export type Ask = {
  readonly transport?: Transport
  /** Payload size to offer; no EDNS without. */
  readonly edns?: number
  /** With EDNS alone. */
  readonly dnssecOk?: boolean
  /** With EDNS alone. */
  readonly compactOk?: boolean
  readonly flags?: number
}

/** `www.example.org. A`. */
export function queryOf(question: string, ask: Ask = {}): Uint8Array {
  const [qname, qtype] = question.split(' ')
  return encodeMessage({
    id: 0x4242,
    opcode: OPCODE.QUERY,
    flags: ask.flags ?? 0,
    rcode: RCODE.NOERROR,
    questions: [{ qname: name(qname!), qtype: typeNumber(qtype!)!, qclass: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    ...(ask.edns === undefined
      ? {}
      : {
          edns: {
            udpOctets: ask.edns,
            extendedRcode: 0,
            version: 0,
            dnssecOk: ask.dnssecOk ?? false,
            compactOk: ask.compactOk ?? false,
            options: [],
          },
        }),
  })
}

export type Reply = {
  /** `NOERROR AA`. */
  readonly status: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
}

export function send(
  server: Nameserver,
  packet: Uint8Array,
  transport: Transport = 'udp',
): Message {
  const out = new Uint8Array(65_535)
  const decoded = decodeMessage(out.slice(0, server.handle(packet, clientOf(transport), out)))
  if (!decoded.ok) throw new Error(decoded.error.kind)
  return decoded.value
}

/** A client on loopback. */
export function clientOf(transport: Transport): Client {
  return new SocketClient(transport, '127.0.0.1', 50_000)
}

export function ask(server: Nameserver, question: string, options: Ask = {}): Reply {
  return replyOf(send(server, queryOf(question, options), options.transport))
}

export function replyOf(message: Message): Reply {
  const rcode = Object.entries(RCODE).find(([, code]) => code === message.rcode)?.[0]
  const flags = (['AA', 'TC'] as const).filter((flag) => (message.flags & FLAG[flag]) !== 0)
  return {
    status: [rcode ?? String(message.rcode), ...flags].join(' '),
    answer: message.answers.map(recordText),
    authority: message.authorities.map(recordText),
    additional: message.additionals.map(recordText),
  }
}

/** Every record of a zone, sorted: two zones that say the same give the same. */
export function zoneRecords(zone: Zone): readonly string[] {
  const lines: string[] = []
  for (const node of zone.everyNode())
    for (const rrset of node.rrsets)
      for (const rdata of rrset.rdatas) {
        const ttlSeconds = recordTtlSeconds(node, rrset, rdata)
        const { type } = rrset
        lines.push(recordText({ owner: node.name, type, class: CLASS.IN, ttlSeconds, rdata }))
      }
  return lines.sort()
}

/** Everything there is to know of a zone, without the order in which it came to be. */
export function zonePicture(zone: Zone): unknown {
  const nodes = [...zone.nodes.entries()].map(([key, node]) => {
    return [key, node.name, node.children, node.rrsets.map((r) => r.type)]
  })
  return {
    records: zoneRecords(zone),
    nodes: nodes.sort(),
    references: [...zone.references.entries()].sort(),
    counts: zone.counts,
    apex: zone.apex?.name,
    order: [...zone.order.names()],
    chain: zone.chain && [...zone.chain.owners()],
  }
}

function recordText({ owner, ttlSeconds, type, rdata }: MessageRecord): string {
  const content = formatRdata(type, rdata)
  return `${formatName(canonicalName(owner))} ${ttlSeconds} ${typeText(type)} ${content}`
}
