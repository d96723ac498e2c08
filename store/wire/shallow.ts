// Where a shallow clone ends: git's deepen, deepen-relative, deepen-since and deepen-not.
import type { Oid } from '../object/oid.ts'
import {
  CommitQueue,
  WALK_SLICE,
  type CommitGraph,
  type CommitNode,
} from '../history/commit-graph.ts'

export type Deepen =
  | { readonly kind: 'depth'; readonly depth: number }
  /** So many commits below where the client's history ends now. */
  | { readonly kind: 'relative'; readonly depth: number }
  | {
      readonly kind: 'revisions'
      readonly sinceSeconds: number
      /** Commits that are left out with all their ancestors. */
      readonly not: readonly Oid[]
    }

export type ShallowPlan = {
  /** Commits that become the client's edge and were not so before. */
  readonly shallow: readonly Oid[]
  /** Commits that were the client's edge and are no longer. */
  readonly unshallow: readonly Oid[]
  /** All commits whose parents are not sent. */
  readonly boundary: ReadonlySet<Oid>
  /** Parents of what is no longer the edge: to be sent as if they had been asked for. */
  readonly extraWants: readonly Oid[]
}

/** What `git fetch --unshallow` sends as its depth. */
export const INFINITE_DEPTH = 0x7fffffff

/** undefined when nothing that is wanted lies within the limits. Yields to give the caller a turn. */
export function* planShallow(
  graph: CommitGraph,
  input: {
    readonly wants: readonly Oid[]
    readonly clientShallow: ReadonlySet<Oid>
    readonly deepen: Deepen
  },
): Generator<undefined, ShallowPlan | undefined> {
  const { clientShallow, deepen } = input
  const wants = input.wants.flatMap((oid) => graph.peelToCommit(oid) ?? [])
  const within =
    deepen.kind === 'revisions'
      ? yield* withinRevisions(graph, wants, deepen)
      : yield* withinDepth(graph, yield* startsOf(graph, wants, clientShallow, deepen), deepen)
  if (within === undefined) return undefined
  const { inside, edge } = within
  const unshallow = [...clientShallow].filter((oid) => inside.has(oid) && !edge.has(oid))
  const kept = [...clientShallow].filter((oid) => !inside.has(oid))
  return {
    shallow: [...edge].filter((oid) => !clientShallow.has(oid)),
    unshallow,
    boundary: new Set([...edge, ...kept]),
    extraWants: unshallow.flatMap((oid) => graph.node(oid)?.parents ?? []),
  }
}

/** Commits that will be there, and those of them that end the history. */
type Within = { readonly inside: ReadonlySet<Oid>; readonly edge: ReadonlySet<Oid> }

/** For a relative depth: the client's edges that the wanted commits lead to, which count as depth 0. */
function* startsOf(
  graph: CommitGraph,
  wants: readonly CommitNode[],
  clientShallow: ReadonlySet<Oid>,
  deepen: Deepen & { kind: 'depth' | 'relative' },
): Generator<undefined, readonly CommitNode[]> {
  if (deepen.kind === 'depth') return wants
  const seen = new Set<Oid>()
  const edges: CommitNode[] = []
  const stack = [...wants]
  for (let steps = 1, node = stack.pop(); node !== undefined; steps++, node = stack.pop()) {
    if (seen.has(node.oid)) continue
    seen.add(node.oid)
    if (clientShallow.has(node.oid)) edges.push(node)
    else stack.push(...node.parents.flatMap((oid) => graph.node(oid) ?? []))
    if (steps % WALK_SLICE === 0) yield
  }
  return edges
}

function* withinDepth(
  graph: CommitGraph,
  starts: readonly CommitNode[],
  deepen: Deepen & { kind: 'depth' | 'relative' },
): Generator<undefined, Within> {
  const depth = deepen.kind === 'depth' ? deepen.depth : deepen.depth + 1
  const inside = new Set<Oid>(starts.map((node) => node.oid))
  const edge = new Set<Oid>()
  let level: readonly CommitNode[] = starts
  for (let at = 1; level.length > 0; at++) {
    const next: CommitNode[] = []
    for (const node of level) {
      if (at === depth) {
        if (node.parents.length > 0) edge.add(node.oid)
        continue
      }
      for (const oid of node.parents) {
        const parent = inside.has(oid) ? undefined : graph.node(oid)
        if (parent === undefined) continue
        inside.add(oid)
        next.push(parent)
        if (inside.size % WALK_SLICE === 0) yield
      }
    }
    level = next
  }
  return { inside, edge }
}

function* withinRevisions(
  graph: CommitGraph,
  wants: readonly CommitNode[],
  deepen: Deepen & { kind: 'revisions' },
): Generator<undefined, Within | undefined> {
  const excluded = yield* ancestors(graph, deepen.not)
  const belongs = (node: CommitNode): boolean =>
    node.timeSeconds >= deepen.sinceSeconds && !excluded.has(node.oid)
  const inside = new Map<Oid, CommitNode>()
  const stack = wants.filter(belongs)
  for (let steps = 1, node = stack.pop(); node !== undefined; steps++, node = stack.pop()) {
    if (inside.has(node.oid)) continue
    inside.set(node.oid, node)
    for (const oid of node.parents) {
      const parent = graph.node(oid)
      if (parent !== undefined && belongs(parent)) stack.push(parent)
    }
    if (steps % WALK_SLICE === 0) yield
  }
  if (inside.size === 0) return undefined
  const edge = new Set<Oid>()
  for (const node of inside.values()) {
    if (node.parents.some((oid) => !inside.has(oid))) edge.add(node.oid)
  }
  return { inside: new Set(inside.keys()), edge }
}

function* ancestors(graph: CommitGraph, tips: readonly Oid[]): Generator<undefined, Set<Oid>> {
  const seen = new Set<Oid>()
  const queue = new CommitQueue()
  const meet = (node: CommitNode | undefined): void => {
    if (node === undefined || seen.has(node.oid)) return
    seen.add(node.oid)
    queue.push(node)
  }
  for (const tip of tips) meet(graph.peelToCommit(tip))
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const parent of node.parents) meet(graph.node(parent))
    if (seen.size % WALK_SLICE === 0) yield
  }
  return seen
}
