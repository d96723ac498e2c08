// A tree at a commit, seen by path: what readers hold. Pure over decoded trees; an unchanged subtree costs nothing.
import { Bug } from '../shared/result/result.ts'
import type { Diff, Entry, FileEntry, PathChange, Snapshot } from './api.ts'
import { EMPTY_TREE, type GitObject, type Oid } from './object/oid.ts'
import { Tree, type TreeEntry } from './object/tree.ts'

export const FOLDER_MODE = 0o040000

/** What a snapshot reads from. */
export interface TreeReader {
  tree(oid: Oid): Tree | undefined
  /** `once`: it is not kept for the next reader. */
  read(oid: Oid, use?: 'once'): GitObject | undefined
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

  get(at: string | FileEntry, use?: 'once'): Uint8Array | undefined {
    if (typeof at !== 'string') return this.#blob(at, use)
    const entry = this.entry(at)
    return entry === undefined || entry.mode === FOLDER_MODE ? undefined : this.#blob(entry, use)
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
    return folder?.mode === FOLDER_MODE ? this.#children(folder) : []
  }

  *files(path = ''): Generator<Entry> {
    const start = this.entry(path)
    if (start === undefined) return
    // No recursion: a tree that was pushed may be deeper than the stack.
    const open = [[start].values()]
    for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
      const { value: entry } = folder.next()
      if (entry === undefined) open.pop()
      else if (entry.mode === FOLDER_MODE) open.push(this.#children(entry).values())
      else yield entry
    }
  }

  diff(older: Snapshot, prefix = ''): Diff {
    const changes: PathChange[] = []
    const pairs: Pair[] = [{ before: older.entry(prefix), after: this.entry(prefix) }]
    for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
      this.#compare(pair, changes, pairs)
    }
    return changes.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Adds what differs at a path to `changes`, and what is to be compared below it to `pairs`. */
  #compare({ before, after }: Pair, changes: PathChange[], pairs: Pair[]): void {
    if (before?.oid === after?.oid && before?.mode === after?.mode) return
    const path = (after ?? before)!.path
    const beforeFile = before !== undefined && before.mode !== FOLDER_MODE
    const afterFile = after !== undefined && after.mode !== FOLDER_MODE
    if (beforeFile && afterFile) changes.push({ kind: 'changed', path, before, after })
    else if (beforeFile) changes.push({ kind: 'removed', path, before })
    else if (afterFile) changes.push({ kind: 'added', path, after })
    const newer = after === undefined || afterFile ? Tree.EMPTY : this.#tree(after.oid)
    const older = before === undefined || beforeFile ? Tree.EMPTY : this.#tree(before.oid)
    const { here, there } = newer.differences(older)
    const old = new Map(there.map((index) => named(older.at(index))))
    for (const index of here) {
      const entry = newer.at(index)
      const was = old.get(entry.name)
      old.delete(entry.name)
      if (was?.oid === entry.oid && was.mode === entry.mode) continue
      pairs.push({ before: was && childOf(path, was), after: childOf(path, entry) })
    }
    for (const was of old.values()) pairs.push({ before: childOf(path, was), after: undefined })
  }

  #blob({ path, oid }: FileEntry, use?: 'once'): Uint8Array {
    const object = this.#reader.read(oid, use)
    if (object === undefined) throw new Bug(`${path}: blob ${oid} is missing`)
    return object.bytes
  }

  #children(folder: Entry): Entry[] {
    return Array.from(this.#tree(folder.oid), (entry) => childOf(folder.path, entry))
  }

  #tree(oid: Oid): Tree {
    const tree = this.#reader.tree(oid)
    if (tree === undefined) throw new Bug(`tree ${oid} is missing`)
    return tree
  }
}

/** What stands at one path in two snapshots; at least one of them is there. */
type Pair = { readonly before: Entry | undefined; readonly after: Entry | undefined }

function childOf(path: string, entry: TreeEntry): Entry {
  const { name, mode, oid } = entry
  return { path: path === '' ? name : `${path}/${name}`, mode, oid }
}

function named(entry: TreeEntry): [string, TreeEntry] {
  return [entry.name, entry]
}
