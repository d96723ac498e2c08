// A name ready for look-ups in an image: canonical octets, where each label starts, and a hash for it and each of its
// ancestors. One object serves many names, without garbage.
import type { Name } from '../../../../shared/dns/name.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63
const LABELS_LIMIT = 127

export class NameKey {
  /** Canonical (RFC 4343), `length` octets of it. */
  readonly octets: Uint8Array = new Uint8Array(NAME_LIMIT_OCTETS + 1)
  length = 1
  /** Labels without the root. */
  labels = 0
  /** Where label `i` starts; `starts[labels]` is the root's place. */
  readonly starts: Int32Array = new Int32Array(LABELS_LIMIT + 1)
  /** Of the ancestor that starts with label `i`; `hashes[labels]` is the root's. */
  readonly hashes: Int32Array = new Int32Array(LABELS_LIMIT + 1)
  readonly #seed: number

  /** Names are equal for one seed only. */
  constructor(seed: number) {
    this.#seed = seed
    this.hashes[0] = seed
  }

  /** Reads an uncompressed name at `at` that ends before `end`; returns the offset behind it, or -1 when there is none. */
  load(source: Uint8Array, at: number, end: number): number {
    const { octets, starts } = this
    let length = 0
    let labels = 0
    for (;;) {
      if (at >= end) return -1
      const label = source[at++]!
      starts[labels] = length
      octets[length++] = label
      if (label === 0) break
      if (label > LABEL_LIMIT_OCTETS || length + label >= NAME_LIMIT_OCTETS || at + label >= end)
        return -1
      labels++
      for (const labelEnd = at + label; at < labelEnd; at++) {
        const octet = source[at]!
        octets[length++] = octet >= 65 && octet <= 90 ? octet | 0x20 : octet
      }
    }
    this.length = length
    this.labels = labels
    this.#hash()
    return at
  }

  /** The hash of `*` below the ancestor that starts with label `i`. */
  wildcardHash(i: number): number {
    return step(step(this.hashes[i]!, ASTERISK), 1)
  }

  /** Becomes `*` right below the ancestor of `name` that starts with label `i`, at least 1. */
  loadWildcard(name: NameKey, i: number): void {
    const { octets, starts, hashes } = this
    const from = name.starts[i]!
    octets[0] = 1
    octets[1] = ASTERISK
    for (let at = from; at < name.length; at++) octets[at - from + 2] = name.octets[at]!
    this.length = name.length - from + 2
    this.labels = name.labels - i + 1
    starts[0] = 0
    hashes[0] = name.wildcardHash(i)
    for (let label = i; label <= name.labels; label++) {
      starts[label - i + 1] = name.starts[label]! - from + 2
      hashes[label - i + 1] = name.hashes[label]!
    }
  }

  loadName(name: Name): void {
    const { octets } = this
    for (let i = 0; i < name.length; i++) octets[i] = name.charCodeAt(i)
    this.load(octets, 0, name.length)
  }

  /** From the root to the first label, so that each ancestor's hash is met on the way. */
  #hash(): void {
    const { octets, starts, hashes } = this
    let hash = this.#seed
    hashes[this.labels] = hash
    for (let i = this.labels - 1; i >= 0; i--) {
      const start = starts[i]!
      for (let at = starts[i + 1]! - 1; at >= start; at--) hash = step(hash, octets[at]!)
      hashes[i] = hash
    }
  }
}

/** FNV-1a. */
function step(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, 0x0100_0193)
}

const ASTERISK = 0x2a
