// An immutable map of strings: a changed copy shares all but a few small arrays, so a calendar of ten thousand objects
// has a new index for each commit and readers keep the one they have. A hash trie of 32 ways, leaves of a few entries.

export class PersistentMap<V> {
  static readonly EMPTY: PersistentMap<never> = new PersistentMap<never>([], 0)

  readonly size: number
  readonly #root: Node<V>

  private constructor(root: Node<V>, size: number) {
    this.#root = root
    this.size = size
  }

  get(key: string): V | undefined {
    let node = this.#root
    for (let bits = hashOf(key); isBranch(node); bits >>>= WAY_BITS) {
      const child: Node<V> | undefined = node.ways[bits & WAY_MASK]
      if (child === undefined) return undefined
      node = child
    }
    for (let i = 0; i < node.length; i++) if (node[i]!.key === key) return node[i]!.value
    return undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  set(key: string, value: V): PersistentMap<V> {
    const isNew = this.get(key) === undefined
    return new PersistentMap(
      put(this.#root, hashOf(key), 0, { key, value }),
      this.size + (isNew ? 1 : 0),
    )
  }

  delete(key: string): PersistentMap<V> {
    if (this.get(key) === undefined) return this
    return new PersistentMap(take(this.#root, hashOf(key), key), this.size - 1)
  }

  /** In no order that means anything, the same each time. */
  *[Symbol.iterator](): Generator<readonly [string, V]> {
    for (const { key, value } of walk(this.#root)) yield [key, value]
  }

  *values(): Generator<V> {
    for (const { value } of walk(this.#root)) yield value
  }
}

type Pair<V> = { readonly key: string; readonly value: V }
type Branch<V> = { readonly ways: readonly (Node<V> | undefined)[] }
type Node<V> = Branch<V> | readonly Pair<V>[]

const WAY_BITS = 5
const WAY_MASK = 31
const HASH_BITS = 32
const LEAF_LIMIT = 16

function isBranch<V>(node: Node<V>): node is Branch<V> {
  return 'ways' in node
}

function put<V>(node: Node<V>, bits: number, depth: number, pair: Pair<V>): Node<V> {
  if (isBranch(node)) {
    const way = bits & WAY_MASK
    const child = put(node.ways[way] ?? [], bits >>> WAY_BITS, depth + WAY_BITS, pair)
    return { ways: node.ways.with(way, child) }
  }
  const at = node.findIndex(({ key }) => key === pair.key)
  if (at >= 0) return node.with(at, pair)
  if (node.length < LEAF_LIMIT || depth >= HASH_BITS) return [...node, pair]
  let branch: Node<V> = { ways: Array.from({ length: 1 << WAY_BITS }) }
  for (const each of [...node, pair]) branch = put(branch, hashOf(each.key) >>> depth, depth, each)
  return branch
}

function take<V>(node: Node<V>, bits: number, key: string): Node<V> {
  if (!isBranch(node)) return node.filter((pair) => pair.key !== key)
  const way = bits & WAY_MASK
  const child = take(node.ways[way]!, bits >>> WAY_BITS, key)
  const isGone = !isBranch(child) && child.length === 0
  return { ways: node.ways.with(way, isGone ? undefined : child) }
}

function* walk<V>(node: Node<V>): Generator<Pair<V>> {
  if (!isBranch(node)) return yield* node
  for (const child of node.ways) if (child !== undefined) yield* walk(child)
}

/** FNV-1a over UTF-16 units. Names come from users of the calendar itself: crowding a leaf only slows their own. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
