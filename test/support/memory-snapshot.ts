// A snapshot made of a map, for the appliances' unit tests; the store's own are tested with the store.
import type { Diff, Edit, Entry, FileEntry, PathChange, Snapshot } from '../../store/api.ts'
import { oidOf, type Oid } from '../../store/object/oid.ts'

const FILE_MODE = 0o100644
const FOLDER_MODE = 0o040000

export class MemorySnapshot implements Snapshot {
  readonly commit: Oid | undefined
  readonly tree: Oid
  readonly contents: ReadonlyMap<string, Uint8Array>

  private constructor(contents: ReadonlyMap<string, Uint8Array>) {
    this.contents = contents
    const listing = [...contents].sort().map(([path, bytes]) => `${path} ${oidOf('blob', bytes)}`)
    this.tree = oidOf('tree', Buffer.from(listing.join('\n')))
    this.commit = oidOf('commit', Buffer.from(this.tree))
  }

  static of(files: { readonly [path: string]: string }): MemorySnapshot {
    const entries = Object.entries(files).map(([path, text]) => {
      return [path, Buffer.from(text, 'latin1')] as const
    })
    return new MemorySnapshot(new Map(entries))
  }

  /** A new snapshot; `undefined` removes. */
  with(files: { readonly [path: string]: string | undefined }): MemorySnapshot {
    const contents = new Map(this.contents)
    for (const [path, text] of Object.entries(files))
      if (text === undefined) contents.delete(path)
      else contents.set(path, Buffer.from(text, 'latin1'))
    return new MemorySnapshot(contents)
  }

  /** What an edit does, done; it sees its own writes. */
  edited(edit: (edit: Edit) => void): MemorySnapshot {
    let now: MemorySnapshot = this
    const unused = (): never => {
      throw new Error('not in this fake')
    }
    edit({
      get: (path) => now.get(path),
      entry: (path) => now.entry(path),
      list: (path) => now.list(path),
      set: (path, content) => {
        now = now.with({ [path]: Buffer.from(content).toString('latin1') })
      },
      delete: (path) => {
        const gone = [...now.files(path)].map((entry) => [entry.path, undefined])
        now = now.with(Object.fromEntries(gone) as { [path: string]: undefined })
      },
      move: unused,
      expect: unused,
    })
    return now
  }

  text(path: string): string {
    return Buffer.from(this.contents.get(path) ?? []).toString('latin1')
  }

  get(at: string | FileEntry): Uint8Array | undefined {
    return this.contents.get(typeof at === 'string' ? at : at.path)
  }

  entry(path: string): Entry | undefined {
    const bytes = this.contents.get(path)
    if (bytes !== undefined) return { path, mode: FILE_MODE, oid: oidOf('blob', bytes) }
    return this.#isFolder(path) ? { path, mode: FOLDER_MODE, oid: this.tree } : undefined
  }

  list(path = ''): readonly Entry[] {
    const prefix = path === '' ? '' : `${path}/`
    const below = [...this.contents.keys()].filter((p) => p.startsWith(prefix))
    const children = new Set(below.map((p) => prefix + p.slice(prefix.length).split('/')[0]!))
    return [...children].sort().map((child) => this.entry(child)!)
  }

  *files(path = ''): Iterable<Entry> {
    for (const p of [...this.contents.keys()].sort())
      if (path === '' || p === path || p.startsWith(`${path}/`)) yield this.entry(p)!
  }

  diff(older: Snapshot, prefix = ''): Diff {
    const paths = new Set([...this.files(prefix), ...older.files(prefix)].map((e) => e.path))
    const changes: PathChange[] = []
    for (const path of [...paths].sort()) {
      const before = older.entry(path)
      const after = this.entry(path)
      if (before?.oid === after?.oid) continue
      if (before === undefined) changes.push({ kind: 'added', path, after: after! })
      else if (after === undefined) changes.push({ kind: 'removed', path, before })
      else changes.push({ kind: 'changed', path, before, after })
    }
    return changes
  }

  #isFolder(path: string): boolean {
    return path === '' || [...this.contents.keys()].some((p) => p.startsWith(`${path}/`))
  }
}
