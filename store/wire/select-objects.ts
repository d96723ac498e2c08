// Which objects a fetch must carry: everything the wanted tips lead to, less what the client said it has.
//
// Commits are walked newest first until all that is left is known to the client; then each new commit, oldest first,
// has its tree compared with those of its parents, so that a fetch costs what changed. Contents are never read.
import type { ObjectReader } from '../repository.ts'
import type { ObjectType, Oid } from '../object/oid.ts'
import {
  CommitQueue,
  peelTags,
  WALK_SLICE,
  type CommitGraph,
  type CommitNode,
} from '../history/commit-graph.ts'
import {
  changedEntries,
  MODE_GITLINK,
  MODE_TREE,
  TreeScan,
  type RawEntry,
} from '../history/tree-changes.ts'

export type Wanted = {
  /** Tips of any type. */
  readonly wants: readonly Oid[]
  /** Objects the client has with all they lead to, except beyond `clientShallow`. */
  readonly common: ReadonlySet<Oid>
  /** Commits whose parents the client does not have. */
  readonly clientShallow: ReadonlySet<Oid>
  /** Commits whose parents are not to be sent. */
  readonly shallow: ReadonlySet<Oid>
  /** `blob:none`: files are left out unless wanted by id. */
  readonly filter?: 'blob:none'
  /** Tips of tags that go along when what they point at does (include-tag). */
  readonly tags?: Iterable<Oid>
}

export type Selection = {
  /** In the order to be sent: trees and files of old commits before those of newer ones. */
  readonly oids: ReadonlySet<Oid>
  /** Objects the client has or will have, known from comparing: a delta may lean on them in a thin pack. */
  readonly had: ReadonlySet<Oid>
}

/** Trees kept with the offsets of their entries, for comparing with the next version of the same folder. */
const SCAN_CACHE_BYTES = 16 << 20
/** Objects added before the caller is given a turn. */
const ADD_SLICE = 1024

/** Yields to give the caller a turn; reads commits, tags and trees only. Missing objects are left out. */
export function* selectObjects(
  reader: ObjectReader,
  graph: CommitGraph,
  wanted: Wanted,
): Generator<undefined, Selection> {
  const selection = new Selecting(reader, wanted.filter === 'blob:none')
  const tips: CommitNode[] = []
  const loose: { oid: Oid; type: ObjectType }[] = []
  for (const oid of wanted.wants) {
    for (const at of [oid, ...peelTags(reader, oid)]) {
      const node = graph.node(at)
      if (node !== undefined) {
        tips.push(node)
        continue
      }
      const type = reader.read(at)?.type
      if (type !== undefined && !wanted.common.has(at)) loose.push({ oid: at, type })
    }
  }
  const { fresh, known } = yield* newCommits(graph, tips, wanted)
  const newestKnown = [...known].slice(0, 1)
  const sent = new Set<Oid>()
  for (const [n, node] of fresh.entries()) {
    const parents = node.parents.filter((oid) => known.has(oid) || sent.has(oid))
    const older = (parents.length > 0 ? parents : newestKnown).map((oid) => graph.node(oid)?.tree)
    selection.add(node.oid)
    yield* selection.addTree(
      node.tree,
      older.filter((oid) => oid !== undefined),
    )
    sent.add(node.oid)
    if (n % WALK_SLICE === 0) yield
  }
  for (const { oid, type } of loose) {
    if (type === 'tree') yield* selection.addTree(oid, [])
    else selection.add(oid)
  }
  for (const tag of wanted.tags ?? []) {
    const chain = peelTags(reader, tag)
    const target = chain.pop()
    if (target === undefined || !selection.oids.has(target) || wanted.common.has(tag)) continue
    for (const oid of [...chain.toReversed(), tag]) selection.add(oid)
  }
  return selection
}

