// The form of each object of a push, as `git fsck` would judge it, and what we do not let in though git would.
import { problem, type Problem } from '../../shared/result/problem.ts'
import { decodeCommit } from '../object/commit.ts'
import type { Oid } from '../object/oid.ts'
import { decodeTag } from '../object/tag.ts'
import { commitNode } from '../history/commit-graph.ts'
import { MODE_GITLINK, MODE_TREE, TreeScan } from '../history/tree-changes.ts'
import type { NewObjects } from './new-objects.ts'
import { compareWithBase, treeFaults } from './tree-form.ts'

export type ObjectRules = {
  /** Lets symbolic links and submodules in. */
  readonly allowLinks: boolean
}

/** Problems beyond this are not looked for: one is enough to refuse. */
export const OBJECT_PROBLEMS_LIMIT = 20

/** Every problem found (at most OBJECT_PROBLEMS_LIMIT), with the path of the folder when a new commit leads to it. */
export function checkObjects(fresh: NewObjects, rules: ObjectRules): Problem[] {
  const problems: Problem[] = []
  const folders = new FolderPaths(fresh)
  for (const { oid, type } of fresh.entries) {
    if (problems.length >= OBJECT_PROBLEMS_LIMIT) break
    if (type === 'tree') problems.push(...treeProblems(fresh, oid, rules, folders))
    else if (type !== 'blob') problems.push(...headProblems(fresh, oid, type))
  }
  return problems.slice(0, OBJECT_PROBLEMS_LIMIT)
}

function headProblems(fresh: NewObjects, oid: Oid, type: 'commit' | 'tag'): Problem[] {
  const bytes = fresh.read(oid)?.bytes ?? new Uint8Array(0)
  const why = type === 'commit' ? commitFault(bytes) : tagFault(bytes)
  return why === undefined ? [] : [problem(`Malformed ${type}: ${why}`, { file: `${type} ${oid}` })]
}

function commitFault(bytes: Uint8Array): string | undefined {
  const decoded = decodeCommit(bytes)
  return decoded.ok ? undefined : decoded.error.why
}

function tagFault(bytes: Uint8Array): string | undefined {
  const decoded = decodeTag(bytes)
  return decoded.ok ? undefined : decoded.error.why
}

function treeProblems(
  fresh: NewObjects,
  oid: Oid,
  rules: ObjectRules,
  folders: FolderPaths,
): Problem[] {
  const compared = compareWithBase(fresh, oid)
  if (compared === undefined) return [problem('Malformed tree', { file: folders.nameOf(oid) })]
  const found = treeFaults(compared).map((fault) => problem(fault, { file: folders.nameOf(oid) }))
  if (rules.allowLinks) return found
  for (const { entry } of compared.entries) {
    const what = LINKS.get(entry.mode)
    if (what === undefined) continue
    const name = Buffer.from(entry.name, 'latin1').toString('utf8')
    found.push(problem(`${what} is not accepted`, { file: `${folders.pathOf(oid) ?? ''}${name}` }))
  }
  return found
}

/** Where new trees stand, looked up from the new commits once somebody asks. */
class FolderPaths {
  readonly #fresh: NewObjects
  #paths: Map<Oid, string> | undefined

  constructor(fresh: NewObjects) {
    this.#fresh = fresh
  }

  /** `zones/`, '' for the root; undefined when no new commit leads there. */
  pathOf(oid: Oid): string | undefined {
    this.#paths ??= this.#walk()
    return this.#paths.get(oid)
  }

  nameOf(oid: Oid): string {
    const path = this.pathOf(oid)
    return path === undefined || path === '' ? `tree ${oid}` : path
  }

  #walk(): Map<Oid, string> {
    const paths = new Map<Oid, string>()
    const stack: { oid: Oid; path: string }[] = []
    for (const { oid, type } of this.#fresh.entries) {
      if (type !== 'commit') continue
      const node = commitNode(oid, this.#fresh.read(oid)?.bytes ?? new Uint8Array(0))
      if (node !== undefined) stack.push({ oid: node.tree, path: '' })
    }
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      if (paths.has(item.oid) || this.#fresh.typeOf(item.oid) !== 'tree') continue
      paths.set(item.oid, item.path)
      const scan = TreeScan.of(this.#fresh.read(item.oid)?.bytes ?? new Uint8Array(0))
      for (let i = 0; i < (scan?.count ?? 0) && item.path.length < PATH_LIMIT; i++) {
        const { mode, name, hex } = scan!.entry(i)
        if (mode !== MODE_TREE) continue
        const path = `${item.path}${Buffer.from(name, 'latin1').toString('utf8')}/`
        stack.push({ oid: hex as Oid, path })
      }
    }
    return paths
  }
}

const LINKS: ReadonlyMap<number, string> = new Map([
  [0o120000, 'A symbolic link'],
  [MODE_GITLINK, 'A submodule'],
])

/** Paths are for people; one that is longer is not followed. */
const PATH_LIMIT = 1_000
