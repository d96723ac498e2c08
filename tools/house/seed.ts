// Sample content for a repository that has none: one commit.
import { silentLog } from '../../shared/log/log.ts'
import { silentMetrics } from '../../shared/metrics/metrics.ts'
import { openStore } from '../../store/index.ts'

/** `files` are made only when they are needed: text by path. */
export async function seedStore(
  path: string,
  files: () => Promise<{ readonly [path: string]: string }>,
): Promise<void> {
  const person = { name: 'Cairn', email: 'cairn@localhost' }
  const store = await openStore(
    { path, branch: 'main', pull: 60_000, seal: 'quiet', verify: 'none' },
    { log: silentLog, metrics: silentMetrics, committer: person },
  )
  try {
    const branch = store.branch()
    if (branch.head.commit !== undefined) return
    const content = Object.entries(await files())
    const [first] = content[0]!
    const info = { message: `${first}: a sample to start from`, author: person }
    const done = await branch.commit(info, (edit) => {
      for (const [file, text] of content) edit.set(file, text)
    })
    if (!done.ok) throw new Error(`${path} takes no commit: ${done.error.kind}`)
  } finally {
    await store.close()
  }
}
