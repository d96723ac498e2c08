// Who descends from whom: walks over commits, newest first by committer time, as git walks.
import { decodeCommit, type Commit } from '../object/commit.ts'
import type { Oid } from '../object/oid.ts'
import type { ObjectReader } from '../repository.ts'

export type Walked = { readonly oid: Oid; readonly commit: Commit }

/** Whether `of` is `ancestor` or descends from it. */
export function isAncestor(reader: ObjectReader, ancestor: Oid, of: Oid): boolean {
  if (ancestor === of) return true
  const target = readCommit(reader, ancestor)
  if (target === undefined) return false
  // Clocks differ: a child may seem older than its parent by this much, and is still looked at.
  const oldest = target.committer.timeSeconds - SKEW_SECONDS
  const seen = new Set<Oid>([of])
  const queue: Oid[] = [of]
  for (let oid = queue.shift(); oid !== undefined; oid = queue.shift()) {
    const commit = readCommit(reader, oid)
    if (commit === undefined) continue
    for (const parent of commit.parents) {
      if (parent === ancestor) return true
      if (seen.has(parent)) continue
      seen.add(parent)
      if (commit.committer.timeSeconds >= oldest) queue.push(parent)
    }
  }
  return false
}

/** All best common ancestors: none of them an ancestor of another. */
export function mergeBases(reader: ObjectReader, a: Oid, b: Oid): Oid[] {
  const ofA = new Set([...walkCommits(reader, [a], [])].map((w) => w.oid))
  const common: Oid[] = []
  for (const { oid } of walkCommits(reader, [b], [])) {
    if (!ofA.has(oid)) continue
    if (!common.some((base) => isAncestor(reader, oid, base))) common.push(oid)
  }
  return common
}

/** Commits reachable from `tips` and not from `hidden`, newest first. Parents that are not stored (shallow) end a line. */
export function* walkCommits(
  reader: ObjectReader,
  tips: readonly Oid[],
  hidden: readonly Oid[],
): Generator<Walked> {
  const hide = new Set<Oid>()
  if (hidden.length > 0) for (const { oid } of walkCommits(reader, hidden, [])) hide.add(oid)
  const seen = new Set<Oid>()
  const queue: Walked[] = []
  const push = (oid: Oid): void => {
    if (seen.has(oid) || hide.has(oid)) return
    seen.add(oid)
    const commit = readCommit(reader, oid)
    if (commit === undefined) return
    const time = commit.committer.timeSeconds
    let at = queue.length
    while (at > 0 && queue[at - 1]!.commit.committer.timeSeconds < time) at--
    queue.splice(at, 0, { oid, commit })
  }
  for (const tip of tips) push(tip)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    yield next
    for (const parent of next.commit.parents) push(parent)
  }
}

function readCommit(reader: ObjectReader, oid: Oid): Commit | undefined {
  const object = reader.read(oid)
  const commit = object?.type === 'commit' ? decodeCommit(object.bytes) : undefined
  return commit?.ok ? commit.value : undefined
}

const SKEW_SECONDS = 86_400
