// Who asked what, in memory and for people on the page: the last queries, and what was asked most by whom in the last hour. One
// query in so many, and of a client's address no more than its network.
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { typeText } from '../../../shared/dns/record-types.ts'
import { formatPrefix } from '../../../shared/net/prefix.ts'
import { rcodeText } from './trace-text.ts'
import { TopCounter } from './top-counter.ts'

export type QueryLogOptions = {
  /** The last queries that are kept. */
  readonly kept: number
  /** One query in so many. */
  readonly sample: number
  /** Bits of a client's address that are kept. */
  readonly ipv4Bits: number
  readonly ipv6Bits: number
}

export type SeenQuery = {
  readonly qname: Name
  readonly qtype: number
  readonly rcode: number
  /** By a list. */
  readonly isBlocked: boolean
}

export type LoggedQuery = SeenQuery & { readonly atMs: number; readonly client: string }

/** Names and clients that are counted; what is asked less makes room. */
const COUNTED_LIMIT = 2_000
/** What is counted is of the last one to two of these. */
const GENERATION_MS = 1_800_000

export class QueryLog {
  readonly #options: QueryLogOptions
  readonly #names = new TopCounter(COUNTED_LIMIT)
  readonly #blocked = new TopCounter(COUNTED_LIMIT)
  readonly #clients = new TopCounter(COUNTED_LIMIT)
  /** The oldest is overwritten. */
  readonly #last: LoggedQuery[] = []
  #next = 0
  #random: number
  #generationMs = 0

  /** `seed`: a random 32-bit number. */
  constructor(options: QueryLogOptions, seed: number) {
    this.#options = options
    this.#random = seed | 1
  }

  /** `octets` are the client's address. */
  note(query: SeenQuery, octets: Uint8Array, nowMs: number): void {
    // xorshift32: which ones are looked at has nothing to do with what they ask.
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random
    if ((random >>> 0) % this.#options.sample !== 0) return
    this.#turn(nowMs)
    const name = formatName(query.qname)
    const client = this.#networkOf(octets)
    this.#names.add(name)
    if (query.isBlocked) this.#blocked.add(name)
    this.#clients.add(client)
    const { kept } = this.#options
    if (kept === 0) return
    this.#last[this.#next] = { ...query, atMs: nowMs, client }
    this.#next = (this.#next + 1) % kept
  }

  /** Plain data, the newest and the most asked first. */
  show(limit: number, nowMs: number): object {
    this.#turn(nowMs)
    const { sample } = this.#options
    const last = [...this.#last.slice(this.#next), ...this.#last.slice(0, this.#next)]
    return {
      sample,
      names: this.#names.top(limit),
      blocked: this.#blocked.top(limit),
      clients: this.#clients.top(limit),
      last: last.slice(-limit).reverse().map(shown),
    }
  }

  #turn(nowMs: number): void {
    if (this.#generationMs === 0) this.#generationMs = nowMs
    if (nowMs - this.#generationMs < GENERATION_MS) return
    const isLong = nowMs - this.#generationMs >= 2 * GENERATION_MS
    this.#generationMs = nowMs
    for (const counter of [this.#names, this.#blocked, this.#clients]) {
      counter.turn()
      if (isLong) counter.turn()
    }
  }

  #networkOf(octets: Uint8Array): string {
    const bits = octets.length === 4 ? this.#options.ipv4Bits : this.#options.ipv6Bits
    const network = Uint8Array.from(octets, (octet, i) => {
      const left = Math.min(8, Math.max(0, bits - 8 * i))
      return octet & (0xff00 >>> left) & 0xff
    })
    return formatPrefix({ octets: network, bits })
  }
}

function shown({ atMs, client, qname, qtype, rcode, isBlocked }: LoggedQuery): object {
  return {
    atMs,
    client,
    name: formatName(qname),
    type: typeText(qtype),
    rcode: rcodeText(rcode),
    isBlocked,
  }
}
