// Histories made in memory from lists of files, for tests of what reads commits and trees.
import { inflateSync } from 'node:zlib'
import { encodeCommit } from '../../store/object/commit.ts'
import { applyDelta } from '../../store/object/delta.ts'
import { oidOf, type GitObject, type ObjectType, type Oid } from '../../store/object/oid.ts'
import { Tree, TREE_MODE } from '../../store/object/tree.ts'
import type { ObjectReader, StoredEntry } from '../../store/repository.ts'

export type MadeFile = string | Uint8Array | { readonly mode: number; readonly oid: Oid }

/** Contents by path; a folder is there when a file below it is. */
export type MadeFiles = { readonly [path: string]: MadeFile }

type Folder = Map<string, Folder | { readonly mode: number; readonly oid: Oid }>

export class MadeHistory implements ObjectReader {
  readonly objects: Map<Oid, GitObject> = new Map<Oid, GitObject>()
  /** How often `read` was asked. */
  reads = 0
  #clock = 1_767_225_600

  read(oid: Oid): GitObject | undefined {
    this.reads++
    return this.objects.get(oid)
  }

  has(oid: Oid): boolean {
    return this.objects.has(oid)
  }

  put(type: ObjectType, bytes: Uint8Array): Oid {
    const oid = oidOf(type, bytes)
    this.objects.set(oid, { type, bytes })
    return oid
  }

  /** Objects as a pack brings them; throws when one is not what it says it is. */
  store(entries: readonly StoredEntry[]): void {
    for (const { oid, type, deflated, base } of entries) {
      const content = inflateSync(deflated)
      const made = this.put(type, base === undefined ? content : this.#patched(base, content))
      if (made !== oid) throw new Error(`entry ${oid} holds ${made}`)
    }
  }

  tree(files: MadeFiles): Oid {
    const root: Folder = new Map()
    for (const [path, file] of Object.entries(files)) {
      const names = path.split('/')
      const last = names.pop()!
      let folder = root
      for (const name of names) {
        const known = folder.get(name)
        const below: Folder = known instanceof Map ? known : new Map()
        folder.set(name, below)
        folder = below
      }
      folder.set(last, this.#file(file))
    }
    return this.#folder(root)
  }

  commit(
    files: MadeFiles | Oid,
    parents: readonly Oid[] = [],
    options: { readonly timeSeconds?: number; readonly message?: string } = {},
  ): Oid {
    const timeSeconds = options.timeSeconds ?? this.#clock++
    const signature = { name: 'Ada', email: 'ada@example.org', timeSeconds, zone: '+0000' }
    const tree = typeof files === 'string' ? files : this.tree(files)
    const message = Buffer.from(options.message ?? 'made\n')
    const commit = { tree, parents, author: signature, committer: signature, extra: [], message }
    return this.put('commit', encodeCommit(commit))
  }

  /** Every file of a tree as latin1 text (so that no byte is lost), by path. */
  filesOf(tree: Oid, prefix = ''): { [path: string]: string } {
    const files: { [path: string]: string } = {}
    const decoded = Tree.decode(this.objects.get(tree)?.bytes ?? new Uint8Array())
    if (!decoded.ok) throw new Error(`${tree}: ${decoded.error.kind}`)
    for (const { name, mode, oid } of decoded.value) {
      if (mode === TREE_MODE) Object.assign(files, this.filesOf(oid, `${prefix}${name}/`))
      else {
        const bytes = this.objects.get(oid)?.bytes
        files[prefix + name] = bytes === undefined ? oid : Buffer.from(bytes).toString('latin1')
      }
    }
    return files
  }

  #patched(base: Oid, delta: Uint8Array): Uint8Array {
    const applied = applyDelta(this.objects.get(base)!.bytes, delta, 10_000_000)
    if (!applied.ok) throw new Error(applied.error.kind)
    return applied.value
  }

  #file(file: MadeFile): { mode: number; oid: Oid } {
    if (typeof file === 'string')
      return { mode: 0o100644, oid: this.put('blob', Buffer.from(file)) }
    if (file instanceof Uint8Array) return { mode: 0o100644, oid: this.put('blob', file) }
    return file
  }

  #folder(folder: Folder): Oid {
    const entries = [...folder].map(
      ([name, node]) =>
        [name, node instanceof Map ? { mode: TREE_MODE, oid: this.#folder(node) } : node] as const,
    )
    return this.put('tree', Tree.EMPTY.change(new Map(entries)).tree.raw)
  }
}
