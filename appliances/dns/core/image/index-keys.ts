// What is looked for in an index of an image: a name in canonical order (RFC 4034 §6.1), or the hash of one (RFC 5155 §5).
// The first eight octets of a key are in the index itself, as two numbers; only what they leave open is compared in full.
import { HASH_OCTETS, hashDigit } from '../../../../shared/dnssec/name-hash.ts'
import { NODE } from './layout.ts'
import type { NameKey } from './name-key.ts'

export interface IndexKey {
  /** The start of the key, see INDEX. */
  readonly high: number
  readonly low: number
  /** The whole key against that of the node at `node`: less than 0, 0, or more. */
  compare(octets: Uint8Array, node: number): number
}

/**
 * Labels from the last one to the first, each closed by an octet 0; octets 0 and 1 inside of them become 1 1 and 1 2, so
 * that such keys sort as their names do.
 */
export class NameIndexKey implements IndexKey {
  high: number = SIGN
  low: number = SIGN
  #name: NameKey | undefined
  /** Label of the name at which the zone's origin starts. */
  #originLabel = 0
  readonly #start = new Uint8Array(START_OCTETS)
  /** Where labels of a node's name start. */
  readonly #starts = new Int32Array(LABELS_LIMIT + 1)

  /** `name` is in the zone, whose origin starts with its label `originLabel`; read again in `compare`. */
  set(name: NameKey, originLabel: number): void {
    this.#name = name
    this.#originLabel = originLabel
    const start = this.#start
    const { octets, starts } = name
    let length = 0
    for (let label = originLabel - 1; label >= 0 && length < START_OCTETS; label--) {
      let at = starts[label]! + 1
      const end = starts[label + 1]!
      for (; at < end && length < START_OCTETS; at++) {
        const octet = octets[at]!
        if (octet > 1) start[length++] = octet
        else {
          start[length++] = 1
          start[length++] = octet + 1
        }
      }
      start[length++] = 0
    }
    // No label is empty, so what is shorter stands before all that goes on.
    while (length < START_OCTETS) start[length++] = 0
    this.high = ((start[0]! << 24) | (start[1]! << 16) | (start[2]! << 8) | start[3]!) ^ SIGN
    this.low = ((start[4]! << 24) | (start[5]! << 16) | (start[6]! << 8) | start[7]!) ^ SIGN
  }

  compare(octets: Uint8Array, node: number): number {
    const name = this.#name!
    const starts = this.#starts
    const first = node + NODE.name
    const end = first + octets[node + NODE.nameLength]! - 1
    let labels = 0
    for (let at = first; at < end && labels < LABELS_LIMIT; at += 1 + octets[at]!)
      starts[labels++] = at
    starts[labels] = end
    let mine = this.#originLabel - 1
    // The origin is at the end of both.
    let other = labels - (name.labels - this.#originLabel) - 1
    for (; mine >= 0 && other >= 0; mine--, other--) {
      const from = name.starts[mine]! + 1
      const length = name.starts[mine + 1]! - from
      const at = starts[other]! + 1
      const otherLength = starts[other + 1]! - at
      const shared = Math.min(length, otherLength)
      for (let i = 0; i < shared; i++) {
        const difference = name.octets[from + i]! - octets[at + i]!
        if (difference !== 0) return difference
      }
      if (length !== otherLength) return length - otherLength
    }
    return mine - other
  }
}

export class HashIndexKey implements IndexKey {
  high: number = SIGN
  low: number = SIGN
  #digest = ''

  /** 20 octets. */
  set(digest: string): void {
    this.#digest = digest
    this.high = wordOf(digest, 0) ^ SIGN
    this.low = wordOf(digest, 4) ^ SIGN
  }

  /** The first label of the node's name is a hash in base32, whose digits sort as what they stand for. */
  compare(octets: Uint8Array, node: number): number {
    const digest = this.#digest
    let bits = 0
    let value = 0
    let at = node + NODE.name + 1
    for (let i = 0; i < HASH_OCTETS; i++) {
      value = ((value << 8) | digest.charCodeAt(i)) & 0xfff
      for (bits += 8; bits >= 5; bits -= 5) {
        const difference = hashDigit((value >>> (bits - 5)) & 31) - octets[at++]!
        if (difference !== 0) return difference
      }
    }
    return 0
  }
}

function wordOf(digest: string, at: number): number {
  return (
    (digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)
  )
}

/** Makes numbers that count from 0 compare as signed ones. */
const SIGN = 0x8000_0000 | 0
const START_OCTETS = 8
const LABELS_LIMIT = 127
