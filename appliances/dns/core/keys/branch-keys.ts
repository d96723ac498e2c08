// The keys of a branch at one commit, made from those of another and the key files that differ.
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import type { Snapshot } from '../../../../store/api.ts'
import { ZONE_FOLDER } from '../branch/zone-files.ts'
import type { Key, KeyRing } from '../../../../shared/tsig/key.ts'
import { keyFileScope, readKeyFile, type KeyFile } from './key-file.ts'

export class BranchKeys implements KeyRing {
  readonly snapshot: Snapshot
  /** Of the files that were read anew, and of what they clash with. */
  readonly problems: readonly Problem[]
  readonly #files: ReadonlyMap<string, KeyFile>
  readonly #keys: ReadonlyMap<Name, Key>

  private constructor(
    snapshot: Snapshot,
    files: ReadonlyMap<string, KeyFile>,
    keys: ReadonlyMap<Name, Key>,
    problems: readonly Problem[],
  ) {
    this.snapshot = snapshot
    this.#files = files
    this.#keys = keys
    this.problems = problems
  }

  /** `previous` saves reading what is the same in both snapshots. */
  static load(snapshot: Snapshot, previous?: BranchKeys): BranchKeys {
    const paths = previous === undefined ? allPaths(snapshot) : changedPaths(snapshot, previous)
    if (paths.length === 0 && previous !== undefined)
      return new BranchKeys(snapshot, previous.#files, previous.#keys, [])
    const files = new Map(previous === undefined ? [] : previous.#files)
    for (const path of paths) {
      const bytes = snapshot.get(path)
      if (bytes === undefined) files.delete(path)
      else files.set(path, readKeyFile(path, Buffer.from(bytes).toString('latin1')))
    }
    const problems = paths.flatMap((path) => files.get(path)?.problems ?? [])
    const keys = new Map<Name, Key>()
    const holders = new Map<Name, string>()
    for (const [path, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const { key, line } of file.keys) {
        const holder = holders.get(key.name)
        if (holder === undefined) {
          holders.set(key.name, path)
          keys.set(key.name, key)
        } else
          problems.push(
            problem(`${formatName(key.name)} is in ${holder} too`, { file: path, line }),
          )
      }
    return new BranchKeys(snapshot, files, keys, problems)
  }

  get size(): number {
    return this.#keys.size
  }

  find(name: Name): Key | undefined {
    return this.#keys.get(name)
  }

  all(): Iterable<Key> {
    return this.#keys.values()
  }
}

function allPaths(snapshot: Snapshot): readonly string[] {
  const entries = [...snapshot.list(), ...snapshot.list(ZONE_FOLDER)]
  return entries.map((entry) => entry.path).filter((path) => isKeyFile(path))
}

function changedPaths(snapshot: Snapshot, previous: BranchKeys): readonly string[] {
  const changes = snapshot.diff(previous.snapshot)
  return changes.map((change) => change.path).filter((path) => isKeyFile(path))
}

function isKeyFile(path: string): boolean {
  return keyFileScope(path) !== undefined
}
