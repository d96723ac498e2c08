// A folder of zone files as the store would see it: the work tree of a clone, or what a hook wrote out of git's index.
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Bug } from '../../../shared/result/result.ts'
import type { Diff, Entry, FileEntry, Oid, Snapshot } from '../../../store/index.ts'

export class ZoneFolder implements Snapshot {
  readonly commit = undefined
  readonly tree: Oid = NO_OID
  readonly #dir: string
  readonly #changed: ReadonlyMap<string, Uint8Array>

  /** `changed` are texts that lie over those of the folder. */
  constructor(dir: string, changed: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#dir = dir
    this.#changed = changed
  }

  /** The same folder as it would be with other texts in some files. */
  with(changed: ReadonlyMap<string, Uint8Array>): ZoneFolder {
    return new ZoneFolder(this.#dir, changed)
  }

  get(at: string | FileEntry): Uint8Array | undefined {
    const path = typeof at === 'string' ? at : at.path
    const octets = this.#changed.get(path)
    if (octets !== undefined) return octets
    return this.entry(path)?.mode === FILE_MODE ? readFileSync(join(this.#dir, path)) : undefined
  }

  entry(path: string): Entry | undefined {
    if (this.#changed.has(path)) return { path, mode: FILE_MODE, oid: NO_OID }
    const stat = statSync(join(this.#dir, path), { throwIfNoEntry: false })
    const isThere = stat !== undefined && (stat.isFile() || stat.isDirectory())
    const mode = stat?.isFile() === true ? FILE_MODE : FOLDER_MODE
    return isThere ? { path, mode, oid: NO_OID } : undefined
  }

  list(path = ''): readonly Entry[] {
    if (path !== '' && this.entry(path)?.mode !== FOLDER_MODE) return this.#newIn(path, [])
    const names = readdirSync(join(this.#dir, path)).filter((name) => name !== '.git')
    const entries = names.flatMap(
      (name) => this.entry(path === '' ? name : `${path}/${name}`) ?? [],
    )
    return this.#newIn(path, entries)
  }

  *files(path = ''): Iterable<Entry> {
    for (const entry of this.list(path))
      if (entry.mode === FOLDER_MODE) yield* this.files(entry.path)
      else yield entry
  }

  diff(): Diff {
    throw new Bug('A folder has no versions')
  }

  /** Puts the texts that lie over the folder into it, each file whole or not at all. */
  write(): void {
    for (const [path, octets] of this.#changed) {
      const file = join(this.#dir, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(`${file}.new`, octets)
      renameSync(`${file}.new`, file)
    }
  }

  #newIn(folder: string, entries: readonly Entry[]): readonly Entry[] {
    const known = new Set(entries.map((entry) => entry.path))
    const more = [...this.#changed.keys()].filter((path) => {
      const parent = path.includes('/') ? dirname(path) : ''
      return parent === folder && !known.has(path)
    })
    const all = [...entries, ...more.map((path) => ({ path, mode: FILE_MODE, oid: NO_OID }))]
    return all.sort((a, b) => (a.path < b.path ? -1 : 1))
  }
}

const NO_OID = '0'.repeat(40) as Oid
const FILE_MODE = 0o100644
const FOLDER_MODE = 0o040000
