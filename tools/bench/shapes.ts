// Repositories to measure on: so many files, spread over folders in the ways appliances lay them out.
import { mkdirSync } from 'node:fs'
import { gitOk } from '../../test/support/git.ts'

export type Shape = { readonly folders: number; readonly filesEach: number }

export const SHAPES: Readonly<{ [name: string]: Shape }> = {
  n100: { folders: 1, filesEach: 100 },
  n10k: { folders: 100, filesEach: 100 },
  /** One folder, as CalDAV servers keep a collection. */
  f10k: { folders: 1, filesEach: 10_000 },
  n100k: { folders: 1000, filesEach: 100 },
}

export function fileCount(shape: Shape): number {
  return shape.folders * shape.filesEach
}

/** Path of the n-th file; n may be any whole number. */
export function filePath(shape: Shape, n: number): string {
  const at = n % fileCount(shape)
  const folder = Math.floor(at / shape.filesEach)
  return `c${String(folder).padStart(4, '0')}/item-${String(at % shape.filesEach).padStart(6, '0')}.txt`
}

/** About 450 bytes that differ by file and revision. */
export function fileContent(n: number, revision: number): string {
  const words = (n * 104_729 + revision * 7919).toString(36)
  return `item: ${n}\nrevision: ${revision}\nkey: ${words}\n${`a line of ordinary text ${words}\n`.repeat(12)}`
}

/** A spread-out order that meets every file before it meets one again. */
export function scattered(shape: Shape, step: number): number {
  return (step * 7919) % fileCount(shape)
}

/** A bare repository with one commit on `main`, packed. */
export async function makeRepository(folder: string, shape: Shape): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await gitOk(['init', '-q', '--bare', folder])
  const parts = [
    'commit refs/heads/main\ncommitter Bench <bench@example.org> 1767225600 +0000\ndata 5\nfirst\n',
  ]
  for (let n = 0; n < fileCount(shape); n++) {
    const content = fileContent(n, 0)
    parts.push(`M 100644 inline ${filePath(shape, n)}\ndata ${content.length}\n${content}\n`)
  }
  await gitOk(['-C', folder, 'fast-import', '--quiet'], { input: parts.join('') })
  await gitOk(['-C', folder, 'repack', '-adq'])
}

/** A work tree of `repository` beside it. */
export async function makeWorkTree(repository: string, folder: string): Promise<void> {
  await gitOk(['clone', '-q', '--no-hardlinks', repository, folder])
  await gitOk(['-C', folder, 'config', 'user.email', 'bench@example.org'])
  await gitOk(['-C', folder, 'config', 'user.name', 'Bench'])
}
