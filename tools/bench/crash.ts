// kill -9 at random points under a load of writers: no commit that was acknowledged may be lost, and stock git
// must find nothing wrong with the repository.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { git, gitOk } from '../../test/support/git.ts'
import { bundleChild } from './child-bundle.ts'
import { openBare } from './own-store.ts'
import { saveFigures, median } from './report.ts'

export type CrashOptions = {
  readonly rounds: number
  readonly seed: number
  /** After so many rounds a new repository is taken, so that checking it stays quick. */
  readonly roundsEach?: number
  readonly writers?: number
  readonly onRound?: (done: number, result: CrashResult) => void
}

export type CrashResult = {
  rounds: number
  acknowledged: number
  /** Ids of acknowledged commits that are not in the history of `main` any more. */
  lost: string[]
  /** What `git fsck --full --strict` said, where it said something bad. */
  damage: string[]
  /** Milliseconds to open the store again, one per round. */
  recoveryMs: number[]
}

/** A round in so many is killed while it opens, when it may be in the middle of recovering. */
const EARLY_ONE_IN = 5
const OPEN_MS = 120
const LOAD_MS = 250

export async function crashRounds(options: CrashOptions): Promise<CrashResult> {
  const { rounds, roundsEach = 25, writers = 8 } = options
  const random = mulberry(options.seed)
  const result: CrashResult = { rounds: 0, acknowledged: 0, lost: [], damage: [], recoveryMs: [] }
  const folder = mkdtempSync(join(tmpdir(), 'cairn-crash-'))
  const program = await bundleChild('crash-child')
  let path = ''
  let acknowledged: string[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      if (round % roundsEach === 0) {
        path = join(folder, `round-${round}.git`)
        acknowledged = []
      }
      const early = random() < 1 / EARLY_ONE_IN
      const delayMs = random() * (early ? OPEN_MS : LOAD_MS)
      const killed = await runAndKill([program, path, String(round), String(writers)], {
        early,
        delayMs,
      })
      acknowledged.push(...killed)
      result.acknowledged += killed.length
      // Half of the time the next child finds the repository as the kill left it.
      if (random() < 0.5 || (round + 1) % roundsEach === 0 || round === rounds - 1)
        await verify(path, acknowledged, result)
      result.rounds++
      options.onRound?.(round + 1, result)
      if (round % roundsEach === roundsEach - 1) rmSync(path, { recursive: true, force: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(program)
  }
  return result
}

/** Ids of the commits that were acknowledged before the end. */
function runAndKill(
  writer: readonly string[],
  kill: { readonly early: boolean; readonly delayMs: number },
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, writer)
    let said = ''
    let problems = ''
    let timer: NodeJS.Timeout | undefined
    const arm = (): void => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), kill.delayMs)
    }
    if (kill.early) arm()
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
      if (said.startsWith('open\n')) arm()
    })
    child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal !== 'SIGKILL') {
        reject(new Error(`the writer ended by itself with ${code}: ${problems}`))
        return
      }
      resolve(said.split('\n').filter((line) => /^[0-9a-f]{40}$/.test(line)))
    })
  })
}

async function verify(path: string, acknowledged: string[], result: CrashResult): Promise<void> {
  const startMs = performance.now()
  const store = await openBare(path)
  result.recoveryMs.push(performance.now() - startMs)
  await store.close()
  const listed = await git(['-C', path, 'rev-list', 'refs/heads/main'])
  const history = new Set(listed.stdout.split('\n'))
  result.lost.push(...acknowledged.filter((oid) => !history.has(oid)))
  const fsck = await git(['-C', path, 'fsck', '--full', '--strict', '--no-dangling'])
  if (fsck.code !== 0) result.damage.push(fsck.stderr + fsck.stdout)
  // A ref that moved without its commit would be found by neither of the two.
  if (acknowledged.length > 0) await gitOk(['-C', path, 'cat-file', '-e', 'refs/heads/main^{tree}'])
}

export async function benchCrash(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 0x7fff_ffff) },
    },
  })
  console.log(`crash: ${values.rounds} rounds, seed ${values.seed}`)
  const result = await crashRounds({
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    onRound(done, { acknowledged, lost, damage }) {
      if (done % 50 !== 0) return
      const found = `${lost.length} lost, ${damage.length} damaged`
      console.log(`  ${done} kills, ${acknowledged} acknowledged commits, ${found}`)
    },
  })
  const recoveryMs = median(result.recoveryMs)
  const worstMs = Math.max(...result.recoveryMs)
  console.log(
    `${result.rounds} kills, ${result.acknowledged} commits acknowledged: ${result.lost.length} lost, ` +
      `${result.damage.length} repositories damaged; open after a kill ${recoveryMs.toFixed(1)} ms (worst ${worstMs.toFixed(1)})`,
  )
  const shape = `${result.rounds} kills`
  const one = { shape, better: 'less', peers: {} } as const
  saveFigures('crash', [
    { ...one, what: 'acknowledged commits lost', unit: 'commits', ours: result.lost.length },
    { ...one, what: 'repositories damaged', unit: 'repositories', ours: result.damage.length },
    { ...one, what: 'open after a kill', unit: 'ms', ours: recoveryMs },
  ])
  for (const problem of [...result.lost, ...result.damage].slice(0, 20)) console.error(problem)
  if (result.lost.length + result.damage.length > 0) process.exitCode = 1
}

/** A repeatable random number from 0 to 1. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
