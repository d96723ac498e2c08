// Our store as the benchmarks open it: on a repository of theirs, silent, with git served on a free port if asked.
import { openStore, type Store } from '../../store/index.ts'
import { silentLog } from '../../shared/log/log.ts'
import { silentMetrics } from '../../shared/metrics/metrics.ts'
import { fileContent, filePath, scattered, type Shape } from './shapes.ts'

export const WRITER = { name: 'Bench', email: 'bench@example.org' }

export function openBare(path: string, served = false): Promise<Store> {
  const serve = {
    listen: { host: '127.0.0.1', port: 0 },
    users: {},
    limitPush: 64_000_000,
    allowForce: false,
  }
  return openStore(
    {
      path,
      branch: 'main',
      pull: 60_000,
      seal: 'quiet',
      verify: 'none',
      ...(served && { serve }),
    },
    { log: silentLog, metrics: silentMetrics, committer: WRITER },
  )
}

/** One durable commit that changes one file; the id of the commit. */
export async function commitOne(store: Store, shape: Shape, step: number): Promise<string> {
  const n = scattered(shape, step)
  const info = { message: `change ${step}`, author: WRITER }
  const done = await store
    .branch()
    .commit(info, (edit) => edit.set(filePath(shape, n), fileContent(n, step + 1)))
  if (!done.ok) throw new Error(`commit ${step} was refused: ${JSON.stringify(done.error)}`)
  return done.value.commit!
}
