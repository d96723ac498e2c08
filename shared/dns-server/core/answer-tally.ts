// What was answered, as numbers in memory that another thread may read: by transport and rcode, by type, and by zone.
// One thread writes a tally, a few additions for each query; whoever reads it asks for what came since the last time.
import type { Name } from '../../dns/name.ts'
import { RCODE } from '../../dns/message.ts'
import { typeText } from '../../dns/record-types.ts'
import type { Transport } from './client.ts'

/** One more than BADCOOKIE. */
export const RCODE_LIMIT = 24
/** Three series each: as many as a metric may have. */
export const ZONES_LIMIT = 160
export const OUTCOMES = ['NOERROR', 'NXDOMAIN', 'other'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type HeldBack = 'drop' | 'slip'

/** Is told what came since the last time; never of nothing. */
export interface TallySink {
  answers(transport: Transport, rcode: number, count: number): void
  ignored(transport: Transport, count: number): void
  truncated(count: number): void
  queries(type: string, count: number): void
  /** Without an origin: of zones beyond ZONES_LIMIT. */
  zone(origin: Name | undefined, outcome: Outcome, count: number): void
  limited(verdict: HeldBack, count: number): void
}

export class AnswerTally {
  readonly memory: ArrayBufferLike
  readonly #cells: Float64Array
  readonly #names: Uint8Array
  readonly #taken: Int32Array
  /** Where the cells of a zone begin. */
  readonly #zones = new Map<Name, number>()
  #lastOrigin: Name | undefined
  #lastCell = 0

  /** `memory` of TALLY_OCTETS, all 0. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(TALLY_OCTETS)) {
    this.memory = memory
    this.#cells = new Float64Array(memory, 0, CELLS)
    this.#taken = new Int32Array(memory, TAKEN_AT, 1)
    this.#names = new Uint8Array(memory, NAMES_AT, ZONES_LIMIT * NAME_OCTETS)
  }

  answered(transport: Transport, rcode: number, qtype?: number, origin?: Name): void {
    const cells = this.#cells
    cells[CELL.answers + TRANSPORT_CELLS[transport] * RCODE_LIMIT + rcode]!++
    if (qtype !== undefined) cells[CELL.types + (TYPE_INDEX[qtype] ?? COUNTED_TYPES.length)]!++
    if (origin === undefined) return
    if (origin !== this.#lastOrigin) {
      this.#lastCell = this.#zones.get(origin) ?? this.#takeZone(origin)
      this.#lastOrigin = origin
    }
    const outcome = rcode === RCODE.NOERROR ? 0 : rcode === RCODE.NXDOMAIN ? 1 : 2
    cells[this.#lastCell + outcome]!++
  }

  truncated(): void {
    this.#cells[CELL.truncated]!++
  }

  ignored(transport: Transport): void {
    this.#cells[CELL.ignored + TRANSPORT_CELLS[transport]]!++
  }

  limited(verdict: HeldBack): void {
    this.#cells[CELL[verdict]]!++
  }

  #takeZone(origin: Name): number {
    const nth = this.#zones.size
    if (nth === ZONES_LIMIT) return CELL.zones + ZONES_LIMIT * OUTCOMES.length
    const cell = CELL.zones + nth * OUTCOMES.length
    this.#zones.set(origin, cell)
    const at = nth * NAME_OCTETS
    this.#names[at] = origin.length
    for (let i = 0; i < origin.length; i++) this.#names[at + 1 + i] = origin.charCodeAt(i)
    Atomics.store(this.#taken, 0, nth + 1)
    return cell
  }
}

export class TallyReader {
  readonly #cells: Float64Array
  readonly #names: Uint8Array
  readonly #taken: Int32Array
  readonly #seen = new Float64Array(CELLS)

  /** Of an AnswerTally. */
  constructor(memory: ArrayBufferLike) {
    this.#cells = new Float64Array(memory, 0, CELLS)
    this.#taken = new Int32Array(memory, TAKEN_AT, 1)
    this.#names = new Uint8Array(memory, NAMES_AT, ZONES_LIMIT * NAME_OCTETS)
  }

  read(sink: TallySink): void {
    // A zone that is taken from now on is told of the next time.
    const zones = Atomics.load(this.#taken, 0)
    for (const [transport, nth] of TRANSPORTS) {
      for (let rcode = 0; rcode < RCODE_LIMIT; rcode++)
        this.#take(CELL.answers + nth * RCODE_LIMIT + rcode, (count) =>
          sink.answers(transport, rcode, count),
        )
      this.#take(CELL.ignored + nth, (count) => sink.ignored(transport, count))
    }
    this.#take(CELL.truncated, (count) => sink.truncated(count))
    for (let i = 0; i <= COUNTED_TYPES.length; i++)
      this.#take(CELL.types + i, (count) => sink.queries(COUNTED_TYPES[i] ?? 'other', count))
    for (let nth = 0; nth < zones; nth++) this.#readZone(nth, this.#nameOf(nth), sink)
    this.#readZone(ZONES_LIMIT, undefined, sink)
    for (const verdict of ['drop', 'slip'] as const)
      this.#take(CELL[verdict], (count) => sink.limited(verdict, count))
  }

  #readZone(nth: number, origin: Name | undefined, sink: TallySink): void {
    for (const [i, outcome] of OUTCOMES.entries())
      this.#take(CELL.zones + nth * OUTCOMES.length + i, (count) =>
        sink.zone(origin, outcome, count),
      )
  }

  #nameOf(nth: number): Name {
    const at = nth * NAME_OCTETS
    const name = this.#names.slice(at + 1, at + 1 + this.#names[at]!)
    return Buffer.from(name).toString('latin1') as Name
  }

  #take(cell: number, tell: (count: number) => void): void {
    const now = this.#cells[cell]!
    const count = now - this.#seen[cell]!
    if (count === 0) return
    this.#seen[cell] = now
    tell(count)
  }
}

