// Objects made by hand for tests of walks: a reader over a Map, and small histories in it.
import { oidOf, type GitObject, type ObjectType, type Oid } from '../../store/object/oid.ts'
import type { ObjectReader } from '../../store/repository.ts'

/** Names to file contents, or to more of the same. */
export type Folder = { readonly [name: string]: string | Folder }

export class ObjectMap implements ObjectReader {
  readonly objects: Map<Oid, GitObject> = new Map<Oid, GitObject>()
  /** Reads of each type so far. */
  readonly reads: Record<ObjectType, number> = { commit: 0, tree: 0, blob: 0, tag: 0 }

  read(oid: Oid): GitObject | undefined {
    const object = this.objects.get(oid)
    if (object !== undefined) this.reads[object.type]++
    return object
  }

  has(oid: Oid): boolean {
    return this.objects.has(oid)
  }

  put(type: ObjectType, bytes: Uint8Array): Oid {
    const oid = oidOf(type, bytes)
    this.objects.set(oid, { type, bytes })
    return oid
  }

  blob(text: string): Oid {
    return this.put('blob', Buffer.from(text))
  }

  tree(folder: Folder): Oid {
    const entries = Object.entries(folder).map(([name, value]) =>
      typeof value === 'string'
        ? { mode: '100644', name, key: name, oid: this.blob(value) }
        : { mode: '40000', name, key: `${name}/`, oid: this.tree(value) },
    )
    entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
    const parts = entries.flatMap(({ mode, name, oid }) => [
      Buffer.from(`${mode} ${name}\0`),
      Buffer.from(oid, 'hex'),
    ])
    return this.put('tree', Buffer.concat(parts))
  }

  commit(folder: Folder, parents: readonly Oid[], timeSeconds = 1_767_225_600, message = 'x'): Oid {
    const person = `Ada <ada@example.org> ${timeSeconds} +0000`
    const lines = [
      `tree ${this.tree(folder)}`,
      ...parents.map((oid) => `parent ${oid}`),
      `author ${person}`,
      `committer ${person}`,
      '',
      message,
    ]
    return this.put('commit', Buffer.from(`${lines.join('\n')}\n`))
  }

  tag(target: Oid, name: string): Oid {
    const type = this.objects.get(target)?.type ?? 'commit'
    const lines = [
      `object ${target}`,
      `type ${type}`,
      `tag ${name}`,
      'tagger Ada <a@example.org> 0 +0000',
    ]
    return this.put('tag', Buffer.from(`${lines.join('\n')}\n\n${name}\n`))
  }

  /** Everything `tips` lead to, read naively; parents of `shallow` commits are not followed. */
  closure(tips: Iterable<Oid>, shallow: ReadonlySet<Oid> = new Set()): Set<Oid> {
    const seen = new Set<Oid>()
    const stack = [...tips]
    for (let oid = stack.pop(); oid !== undefined; oid = stack.pop()) {
      if (seen.has(oid)) continue
      seen.add(oid)
      stack.push(...this.#links(oid, shallow.has(oid)))
    }
    return seen
  }

  #links(oid: Oid, withoutParents: boolean): Oid[] {
    const object = this.objects.get(oid)
    if (object === undefined) throw new Error(`${oid} is missing`)
    const text = Buffer.from(object.bytes).toString('latin1')
    if (object.type === 'tag') return [text.slice(7, 47) as Oid]
    if (object.type === 'commit') {
      const lines = text.slice(0, text.indexOf('\n\n')).split('\n')
      const tree = lines[0]!.slice(5) as Oid
      const parents = lines
        .filter((line) => line.startsWith('parent '))
        .map((line) => line.slice(7) as Oid)
      return withoutParents ? [tree] : [tree, ...parents]
    }
    const found: Oid[] = []
    if (object.type === 'tree') {
      const bytes = Buffer.from(object.bytes)
      for (let at = 0; at < bytes.length;) {
        const nul = bytes.indexOf(0, at)
        found.push(bytes.toString('hex', nul + 1, nul + 21) as Oid)
        at = nul + 21
      }
    }
    return found
  }
}

/** Runs a walk that pauses to its end. */
export function finish<T>(walk: Generator<unknown, T>): T {
  for (;;) {
    const step = walk.next()
    if (step.done === true) return step.value
  }
}
