// A tree at a commit, seen by path: what readers hold. Pure over decoded trees; an unchanged subtree costs nothing.
import { Bug } from '../shared/result/result.ts'
import type { Diff, Entry, PathChange, Snapshot } from './api.ts'
import { EMPTY_TREE, type GitObject, type Oid } from './object/oid.ts'
import type { Tree, TreeEntry } from './object/tree.ts'

export const FOLDER_MODE = 0o040000

/** What a snapshot reads from. */
export interface TreeReader {
  tree(oid: Oid): Tree | undefined
  read(oid: Oid): GitObject | undefined
}

export class TreeSnapshot implements Snapshot {
  readonly commit: Oid | undefined
  readonly tree: Oid
  readonly #reader: TreeReader

  constructor(reader: TreeReader, commit: Oid | undefined, tree: Oid = EMPTY_TREE) {
    this.#reader = reader
    this.commit = commit
    this.tree = tree
  }

  get(path: string): Uint8Array | undefined {
    const entry = this.entry(path)
    if (entry === undefined || entry.mode === FOLDER_MODE) return undefined
    const object = this.#reader.read(entry.oid)
    if (object === undefined) throw new Bug(`${path}: blob ${entry.oid} is missing`)
    return object.bytes
  }

  entry(path: string): Entry | undefined {
    let found: Entry = { path: '', mode: FOLDER_MODE, oid: this.tree }
    if (path === '') return found
    for (const name of path.split('/')) {
      if (found.mode !== FOLDER_MODE) return undefined
      const entry = this.#tree(found.oid).find(name)
      if (entry === undefined) return undefined
      found = { path, mode: entry.mode, oid: entry.oid }
    }
    return found
  }

  list(path = ''): readonly Entry[] {
    const folder = this.entry(path)
    if (folder?.mode !== FOLDER_MODE) return []
    return Array.from(this.#tree(folder.oid), (entry) => childOf(path, entry))
  }

  *files(path = ''): Generator<Entry> {
    const start = this.entry(path)
    if (start === undefined) return
    if (start.mode === FOLDER_MODE) yield* this.#below(path, start.oid)
    else yield start
  }

  diff(older: Snapshot, prefix = ''): Diff {
    const changes: PathChange[] = []
    this.#compare(older.entry(prefix), this.entry(prefix), changes)
    return changes.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** `before` and `after` stand at the same path; at least one of them is there. */
  #compare(before: Entry | undefined, after: Entry | undefined, changes: PathChange[]): void {
    if (before?.oid === after?.oid && before?.mode === after?.mode) return
    const path = (after ?? before)!.path
    const beforeFile = before !== undefined && before.mode !== FOLDER_MODE
    const afterFile = after !== undefined && after.mode !== FOLDER_MODE
    if (beforeFile && afterFile) changes.push({ kind: 'changed', path, before, after })
    else if (beforeFile) changes.push({ kind: 'removed', path, before })
    else if (afterFile) changes.push({ kind: 'added', path, after })
    const old = new Map(beforeFile || before === undefined ? [] : named(this.#tree(before.oid)))
    if (after !== undefined && !afterFile) {
      for (const entry of this.#tree(after.oid)) {
        const was = old.get(entry.name)
        old.delete(entry.name)
        if (was?.oid === entry.oid && was.mode === entry.mode) continue
        this.#compare(was && childOf(path, was), childOf(path, entry), changes)
      }
    }
    for (const was of old.values()) this.#compare(childOf(path, was), undefined, changes)
  }

  *#below(path: string, oid: Oid): Generator<Entry> {
    for (const entry of this.#tree(oid)) {
      const child = childOf(path, entry)
      if (child.mode === FOLDER_MODE) yield* this.#below(child.path, child.oid)
      else yield child
    }
  }

  #tree(oid: Oid): Tree {
    const tree = this.#reader.tree(oid)
    if (tree === undefined) throw new Bug(`tree ${oid} is missing`)
    return tree
  }
}

function childOf(path: string, entry: TreeEntry): Entry {
  const { name, mode, oid } = entry
  return { path: path === '' ? name : `${path}/${name}`, mode, oid }
}

function named(tree: Tree): Iterable<[string, TreeEntry]> {
  return Array.from(tree, (entry): [string, TreeEntry] => [entry.name, entry])
}
