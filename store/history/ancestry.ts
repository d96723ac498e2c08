// Who descends from whom: ancestors, merge bases and walks over commits. Exact whatever the clocks of the authors said;
// dates only decide in which order commits are looked at.
import { decodeCommit, type Commit } from '../object/commit.ts'
import type { Oid } from '../object/oid.ts'
import type { ObjectReader } from '../repository.ts'
import { commitNode, CommitQueue, type CommitNode } from './commit-graph.ts'

/** How wrong clocks may be before `walkCommits` shows a commit that is hidden. */
export const CLOCK_SLACK_SECONDS = 86_400

/**
 * Whether `of` is `ancestor` or descends from it. Costs about the commits between the two, also when the answer is no
 * because `of` has little history. A commit that is not stored (history was cut) has no parents.
 */
export function isAncestor(reader: ObjectReader, ancestor: Oid, of: Oid): boolean {
  const painting = new Painting(reader, [ancestor], [of])
  while (painting.colour(ancestor) !== SHARED) {
    if (painting.step(RIGHT) === undefined) return false
    painting.step(LEFT)
  }
  return true
}

/**
 * The best common ancestors: those that are not an ancestor of another one. Several after criss-cross merges, none when
 * the histories are unrelated. Given several commits, a side is what a merge of them would be.
 */
export function mergeBases(
  reader: ObjectReader,
  a: Oid | readonly Oid[],
  b: Oid | readonly Oid[],
): Oid[] {
  const painting = new Painting(reader, [a].flat(), [b].flat())
  while (painting.count(LEFT) > 0 && painting.count(RIGHT) > 0) {
    const left = painting.step(LEFT)
    const right = painting.step(RIGHT)
    if (left === undefined && right === undefined) break
  }
  const met = painting.meetings
  return met.filter((one) => !met.some((other) => other !== one && isAncestor(reader, one, other)))
}

/**
 * Commits reachable from `tips` but not from `hidden`, newest first, each once; what cannot be decoded is passed over.
 * Without `hidden` it reads as far as it is asked; with it, first all that will be shown.
 */
export function* walkCommits(
  reader: ObjectReader,
  tips: readonly Oid[],
  hidden: readonly Oid[],
): Generator<{ readonly oid: Oid; readonly commit: Commit }> {
  const shows = hidden.length === 0 ? () => true : notReachedFrom(reader, tips, hidden)
  const queue = new CommitQueue()
  const seen = new Set<Oid>()
  const commits = new Map<Oid, Uint8Array>()
  const enqueue = (oid: Oid): void => {
    if (seen.has(oid) || !shows(oid)) return
    seen.add(oid)
    const object = reader.read(oid)
    const node = object?.type === 'commit' ? commitNode(oid, object.bytes) : undefined
    if (node === undefined) return
    commits.set(oid, object!.bytes)
    queue.push(node)
  }
  tips.forEach(enqueue)
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    const commit = decodeCommit(commits.get(node.oid)!)
    commits.delete(node.oid)
    if (commit.ok) yield { oid: node.oid, commit: commit.value }
    node.parents.forEach(enqueue)
  }
}

function notReachedFrom(
  reader: ObjectReader,
  tips: readonly Oid[],
  hidden: readonly Oid[],
): (oid: Oid) => boolean {
  const painting = new Painting(reader, tips, hidden)
  let counted = -1
  let oldest = Infinity
  for (;;) {
    const left = painting.step(LEFT)
    const right = painting.step(RIGHT)
    if (left !== undefined) continue
    if (right === undefined || painting.count(LEFT) === 0) break
    if (painting.count(LEFT) !== counted) {
      counted = painting.count(LEFT)
      oldest = painting.oldest(LEFT)
    }
    if (right < oldest - CLOCK_SLACK_SECONDS) break
  }
  return (oid) => painting.colour(oid) === LEFT
}

type Side = 1 | 2
type Colour = 0 | Side | typeof SHARED

const LEFT = 1
const RIGHT = 2
const SHARED = 3

/**
 * Two sides paint their ancestors, each in its colour; where they meet, all below is shared by both. A step takes one
 * commit of one side; callers take turns, so that neither side runs far into history that the other has painted.
 */
class Painting {
  /** Where one side came upon the other; among them are all best common ancestors. */
  readonly meetings: Oid[] = []
  readonly #reader: ObjectReader
  readonly #colours = new Map<Oid, Colour>()
  readonly #nodes = new Map<Oid, CommitNode | undefined>()
  readonly #queues = { 1: new CommitQueue(), 2: new CommitQueue(), 3: new CommitQueue() }
  readonly #counts = { 1: 0, 2: 0 }

  constructor(reader: ObjectReader, left: readonly Oid[], right: readonly Oid[]) {
    this.#reader = reader
    for (const oid of left) this.#paint(oid, LEFT)
    for (const oid of right) this.#paint(oid, RIGHT)
  }

  colour(oid: Oid): Colour {
    return this.#colours.get(oid) ?? 0
  }

  /** Commits that only this side has reached so far. */
  count(side: Side): number {
    return this.#counts[side]
  }

  /** Time of the oldest commit that only this side has reached; Infinity when there is none. */
  oldest(side: Side): number {
    let oldest = Infinity
    for (const [oid, colour] of this.#colours) {
      const time = colour === side ? this.#node(oid)?.timeSeconds : undefined
      if (time !== undefined && time < oldest) oldest = time
    }
    return oldest
  }

  /** Paints the parents of the newest open commit of a side; returns its time, undefined when nothing is open. */
  step(side: Side): number | undefined {
    const queue = this.#queues[side]
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      this.#shareDownTo(node.timeSeconds)
      if (this.colour(node.oid) !== side) continue
      for (const parent of node.parents) this.#paint(parent, side)
      return node.timeSeconds
    }
    return undefined
  }

  #paint(oid: Oid, side: Side): void {
    const colour = this.colour(oid)
    if (colour === side || colour === SHARED) return
    if (colour !== 0) {
      this.meetings.push(oid)
      this.#share(oid)
      return
    }
    this.#colours.set(oid, side)
    this.#counts[side]++
    this.#enqueue(oid, side)
  }

  /** Spreads over all that is painted already; beyond that the shared colour goes on by date. */
  #share(from: Oid): void {
    const stack = [from]
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      const colour = this.colour(oid)
      if (colour === SHARED) continue
      this.#colours.set(oid, SHARED)
      if (colour === 0) {
        this.#enqueue(oid, SHARED)
        continue
      }
      this.#counts[colour]--
      stack.push(...(this.#node(oid)?.parents ?? []))
    }
  }

  /** Keeps the shared colour ahead of the sides, so that they do not walk through common history. */
  #shareDownTo(timeSeconds: number): void {
    const queue = this.#queues[SHARED]
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (node.timeSeconds < timeSeconds) {
        queue.push(node)
        return
      }
      for (const parent of node.parents) this.#share(parent)
    }
  }

  #enqueue(oid: Oid, colour: Side | typeof SHARED): void {
    const node = this.#node(oid)
    if (node !== undefined) this.#queues[colour].push(node)
  }

  #node(oid: Oid): CommitNode | undefined {
    if (this.#nodes.has(oid)) return this.#nodes.get(oid)
    const object = this.#reader.read(oid)
    const node = object?.type === 'commit' ? commitNode(oid, object.bytes) : undefined
    this.#nodes.set(oid, node)
    return node
  }
}
