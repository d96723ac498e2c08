// Names in the order of their keys, as a chain that goes round: what NSEC and NSEC3 link. Changed in place, in blocks
// that are split when they grow and merged away when they are empty.
import type { Name } from '../../../../shared/dns/name.ts'

const BLOCK_KEYS = 512

export type Link = { readonly key: string; readonly name: Name }

type Block = { readonly keys: string[]; readonly names: Name[] }

export class SortedChain {
  #blocks: Block[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  has(key: string): boolean {
    const block = this.#blocks[this.#blockOf(key)]
    return block !== undefined && block.keys[placeIn(block.keys, key)] === key
  }

  /** The name that stands at `key`. */
  get(key: string): Name | undefined {
    const block = this.#blocks[this.#blockOf(key)]
    if (block === undefined) return undefined
    const at = placeIn(block.keys, key)
    return block.keys[at] === key ? block.names[at] : undefined
  }

  /** False when it was there already; then the name is replaced. */
  insert(key: string, name: Name): boolean {
    const index = this.#blockOf(key)
    const block = this.#blocks[index]
    if (block === undefined) {
      this.#blocks = [{ keys: [key], names: [name] }]
      this.#size = 1
      return true
    }
    const at = placeIn(block.keys, key)
    if (block.keys[at] === key) {
      block.names[at] = name
      return false
    }
    block.keys.splice(at, 0, key)
    block.names.splice(at, 0, name)
    this.#size++
    if (block.keys.length > BLOCK_KEYS) {
      const half = BLOCK_KEYS / 2
      const upper = { keys: block.keys.splice(half), names: block.names.splice(half) }
      this.#blocks.splice(index + 1, 0, upper)
    }
    return true
  }

  delete(key: string): boolean {
    const index = this.#blockOf(key)
    const block = this.#blocks[index]
    if (block === undefined) return false
    const at = placeIn(block.keys, key)
    if (block.keys[at] !== key) return false
    block.keys.splice(at, 1)
    block.names.splice(at, 1)
    this.#size--
    if (block.keys.length === 0) this.#blocks.splice(index, 1)
    return true
  }

  /** The link behind `key`, which need not be there itself; behind the last one comes the first. */
  next(key: string): Link | undefined {
    return this.slice(key, 1)[0] ?? this.slice('', 1, true)[0]
  }

  /** The link before `key`; before the first one comes the last. */
  previous(key: string): Link | undefined {
    let index = this.#blockOf(key)
    let block = this.#blocks[index]
    if (block === undefined) return undefined
    let at = placeIn(block.keys, key) - 1
    if (at < 0) {
      index = index > 0 ? index - 1 : this.#blocks.length - 1
      block = this.#blocks[index]!
      at = block.keys.length - 1
    }
    return { key: block.keys[at]!, name: block.names[at]! }
  }

  /** Up to `count` links behind `after` (with it when `isIncluded`), in order, without going round. */
  slice(after: string, count: number, isIncluded = false): readonly Link[] {
    const links: Link[] = []
    let index = this.#blockOf(after)
    let block = this.#blocks[index]
    if (block === undefined) return links
    let at = placeIn(block.keys, after)
    if (block.keys[at] === after && !isIncluded) at++
    while (links.length < count) {
      if (at >= block.keys.length) {
        block = this.#blocks[++index]
        at = 0
        if (block === undefined) break
        continue
      }
      links.push({ key: block.keys[at]!, name: block.names[at]! })
      at++
    }
    return links
  }

  /** The last block that begins at `key` or before it, the first one when none does. */
  #blockOf(key: string): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#blocks[middle]!.keys[0]! <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}

/** Where `key` is, or would be. */
function placeIn(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
