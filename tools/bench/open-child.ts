// A fresh process that opens a repository, reads one file and says in JSON how long that took and how big it is now.
// Arguments: `cairn` or `isomorphic-git`, path of the repository, path of the file.
import fs from 'node:fs'

const [program, path, file] = process.argv.slice(2) as [string, string, string]
const readFirst = program === 'cairn' ? await cairn() : await isomorphicGit()
const startMs = performance.now()
const bytes = await readFirst()
const openMs = performance.now() - startMs
if (bytes === 0) throw new Error(`${file} is empty`)
// What stays, not what was passing by.
globalThis.gc?.()
await new Promise((resolve) => setTimeout(resolve, 500))
console.log(JSON.stringify({ openMs, rssMegabytes: process.memoryUsage.rss() / 1e6 }))
process.exit(0)

/** The program is loaded before the clock starts: only opening counts. */
async function cairn(): Promise<() => Promise<number>> {
  const { openBare } = await import('./own-store.ts')
  return async () => {
    const store = await openBare(path)
    return store.branch().head.get(file)?.length ?? 0
  }
}

async function isomorphicGit(): Promise<() => Promise<number>> {
  const { readBlob, resolveRef } = await import('isomorphic-git')
  return async () => {
    const repo = { fs, gitdir: path, cache: {} }
    const oid = await resolveRef({ ...repo, ref: 'main' })
    return (await readBlob({ ...repo, oid, filepath: file })).blob.length
  }
}
