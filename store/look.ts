// A look at a repository without opening it: no lock, no recovery, nothing written. For `--check`, also beside a running appliance.
import { join } from 'node:path'
import type { Snapshot } from './api.ts'
import type { Disk } from './disk/disk.ts'
import { ObjectFolder } from './disk/object-folder.ts'
import { FreshObjects } from './journal/fresh-objects.ts'
import { readJournal } from './journal/journal.ts'
import { commitTree } from './object/commit.ts'
import type { GitObject, Oid } from './object/oid.ts'
import { Tree } from './object/tree.ts'
import { DiskRefs } from './refs/disk-refs.ts'
import { WaitingRefs } from './refs/waiting-refs.ts'
import { TreeSnapshot, type TreeReader } from './snapshot.ts'

/** The head of `branch` with what the journal holds, and the empty tree to compare with; undefined when it is unborn. */
export function lookAtBranch(
  disk: Disk,
  gitDir: string,
  branch: string,
): { readonly head: Snapshot; readonly empty: Snapshot } | undefined {
  const ref = `refs/heads/${branch}`
  const reader = new Looker(disk, gitDir)
  let tip = new DiskRefs(disk, gitDir).read(ref)
  for (const waiting of new WaitingRefs(disk, join(gitDir, 'cairn')).list()) {
    if (waiting.name === ref) tip = waiting.new
  }
  for (const transaction of readJournal(disk, join(gitDir, 'cairn'))) {
    for (const entry of transaction.entries) reader.fresh.add(entry, 0)
    for (const move of transaction.moves) if (move.name === ref) tip = move.new
  }
  const commit = tip === undefined ? undefined : reader.read(tip)
  if (commit === undefined) return undefined
  const head = new TreeSnapshot(reader, tip, commitTree(commit.bytes))
  return { head, empty: new TreeSnapshot(reader, undefined) }
}

export class Looker implements TreeReader {
  readonly fresh: FreshObjects = new FreshObjects()
  readonly #objects: ObjectFolder

  constructor(disk: Disk, gitDir: string) {
    this.#objects = new ObjectFolder(disk, join(gitDir, 'objects'))
  }

  read(oid: Oid): GitObject | undefined {
    return this.fresh.read(oid, this) ?? this.#objects.read(oid)
  }

  has(oid: Oid): boolean {
    return this.fresh.has(oid) || this.#objects.has(oid)
  }

  tree(oid: Oid): Tree | undefined {
    if (oid === Tree.EMPTY.oid) return Tree.EMPTY
    const object = this.read(oid)
    const tree = object?.type === 'tree' ? Tree.decode(object.bytes, oid) : undefined
    return tree?.ok ? tree.value : undefined
  }
}
