// What came and went through one peer's data channel, in memory that other threads see: the thread that has the channel writes,
// any may read.

const AT = {
  packetsIn: 0,
  packetsOut: 1,
  octetsIn: 2,
  octetsOut: 3,
  receivedMs: 4,
  sentMs: 5,
  isWorn: 6,
  count: 8,
} as const

export class Traffic {
  readonly memory: SharedArrayBuffer
  readonly #values: Float64Array

  /** Of another thread's, or new: nothing so far, and at `nowMs` it began. */
  constructor(from: SharedArrayBuffer | { readonly nowMs: number }) {
    const isNew = !(from instanceof SharedArrayBuffer)
    this.memory = isNew ? new SharedArrayBuffer(8 * AT.count) : from
    this.#values = new Float64Array(this.memory)
    if (isNew) this.#values[AT.receivedMs] = this.#values[AT.sentMs] = from.nowMs
  }

  get packetsIn(): number {
    return this.#values[AT.packetsIn]!
  }

  get packetsOut(): number {
    return this.#values[AT.packetsOut]!
  }

  get octetsIn(): number {
    return this.#values[AT.octetsIn]!
  }

  get octetsOut(): number {
    return this.#values[AT.octetsOut]!
  }

  /** When something came last. */
  get receivedMs(): number {
    return this.#values[AT.receivedMs]!
  }

  /** When something left last. */
  get sentMs(): number {
    return this.#values[AT.sentMs]!
  }

  /** Whether the key in use has sealed so much that another is due. */
  get isWorn(): boolean {
    return this.#values[AT.isWorn] !== 0
  }

  set isWorn(isWorn: boolean) {
    this.#values[AT.isWorn] = Number(isWorn)
  }

  /** A packet of so many octets that proved genuine. */
  came(octets: number, nowMs: number): void {
    this.#values[AT.packetsIn]! += 1
    this.#values[AT.octetsIn]! += octets
    this.#values[AT.receivedMs] = nowMs
  }

  left(octets: number, nowMs: number): void {
    this.#values[AT.packetsOut]! += 1
    this.#values[AT.octetsOut]! += octets
    this.#values[AT.sentMs] = nowMs
  }
}
