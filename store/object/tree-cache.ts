// Decoded trees, least recently used last, bounded by what they hold in memory together: a chunk that a thousand versions
// of a folder share counts once. So the versions of some minutes fit, and a seal finds the one its pack begins with.
import type { Oid } from './oid.ts'
import type { TreeChunk } from './tree-chunk.ts'
import type { Tree } from './tree.ts'

/** Of a tree beside its chunks, and of a chunk beside its bytes. */
const TREE_BYTES = 500
const CHUNK_BYTES = 200
const PLACE_BYTES = 16

export class TreeCache {
  readonly #limitBytes: number
  readonly #trees = new Map<Oid, Tree>()
  /** How many trees here have the chunk. */
  readonly #uses = new Map<TreeChunk, number>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(oid: Oid): Tree | undefined {
    const tree = this.#trees.get(oid)
    if (tree === undefined) return undefined
    // A Map keeps insertion order, so putting it back makes it the youngest.
    this.#trees.delete(oid)
    this.#trees.set(oid, tree)
    return tree
  }

  /** One of more than half of the limit is not kept: it would push out everything else. */
  set(tree: Tree): void {
    if (tree.size > this.#limitBytes / 2) return
    this.delete(tree.oid)
    this.#trees.set(tree.oid, tree)
    this.#count(tree, 1)
    for (const oldest of this.#trees.keys()) {
      if (this.#bytes <= this.#limitBytes || oldest === tree.oid) break
      this.delete(oldest)
    }
  }

  delete(oid: Oid): void {
    const tree = this.#trees.get(oid)
    if (tree === undefined) return
    this.#trees.delete(oid)
    this.#count(tree, -1)
  }

  clear(): void {
    this.#trees.clear()
    this.#uses.clear()
    this.#bytes = 0
  }

  #count({ chunks }: Tree, step: 1 | -1): void {
    this.#bytes += step * (TREE_BYTES + chunks.length * PLACE_BYTES)
    for (const chunk of chunks) {
      const before = this.#uses.get(chunk) ?? 0
      const after = before + step
      if (after === 0) this.#uses.delete(chunk)
      else this.#uses.set(chunk, after)
      if (before === 0 || after === 0)
        this.#bytes += step * (chunk.size + chunk.count * 4 + CHUNK_BYTES)
    }
  }
}
