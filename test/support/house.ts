// A store of ours that follows a remote, and stock git working copies around it: what the tests of syncing live in.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { silentLog, type Fields, type Log } from '../../shared/log/log.ts'
import { Registry } from '../../shared/metrics/registry.ts'
import type { Accept, MergeRules } from '../../store/api.ts'
import { systemDisk } from '../../store/disk/disk.ts'
import type { Oid } from '../../store/object/oid.ts'
import { createKeeper, type Keeper } from '../../store/remote/keeper.ts'
import type { Transport } from '../../store/remote/transport.ts'
import { GIT_LIMITS } from '../../store/serve/limits.ts'
import { LocalStore } from '../../store/store.ts'
import { gitOk } from './git.ts'

const COMMITTER = { name: 'cairn-test', email: 'cairn-test@example.org' }

export type House = {
  readonly store: LocalStore
  readonly keeper: Keeper
  /** As a scraper reads it. */
  metrics(): string
  readonly log: RecordedLog
  /** One commit of one file. */
  write(path: string, content: string): Promise<Oid>
  head(): Oid | undefined
  text(path: string): string | undefined
  close(): Promise<void>
}

export type HouseOptions = {
  readonly accept?: Accept
  readonly rules?: MergeRules
  readonly clock?: Clock
  readonly pullMs?: number
  readonly random?: () => number
}

/** Opens (or makes) a store in `gitDir` and keeps it with the remote, as an appliance does. */
export async function openHouse(
  gitDir: string,
  transport: Transport,
  options: HouseOptions = {},
): Promise<House> {
  const log = new RecordedLog()
  const registry = new Registry()
  const store = await openLocalStore(gitDir, options)
  const keeper = createKeeper({
    repository: store,
    transport,
    branch: 'main',
    pullMs: options.pullMs ?? 60_000,
    rules: options.rules ?? [],
    committer: COMMITTER,
    incoming: { pack: GIT_LIMITS.pack, allowLinks: false },
    clock: options.clock ?? systemClock,
    log,
    metrics: registry,
    ...(options.random && { random: options.random }),
  })
  let closed = false
  const leave = store.branch.subscribe(() => keeper.localCommit())
  return {
    store,
    keeper,
    log,
    metrics: () => registry.openMetrics(),
    async write(path, content) {
      const info = { message: `Write ${path}`, author: COMMITTER }
      const done = await store.branch.commit(info, (edit) => edit.set(path, content))
      if (!done.ok) throw new Error(`${path}: ${done.error.kind}`)
      return done.value.commit!
    },
    head: () => store.branch.head.commit,
    text: (path) => {
      const bytes = store.branch.head.get(path)
      return bytes && Buffer.from(bytes).toString()
    },
    async close() {
      if (closed) return
      closed = true
      leave()
      await keeper.stop()
      await store.close()
    },
  }
}

export async function openLocalStore(
  gitDir: string,
  options: HouseOptions = {},
): Promise<LocalStore> {
  return await LocalStore.open({
    gitDir,
    branch: 'main',
    seal: 'always',
    disk: systemDisk,
    clock: options.clock ?? systemClock,
    log: silentLog,
    committer: COMMITTER,
    accept: options.accept ?? (() => ({ problems: [] })),
    merge: options.rules ?? [],
    sign: (commit) => commit,
    vouch: () => [],
  })
}

/** A working copy that commits and pushes with stock git. */
export class WorkingCopy {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  static async clone(url: string, folder: string): Promise<WorkingCopy> {
    await gitOk(['clone', '-q', url, folder])
    return new WorkingCopy(folder)
  }

  async commit(files: { readonly [path: string]: string }): Promise<Oid> {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true })
      writeFileSync(join(this.folder, path), content)
    }
    await this.git('add', '-A')
    await this.git('commit', '-q', '-m', Object.keys(files).join(', '))
    return (await this.git('rev-parse', 'HEAD')) as Oid
  }

  async git(...args: string[]): Promise<string> {
    return await gitOk(args, { cwd: this.folder })
  }
}

export class RecordedLog implements Log {
  readonly lines: { readonly event: string; readonly fields: Fields }[] = []

  debug(event: string, fields: Fields = {}): void {
    this.lines.push({ event, fields })
  }

  info(event: string, fields: Fields = {}): void {
    this.lines.push({ event, fields })
  }

  warn(event: string, fields: Fields = {}): void {
    this.lines.push({ event, fields })
  }

  error(event: string, fields: Fields = {}): void {
    this.lines.push({ event, fields })
  }

  of(event: string): readonly Fields[] {
    return this.lines.filter((line) => line.event === event).map((line) => line.fields)
  }
}

/** Resolves when `condition` holds; fails with `what` after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 8000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not after ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
