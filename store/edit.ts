// One transaction's view of a tree: reads see its own writes, and what was read is remembered. Pure.
import type { Edit, Entry, Mode, Snapshot } from './api.ts'
import { DELTA_DEPTH_LIMIT, makeEdgeDelta } from './object/edge-delta.ts'
import { EMPTY_TREE, oidOf, type Oid } from './object/oid.ts'
import { nameProblem, Tree } from './object/tree.ts'
import { toStoredEntry } from './pack/entry.ts'
import type { StoredEntry } from './repository.ts'
import { FOLDER_MODE, type TreeReader } from './snapshot.ts'

const FILE_MODE = 0o100644
/** Below this a delta saves too little for what it costs: to make it, the old blob must be read. */
const TREE_DELTA_MIN_BYTES = 256
const BLOB_DELTA_MIN_BYTES = 8192

/** What an edit needs of the engine besides reading. */
export interface EditReader extends TreeReader {
  keepTree(tree: Tree): void
  depthOf(oid: Oid): number
}

/** `undefined` deletes. */
type Write = { readonly bytes: Uint8Array; readonly oid: Oid; readonly mode: Mode } | undefined

type Folder = Map<string, Folder | { readonly write: Write }>

export type Built = { readonly tree: Oid; readonly entries: readonly StoredEntry[] }

export class EditSession implements Edit {
  readonly #reader: EditReader
  readonly #base: Snapshot
  readonly #writes = new Map<string, Write>()
  /** Paths looked at, with the id seen in the base. */
  readonly #reads = new Map<string, Oid | 'absent'>()
  readonly #broken: string[] = []
  #badPath: { path: string; why: string } | undefined

  constructor(reader: EditReader, base: Snapshot) {
    this.#reader = reader
    this.#base = base
  }

  get badPath(): { path: string; why: string } | undefined {
    return this.#badPath
  }

