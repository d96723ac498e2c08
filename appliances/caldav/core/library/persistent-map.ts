// An immutable map of strings: a changed copy shares all but a few small arrays, so a calendar of ten thousand objects
// has a new index for each commit and readers keep the one they have. A hash trie of 32 ways; a leaf is a few keys and values
// in turn, with no object around each pair.

export class PersistentMap<V> {
  static readonly EMPTY: PersistentMap<never> = new PersistentMap<never>([], 0)

  readonly size: number
  readonly #root: Node<V>

  private constructor(root: Node<V>, size: number) {
    this.#root = root
    this.size = size
  }

  /** Of many at once, which takes no copies; keys come once each. */
  static from<V>(entries: ReadonlyMap<string, V>): PersistentMap<V> {
    const hashed: Hashed<V>[] = []
    for (const [key, value] of entries) hashed.push({ hash: hashOf(key), key, value })
    return new PersistentMap(built(hashed, 0), hashed.length)
  }

  get(key: string): V | undefined {
    let node = this.#root
    for (let bits = hashOf(key); isBranch(node); bits >>>= WAY_BITS) {
      const child: Node<V> | undefined = node.ways[bits & WAY_MASK]
      if (child === undefined) return undefined
      node = child
    }
    const at = placeOf(node, key)
    return at < 0 ? undefined : valueAt(node, at)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  set(key: string, value: V): PersistentMap<V> {
    const isNew = this.get(key) === undefined
    return new PersistentMap(
      put(this.#root, hashOf(key), 0, key, value),
      this.size + (isNew ? 1 : 0),
    )
  }

  delete(key: string): PersistentMap<V> {
    if (this.get(key) === undefined) return this
    return new PersistentMap(take(this.#root, hashOf(key), key), this.size - 1)
  }

  /** In no order that means anything, the same each time. */
  *[Symbol.iterator](): Generator<readonly [string, V]> {
    for (const leaf of leaves(this.#root))
      for (let i = 0; i < leaf.length; i += 2) yield [keyAt(leaf, i), valueAt(leaf, i)]
  }

  *values(): Generator<V> {
    for (const leaf of leaves(this.#root))
      for (let i = 0; i < leaf.length; i += 2) yield valueAt(leaf, i)
  }
}

/** Changes of a map that are made together: where they are many, the map is built anew, in one go. */
export class MapEdit<V> {
  readonly #base: PersistentMap<V>
  readonly #changes = new Map<string, V | undefined>()

  constructor(base: PersistentMap<V>) {
    this.#base = base
  }

  get(key: string): V | undefined {
    const value = this.#changes.get(key)
    return value !== undefined || this.#changes.has(key) ? value : this.#base.get(key)
  }

  set(key: string, value: V): void {
    this.#changes.set(key, value)
  }

  delete(key: string): void {
    this.#changes.set(key, undefined)
  }

  done(): PersistentMap<V> {
    let map = this.#base
    if (this.#changes.size * REBUILD_SHARE > map.size) {
      const whole = new Map(map)
      for (const [key, value] of this.#changes)
        if (value === undefined) whole.delete(key)
        else whole.set(key, value)
      return PersistentMap.from(whole)
    }
    for (const [key, value] of this.#changes)
      map = value === undefined ? map.delete(key) : map.set(key, value)
    return map
  }
}

type Branch<V> = { readonly ways: readonly (Node<V> | undefined)[] }
/** Key, value, key, value. */
type Leaf<V> = readonly (string | V)[]
type Node<V> = Branch<V> | Leaf<V>
type Hashed<V> = { readonly hash: number; readonly key: string; readonly value: V }

const WAY_BITS = 5
const WAY_MASK = 31
const HASH_BITS = 32
const LEAF_LIMIT = 16
const LEAF_SLOTS = 2 * LEAF_LIMIT
/** A map is built anew when one entry in so many changes. */
const REBUILD_SHARE = 8

function isBranch<V>(node: Node<V>): node is Branch<V> {
  return !Array.isArray(node)
}

/** A leaf's even places are keys, its odd ones values. */
function keyAt<V>(leaf: Leaf<V>, at: number): string {
  return leaf[at] as string
}

function valueAt<V>(leaf: Leaf<V>, at: number): V {
  return leaf[at + 1] as V
}

function placeOf<V>(leaf: Leaf<V>, key: string): number {
  for (let at = 0; at < leaf.length; at += 2) if (leaf[at] === key) return at
  return -1
}

function put<V>(node: Node<V>, bits: number, depth: number, key: string, value: V): Node<V> {
  if (isBranch(node)) {
    const way = bits & WAY_MASK
    const child = put(node.ways[way] ?? [], bits >>> WAY_BITS, depth + WAY_BITS, key, value)
    return { ways: node.ways.with(way, child) }
  }
  const at = placeOf(node, key)
  if (at >= 0) return node.with(at + 1, value)
  if (node.length < LEAF_SLOTS || depth >= HASH_BITS) return [...node, key, value]
  let branch: Node<V> = { ways: Array.from({ length: 1 << WAY_BITS }) }
  for (let i = 0; i < node.length; i += 2) {
    const old = keyAt(node, i)
    branch = put(branch, hashOf(old) >>> depth, depth, old, valueAt(node, i))
  }
  return put(branch, bits, depth, key, value)
}

function take<V>(node: Node<V>, bits: number, key: string): Node<V> {
  if (!isBranch(node)) {
    const at = placeOf(node, key)
    return node.toSpliced(at, 2)
  }
  const way = bits & WAY_MASK
  const child = take(node.ways[way]!, bits >>> WAY_BITS, key)
  const isGone = !isBranch(child) && child.length === 0
  return { ways: node.ways.with(way, isGone ? undefined : child) }
}

function built<V>(hashed: readonly Hashed<V>[], depth: number): Node<V> {
  if (hashed.length <= LEAF_LIMIT || depth >= HASH_BITS) {
    const leaf = Array.from<string | V>({ length: 2 * hashed.length })
    for (const [i, { key, value }] of hashed.entries()) {
      leaf[2 * i] = key
      leaf[2 * i + 1] = value
    }
    return leaf
  }
  const ways: Hashed<V>[][] = Array.from({ length: 1 << WAY_BITS }, () => [])
  for (const each of hashed) ways[(each.hash >>> depth) & WAY_MASK]!.push(each)
  return {
    ways: ways.map((way) => (way.length === 0 ? undefined : built(way, depth + WAY_BITS))),
  }
}

/** One generator for all levels: one inside the other would cost each step the depth. */
function* leaves<V>(root: Node<V>): Generator<Leaf<V>> {
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!isBranch(node)) yield node
    else for (const child of node.ways) if (child !== undefined) open.push(child)
  }
}

/** FNV-1a over UTF-16 units. Names come from users of the calendar itself: crowding a leaf only slows their own. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