const TRANSPORT_CELLS: { readonly [transport in Transport]: number } = {
  udp: 0,
  tcp: 1,
  tls: 2,
  https: 3,
}
const TRANSPORTS = Object.entries(TRANSPORT_CELLS) as [Transport, number][]

const COUNTED_TYPES =
  'A AAAA NS SOA MX TXT CNAME PTR SRV DS DNSKEY NSEC3PARAM CDS CDNSKEY NAPTR TLSA SSHFP CAA SVCB HTTPS ANY'.split(
    ' ',
  )
/** By type; a plain array of a few hundred is the fastest map there is. */
const TYPE_INDEX: (number | undefined)[] = Array.from({ length: 258 }, (_, type) => {
  const index = COUNTED_TYPES.indexOf(typeText(type))
  return index === -1 ? undefined : index
})

const ANSWER_CELLS = TRANSPORTS.length * RCODE_LIMIT
const CELL = {
  answers: 0,
  ignored: ANSWER_CELLS,
  truncated: ANSWER_CELLS + TRANSPORTS.length,
  drop: ANSWER_CELLS + TRANSPORTS.length + 1,
  slip: ANSWER_CELLS + TRANSPORTS.length + 2,
  types: ANSWER_CELLS + TRANSPORTS.length + 3,
  zones: ANSWER_CELLS + TRANSPORTS.length + 3 + COUNTED_TYPES.length + 1,
} as const
const CELLS: number = CELL.zones + (ZONES_LIMIT + 1) * OUTCOMES.length

/** Behind the cells: how many zones are taken, and their names, each behind its length. */
const TAKEN_AT = CELLS * 8
const NAMES_AT = TAKEN_AT + 8
const NAME_OCTETS = 256
export const TALLY_OCTETS: number = NAMES_AT + ZONES_LIMIT * NAME_OCTETS