/** Commits the client lacks, oldest first, and those met that it has, newest first. */
function* newCommits(
  graph: CommitGraph,
  tips: readonly CommitNode[],
  wanted: Wanted,
): Generator<undefined, { fresh: CommitNode[]; known: Set<Oid> }> {
  const queue = new CommitQueue()
  const known = new Set<Oid>()
  /** Met as wanted: waiting in the queue, or taken from it. */
  const state = new Map<Oid, 'waiting' | 'taken'>()
  const met: CommitNode[] = []
  // What keeps the walk going: wanted commits in the queue, and known ones whose ancestors were taken as wanted.
  let pending = 0
  const pendingKnown = new Set<Oid>()

  const want = (node: CommitNode): void => {
    if (known.has(node.oid) || state.has(node.oid)) return
    state.set(node.oid, 'waiting')
    pending++
    queue.push(node)
  }
  const know = (node: CommitNode): void => {
    if (known.has(node.oid)) return
    known.add(node.oid)
    const was = state.get(node.oid)
    if (was === 'waiting') pending--
    else queue.push(node)
    if (was === 'taken') {
      pendingKnown.add(node.oid)
      pending++
    }
  }
  for (const oid of wanted.common) {
    const node = graph.peelToCommit(oid)
    if (node !== undefined) know(node)
  }
  for (const node of tips) want(node)
  for (let steps = 1; pending > 0; steps++) {
    const node = queue.pop()
    if (node === undefined) break
    const has = known.has(node.oid)
    if (has && pendingKnown.delete(node.oid)) pending--
    if (!has) {
      pending--
      state.set(node.oid, 'taken')
      met.push(node)
    }
    if ((has ? wanted.clientShallow : wanted.shallow).has(node.oid)) continue
    for (const oid of node.parents) {
      const parent = graph.node(oid)
      if (parent === undefined) continue
      if (has) know(parent)
      else want(parent)
    }
    if (steps % WALK_SLICE === 0) yield
  }
  const fresh = met.filter((node) => !known.has(node.oid)).reverse()
  return { fresh, known }
}

class Selecting implements Selection {
  readonly oids: Set<Oid> = new Set<Oid>()
  readonly had: Set<Oid> = new Set<Oid>()
  readonly #reader: ObjectReader
  readonly #withoutBlobs: boolean
  readonly #scans = new Map<Oid, TreeScan>()
  #scanBytes = 0
  #turn = 0

  constructor(reader: ObjectReader, withoutBlobs: boolean) {
    this.#reader = reader
    this.#withoutBlobs = withoutBlobs
  }

  /** Whether much was added since it was last asked. */
  #tired(): boolean {
    if (this.oids.size - this.#turn < ADD_SLICE) return false
    this.#turn = this.oids.size
    return true
  }

  add(oid: Oid): void {
    this.oids.add(oid)
  }

  /** Adds a tree and what is below it, less what stands in one of `older`, which the client has by then. */
  *addTree(root: Oid, older: readonly Oid[]): Generator<undefined> {
    if (older.includes(root)) return
    const stack: { oid: Oid; older: readonly Oid[] }[] = [{ oid: root, older }]
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      if (this.#tired()) yield
      for (const oid of item.older) this.had.add(oid)
      if (this.oids.has(item.oid)) continue
      const others = item.older.map((oid) => this.#scan(oid)).filter((scan) => scan !== undefined)
      const scan = this.#scan(item.oid, others[0])
      if (scan === undefined) continue
      this.oids.add(item.oid)
      for (const { entry, older } of changedEntries(scan, others)) {
        if (entry.mode === MODE_GITLINK) continue
        const oid = entry.hex as Oid
        if (entry.mode === MODE_TREE) {
          stack.push({ oid, older: older.filter(isTree).map((other) => other.hex as Oid) })
        } else if (!this.#withoutBlobs) {
          for (const other of older) this.had.add(other.hex as Oid)
          this.oids.add(oid)
        }
      }
    }
  }

  #scan(oid: Oid, like?: TreeScan): TreeScan | undefined {
    const known = this.#scans.get(oid)
    if (known !== undefined) return known
    const object = this.#reader.read(oid)
    const scan = object?.type === 'tree' ? TreeScan.of(object.bytes, like) : undefined
    if (scan === undefined) return undefined
    this.#scans.set(oid, scan)
    this.#scanBytes += scan.bytes.length
    for (const [old, { bytes }] of this.#scans) {
      if (this.#scanBytes <= SCAN_CACHE_BYTES) break
      this.#scans.delete(old)
      this.#scanBytes -= bytes.length
    }
    return scan
  }
}

function isTree(entry: RawEntry): boolean {
  return entry.mode === MODE_TREE
}
