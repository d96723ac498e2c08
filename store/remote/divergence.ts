// How far two tips are apart, and which of our commits to name so that a remote finds common ground soon.
import type { Oid } from '../object/oid.ts'
import type { ObjectReader } from '../repository.ts'
import { CommitGraph, CommitQueue } from '../history/commit-graph.ts'

/** Commits looked at for a count; a larger distance is told as this. */
export const COUNT_LIMIT = 10_000
/** The newest commits are named one by one, the older ones further and further apart. */
const DENSE_HAVES = 32
const HAVE_WALK_LIMIT = 20_000

/** Commits only one side has: `ahead` are in `ours` alone. A side that is absent has none. */
export function countDivergence(
  reader: ObjectReader,
  ours: Oid | undefined,
  theirs: Oid | undefined,
): { readonly ahead: number; readonly behind: number } {
  if (ours === theirs) return { ahead: 0, behind: 0 }
  const graph = new CommitGraph(reader)
  const queue = new CommitQueue()
  const sides = new Map<Oid, number>()
  const queued = new Set<Oid>()
  // Queued commits that only one side is known to have: when there is none, all the rest is common.
  let open = 0
  const reach = (oid: Oid, side: number): void => {
    const before = sides.get(oid) ?? 0
    const after = before | side
    const node = after === before ? undefined : graph.node(oid)
    if (node === undefined) return
    sides.set(oid, after)
    if (queued.has(oid)) open--
    else {
      queued.add(oid)
      queue.push(node)
      if (after !== BOTH) open++
    }
  }
  if (ours !== undefined) reach(ours, OURS)
  if (theirs !== undefined) reach(theirs, THEIRS)
  for (let steps = 0; open > 0 && steps < COUNT_LIMIT; steps++) {
    const node = queue.pop()
    if (node === undefined) break
    const side = sides.get(node.oid) ?? BOTH
    queued.delete(node.oid)
    if (side !== BOTH) open--
    for (const parent of node.parents) reach(parent, side)
  }
  let ahead = 0
  let behind = 0
  for (const side of sides.values()) {
    if (side === OURS) ahead++
    if (side === THEIRS) behind++
  }
  return { ahead, behind }
}

/** Newest first: `tips` themselves, then ever sparser ancestors, at most `limit`. */
export function haveCommits(reader: ObjectReader, tips: readonly Oid[], limit: number): Oid[] {
  const graph = new CommitGraph(reader)
  const queue = new CommitQueue()
  const seen = new Set<Oid>()
  const chosen = new Set<Oid>(tips.filter((oid) => graph.node(oid) !== undefined))
  const push = (oid: Oid): void => {
    const node = graph.node(oid)
    if (node === undefined || seen.has(oid)) return
    seen.add(oid)
    queue.push(node)
  }
  for (const tip of tips) push(tip)
  let next = 0
  for (let n = 0; n < HAVE_WALK_LIMIT && chosen.size < limit; n++) {
    const node = queue.pop()
    if (node === undefined) break
    if (n >= next) {
      chosen.add(node.oid)
      next = n < DENSE_HAVES ? n + 1 : Math.ceil(n * 1.1)
    }
    for (const parent of node.parents) push(parent)
  }
  return [...chosen].slice(0, limit)
}

const OURS = 1
const THEIRS = 2
const BOTH = 3
