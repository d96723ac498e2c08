// What to do when the other side of a branch says where it stands: nothing, move forward, or merge. Nothing is lost:
// when ours is kept in a conflict, theirs stays reachable under refs/conflicts/.
import type { MergeRules, Person } from '../api.ts'
import { mergeBases } from '../history/ancestry.ts'
import { encodeCommit } from '../object/commit.ts'
import { DELTA_DEPTH_LIMIT } from '../object/edge-delta.ts'
import { ZERO_OID, type Oid } from '../object/oid.ts'
import { toStoredEntry } from '../pack/entry.ts'
import type { RefUpdate, Repository, StoredEntry, UpdateRequest } from '../repository.ts'
import { commitNode } from '../history/commit-graph.ts'
import {
  mergeCommits,
  type MergeConflict,
  type MergedObject,
  type MergeOutcome,
} from './tree-merge.ts'

export type IntegrateInput = {
  /** Must hold `theirs` and all it leads to; only read. */
  readonly repository: Pick<Repository, 'refs' | 'read' | 'has' | 'stored'>
  /** `refs/heads/main`; may be unborn. */
  readonly ref: string
  readonly theirs: Oid
  /** Where theirs comes from: `pull`, `push`, `disk`; the reflog's reason and part of the commit's subject. */
  readonly source: string
  readonly rules: MergeRules
  readonly committer: Person
  readonly nowSeconds: number
  /** Adds our signature to an encoded commit; absent: merges are not signed. */
  readonly sign?: (commit: Uint8Array) => Uint8Array
}

/** The request is for `repository.update`; it fails there when `ref` moved meanwhile, and is then made anew. */
export type Integration =
  | { readonly kind: 'up-to-date' }
  | { readonly kind: 'fast-forward'; readonly request: UpdateRequest }
  | {
      readonly kind: 'merge'
      readonly request: UpdateRequest
      readonly commit: Oid
      readonly conflicts: readonly MergeConflict[]
      readonly notes: readonly string[]
      /** Where theirs is kept; undefined when there was no conflict. */
      readonly keptAt?: string
    }
  /** No common ancestor, or no commit at all: ours stays, theirs is only kept. */
  | { readonly kind: 'unrelated'; readonly request: UpdateRequest; readonly keptAt: string }

export const CONFLICTS_PREFIX = 'refs/conflicts/'
/** Conflicts and notes named in a merge commit's message. */
export const MESSAGE_LINES_LIMIT = 50

export function integrate(input: IntegrateInput): Integration {
  const { repository, ref, theirs, source } = input
  const ours = repository.refs().get(ref)
  if (ours === undefined) {
    return { kind: 'fast-forward', request: forward(ref, ZERO_OID, theirs, source) }
  }
  const bases = mergeBases(repository, ours, theirs)
  if (bases[0] === theirs) return { kind: 'up-to-date' }
  if (bases[0] === ours) {
    return { kind: 'fast-forward', request: forward(ref, ours, theirs, source) }
  }
  if (bases.length === 0) {
    const kept = keep(input)
    const request = { entries: [], updates: kept.updates, reason: source }
    return { kind: 'unrelated', request, keptAt: kept.name }
  }
  return merge(input, ours, bases)
}

