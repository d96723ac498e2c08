// One transaction's view of a tree: reads see its own writes, and what was read is remembered. Pure.
import type { Edit, Entry, Mode, Snapshot } from './api.ts'
import { DELTA_DEPTH_LIMIT, makeEdgeDelta } from './object/edge-delta.ts'
import { EMPTY_TREE, oidOf, type Oid } from './object/oid.ts'
import { nameProblem, Tree } from './object/tree.ts'
import { toStoredDelta, toStoredEntry } from './pack/entry.ts'
import type { StoredEntry } from './repository.ts'
import { FOLDER_MODE, type TreeReader } from './snapshot.ts'

const FILE_MODE = 0o100644
const FILE_MODES: ReadonlySet<Mode> = new Set([FILE_MODE, 0o100755])
/** What systems take as a path; trees as deep as that are walked without fear for the stack. */
export const PATH_LIMIT = 4096
const TOO_LONG = `is longer than ${PATH_LIMIT} characters`
/** More could be written, and not be read again: see OBJECT_LIMIT_BYTES. */
export const FILE_LIMIT_BYTES: number = 512 * 1024 * 1024
/** Below this a delta saves too little for what it costs: to make it, the old blob must be read. */
const TREE_DELTA_MIN_BYTES = 256
const BLOB_DELTA_MIN_BYTES = 8192

/** What an edit needs of the engine besides reading. */
export interface EditReader extends TreeReader {
  keepTree(tree: Tree): void
  /** The content of a file that is about to be there, which somebody will read at once. */
  keepBlob(oid: Oid, bytes: Uint8Array): void
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
  /** Folders above what was written. */
  readonly #folders = new Set<string>()
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

  /** A folder that was written into has the id it had before, or that of an empty one. */
  entry(path: string): Entry | undefined {
    const write = this.#writes.get(path)
    if (write !== undefined) return { path, mode: write.mode, oid: write.oid }
    if (this.#isBelowFile(path)) return undefined
    if (!this.#writes.has(path)) {
      this.#remember(path)
      const entry = this.#base.entry(path)
      const isThere = entry !== undefined && (entry.mode !== FOLDER_MODE || !this.#isEmptied(path))
      if (isThere) return entry
    }
    if (this.#written(path).next().done === true) return undefined
    return { path, mode: FOLDER_MODE, oid: EMPTY_TREE }
  }

  list(path = ''): readonly Entry[] {
    this.#remember(path)
    if (this.#isBelowFile(path) || this.#writes.get(path) !== undefined) return []
    const children = new Map(this.#base.list(path).map((entry) => [entry.path, entry]))
    const prefix = path === '' ? '' : `${path}/`
    for (const [at, write] of this.#writes) {
      if (!at.startsWith(prefix)) continue
      const slash = at.indexOf('/', prefix.length)
      const child = slash < 0 ? at : at.slice(0, slash)
      const entry = children.get(child)
      if (slash < 0 && write === undefined) {
        if (entry?.mode !== FOLDER_MODE) children.delete(child)
      } else if (slash < 0 && write !== undefined) {
        children.set(child, { path: child, mode: write.mode, oid: write.oid })
      } else if (write !== undefined && entry?.mode !== FOLDER_MODE) {
        children.set(child, { path: child, mode: FOLDER_MODE, oid: EMPTY_TREE })
      } else if (write === undefined && entry?.mode === FOLDER_MODE && !this.entry(child)) {
        children.delete(child)
      }
    }
    return [...children.values()].sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)))
  }

  set(path: string, content: Uint8Array | string, mode: Mode = FILE_MODE): void {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    const why = pathProblem(path) ?? contentProblem(bytes, mode)
    if (why !== undefined) {
      this.#badPath ??= { path, why }
      return
    }
    this.#writes.set(path, { bytes, oid: oidOf('blob', bytes), mode })
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const folder = path.slice(0, at)
      if (this.#folders.has(folder)) break
      this.#folders.add(folder)
    }
  }

  delete(path: string): void {
    const wasFolder = this.#base.entry(path)?.mode === FOLDER_MODE
    if (wasFolder || this.entry(path)?.mode === FOLDER_MODE) {
      for (const file of this.#filesBelow(path)) {
        // A tree that came by git may be deeper than we can build.
        if (file.length > PATH_LIMIT) this.#badPath ??= { path, why: TOO_LONG }
        this.#writes.set(file, undefined)
      }
    }
    this.#remember(path)
    // A folder goes with its files; so what is put there later stands alone.
    if (wasFolder) this.#writes.delete(path)
    else this.#writes.set(path, undefined)
  }

  move(from: string, to: string): void {
    const entry = this.entry(from)
    if (entry === undefined) {
      this.#badPath ??= { path: from, why: 'no such file to move' }
      return
    }
    const files = entry.mode === FOLDER_MODE ? this.#filesBelow(from) : [from]
    const moved = files.map((path) => ({
      path: to + path.slice(from.length),
      bytes: this.get(path)!,
      mode: this.entry(path)!.mode,
    }))
    // Away first: one place may be inside the other.
    this.delete(from)
    for (const { path, bytes, mode } of moved) this.set(path, bytes, mode)
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
      const clash = place(root, path, write)
      if (clash) return { badPath: { path, why: 'is both a file and a folder in this change' } }
    }
    const entries: StoredEntry[] = []
    const tree = this.#buildFolder(head.tree, root, entries)
    // Git reads the empty tree without having it, but fsck misses it.
    if (tree === undefined) entries.push(toStoredEntry('tree', Tree.EMPTY.raw))
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
        if (was?.oid !== oid) {
          this.#reader.keepBlob(oid, bytes)
          entries.push(this.#blobEntry(node.write, was))
        }
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

  #blobEntry(
    { bytes, oid }: NonNullable<Write>,
    was: { mode: Mode; oid: Oid } | undefined,
  ): StoredEntry {
    if (was !== undefined && was.mode !== FOLDER_MODE && bytes.length >= BLOB_DELTA_MIN_BYTES) {
      const old = this.#mayLeanOn(was.oid) ? this.#reader.read(was.oid) : undefined
      const delta = old && makeEdgeDelta(old.bytes, bytes)
      if (delta !== undefined) return toStoredEntry('blob', bytes, { oid: was.oid, delta }, oid)
    }
    return toStoredEntry('blob', bytes, undefined, oid)
  }

  #treeEntry(tree: Tree, before: Tree, delta: Uint8Array): StoredEntry {
    const small = tree.size < TREE_DELTA_MIN_BYTES || delta.length > tree.size / 2
    if (small || before.count === 0 || !this.#mayLeanOn(before.oid)) {
      return toStoredEntry('tree', tree.raw, undefined, tree.oid)
    }
    return toStoredDelta('tree', { oid: before.oid, delta }, tree.oid)
  }

  #mayLeanOn(oid: Oid): boolean {
    return this.#reader.depthOf(oid) < DELTA_DEPTH_LIMIT
  }

