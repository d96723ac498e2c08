// Rules of a policy zone by name and by address, each a small number.
import { parentName, wildcardOf, type Name } from '../../../../shared/dns/name.ts'
import type { Prefix } from '../../../../shared/net/prefix.ts'
import { NameTable } from '../policy/name-table.ts'

/** Of a name that is there since something lies below it. */
const NO_RULE = 0

/** Found as a name server finds records: the name itself, or the wildcard below its closest encloser (RFC 4592 §3.3.1). */
export class NameRules {
  readonly #table: NameTable
  #size = 0

  constructor(seed: number) {
    this.#table = new NameTable(seed)
  }

  /** Rules. */
  get size(): number {
    return this.#size
  }

  /** What it keeps: the owners of rules, and the names above them. */
  get names(): number {
    return this.#table.size
  }

  get octets(): number {
    return this.#table.octets
  }

  /** The rule of this very owner; 0 when it has none. */
  own(owner: Name): number {
    return Math.max(NO_RULE, this.#table.get(owner))
  }

  /** `owner` is canonical, and not the root; `rule` more than 0. */
  put(owner: Name, rule: number): void {
    if (this.own(owner) === NO_RULE) this.#size++
    this.#table.set(owner, rule)
    for (
      let name = parentName(owner)!;
      name.length > 1 && this.#table.get(name) < 0;
      name = parentName(name)!
    )
      this.#table.set(name, NO_RULE)
  }

  /** 0 for none; `name` is canonical. */
  find(name: Name): number {
    const table = this.#table
    if (table.size === 0) return NO_RULE
    const own = name.length > 1 ? table.get(name) : NO_RULE
    if (own >= 0) return own
    for (let above = parentName(name); above !== undefined; above = parentName(above))
      if (above.length === 1 || table.get(above) >= 0) return this.own(wildcardOf(above))
    return NO_RULE
  }

  trim(): void {
    this.#table.trim()
  }
}

/** The longest prefix counts. */
export class AddressRules {
  readonly #rules = new Map<string, number>()
  /** Lengths in use, the longest first, of IPv4 and of IPv6. */
  readonly #lengths = new Map<number, number[]>()

  get size(): number {
    return this.#rules.size
  }

  own({ octets, bits }: Prefix): number {
    return this.#rules.get(keyOf(octets, bits)) ?? NO_RULE
  }

  put({ octets, bits }: Prefix, rule: number): void {
    this.#rules.set(keyOf(octets, bits), rule)
    const lengths = this.#lengths.get(octets.length) ?? []
    if (!lengths.includes(bits)) lengths.push(bits)
    this.#lengths.set(
      octets.length,
      lengths.sort((a, b) => b - a),
    )
  }

  /** 0 for none; `octets` are 4 or 16. */
  find(octets: Uint8Array): number {
    for (const bits of this.#lengths.get(octets.length) ?? []) {
      const rule = this.#rules.get(keyOf(octets, bits))
      if (rule !== undefined) return rule
    }
    return NO_RULE
  }
}

/** The length, and the octets with nothing behind it. */
function keyOf(octets: Uint8Array, bits: number): string {
  let key = `${octets.length}/${bits} `
  for (let i = 0; 8 * i < bits; i++)
    key += String.fromCharCode(octets[i]! & (0xff00 >>> Math.min(8, bits - 8 * i)) & 0xff)
  return key
}
