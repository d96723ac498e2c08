// The form of the trees of a push, as `git fsck` would judge it. A tree that comes as a delta is judged by what its
// base does not have: one file changed among ten thousand costs one entry and its neighbours.
import { checkTree, Tree } from '../object/tree.ts'
import type { Oid } from '../object/oid.ts'
import {
  changedEntries,
  hasEntry,
  MODE_TREE,
  TreeScan,
  type ChangedEntry,
} from '../history/tree-changes.ts'
import type { NewObjects } from './new-objects.ts'

export type ComparedTree = {
  readonly scan: TreeScan
  /** Whether there is a base; without one every entry is new. */
  readonly based: boolean
  /** In the order of the tree. */
  readonly entries: readonly ChangedEntry[]
}

/** A new tree and those of its entries that its base, which is judged or stored already, does not have. */
export function compareWithBase(fresh: NewObjects, oid: Oid): ComparedTree | undefined {
  const baseOid = fresh.baseOf(oid)
  const base = baseOid === undefined ? undefined : fresh.read(baseOid)
  const older = base?.type === 'tree' ? TreeScan.of(base.bytes) : undefined
  const tree = fresh.read(oid)
  const scan = tree?.type === 'tree' ? TreeScan.of(tree.bytes, older) : undefined
  if (scan === undefined) return undefined
  const entries = [...changedEntries(scan, older === undefined ? [] : [older])]
  return { scan, based: older !== undefined, entries }
}

/** What is wrong with the form of a tree: order, duplicates, names, modes. */
export function treeFaults(compared: ComparedTree): string[] {
  const { scan, based, entries } = compared
  const utf8 = entries
    .filter(({ entry }) => !isUtf8(entry.name))
    .map(({ entry }) => `${quote(entry.name)} is no UTF-8`)
  if (!based) return [...faultsOf(scan.bytes), ...utf8]
  const faults = runsOf(entries).flatMap(({ from, to }) => {
    // With the neighbours, for the order.
    const start = scan.starts[Math.max(0, from - 1)]
    const end = scan.starts[Math.min(scan.count, to + 2)]
    return faultsOf(scan.bytes.subarray(start, end))
  })
  if (faults.length > 0) return [...faults, ...utf8]
  // A file and a folder of one name do not stand side by side when others sort between `a` and `a/`.
  const twins = entries.filter(({ entry }) =>
    hasEntry(scan, entry.name, entry.mode === MODE_TREE ? 'other' : 'folder'),
  )
  return [...utf8, ...twins.map(({ entry }) => `${quote(entry.name)} is there twice`)]
}

function faultsOf(bytes: Uint8Array): string[] {
  const tree = Tree.decode(bytes)
  return tree.ok ? checkTree(tree.value) : [`Malformed tree: ${tree.error.kind}`]
}

/** Neighbouring entries as one stretch each, ends included. */
function runsOf(entries: readonly ChangedEntry[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = []
  for (const { index } of entries) {
    const last = runs.at(-1)
    if (last !== undefined && index <= last.to + 2) last.to = index
    else runs.push({ from: index, to: index })
  }
  return runs
}

/** The store finds files by UTF-8 names; one that is none would be listed and never found. */
function isUtf8(name: string): boolean {
  const bytes = Buffer.from(name, 'latin1')
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

function quote(name: string): string {
  return JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'))
}
