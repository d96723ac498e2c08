// Which refs a push may create, move and delete. A reason is short: git prints it in brackets behind the ref.
import { ZERO_OID, type Oid } from '../object/oid.ts'
import { isValidRefName } from '../refs/ref-name.ts'
import type { ObjectReader } from '../repository.ts'
import { CommitGraph } from '../history/commit-graph.ts'
import type { Command } from '../wire/receive-pack.ts'

export type RefPolicy = {
  /** Full name of the branch HEAD points at: it is served, cannot be deleted, and moves forward only. */
  readonly headRef: string
  /** Lets the served branch be rewound. */
  readonly allowForce: boolean
}

export type RefReason =
  | 'invalid ref name'
  | 'ref named twice in one push'
  | 'deletion of the served branch is refused'
  | 'refs/conflicts is written by the server'
  | 'fetch first'
  | 'missing necessary objects'
  | 'a branch must point at a commit'
  | 'non-fast-forward'
  | 'name clashes with another ref'

export const REF_NAME_LIMIT_BYTES = 255
/** Where the sides that lost a merge are kept; people may look and clean up. */
export const CONFLICTS_PREFIX = 'refs/conflicts/'

/**
 * Judges each command by itself against the refs as they are; undefined where nothing speaks against it. `objects`
 * reads the new objects and the old ones.
 */
export function judgeRefs(
  commands: readonly Command[],
  refs: ReadonlyMap<string, Oid>,
  objects: ObjectReader,
  policy: RefPolicy,
): Map<Command, RefReason | undefined> {
  const graph = new CommitGraph(objects)
  const times = new Map<string, number>()
  for (const { name } of commands) times.set(name, (times.get(name) ?? 0) + 1)
  const judged = new Map<Command, RefReason | undefined>()
  for (const command of commands) {
    const reason =
      times.get(command.name) === 1
        ? (judgeName(command, refs, policy) ?? judgeTarget(command, objects, graph, policy))
        : 'ref named twice in one push'
    judged.set(command, reason)
  }
  const taken = new Set(refs.keys())
  const agreed = commands.filter((command) => judged.get(command) === undefined)
  for (const { name, new: to } of agreed) if (to === ZERO_OID) taken.delete(name)
  for (const command of agreed) {
    if (command.new === ZERO_OID || taken.has(command.name)) continue
    if (clashes(command.name, taken)) judged.set(command, 'name clashes with another ref')
    else taken.add(command.name)
  }
  return judged
}

function judgeName(
  command: Command,
  refs: ReadonlyMap<string, Oid>,
  policy: RefPolicy,
): RefReason | undefined {
  const { name } = command
  if (!name.startsWith('refs/') || !isValidRefName(name)) return 'invalid ref name'
  if (Buffer.byteLength(name) > REF_NAME_LIMIT_BYTES) return 'invalid ref name'
  const deletes = command.new === ZERO_OID
  if (deletes && name === policy.headRef) return 'deletion of the served branch is refused'
  if (!deletes && name.startsWith(CONFLICTS_PREFIX))
    return 'refs/conflicts is written by the server'
  const now = refs.get(name) ?? ZERO_OID
  // Deleting what is gone already is done, whatever the client thought was there.
  return command.old === now || (deletes && now === ZERO_OID) ? undefined : 'fetch first'
}

function judgeTarget(
  command: Command,
  objects: ObjectReader,
  graph: CommitGraph,
  policy: RefPolicy,
): RefReason | undefined {
  if (command.new === ZERO_OID) return undefined
  if (!objects.has(command.new)) return 'missing necessary objects'
  if (!command.name.startsWith('refs/heads/')) return undefined
  if (graph.node(command.new) === undefined) return 'a branch must point at a commit'
  if (command.name !== policy.headRef || policy.allowForce || command.old === ZERO_OID)
    return undefined
  return isAncestor(graph, command.old, command.new) ? undefined : 'non-fast-forward'
}

function isAncestor(graph: CommitGraph, ancestor: Oid, of: Oid): boolean {
  const walk = graph.reaches([of], ancestor)
  for (;;) {
    const step = walk.next()
    if (step.done === true) return step.value
  }
}

/** `refs/heads/a` and `refs/heads/a/b` cannot both be: one is a file, the other a folder. */
function clashes(name: string, taken: ReadonlySet<string>): boolean {
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
    if (taken.has(name.slice(0, slash))) return true
  }
  for (const other of taken) if (other.startsWith(`${name}/`)) return true
  return false
}
