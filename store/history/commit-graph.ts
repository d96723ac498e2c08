// Commits as fetch and push walk them: parents, tree and time of each, read once per request.
import type { ObjectReader } from '../repository.ts'
import { isOid, type Oid } from '../object/oid.ts'

export type CommitNode = {
  readonly oid: Oid
  readonly tree: Oid
  readonly parents: readonly Oid[]
  /** Committer time; 0 when the commit does not say it readably. */
  readonly timeSeconds: number
}

/** A walk gives its caller a turn after this many commits or trees. */
export const WALK_SLICE = 256
/** A tag of a tag of a tag … is followed this far. */
export const PEEL_LIMIT = 16

export class CommitGraph {
  readonly #reader: ObjectReader
  readonly #nodes = new Map<Oid, CommitNode | undefined>()

  constructor(reader: ObjectReader) {
    this.#reader = reader
  }

  /** undefined when there is no such object or it is no commit. */
  node(oid: Oid): CommitNode | undefined {
    if (this.#nodes.has(oid)) return this.#nodes.get(oid)
    const object = this.#reader.read(oid)
    const node = object?.type === 'commit' ? commitNode(oid, object.bytes) : undefined
    this.#nodes.set(oid, node)
    return node
  }

  /** Follows tags down to a commit; undefined when they end at something else. */
  peelToCommit(oid: Oid): CommitNode | undefined {
    const chain = peelTags(this.#reader, oid)
    return this.node(chain.at(-1) ?? oid)
  }

  /** Whether `target` is one of `tips` or an ancestor of one. Yields to give the caller a turn. */
  *reaches(tips: Iterable<Oid>, target: Oid): Generator<undefined, boolean> {
    const goal = this.node(target)
    if (goal === undefined) return false
    const queue = new CommitQueue()
    const seen = new Set<Oid>()
    for (const tip of tips) this.#enqueue(queue, seen, this.peelToCommit(tip))
    for (let steps = 1; ; steps++) {
      const node = queue.pop()
      if (node === undefined) return false
      if (node.oid === target) return true
      for (const parent of node.parents) this.#enqueue(queue, seen, this.node(parent))
      if (steps % WALK_SLICE === 0) yield
    }
  }

  /**
   * Whether every one of `wants` has one of `common` in its history, looking no further back than the oldest of
   * `common`: then more haves would not make the pack smaller.
   */
  *allReach(wants: Iterable<Oid>, common: ReadonlySet<Oid>): Generator<undefined, boolean> {
    const oldestSeconds = this.#oldest(common)
    const children = new Map<Oid, Oid[]>()
    const starts: Oid[] = []
    const stack: Oid[] = []
    for (const want of wants) {
      const node = this.peelToCommit(want)
      if (node === undefined) continue
      starts.push(node.oid)
      if (!children.has(node.oid)) stack.push(node.oid)
      children.set(node.oid, children.get(node.oid) ?? [])
    }
    const found: Oid[] = []
    for (let steps = 1; stack.length > 0; steps++) {
      const oid = stack.pop()!
      if (common.has(oid)) {
        found.push(oid)
        continue
      }
      const node = this.node(oid)
      if (node === undefined || node.timeSeconds < oldestSeconds) continue
      for (const parent of node.parents) {
        const known = children.get(parent)
        if (known === undefined) {
          children.set(parent, [oid])
          stack.push(parent)
        } else known.push(oid)
      }
      if (steps % WALK_SLICE === 0) yield
    }
    const reaching = new Set(found)
    for (let oid = found.pop(); oid !== undefined; oid = found.pop()) {
      for (const child of children.get(oid) ?? []) {
        if (reaching.has(child)) continue
        reaching.add(child)
        found.push(child)
      }
    }
    return starts.every((oid) => reaching.has(oid))
  }

  #oldest(oids: Iterable<Oid>): number {
    let oldest = Infinity
    for (const oid of oids) oldest = Math.min(oldest, this.node(oid)?.timeSeconds ?? Infinity)
    return oldest
  }

  #enqueue(queue: CommitQueue, seen: Set<Oid>, node: CommitNode | undefined): void {
    if (node === undefined || seen.has(node.oid)) return
    seen.add(node.oid)
    queue.push(node)
  }
}

/** The objects a tag leads to, nearest first, ending at what is no tag; empty when `oid` is no tag or is missing. */
export function peelTags(reader: ObjectReader, oid: Oid): Oid[] {
  const chain: Oid[] = []
  for (let at = oid; chain.length < PEEL_LIMIT;) {
    const object = reader.read(at)
    if (object?.type !== 'tag') break
    const target = Buffer.from(object.bytes.subarray(7, 47)).toString('latin1')
    if (!isOid(target)) break
    chain.push(target)
    at = target
  }
  return chain
}

/** Reads the head of a commit without decoding the rest; undefined when it has no tree. */
export function commitNode(oid: Oid, bytes: Uint8Array): CommitNode | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const tree = buffer.toString('latin1', 5, Math.min(45, buffer.length))
  if (!isOid(tree)) return undefined
  const parents: Oid[] = []
  let at = 46
  // `parent ` in four bytes: 'pare'.
  while (at + 48 <= buffer.length && buffer.readUInt32BE(at) === 0x70617265) {
    const parent = buffer.toString('latin1', at + 7, at + 47)
    if (!isOid(parent)) break
    parents.push(parent)
    at += 48
  }
  return { oid, tree, parents, timeSeconds: committerTime(buffer, at) }
}

function committerTime(buffer: Buffer, from: number): number {
  const start = buffer.indexOf('\ncommitter ', Math.max(0, from - 1), 'latin1')
  if (start < 0) return 0
  const end = buffer.indexOf(10, start + 1)
  const line = buffer.toString('latin1', start, end < 0 ? buffer.length : end)
  const time = /> (\d{1,15}) [+-]\d+$/.exec(line)?.[1]
  return time === undefined ? 0 : Number(time)
}

/** A heap of commits, newest first; of two equally old the one that came first. */
export class CommitQueue {
  readonly #heap: { readonly node: CommitNode; readonly order: number }[] = []
  #pushed = 0

  get size(): number {
    return this.#heap.length
  }

  push(node: CommitNode): void {
    const heap = this.#heap
    const item = { node, order: this.#pushed++ }
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const up = (at - 1) >> 1
      if (!before(item, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = item
  }

  pop(): CommitNode | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top?.node
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      if (down >= heap.length) break
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down++
      if (!before(heap[down]!, last)) break
      heap[at] = heap[down]!
      at = down
    }
    heap[at] = last
    return top.node
  }
}

type Queued = { readonly node: CommitNode; readonly order: number }

function before(a: Queued, b: Queued): boolean {
  if (a.node.timeSeconds !== b.node.timeSeconds) return a.node.timeSeconds > b.node.timeSeconds
  return a.order < b.order
}
