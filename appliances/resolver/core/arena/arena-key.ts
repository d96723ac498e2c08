// The name of a question, ready for a look-up in the arena: canonical octets and a hash. One object serves many names.
import type { Name } from '../../../../shared/dns/name.ts'
import type { QuestionName } from '../../../../shared/dns-server/core/usual-query.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63

export class ArenaKey implements QuestionName {
  /** Canonical (RFC 4343), `length` octets of it. */
  readonly octets: Uint8Array = new Uint8Array(NAME_LIMIT_OCTETS)
  length = 0
  readonly #seed: number
  #hash = 0

  /** Of the arena. */
  constructor(seed: number) {
    this.#seed = seed
  }

  load(packet: Uint8Array, from: number, end: number): number {
    const { octets } = this
    let at = from
    let length = 0
    let hash = this.#seed
    for (;;) {
      if (at >= end) return -1
      const label = packet[at++]!
      octets[length++] = label
      hash = step(hash, label)
      if (label === 0) break
      if (label > LABEL_LIMIT_OCTETS || length + label >= NAME_LIMIT_OCTETS || at + label >= end)
        return -1
      for (const labelEnd = at + label; at < labelEnd; at++) {
        const octet = packet[at]!
        const lower = octet >= 65 && octet <= 90 ? octet | 0x20 : octet
        octets[length++] = lower
        hash = step(hash, lower)
      }
    }
    this.length = length
    this.#hash = hash
    return at
  }

  loadName(name: Name): void {
    const { octets } = this
    let hash = this.#seed
    for (let i = 0; i < name.length; i++) hash = step(hash, (octets[i] = name.charCodeAt(i)))
    this.length = name.length
    this.#hash = hash
  }

  /** With `keyWord`. */
  hash(key: number): number {
    const mixed = Math.imul(this.#hash ^ key, 0x7feb_352d)
    return mixed ^ (mixed >>> 15)
  }
}

/** FNV-1a. */
function step(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, 0x0100_0193)
}
