// The three bands inside one stream: pack data or report (1), text for the person (2), the last word of a failure (3).
import { encodePacket } from './pkt-line.ts'

export type Band = 1 | 2 | 3

/** A packet of `side-band-64k` holds so much beside its length and band; `side-band` 995. */
export const SIDE_BAND_64K_BYTES = 65_515
export const SIDE_BAND_BYTES = 995

/** Gathers small pieces into packets of full size, so that ten thousand entries are fifty writes. */
export class SideBand {
  readonly #limitBytes: number
  readonly #pending: Uint8Array[] = []
  #pendingBytes = 0

  constructor(limitBytes: number = SIDE_BAND_64K_BYTES) {
    this.#limitBytes = limitBytes
  }

  /** Data for band 1; yields packets as they fill. */
  *data(bytes: Uint8Array): Generator<Uint8Array> {
    let rest = bytes
    while (this.#pendingBytes + rest.length >= this.#limitBytes) {
      const room = this.#limitBytes - this.#pendingBytes
      this.#pending.push(rest.subarray(0, room))
      this.#pendingBytes += room
      rest = rest.subarray(room)
      yield* this.rest()
    }
    if (rest.length === 0) return
    this.#pending.push(rest)
    this.#pendingBytes += rest.length
  }

  /** The last packet of band 1, which need not be full. */
  *rest(): Generator<Uint8Array> {
    if (this.#pendingBytes === 0) return
    yield bandPacket(1, this.#pending, this.#pendingBytes)
    this.#pending.length = 0
    this.#pendingBytes = 0
  }

  /** Text for the person on band 2, after the data given so far. */
  *text(lines: string): Generator<Uint8Array> {
    yield* this.rest()
    yield* textPackets(2, lines, this.#limitBytes)
  }

  /** Ends the stream with a failure: git prints `remote error` and gives up. */
  *failure(line: string): Generator<Uint8Array> {
    yield* this.rest()
    yield* textPackets(3, line, this.#limitBytes)
  }
}

function* textPackets(band: Band, text: string, limitBytes: number): Generator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += limitBytes) {
    const piece = bytes.subarray(at, at + limitBytes)
    yield bandPacket(band, [piece], piece.length)
  }
}

function bandPacket(band: Band, pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  return encodePacket(Buffer.concat([Buffer.of(band), ...pieces], bytes + 1))
}
