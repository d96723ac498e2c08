// Whether every object of a push leads only to objects of the push or of the repository, of the right kind.
//
// All that is stored is connected already, so only new objects are read, and of a tree that comes as a delta only the
// entries its base does not have. Every new object is held to this, not just what the new tips lead to: otherwise a
// stray commit could smuggle in a hole that a later push makes a branch of.
import type { ObjectType, Oid } from '../object/oid.ts'
import type { EntryReader } from '../repository.ts'
import { commitNode } from '../history/commit-graph.ts'
import { MODE_GITLINK, MODE_TREE } from '../history/tree-changes.ts'
import type { NewObjects } from './new-objects.ts'
import { compareWithBase } from './tree-form.ts'

export type Disconnected = {
  readonly kind: 'missing' | 'wrong-type'
  /** The new object that points wrong, and at what. */
  readonly from: Oid
  readonly to: Oid
  readonly expected: ObjectType
}

/** The first fault found, in the order of the pack; undefined when all is connected. */
export function findDisconnected(
  repository: EntryReader,
  fresh: NewObjects,
): Disconnected | undefined {
  const typeOf = (oid: Oid): ObjectType | undefined =>
    fresh.typeOf(oid) ??
    (repository.has(oid) ? (repository.stored(oid) ?? repository.read(oid))?.type : undefined)

  const check = (from: Oid, to: Oid, expected: ObjectType): Disconnected | undefined => {
    const type = typeOf(to)
    if (type === expected) return undefined
    return { kind: type === undefined ? 'missing' : 'wrong-type', from, to, expected }
  }

  for (const { oid, type } of fresh.entries) {
    for (const [to, expected] of type === 'blob' ? [] : links(fresh, oid, type)) {
      const fault = check(oid, to, expected)
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

type Link = readonly [to: Oid, expected: ObjectType]

function* links(fresh: NewObjects, oid: Oid, type: ObjectType): Generator<Link> {
  const bytes = fresh.read(oid)?.bytes
  if (bytes === undefined) return
  if (type === 'tree') {
    for (const { entry } of compareWithBase(fresh, oid)?.entries ?? []) {
      if (entry.mode === MODE_GITLINK) continue
      yield [entry.hex as Oid, entry.mode === MODE_TREE ? 'tree' : 'blob']
    }
  } else if (type === 'commit') {
    const node = commitNode(oid, bytes)
    if (node === undefined) return
    yield [node.tree, 'tree']
    for (const parent of node.parents) yield [parent, 'commit']
  } else if (type === 'tag') {
    const [object = '', kind = ''] = Buffer.from(bytes).toString('latin1').split('\n', 2)
    yield [object.slice(7) as Oid, kind.slice(5) as ObjectType]
  }
}
