// Writes a DNS message into a buffer given at the start, with name compression (RFC 1035 §4.1.4).
// One writer serves one message after another without garbage: compression entries are kept and stamped anew.
import { canonicalName, type Name } from './name.ts'

/** A compression pointer has 14 bits. */
const POINTER_LIMIT = 0x3fff
/** Remembered suffixes are dropped beyond this many, so that hostile names cannot grow the table. */
const SLOT_LIMIT = 4096

/** A name with the canonical form of itself and each ancestor but the root, longest first; made once, used often. */
export type SuffixedName = { readonly name: Name; readonly suffixes: readonly Name[] }

export function withSuffixes(name: Name): SuffixedName {
  const canonical = canonicalName(name)
  const suffixes: Name[] = []
  for (let at = 0; canonical.charCodeAt(at) !== 0; at += 1 + canonical.charCodeAt(at))
    suffixes.push(canonical.slice(at) as Name)
  return { name, suffixes }
}

type Slot = { message: number; offset: number }

/**
 * Writing past `limit` is allowed and harmless: octets beyond the buffer are dropped and `overflowed` says so.
 * The caller takes back what did not fit with `rewind` and writes no more names after that.
 */
export class MessageWriter {
  #out: Uint8Array = new Uint8Array(0)
  #limit = 0
  #message = 0
  readonly #slots = new Map<string, Slot>()
  /** Octets written so far. */
  at = 0

  /** `limitOctets` is the largest message that may come out; never more than `out` holds. */
  start(out: Uint8Array, limitOctets: number): void {
    this.#out = out
    this.#limit = Math.min(limitOctets, out.length)
    this.#message++
    this.at = 0
    if (this.#slots.size > SLOT_LIMIT) this.#slots.clear()
  }

  get overflowed(): boolean {
    return this.at > this.#limit
  }

  /** Keeps room at the end, for an OPT record that must fit. Give it back with a negative number. */
  reserve(octets: number): void {
    this.#limit -= octets
  }

  rewind(at: number): void {
    this.at = at
  }

  u8(value: number): void {
    this.#out[this.at++] = value
  }

  u16(value: number): void {
    const at = this.at
    this.#out[at] = value >>> 8
    this.#out[at + 1] = value
    this.at = at + 2
  }

  u32(value: number): void {
    const at = this.at
    const out = this.#out
    out[at] = value >>> 24
    out[at + 1] = value >>> 16
    out[at + 2] = value >>> 8
    out[at + 3] = value
    this.at = at + 4
  }

  bytes(bytes: Uint8Array): void {
    const end = this.at + bytes.length
    if (end <= this.#out.length) {
      // A typed array's `set` costs more than a loop until about this length.
      if (bytes.length > 32) this.#out.set(bytes, this.at)
      else for (let i = 0, at = this.at; i < bytes.length; i++) this.#out[at++] = bytes[i]!
    }
    this.at = end
  }

  /** Overwrites two octets written before. */
  patch16(at: number, value: number): void {
    this.#out[at] = value >>> 8
    this.#out[at + 1] = value
  }

  /** From now on a name that ends in `suffix` (canonical) may point to `offset`. */
  remember(suffix: Name, offset: number): void {
    if (offset > POINTER_LIMIT) return
    const slot = this.#slots.get(suffix)
    if (slot === undefined) this.#slots.set(suffix, { message: this.#message, offset })
    else if (slot.message !== this.#message) {
      slot.message = this.#message
      slot.offset = offset
    }
  }

  /** A name that may be compressed and be pointed to; returns the offset to point to. */
  name({ name, suffixes }: SuffixedName): number {
    const start = this.at
    let from = 0
    for (const suffix of suffixes) {
      const slot = this.#slots.get(suffix)
      if (slot !== undefined && slot.message === this.#message) {
        this.u16(0xc000 | slot.offset)
        return from === 0 ? slot.offset : start
      }
      this.remember(suffix, this.at)
      const labelEnd = from + 1 + name.charCodeAt(from)
      this.#latin1(name, from, labelEnd)
      from = labelEnd
    }
    this.u8(0)
    return start
  }

  /** A name whose first octet stands at `offset`, or is written out when no pointer reaches that far. */
  pointer(offset: number, name: Name): void {
    if (offset <= POINTER_LIMIT) this.u16(0xc000 | offset)
    else this.#latin1(name, 0, name.length)
  }

  /** A name that must not be compressed (RFC 3597 §4). */
  plainName(name: Name): void {
    this.#latin1(name, 0, name.length)
  }

  #latin1(text: string, from: number, to: number): void {
    let at = this.at
    for (let i = from; i < to; i++) this.#out[at++] = text.charCodeAt(i)
    this.at = at
  }
}
