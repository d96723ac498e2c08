// The store as an appliance sees it: immutable snapshots of a branch, and commits that move it.
import type { Problem } from '../shared/result/problem.ts'
import type { Result } from '../shared/result/result.ts'
import type { Clock } from '../shared/clock/clock.ts'
import type { Log } from '../shared/log/log.ts'
import type { Metrics } from '../shared/metrics/metrics.ts'
import type { Oid } from './object/oid.ts'

/** `100644`, `100755`, `040000` as git's octal number; symlinks and gitlinks do not enter a served branch. */
export type Mode = number

export type Entry = { readonly path: string; readonly mode: Mode; readonly oid: Oid }

/** What of an entry is needed to read it, when it is known to be a file. */
export type FileEntry = Pick<Entry, 'path' | 'oid'>

export type PathChange =
  | { readonly kind: 'added'; readonly path: string; readonly after: Entry }
  | { readonly kind: 'removed'; readonly path: string; readonly before: Entry }
  | {
      readonly kind: 'changed'
      readonly path: string
      readonly before: Entry
      readonly after: Entry
    }

/** Files (never folders) that differ between two snapshots, sorted by path. */
export type Diff = readonly PathChange[]

/** An immutable tree at a commit. Keep it as long as you like; reading never waits for a writer. */
export interface Snapshot {
  /** undefined on a branch that has no commit yet, and for a tree that is not committed yet. */
  readonly commit: Oid | undefined
  readonly tree: Oid
  /**
   * Content of a file; undefined when there is no file at that path. An entry of this snapshot is not looked for again.
   * `once`: it is not kept for the next reader, for whoever reads all there is.
   */
  get(at: string | FileEntry, use?: 'once'): Uint8Array | undefined
  /** The file or folder at `path`; '' is the root. Its oid is an etag. */
  entry(path: string): Entry | undefined
  /** Direct children of a folder, in git's order. */
  list(path?: string): readonly Entry[]
  /** Every file below a folder. */
  files(path?: string): Iterable<Entry>
  /** What changed since `older`; equal subtrees are skipped. */
  diff(older: Snapshot, prefix?: string): Diff
}

/** A transaction's view of the tree: reads see its own writes, and are remembered as its read set. */
export interface Edit {
  get(path: string): Uint8Array | undefined
  entry(path: string): Entry | undefined
  list(path?: string): readonly Entry[]
  set(path: string, content: Uint8Array | string, mode?: Mode): void
  delete(path: string): void
  move(from: string, to: string): void
  /** The commit fails with a conflict unless `path` holds exactly this now. */
  expect(path: string, oid: Oid | 'absent'): void
}

export type Person = { readonly name: string; readonly email: string }

export type CommitInfo = {
  /** Read when the edit has run: it may be the edit's to say. */
  readonly message: string
  readonly author: Person
  /** `Remote-User: alice` lines at the end of the message, in order. */
  readonly trailers?: Readonly<{ [key: string]: string }>
  /** What to do when something read or written was changed meanwhile; `rebase` runs the edit again (default). */
  readonly onConflict?: 'rebase' | 'fail'
}

export type CommitError =
  | { readonly kind: 'conflict'; readonly paths: readonly string[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'bad-path'; readonly path: string; readonly why: string }
  | { readonly kind: 'read-only'; readonly reason: string }

export type LogEntry = {
  readonly oid: Oid
  readonly parents: readonly Oid[]
  readonly author: Person
  /** Seconds since 1970, when it was written; with a rebase long before it was committed. */
  readonly timeSeconds: number
  readonly committedSeconds: number
  readonly message: string
}

export interface Branch {
  readonly name: string
  /** Swapped whole when a commit is durable; the object itself never changes. */
  readonly head: Snapshot
  /**
   * One call, one commit, durable when the promise resolves. `edit` may run again when what it read was changed
   * meanwhile; one that does not await never is.
   */
  commit(
    info: CommitInfo,
    edit: (edit: Edit) => void | Promise<void>,
  ): Promise<Result<Snapshot, CommitError>>
  /** Calls `listener` in the same turn in which the head moved, before the mover is answered. Returns the way out. */
  subscribe(listener: (head: Snapshot, before: Snapshot) => void): () => void
  /** Changes below `prefix`, coalesced while the reader is busy. */
  watch(
    prefix: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly head: Snapshot; readonly diff: Diff }>
  /** Newest first; with `path`, only the commits that changed it. */
  log(path?: string): Iterable<LogEntry>
}

/** What an appliance says of content that is about to become the head of its branch. */
export type Verdict = {
  /** Any error refuses it; warnings are shown to the pusher. */
  readonly problems: readonly Problem[]
  /** A commit of ours on top, in the same transaction (a raised serial). */
  readonly repair?: { readonly info: CommitInfo; readonly edit: (edit: Edit) => void }
}

/** Runs before anything becomes the head: push, pull, merge, commit, and `--check`. `before` is the head it replaces. */
export type Accept = (candidate: Snapshot, before: Snapshot) => Verdict

/** Three versions of one file to one. `base` is absent when both sides added it. */
export type Merge = (input: {
  readonly path: string
  readonly base: Uint8Array | undefined
  readonly ours: Uint8Array
  readonly theirs: Uint8Array
}) =>
  | { readonly kind: 'merged'; readonly bytes: Uint8Array; readonly note?: string }
  | { readonly kind: 'conflict'; readonly reason: string }

/** First pattern that matches wins; `*` is one path segment's rest, `**` any depth. No match: text by lines. */
export type MergeRules = readonly { readonly pattern: string; readonly merge: Merge }[]

export type StoreOptions = {
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  readonly accept?: Accept
  readonly merge?: MergeRules
  /** Committer of our own commits, e.g. `cairn-dns`. */
  readonly committer: Person
}
