// Finds zones and nodes in an image that another thread may be changing. Every offset that was read is only used for
// reads, which give undefined outside of the image: a torn read gives a wrong answer at worst, and `isCurrent` tells.
import type { Name } from '../../../../shared/dns/name.ts'
import { IndexSearch } from './index-search.ts'
import { NODE, SLOT, slotHash, WORD, ZONE } from './layout.ts'
import type { NameKey } from './name-key.ts'

export class ImageReader {
  readonly octets: Uint8Array
  readonly words: Int32Array
  readonly index: IndexSearch
  /** Of who asks: its zones, and behind them those of everybody (0). */
  view = 0

  constructor(memory: SharedArrayBuffer) {
    this.octets = new Uint8Array(memory)
    this.words = new Int32Array(memory)
    this.index = new IndexSearch(this.words, this.octets)
  }

  get seed(): number {
    return this.words[WORD.seed]!
  }

  /** For `isCurrent`; waits for a change that is under way. */
  generation(): number {
    const { words } = this
    for (;;) {
      const generation = Atomics.load(words, WORD.generation)
      if ((generation & 1) === 0) return generation
      Atomics.wait(words, WORD.generation, generation, CHANGE_WAIT_MS)
    }
  }

  /** Whether what was read since `generation` is what the image says. */
  isCurrent(generation: number): boolean {
    return Atomics.load(this.words, WORD.generation) === generation
  }

  /** Offset of the zone whose origin is the ancestor of `key` that starts with label `i`; 0 when there is none to be seen. */
  zoneAt(key: NameKey, i: number): number {
    const { view } = this
    const own = view === 0 ? 0 : this.zoneIn(view, key, i)
    return own === 0 ? this.zoneIn(0, key, i) : own
  }

  /** The same among the zones of that view alone. */
  zoneIn(view: number, key: NameKey, i: number): number {
    const { words } = this
    return this.#find(
      words[WORD.zones]!,
      words[WORD.zonesMask]!,
      ZONES_ID - view,
      ZONE_NAME,
      key,
      i,
    )
  }

  /** Of the node at `node`. */
  nameAt(node: number): Name {
    return this.#text(node + NODE.name, this.octets[node + NODE.nameLength]!)
  }

  /** Of the zone at `zone`. */
  originAt(zone: number): Name {
    return this.#text(zone + ZONE.name, this.octets[zone + ZONE.nameLength]!)
  }

  /** Offset of a node; 0 when there is none. */
  nodeAt(zoneId: number, key: NameKey, i: number): number {
    const { words } = this
    return this.#find(words[WORD.nodes]!, words[WORD.nodesMask]!, zoneId, NODE_NAME, key, i)
  }

  /** Offset of `*` right below the ancestor of `key` that starts with label `i`; 0 when there is none. */
  wildcardAt(zoneId: number, key: NameKey, i: number): number {
    const { words, octets } = this
    const mask = words[WORD.nodesMask]!
    const hash = slotHash(key.wildcardHash(i), zoneId)
    const length = 2 + key.length - key.starts[i]!
    for (let slot = hash & mask, left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = words[WORD.nodes]! + 2 * slot
      const block = words[at + 1]!
      if (block === SLOT.free) return 0
      if (words[at] !== hash || block === SLOT.removed) continue
      const node = block * 8
      const name = node + NODE.name
      if (words[node >> 2] !== zoneId || octets[node + NODE.nameLength] !== length) continue
      if (octets[name] !== 1 || octets[name + 1] !== 0x2a) continue
      if (this.#isName(name + 2, key, i)) return node
    }
    return 0
  }

  #find(
    table: number,
    mask: number,
    id: number,
    layout: { readonly id: number; readonly nameLength: number; readonly name: number },
    key: NameKey,
    i: number,
  ): number {
    const { words, octets } = this
    const hash = slotHash(key.hashes[i]!, id)
    const length = key.length - key.starts[i]!
    for (let slot = hash & mask, left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = table + 2 * slot
      const block = words[at + 1]!
      if (block === SLOT.free) return 0
      if (words[at] !== hash || block === SLOT.removed) continue
      const found = block * 8
      if (octets[found + layout.nameLength] !== length) continue
      if (words[(found + layout.id) >> 2] !== Math.abs(id)) continue
      if (this.#isName(found + layout.name, key, i)) return found
    }
    return 0
  }

  #text(at: number, length: number): Name {
    let text = ''
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.octets[at + i]!)
    return text as Name
  }

  #isName(at: number, key: NameKey, i: number): boolean {
    const { octets } = this
    const { octets: wanted, length } = key
    for (let from = key.starts[i]!; from < length; from++, at++)
      if (octets[at] !== wanted[from]) return false
    return true
  }
}

/** No zone's own: ids count from 1. Zones of views are found by numbers below it. */
export const ZONES_ID = 0
const CHANGE_WAIT_MS = 1
const ZONE_NAME = { id: ZONE.view, nameLength: ZONE.nameLength, name: ZONE.name } as const
const NODE_NAME = { id: NODE.zone, nameLength: NODE.nameLength, name: NODE.name } as const