  get(path: string): Uint8Array | undefined {
    if (this.#writes.has(path)) return this.#writes.get(path)?.bytes
    return this.entry(path) === undefined ? undefined : this.#base.get(path)
  }

  entry(path: string): Entry | undefined {
    if (this.#writes.has(path)) {
      const write = this.#writes.get(path)
      return write && { path, mode: write.mode, oid: write.oid }
    }
    this.#remember(path)
    return this.#base.entry(path)
  }

  list(path = ''): readonly Entry[] {
    this.#remember(path)
    const prefix = path === '' ? '' : `${path}/`
    const children = new Map(this.#base.list(path).map((entry) => [entry.path, entry]))
    for (const [at, write] of this.#writes) {
      if (!at.startsWith(prefix)) continue
      const slash = at.indexOf('/', prefix.length)
      const child = slash < 0 ? at : at.slice(0, slash)
      if (slash < 0 && write === undefined) children.delete(child)
      else if (slash < 0 && write)
        children.set(child, { path: child, mode: write.mode, oid: write.oid })
      else if (write !== undefined && !children.has(child)) {
        children.set(child, { path: child, mode: FOLDER_MODE, oid: EMPTY_TREE })
      }
    }
    return [...children.values()]
  }

  set(path: string, content: Uint8Array | string, mode: Mode = FILE_MODE): void {
    if (!this.#isGoodPath(path)) return
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    this.#writes.set(path, { bytes, oid: oidOf('blob', bytes), mode })
  }

  delete(path: string): void {
    const entry = this.entry(path)
    if (entry?.mode !== FOLDER_MODE) {
      this.#writes.set(path, undefined)
      return
    }
    for (const file of filesOf(this.#base, path)) this.#writes.set(file.path, undefined)
    for (const at of this.#writes.keys())
      if (at.startsWith(`${path}/`)) this.#writes.set(at, undefined)
  }

  move(from: string, to: string): void {
    const entry = this.entry(from)
    if (entry === undefined) {
      this.#badPath ??= { path: from, why: 'no such file to move' }
      return
    }
    if (entry.mode !== FOLDER_MODE) {
      this.set(to, this.get(from)!, entry.mode)
    } else {
      for (const file of filesOf(this.#base, from)) {
        if (this.entry(file.path) === undefined) continue
        this.set(to + file.path.slice(from.length), this.get(file.path)!, file.mode)
      }
    }
    this.delete(from)
  }

  expect(path: string, oid: Oid | 'absent'): void {
    const write = this.#writes.has(path) ? this.#writes.get(path) : this.#base.entry(path)
    if ((write?.oid ?? 'absent') !== oid) this.#broken.push(path)
    else this.#remember(path)
  }

  /** Paths whose `expect` failed, or that hold something else in `head` than this edit saw or is about to write over. */
  conflictsWith(head: Snapshot): string[] {
    if (head.tree === this.#base.tree) return this.#broken
    const changed = (path: string, seen: Oid | 'absent'): boolean =>
      (head.entry(path)?.oid ?? 'absent') !== seen
    const touched = new Map(this.#reads)
    for (const path of this.#writes.keys()) {
      if (!touched.has(path)) touched.set(path, this.#base.entry(path)?.oid ?? 'absent')
    }
    return [
      ...this.#broken,
      ...[...touched].filter(([p, seen]) => changed(p, seen)).map(([p]) => p),
    ]
  }

  /** The tree that `head` becomes with these writes, and the objects it needs; trees are deltas against `head`'s. */
  build(head: Snapshot): Built | { readonly badPath: { path: string; why: string } } {
    if (this.#badPath !== undefined) return { badPath: this.#badPath }
    const root: Folder = new Map()
    for (const [path, write] of this.#writes) {
      const clash = place(root, path.split('/'), write)
      if (clash) return { badPath: { path, why: 'is both a file and a folder in this change' } }
    }
    const entries: StoredEntry[] = []
    const tree = this.#buildFolder(head.tree, root, entries)
    return { tree: tree?.oid ?? EMPTY_TREE, entries }
  }

  /** undefined when the folder has become empty: git has no empty folders. */
  #buildFolder(old: Oid | undefined, folder: Folder, entries: StoredEntry[]): Tree | undefined {
    const before = old === undefined ? Tree.EMPTY : this.#reader.tree(old)!
    const changes = new Map<string, { mode: Mode; oid: Oid } | undefined>()
    for (const [name, node] of folder) {
      const was = before.find(name)
      if (node instanceof Map) {
        const below = was?.mode === FOLDER_MODE ? was.oid : undefined
        const tree = this.#buildFolder(below, node, entries)
        // Only deletions below something that is a file: nothing to delete there.
        if (tree === undefined && was !== undefined && was.mode !== FOLDER_MODE) continue
        changes.set(name, tree && { mode: FOLDER_MODE, oid: tree.oid })
      } else if (node.write === undefined) changes.set(name, undefined)
      else {
        const { bytes, oid, mode } = node.write
        if (was?.oid !== oid) entries.push(this.#blobEntry(bytes, was))
        changes.set(name, { mode, oid })
      }
    }
    const { tree, delta } = before.change(changes)
    if (tree.oid !== before.oid && tree.count > 0) {
      this.#reader.keepTree(tree)
      entries.push(this.#treeEntry(tree, before, delta))
    }
    return tree.count === 0 ? undefined : tree
  }

  #blobEntry(bytes: Uint8Array, was: { mode: Mode; oid: Oid } | undefined): StoredEntry {
    if (was !== undefined && was.mode !== FOLDER_MODE && bytes.length >= BLOB_DELTA_MIN_BYTES) {
      const old = this.#mayLeanOn(was.oid) ? this.#reader.read(was.oid) : undefined
      const delta = old && makeEdgeDelta(old.bytes, bytes)
      if (delta !== undefined) return toStoredEntry('blob', bytes, { oid: was.oid, delta })
    }
    return toStoredEntry('blob', bytes)
  }

  #treeEntry(tree: Tree, before: Tree, delta: Uint8Array): StoredEntry {
    const small = tree.raw.length < TREE_DELTA_MIN_BYTES || delta.length > tree.raw.length / 2
    if (small || before.count === 0 || !this.#mayLeanOn(before.oid)) {
      return toStoredEntry('tree', tree.raw)
    }
    return toStoredEntry('tree', tree.raw, { oid: before.oid, delta })
  }

  #mayLeanOn(oid: Oid): boolean {
    return this.#reader.depthOf(oid) < DELTA_DEPTH_LIMIT
  }

  #remember(path: string): void {
    if (!this.#reads.has(path)) this.#reads.set(path, this.#base.entry(path)?.oid ?? 'absent')
  }

  #isGoodPath(path: string): boolean {
    for (const name of path.split('/')) {
      const why = nameProblem(name)
      if (why === undefined) continue
      this.#badPath ??= { path, why }
      return false
    }
    return true
  }
}

/** True when a file stands where a folder is needed, or the other way round. */
function place(folder: Folder, names: readonly string[], write: Write): boolean {
  const [name, ...rest] = names
  const node = folder.get(name!)
  if (rest.length === 0) {
    if (node instanceof Map && write === undefined) return false
    if (node instanceof Map && holdsFiles(node)) return true
    folder.set(name!, { write })
    return false
  }
  if (node !== undefined && !(node instanceof Map)) {
    if (node.write !== undefined) return write !== undefined
    const below: Folder = new Map()
    folder.set(name!, below)
    return place(below, rest, write)
  }
  const below = node ?? (new Map() as Folder)
  folder.set(name!, below)
  return place(below, rest, write)
}

function holdsFiles(folder: Folder): boolean {
  return [...folder.values()].some((node) =>
    node instanceof Map ? holdsFiles(node) : node.write !== undefined,
  )
}

function filesOf(snapshot: Snapshot, path: string): Entry[] {
  return [...snapshot.files(path)]
}