  #remember(path: string): void {
    if (!this.#reads.has(path)) this.#reads.set(path, this.#base.entry(path)?.oid ?? 'absent')
  }

  /** A file of this edit stands where `path` needs a folder. */
  #isBelowFile(path: string): boolean {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      if (this.#writes.get(path.slice(0, at)) !== undefined) return true
    }
    return false
  }

  /** Whether this edit deleted all that the base has below a folder. */
  #isEmptied(folder: string): boolean {
    // Without a deletion nothing is; a large folder is not listed to find that out.
    if (this.#writes.values().every((write) => write !== undefined)) return false
    for (const { path } of this.#base.files(folder)) if (!this.#writes.has(path)) return false
    return true
  }

  /** What this edit wrote below a folder. */
  *#written(folder: string): Generator<string> {
    if (!this.#folders.has(folder)) return
    for (const [path, write] of this.#writes) {
      if (write !== undefined && path.startsWith(`${folder}/`)) yield path
    }
  }

  #filesBelow(folder: string): string[] {
    const files = new Set(this.#written(folder))
    for (const { path } of this.#base.files(folder)) if (!this.#writes.has(path)) files.add(path)
    return [...files]
  }
}

function pathProblem(path: string): string | undefined {
  if (path.length > PATH_LIMIT) return TOO_LONG
  for (const name of path.split('/')) {
    const why = nameProblem(name)
    if (why !== undefined) return why
  }
  return undefined
}

function contentProblem(bytes: Uint8Array, mode: Mode): string | undefined {
  if (bytes.length > FILE_LIMIT_BYTES) return `is larger than ${FILE_LIMIT_BYTES >> 20} MB`
  return FILE_MODES.has(mode) ? undefined : `has mode ${mode.toString(8)}`
}

/** Folders sort as `name/`. */
function sortKey(entry: Entry): Buffer {
  return Buffer.from(entry.mode === FOLDER_MODE ? `${entry.path}/` : entry.path, 'utf8')
}

/** True when a file stands where a folder is needed, or the other way round. */
function place(root: Folder, path: string, write: Write): boolean {
  const names = path.split('/')
  const last = names.pop()!
  let folder = root
  for (const name of names) {
    const node = folder.get(name)
    if (node instanceof Map) {
      folder = node
      continue
    }
    // Below a file, or one deleted before, is nothing to delete.
    if (node !== undefined && write === undefined) return false
    if (node?.write !== undefined) return true
    const below: Folder = new Map()
    folder.set(name, below)
    folder = below
  }
  const node = folder.get(last)
  if (node instanceof Map && holdsFiles(node)) return write !== undefined
  folder.set(last, { write })
  return false
}

function holdsFiles(folder: Folder): boolean {
  return [...folder.values()].some((node) =>
    node instanceof Map ? holdsFiles(node) : node.write !== undefined,
  )
}
