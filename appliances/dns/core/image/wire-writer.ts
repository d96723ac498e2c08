// Writes the records of an image into an answer, with the compression of shared/dns/message-writer.ts (RFC 1035
// §4.1.4), octet for octet the same, and without garbage. What does not fit makes `isFull`, and the answer is another's.
import type { NameKey } from './name-key.ts'

/** Suffixes that can be pointed to; an answer with more of them is rare, and another's. */
const SUFFIX_LIMIT = 96
const POINTER = 0xc000
const POINTER_LIMIT = 0x3fff

export class WireWriter {
  readonly #image: Uint8Array
  readonly #imageView: DataView
  #out: Uint8Array = new Uint8Array(0)
  #outView: DataView = new DataView(this.#out.buffer)
  /** Where the message starts in `out`; offsets of pointers count from there. */
  #start = 0
  #end = 0
  at = 0
  /** Where the name written last stands whole, counted from the message's start. */
  nameAt = 0
  /** Something did not fit, or cannot be pointed to: what stands there is no answer. */
  isFull = false
  #isCrowded = false
  #suffixes = 0
  readonly #hashes = new Int32Array(SUFFIX_LIMIT)
  readonly #offsets = new Int32Array(SUFFIX_LIMIT)

  constructor(image: Uint8Array) {
    this.#image = image
    this.#imageView = new DataView(image.buffer, image.byteOffset, image.byteLength)
  }

  start(out: Uint8Array, start: number, at: number, limitOctets: number): void {
    if (out !== this.#out) {
      this.#out = out
      this.#outView = new DataView(out.buffer, out.byteOffset, out.byteLength)
    }
    this.#start = start
    this.#end = start + limitOctets
    this.at = at
    this.isFull = false
    this.#isCrowded = false
    this.#suffixes = 0
  }

  get out(): Uint8Array {
    return this.#out
  }

  /** Whether `octets` more fit; when they do not, all is over. */
  fits(octets: number): boolean {
    if (this.at + octets <= this.#end) return true
    this.isFull = true
    return false
  }

  u16(value: number): void {
    const { at } = this
    this.#out[at] = value >>> 8
    this.#out[at + 1] = value
    this.at = at + 2
  }

  u32(value: number): void {
    const { at } = this
    const out = this.#out
    out[at] = value >>> 24
    out[at + 1] = value >>> 16
    out[at + 2] = value >>> 8
    out[at + 3] = value
    this.at = at + 4
  }

  /** Octets of a packet; the caller has asked whether they fit. */
  copyFrom(packet: Uint8Array, start: number, octets: number): void {
    const out = this.#out
    const { at } = this
    this.at = at + octets
    for (let i = 0; i < octets; i++) out[at + i] = packet[start + i]!
  }

  /**
   * Octets of the image; the caller has asked whether they fit. Eight at a time, the last eight over the ones before: `set`
   * makes an object of the part to copy. Throws for what is outside of the image, where a torn read may lead.
   */
  copy(start: number, octets: number): void {
    const { at } = this
    this.at = at + octets
    if (octets < 8) {
      const out = this.#out
      const image = this.#image
      for (let i = 0; i < octets; i++) out[at + i] = image[start + i]!
      return
    }
    const from = this.#imageView
    const to = this.#outView
    const last = octets - 8
    for (let i = 0; i < last; i += 8) to.setBigUint64(at + i, from.getBigUint64(start + i))
    to.setBigUint64(at + last, from.getBigUint64(start + last))
  }

  patch16(at: number, value: number): void {
    this.#out[at] = value >>> 8
    this.#out[at + 1] = value
  }

  /** The name's ancestor that starts with label `i`, and those above it, stand in the message from `offset` on. */
  remember(key: NameKey, i: number, offset: number): void {
    for (const first = key.starts[i]!; i < key.labels; i++)
      this.#put(key.hashes[i]!, offset + key.starts[i]! - first)
  }

  /** The name in `key`, spelled as at `from` in `source`. False when it does not fit. */
  name(key: NameKey, source: Uint8Array, from: number): boolean {
    if (!this.fits(key.length)) return this.#nameNearEnd(key, source, from)
    return this.#writeName(key, source, from)
  }

  #writeName(key: NameKey, source: Uint8Array, from: number): boolean {
    const { labels, starts, hashes } = key
    const out = this.#out
    let { at } = this
    this.nameAt = at - this.#start
    for (let i = 0; i < labels; i++) {
      const hash = hashes[i]!
      const known = this.#find(hash, key, i)
      if (known >= 0) {
        if (i === 0) this.nameAt = known
        out[at] = (POINTER | known) >>> 8
        out[at + 1] = known
        this.at = at + 2
        return true
      }
      this.#put(hash, at - this.#start)
      for (let j = starts[i]!; j < starts[i + 1]!; j++) out[at++] = source[from + j]!
    }
    out[at++] = 0
    this.at = at
    return !this.isFull
  }

  /** Written out it would not fit; with a pointer it might. Not worth the while: answers that full are another's. */
  #nameNearEnd(key: NameKey, source: Uint8Array, from: number): boolean {
    if (key.labels === 0 || this.#find(key.hashes[0]!, key, 0) < 0 || this.at + 2 > this.#end)
      return false
    this.isFull = this.#isCrowded
    return this.#writeName(key, source, from)
  }

  #put(hash: number, offset: number): void {
    if (offset > POINTER_LIMIT || this.#suffixes === SUFFIX_LIMIT) {
      this.isFull = true
      this.#isCrowded = true
    } else {
      this.#hashes[this.#suffixes] = hash
      this.#offsets[this.#suffixes++] = offset
    }
  }

  /** Offset of the ancestor of `key` that starts with label `i`, or -1. */
  #find(hash: number, key: NameKey, i: number): number {
    const hashes = this.#hashes
    for (let n = this.#suffixes - 1; n >= 0; n--)
      if (hashes[n] === hash && this.#isName(this.#offsets[n]!, key, i)) return this.#offsets[n]!
    return -1
  }

  #isName(offset: number, key: NameKey, i: number): boolean {
    const out = this.#out
    const { octets, length } = key
    let at = this.#start + offset
    for (let from = key.starts[i]!; from < length;) {
      let label = out[at]!
      // What we wrote ourselves points backwards, and so comes to an end.
      while (label >= 0xc0) {
        at = this.#start + (((label & 0x3f) << 8) | out[at + 1]!)
        label = out[at]!
      }
      if (octets[from] !== label) return false
      for (const end = from + label; from < end;) {
        const octet = out[++at]!
        if (octets[++from] !== (octet >= 65 && octet <= 90 ? octet | 0x20 : octet)) return false
      }
      at++
      from++
    }
    return true
  }
}
