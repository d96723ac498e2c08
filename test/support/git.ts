// Stock git as an oracle and a client: no configuration of the machine, a fixed identity and clock.
import { spawn } from 'node:child_process'

export type GitOptions = {
  readonly cwd?: string
  readonly input?: Uint8Array | string
  /** Over the isolated environment below. */
  readonly env?: Readonly<{ [name: string]: string }>
  readonly signal?: AbortSignal
}

export type GitRun = {
  readonly code: number
  /** UTF-8; `bytes` is the same output untouched. */
  readonly stdout: string
  readonly bytes: Buffer
  readonly stderr: string
}

/** Runs git to its end, whatever its exit code. */
export function git(args: readonly string[], options: GitOptions = {}): Promise<GitRun> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd: options.cwd,
      env: { ...gitEnvironment(), ...options.env },
      ...(options.signal && { signal: options.signal }),
    })
    const out: Buffer[] = []
    const problems: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => problems.push(chunk))
    child.on('error', reject)
    child.on('close', (code, killedBy) => {
      const bytes = Buffer.concat(out)
      const stderr = Buffer.concat(problems).toString() + (killedBy ? `killed by ${killedBy}` : '')
      resolve({ code: code ?? 128, stdout: bytes.toString(), bytes, stderr })
    })
    // git may be done before it read all of its input (EPIPE); its exit code tells.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input)
  })
}

/** Runs git and gives its output without the final newline; a failing git throws with what it said. */
export async function gitOk(args: readonly string[], options: GitOptions = {}): Promise<string> {
  const run = await git(args, options)
  if (run.code !== 0) throw new Error(`git ${args.join(' ')} ended with ${run.code}: ${run.stderr}`)
  return run.stdout.replace(/\n$/, '')
}

/** The whole environment of an isolated git; nothing of the caller's but PATH and TMPDIR. */
export function gitEnvironment(): { [name: string]: string } {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    TMPDIR: process.env['TMPDIR'] ?? '/tmp',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada Example',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_AUTHOR_DATE: '1767225600 +0000',
    GIT_COMMITTER_NAME: 'Ada Example',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
    GIT_COMMITTER_DATE: '1767225600 +0000',
    ...configurationVariables(CONFIGURATION),
  }
}

/** Settings handed over as GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n. */
function configurationVariables(settings: readonly (readonly [string, string])[]): {
  [name: string]: string
} {
  const variables: { [name: string]: string } = { GIT_CONFIG_COUNT: String(settings.length) }
  for (const [n, [key, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${n}`] = key
    variables[`GIT_CONFIG_VALUE_${n}`] = value
  }
  return variables
}

const CONFIGURATION = [
  ['init.defaultBranch', 'main'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
  ['protocol.file.allow', 'always'],
  ['core.fsync', 'none'],
] as const
