// A query and its answer in one line of the query log, as text or JSON. Whatever a client sends stays in its line: names
// are escaped as in zone files.
import { OPT } from '../../../../shared/dns/edns.ts'
import { HEADER_OCTETS, OPCODE, RCODE } from '../../../../shared/dns/message.ts'
import { formatName, skipName } from '../../../../shared/dns/name.ts'
import { CLASS, typeText } from '../../../../shared/dns/record-types.ts'
import { Query } from '../../../../shared/dns-server/core/query.ts'
import type { Client } from '../../../../shared/dns-server/core/client.ts'

export type LineFormat = 'text' | 'json'

export class QueryLines {
  readonly #format: LineFormat
  readonly #query = new Query()

  constructor(format: LineFormat) {
    this.#format = format
  }

  /**
   * With its line end. `answer` is undefined for a packet that was not answered, or not yet; the line itself is undefined
   * for one that is no query at all.
   */
  line(
    packet: Uint8Array,
    client: Client,
    answer: Uint8Array | undefined,
    wallMs: number,
  ): string | undefined {
    const query = this.#query
    if (query.read(packet) === 'ignore') return undefined
    const hasQuestion = query.questionEnd > HEADER_OCTETS
    const record = {
      time: new Date(wallMs).toISOString(),
      client: client.address,
      port: client.port,
      transport: client.transport,
      opcode: OPCODES.get(query.opcode) ?? `OPCODE${query.opcode}`,
      qname: hasQuestion ? formatName(query.qname) : '-',
      qclass: hasQuestion ? (CLASSES.get(query.qclass) ?? `CLASS${query.qclass}`) : '-',
      qtype: hasQuestion ? typeText(query.qtype) : '-',
      rcode: answer === undefined ? '-' : rcodeText(rcodeOf(answer)),
      octets: answer?.length ?? 0,
    }
    if (this.#format === 'json') return `${JSON.stringify(record)}\n`
    const { time, client: address, port, ...rest } = record
    return `${time} ${address}#${port} ${Object.values(rest).join(' ')}\n`
  }
}

/** The twelve bits of a well-formed message, the upper eight from its OPT record. */
function rcodeOf(answer: Uint8Array): number {
  const low = answer[3]! & 0xf
  let at = HEADER_OCTETS
  if (u16(answer, 4) > 0) at = skipName(answer, at) + 4
  const count = u16(answer, 6) + u16(answer, 8) + u16(answer, 10)
  for (let i = 0; i < count; i++) {
    at = skipName(answer, at)
    if (at < 0 || at + 10 > answer.length) return low
    if (u16(answer, at) === OPT) return (answer[at + 4]! << 4) | low
    at += 10 + u16(answer, at + 8)
  }
  return low
}

function rcodeText(rcode: number): string {
  return RCODES.get(rcode) ?? `RCODE${rcode}`
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function wordsOf(codes: { readonly [word: string]: number }): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([word, code]) => [code, word]))
}

const OPCODES = wordsOf(OPCODE)
const CLASSES = wordsOf(CLASS)
const RCODES = wordsOf(RCODE)
