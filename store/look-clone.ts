// A clone somebody works in, read as git left it: its revisions, their files and the way from one to the next.
import { join, resolve } from 'node:path'
import type { LogEntry, Snapshot } from './api.ts'
import { systemDisk } from './disk/disk.ts'
import { walkCommits } from './history/ancestry.ts'
import { toLogEntry } from './history/log-entry.ts'
import { Looker } from './look.ts'
import { commitTree } from './object/commit.ts'
import { isOid, type Oid } from './object/oid.ts'
import { DiskRefs } from './refs/disk-refs.ts'
import { TreeSnapshot } from './snapshot.ts'

/** Commits among which an abbreviated id is looked for. */
const SEARCH_LIMIT = 100_000

export type CloneLook = {
  /** `HEAD`, a branch, a tag or an id of four digits and more, each with `~N` or `^`; undefined: there is no such commit. */
  find(revision: string): Oid | undefined
  snapshot(at: Oid): Snapshot | undefined
  /** From these back, newest first, each once. */
  log(...from: readonly Oid[]): Iterable<LogEntry>
}

/** `folder` is a work tree or a bare repository; undefined when it is neither. */
export function lookAtClone(folder: string): CloneLook | undefined {
  const gitDir = gitDirOf(resolve(folder))
  if (gitDir === undefined) return undefined
  const common = firstLine(join(gitDir, 'commondir'))
  const shared = common === undefined ? gitDir : resolve(gitDir, common)
  const refs = new DiskRefs(systemDisk, shared)
  const reader = new Looker(systemDisk, shared)
  const commitAt = (oid: Oid | undefined): Oid | undefined => {
    const object = oid && reader.read(oid)
    if (object?.type === 'commit') return oid
    // An annotated tag says first what it is of.
    const tagged =
      object?.type === 'tag' ? /^object ([0-9a-f]{40})/.exec(latin1(object.bytes)) : null
    return tagged === null ? undefined : commitAt(tagged[1] as Oid)
  }
  const head = (): Oid | undefined => {
    const text = firstLine(join(gitDir, 'HEAD')) ?? ''
    if (text.startsWith('ref: ')) return refs.read(text.slice('ref: '.length))
    return isOid(text) ? text : undefined
  }
  const named = (name: string): Oid | undefined => {
    if (name === 'HEAD' || name === '') return head()
    for (const place of ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/']) {
      const oid = refs.read(place + name)
      if (oid !== undefined) return oid
    }
    if (isOid(name)) return name
    return /^[0-9a-f]{4,39}$/.test(name) ? abbreviated(name) : undefined
  }
  const abbreviated = (digits: string): Oid | undefined => {
    const tips = [head(), ...refs.readAll().values()]
      .map(commitAt)
      .filter((oid) => oid !== undefined)
    let left = SEARCH_LIMIT
    for (const { oid } of walkCommits(reader, tips, [])) {
      if (oid.startsWith(digits)) return oid
      if (--left === 0) return undefined
    }
    return undefined
  }
  const log = function* (...from: readonly Oid[]): Generator<LogEntry> {
    for (const { oid, commit } of walkCommits(reader, from, [])) yield toLogEntry(oid, commit)
  }
  return {
    find(revision) {
      const [, name, steps] = /^(.*?)((?:~\d*|\^)*)$/.exec(revision)!
      let at = commitAt(named(name!))
      for (const step of steps!.match(/~\d*|\^/g) ?? [])
        for (
          let left = step === '^' || step === '~' ? 1 : Number(step.slice(1));
          left > 0;
          left--
        ) {
          if (at === undefined) return undefined
          const [entry] = log(at)
          at = commitAt(entry?.parents[0])
        }
      return at
    },
    snapshot(at) {
      const object = reader.read(at)
      return object?.type === 'commit'
        ? new TreeSnapshot(reader, at, commitTree(object.bytes))
        : undefined
    },
    log,
  }
}

/** A work tree has a folder or, made by `git worktree`, a file that says where. */
function gitDirOf(folder: string): string | undefined {
  const inside = join(folder, '.git')
  if (systemDisk.isFolder(inside)) return inside
  const elsewhere = /^gitdir: (.+)$/.exec(firstLine(inside) ?? '')?.[1]
  if (elsewhere !== undefined) return resolve(folder, elsewhere)
  const isBare = systemDisk.isFolder(join(folder, 'objects')) && firstLine(join(folder, 'HEAD'))
  return isBare ? folder : undefined
}

function firstLine(path: string): string | undefined {
  return systemDisk.read(path)?.toString('utf8').split('\n')[0]
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
