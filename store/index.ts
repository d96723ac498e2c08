// The store: a git branch on disk, served to users, followed to a remote. Appliances import this file alone.
import { basename, resolve } from 'node:path'
import { systemClock } from '../shared/clock/clock.ts'
import type { StoreConfig } from '../shared/config/store-table.ts'
import type { Problem } from '../shared/result/problem.ts'
import type { Accept, Branch, LogEntry, Snapshot, StoreOptions } from './api.ts'
import { checkConfigured } from './configured-check.ts'
import { systemDisk } from './disk/disk.ts'
import { lookAtBranch } from './look.ts'
import { openFollower } from './follower.ts'
import type { Oid } from './object/oid.ts'
import type { Keeper, RemoteStatus } from './remote/keeper.ts'
import { openSigning } from './signing.ts'
import { listenStore, type StoreListener } from './store-listener.ts'
import { LocalStore } from './store.ts'
import { observeStore } from './store-metrics.ts'

export type {
  Accept,
  Branch,
  CommitError,
  CommitInfo,
  Diff,
  Edit,
  Entry,
  FileEntry,
  LogEntry,
  Merge,
  MergeRules,
  PathChange,
  Person,
  Snapshot,
  StoreOptions,
  Verdict,
} from './api.ts'
export type { Oid } from './object/oid.ts'
export { lookAtClone, type CloneLook } from './look-clone.ts'
export { mergeText } from './merge/text.ts'
export { storeNeeds } from './sandbox-needs.ts'

export interface Store {
  /** The branch named in the configuration. */
  branch(): Branch
  /** One that users may clone and only this process writes, for what it keeps itself. */
  keptBranch(name: string): Branch
  /** Any commit of the history; undefined when there is no such commit. */
  snapshot(at: Oid): Snapshot | undefined
  /** From these commits back, newest first, each once; one that is not there is passed over. */
  log(from: readonly Oid[]): Iterable<LogEntry>
  /** Any tree of the history by its id, as a snapshot without a commit; undefined when there is no such tree. */
  tree(id: Oid): Snapshot | undefined
  /** Pulls from the remote now, if there is one. */
  sync(): Promise<void>
  /** Makes the repository on disk current for other programs. */
  seal(): Promise<void>
  /** Reads certificates again. */
  reload(): void
  status(): StoreStatus
  /** Where users clone from and push to, e.g. `http://127.0.0.1:5418/zones.git`; undefined when not served. */
  readonly url: string | undefined
  close(): Promise<void>
}

export type StoreStatus = {
  readonly path: string
  readonly branch: string
  readonly head: string
  readonly url?: string
  readonly readOnly?: string
  readonly journalBytes: number
  readonly packs: number
  readonly packBytes: number
  readonly conflicts: number
  readonly remote?: ReturnType<typeof remoteStatus>
}

/**
 * Opens (or makes) the repository, recovers what an unclean stop left, begins to serve and to follow the remote.
 * Throws `Fatal` with a sentence that says what to do.
 */
export async function openStore(config: StoreConfig, options: StoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock
  const signing = openSigning(config, clock)
  const local = await LocalStore.open({
    gitDir: resolve(config.path),
    branch: config.branch,
    seal: config.seal,
    disk: systemDisk,
    clock,
    log: options.log,
    committer: options.committer,
    accept: options.accept ?? (() => ({ problems: [] })),
    merge: options.merge ?? [],
    ...signing,
  })
  observeStore(local, options.metrics)
  let follower: Keeper | undefined
  let listener: StoreListener | undefined
  try {
    follower = openFollower(config, { ...options, clock, local, sign: signing.sign })
    listener = await listenStore(config, { ...options, clock, local, follower })
    follower?.start()
  } catch (error) {
    await listener?.close()
    await local.close()
    throw error
  }
  return openedStore(config, { local, follower, listener })
}

/**
 * Problems of the files that the configuration names, and of the branch's content as it is, without opening or changing
 * anything: what `--check` prints.
 */
export function checkStore(config: StoreConfig, accept: Accept): readonly Problem[] {
  const problems = checkConfigured(config, systemClock)
  const look = lookAtBranch(systemDisk, resolve(config.path), config.branch)
  return look === undefined ? problems : [...problems, ...accept(look.head, look.empty).problems]
}

function openedStore(
  config: StoreConfig,
  parts: {
    local: LocalStore
    follower: Keeper | undefined
    listener: StoreListener | undefined
  },
): Store {
  const { local, follower, listener } = parts
  const url = listener?.urlOf(basename(resolve(config.path)))
  return {
    url,
    branch: () => local.branch,
    keptBranch: (name) => local.keptBranch(name),
    snapshot: (at) => local.snapshot(at),
    log: (from) => local.log(from),
    tree: (id) => local.tree(id),
    seal: () => local.seal(),
    reload: () => listener?.reload(),
    async sync() {
      await follower?.pullNow()
    },
    status() {
      const { readOnly, journalBytes, packs, packBytes } = local.engine.status()
      const conflicts = [...local.refs().keys()].filter((n) => n.startsWith('refs/conflicts/'))
      return {
        path: resolve(config.path),
        branch: config.branch,
        head: local.branch.head.commit ?? 'no commit yet',
        ...(url !== undefined && { url }),
        ...(readOnly !== undefined && { readOnly }),
        journalBytes,
        packs,
        packBytes,
        conflicts: conflicts.length,
        ...(follower !== undefined && { remote: remoteStatus(follower.status()) }),
      }
    },
    async close() {
      await listener?.close()
      await follower?.stop()
      await local.close()
    },
  }
}

/** With times as people read them. */
function remoteStatus(status: RemoteStatus): {
  readonly url: string
  readonly phase: string
  readonly ahead: number
  readonly behind: number
  readonly lastSuccess: string
  readonly lastError?: { readonly kind: string; readonly why: string; readonly since: string }
} {
  const { remote: url, phase, ahead, behind, lastSuccessMs, lastError } = status
  const time = (ms: number): string => new Date(ms).toISOString()
  return {
    url,
    phase,
    ahead,
    behind,
    lastSuccess: lastSuccessMs === undefined ? 'never' : time(lastSuccessMs),
    ...(lastError !== undefined && {
      lastError: { kind: lastError.kind, why: lastError.why, since: time(lastError.sinceMs) },
    }),
  }
}
