// What a person does in a working copy, as short calls: clone, change, commit, push.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { git, gitOk, type GitRun } from './git.ts'
import { tempDir } from './temp.ts'

let folder: string | undefined
let count = 0
let seconds = 1_767_225_600

/** A path below this file's temporary folder that nothing has used. */
export function freshPath(name = 'copy'): string {
  folder ??= tempDir('copies')
  return join(folder, `${name}-${++count}`)
}

/** Time of the last commit made here; each is a second later. */
export function lastCommitSeconds(): number {
  return seconds
}

/** A new repository on `main` without a commit, with `url` as its origin. */
export async function newCopy(url: string): Promise<string> {
  const copy = freshPath()
  await gitOk(['init', '-q', copy])
  await gitOk(['remote', 'add', 'origin', url], { cwd: copy })
  return copy
}

/** A new working copy with a first commit, pushed to `url`. */
export async function firstPush(
  url: string,
  files: Readonly<{ [path: string]: string }> = { 'a.txt': 'one\n' },
): Promise<string> {
  const copy = await newCopy(url)
  await commit(copy, files)
  await gitOk(['push', '-q', '-u', 'origin', 'main'], { cwd: copy })
  return copy
}

/** Writes the files and commits all there is; gives the id. */
export async function commit(
  copy: string,
  files: Readonly<{ [path: string]: string }>,
  message = 'change',
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(copy, path, '..'), { recursive: true })
    writeFileSync(join(copy, path), content)
  }
  await gitOk(['add', '-A'], { cwd: copy })
  const date = `${++seconds} +0000`
  const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }
  await gitOk(['commit', '-q', '--allow-empty', '-m', message], { cwd: copy, env })
  return head(copy)
}

/** Many commits on top of main, without a process for each. */
export async function grow(copy: string, commits: number): Promise<void> {
  const tip = await head(copy)
  const stream = Array.from({ length: commits }, (_, n) => {
    const from = n === 0 ? `from ${tip}\n` : ''
    const who = `committer Ada <ada@example.org> ${++seconds} +0000\ndata 1\nx\n`
    return `commit refs/heads/main\n${who}${from}M 100644 inline mine\ndata ${String(n).length}\n${n}\n`
  })
  await gitOk(['fast-import', '--quiet'], { cwd: copy, input: stream.join('') })
}

/** `git clone` with options of git itself and of clone; gives the path. */
export async function clone(
  url: string,
  options: { readonly git?: readonly string[]; readonly clone?: readonly string[] } = {},
): Promise<string> {
  const copy = freshPath('clone')
  await gitOk([...(options.git ?? []), 'clone', '-q', ...(options.clone ?? []), url, copy])
  return copy
}

export function head(copy: string, revision = 'HEAD'): Promise<string> {
  return gitOk(['rev-parse', revision], { cwd: copy })
}

export function push(copy: string, ...args: string[]): Promise<GitRun> {
  return git(['push', ...args], { cwd: copy })
}
