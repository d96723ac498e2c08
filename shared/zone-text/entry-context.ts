// What an entry of a zone file takes over from the entries before it, and the record that is being read.
import { formatName, ROOT, type Name } from '../dns/name.ts'
import { ReadRecord } from './record-sink.ts'

/** Held between the chunks of a text; never changed. */
export type EntryState = {
  readonly origin: Name
  /** Undefined before the first record. */
  readonly owner: Name | undefined
  /** Of `$TTL`, or of a SOA without any; undefined before that. */
  readonly defaultTtl: number | undefined
  /** The last one written out; undefined once there is a default, which then rules (RFC 2308 §4). */
  readonly lastTtl: number | undefined
  /** What a broken entry left unsaid: records that lean on it are read for their own mistakes, and left out. */
  readonly lost: 'owner' | 'origin' | undefined
}

export function isSameState(a: EntryState, b: EntryState): boolean {
  if (a === b) return true
  const isSameTtl = a.defaultTtl === b.defaultTtl && a.lastTtl === b.lastTtl
  return isSameTtl && a.origin === b.origin && a.owner === b.owner && a.lost === b.lost
}

/** The state while entries are read: octets in place instead of a new object for each owner. */
export class EntryContext {
  readonly record: ReadRecord = new ReadRecord()
  origin: Name = ROOT
  originOctets: Buffer = Buffer.from(ROOT, 'latin1')
  /** The origin as text without its final dot, in lower case; empty for the root. */
  originTail: Buffer = Buffer.alloc(0)
  hasOwner = false
  defaultTtl: number | undefined
  lastTtl: number | undefined
  lost: EntryState['lost']
  /** Where the word of the owner stands in the text, for the next entry that repeats it; an empty one for none. */
  ownerWordAt = 0
  ownerWordEnd = 0
  #state: EntryState | undefined
  #stateOwner = -1

  enter(state: EntryState): void {
    // The words stand in the text that was read before, which may be another one.
    this.ownerWordEnd = this.ownerWordAt = 0
    if (state === this.#state && this.#stateOwner === this.record.ownerNumber) {
      this.defaultTtl = state.defaultTtl
      this.lastTtl = state.lastTtl
      this.lost = state.lost
      if (this.origin !== state.origin) this.setOrigin(state.origin)
      return
    }
    if (this.origin !== state.origin) this.setOrigin(state.origin)
    this.hasOwner = state.owner !== undefined
    if (state.owner !== undefined) this.record.setOwner(state.owner)
    this.defaultTtl = state.defaultTtl
    this.lastTtl = state.lastTtl
    this.lost = state.lost
    this.#state = state
    this.#stateOwner = this.record.ownerNumber
  }

  setOrigin(origin: Name): void {
    this.origin = origin
    this.originOctets = Buffer.from(origin, 'latin1')
    const text = origin === ROOT ? '' : formatName(origin).slice(0, -1).toLowerCase()
    this.originTail = Buffer.from(text, 'latin1')
    // The same word means another name now.
    this.ownerWordEnd = this.ownerWordAt = 0
  }

  get state(): EntryState {
    const { origin, defaultTtl, lastTtl, lost, record } = this
    const known = this.#state
    if (
      known !== undefined &&
      this.#stateOwner === record.ownerNumber &&
      known.origin === origin &&
      known.defaultTtl === defaultTtl &&
      known.lastTtl === lastTtl &&
      known.lost === lost
    )
      return known
    const owner = this.hasOwner ? record.ownerName() : undefined
    this.#stateOwner = record.ownerNumber
    this.#state = { origin, owner, defaultTtl, lastTtl, lost }
    return this.#state
  }

  /** Whether a word `[at, end)` is the origin without its final dot, or ends in it behind a dot. */
  lacksDot(text: Uint8Array, at: number, end: number): boolean {
    const tail = this.originTail
    const from = end - tail.length
    if (tail.length === 0 || from < at || this.lost === 'origin' || text[end - 1] === DOT)
      return false
    for (let i = tail.length - 1; i >= 0; i--) {
      const octet = text[from + i]!
      const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
      if (lower !== tail[i]) return false
    }
    return from === at || text[from - 1] === DOT
  }
}

const DOT = 0x2e