/** `refs/conflicts/20261124T101500Z-1a2b3c4`: when, and the commit that is kept. */
export function conflictRef(nowSeconds: number, oid: Oid, idDigits = 7): string {
  const time = new Date(nowSeconds * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
  return `${CONFLICTS_PREFIX}${time}-${oid.slice(0, idDigits)}`
}

function forward(name: string, old: Oid, tip: Oid, reason: string): UpdateRequest {
  return { entries: [], updates: [{ name, old, new: tip }], reason }
}

function merge(input: IntegrateInput, ours: Oid, bases: readonly Oid[]): Integration {
  const { repository, ref, theirs, source, rules } = input
  const outcome = mergeCommits({ reader: repository, ours, theirs, rules, bases })
  const { conflicts, notes } = outcome
  const kept = conflicts.length === 0 ? undefined : keep(input)
  const commit = mergeCommit(input, ours, outcome, kept?.name)
  const entries = [...storedEntries(repository, outcome.objects), commit]
  const updates = [{ name: ref, old: ours, new: commit.oid }, ...(kept?.updates ?? [])]
  const request = { entries, updates, reason: source }
  const done = { kind: 'merge', request, commit: commit.oid, conflicts, notes } as const
  return kept === undefined ? done : { ...done, keptAt: kept.name }
}

/** The ref under which theirs is reachable, and the update that makes it unless it is there already. */
function keep({ repository, theirs, nowSeconds }: IntegrateInput): {
  name: string
  updates: RefUpdate[]
} {
  const refs = repository.refs()
  for (const [name, oid] of refs) {
    if (oid === theirs && name.startsWith(CONFLICTS_PREFIX)) return { name, updates: [] }
  }
  const short = conflictRef(nowSeconds, theirs)
  const name = refs.has(short) ? conflictRef(nowSeconds, theirs, theirs.length) : short
  return { name, updates: [{ name, old: ZERO_OID, new: theirs }] }
}

function mergeCommit(
  input: IntegrateInput,
  ours: Oid,
  { tree, conflicts, notes }: MergeOutcome,
  keptAt: string | undefined,
): StoredEntry {
  const { repository, theirs, committer } = input
  const times = [ours, theirs].map((oid) => timeOf(repository, oid))
  // Time never goes backwards along a branch, whatever the clocks of the others say.
  const timeSeconds = Math.max(input.nowSeconds, ...times)
  const signature = { ...committer, timeSeconds, zone: '+0000' }
  const message = messageOf(input.source, conflicts, notes, keptAt)
  const bytes = encodeCommit({
    tree,
    parents: [ours, theirs],
    author: signature,
    committer: signature,
    extra: [],
    message: Buffer.from(message, 'utf8'),
  })
  return toStoredEntry('commit', input.sign?.(bytes) ?? bytes)
}

function messageOf(
  source: string,
  conflicts: readonly MergeConflict[],
  notes: readonly string[],
  keptAt: string | undefined,
): string {
  const lines = [
    ...conflicts.map(({ path, reason }) => `Conflict in ${path}: ${reason}; ours kept`),
    ...notes,
  ].map((line) => line.replace(/[\n\0]/g, '?'))
  const more = lines.length - MESSAGE_LINES_LIMIT
  const shown = more > 0 ? [...lines.slice(0, MESSAGE_LINES_LIMIT), `and ${more} more`] : lines
  const subject = SUBJECTS[source] ?? `Merge changes from ${source}`
  const body = shown.length === 0 ? [] : ['', ...shown]
  const trailer = keptAt === undefined ? [] : ['', `Conflict-Ref: ${keptAt}`]
  return `${[subject, ...body, ...trailer].join('\n')}\n`
}

function timeOf(repository: IntegrateInput['repository'], oid: Oid): number {
  const object = repository.read(oid)
  return object === undefined ? 0 : (commitNode(oid, object.bytes)?.timeSeconds ?? 0)
}

/** Trees go as deltas against our old ones, unless those are at the end of a long chain already. */
function storedEntries(
  repository: IntegrateInput['repository'],
  objects: readonly MergedObject[],
): StoredEntry[] {
  return objects.map(({ type, bytes, base }) =>
    base !== undefined &&
    base.delta.length < bytes.length / 2 &&
    chainLength(repository, base.oid) < DELTA_DEPTH_LIMIT
      ? toStoredEntry(type, bytes, base)
      : toStoredEntry(type, bytes),
  )
}

/** Deltas to be applied to read `oid`; counted no further than matters. */
function chainLength(repository: IntegrateInput['repository'], oid: Oid): number {
  let length = 0
  let at = repository.stored(oid)?.base
  while (at !== undefined && length < DELTA_DEPTH_LIMIT) {
    length++
    at = repository.stored(at)?.base
  }
  return length
}

const SUBJECTS: { readonly [source: string]: string } = {
  pull: 'Merge changes from the remote',
  push: 'Merge pushed changes',
  disk: 'Merge changes made on disk',
}
