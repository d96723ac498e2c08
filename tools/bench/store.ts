// The store beside git and isomorphic-git on the same repositories: commits, git's own clients as users, opening.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { git, gitOk } from '../../test/support/git.ts'
import { gitHttpBackend } from '../../test/support/git-http-backend.ts'
import { bundleChild } from './child-bundle.ts'
import { COMMIT_PEERS, type Committer } from './commit-peers.ts'
import { commitOne, openBare } from './own-store.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'
import {
  fileContent,
  fileCount,
  filePath,
  makeRepository,
  makeWorkTree,
  scattered,
  SHAPES,
  type Shape,
} from './shapes.ts'

const MANY_WRITERS = 32
const CLONES = 3
const PUSHES = 7
const FETCHES = 5
/** Too slow peers still get this many commits to show their pace. */
const LEAST_COMMITS = 3

type Pace = { readonly perSecond: number; readonly medianMs: number; readonly bytesEach: number }
type Traffic = { readonly cloneMs: number; readonly pushMs: number; readonly fetchMs: number }
type Opening = { readonly openMs: number; readonly rssMegabytes: number }

export async function benchStore(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      shapes: { type: 'string', default: Object.keys(SHAPES).join(',') },
      seconds: { type: 'string', default: '3' },
      parts: { type: 'string', default: 'commits,traffic,open' },
    },
  })
  const parts = values.parts.split(',')
  const limitMs = Number(values.seconds) * 1000
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-'))
  const figures: Figure[] = []
  try {
    for (const name of values.shapes.split(',')) {
      const shape = SHAPES[name]
      if (shape === undefined) throw new Error(`no shape "${name}": ${Object.keys(SHAPES).join()}`)
      const place = join(folder, name)
      mkdirSync(place)
      console.error(`bench store: ${name}`)
      if (parts.includes('commits')) figures.push(...(await commitFigures(place, name, limitMs)))
      if (parts.includes('traffic')) figures.push(...(await trafficFigures(place, name)))
      if (parts.includes('open')) figures.push(...(await openFigures(place, name)))
      rmSync(place, { recursive: true, force: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(formatFigures(figures))
  console.log(`\nwritten to ${saveFigures('store', figures)}`)
}

async function commitFigures(folder: string, name: string, limitMs: number): Promise<Figure[]> {
  const shape = SHAPES[name]!
  const alone = await ownPace(join(folder, 'own-1'), shape, 1, limitMs)
  const many = await ownPace(join(folder, 'own-many'), shape, MANY_WRITERS, limitMs)
  const peers: { [peer: string]: Pace } = {}
  for (const [peer, open] of Object.entries(COMMIT_PEERS)) {
    const committer = await open(join(folder, peer.replace(' ', '-')), shape)
    peers[peer] = await pace(committer, 1, limitMs)
    await committer.close()
  }
  const of = (pick: (pace: Pace) => number): Figure['peers'] =>
    Object.fromEntries(Object.entries(peers).map(([peer, each]) => [peer, pick(each)]))
  const rates = of((each) => each.perSecond)
  return [
    figure('durable commits, 1 writer', name, 'per s', 'more', alone.perSecond, rates),
    figure(
      `durable commits, ${MANY_WRITERS} writers`,
      name,
      'per s',
      'more',
      many.perSecond,
      rates,
    ),
    figure(
      'one commit, p50',
      name,
      'ms',
      'less',
      alone.medianMs,
      of((each) => each.medianMs),
    ),
    figure(
      'disk for a commit',
      name,
      'bytes',
      'less',
      alone.bytesEach,
      of((each) => each.bytesEach),
    ),
  ]
}

async function ownPace(
  folder: string,
  shape: Shape,
  writers: number,
  limitMs: number,
): Promise<Pace> {
  const path = join(folder, 'bare.git')
  await makeRepository(path, shape)
  const store = await openBare(path)
  const before = await diskBytes(path)
  const committer: Committer = {
    repository: path,
    commit: async (step) => void (await commitOne(store, shape, step)),
    close: () => store.close(),
  }
  const measured = await pace(committer, writers, limitMs)
  await store.close()
  // What was promised is there for stock git.
  const commits = Number(await gitOk(['-C', path, 'rev-list', '--count', 'main'])) - 1
  const fsck = await git(['-C', path, 'fsck', '--full', '--no-dangling'])
  if (fsck.code !== 0) throw new Error(`fsck after the run: ${fsck.stderr}`)
  return { ...measured, bytesEach: ((await diskBytes(path)) - before) / commits }
}

async function pace(committer: Committer, writers: number, limitMs: number): Promise<Pace> {
  const before = await diskBytes(committer.repository)
  const tookMs: number[] = []
  let step = 0
  const startMs = performance.now()
  async function write(): Promise<void> {
    for (;;) {
      const oneMs = performance.now()
      if (oneMs - startMs > limitMs && tookMs.length >= LEAST_COMMITS) return
      await committer.commit(step++)
      tookMs.push(performance.now() - oneMs)
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  return {
    perSecond: (tookMs.length * 1000) / (performance.now() - startMs),
    medianMs: median(tookMs),
    bytesEach: ((await diskBytes(committer.repository)) - before) / tookMs.length,
  }
}

async function trafficFigures(folder: string, name: string): Promise<Figure[]> {
  const shape = SHAPES[name]!
  const path = join(folder, 'served', 'bench.git')
  const other = join(folder, 'stock', 'bench.git')
  await makeRepository(path, shape)
  await makeRepository(other, shape)
  const store = await openBare(path, true)
  const ours = await traffic(store.url!, join(folder, 'our-clones'), shape)
  await store.close()
  const backend = await gitHttpBackend(dirname(other))
  const theirs = await traffic(`${backend.url}/${basename(other)}`, join(folder, 'clones'), shape)
  await backend.close()
  const stock = 'git http-backend'
  return [
    figure('git clone', name, 'ms', 'less', ours.cloneMs, { [stock]: theirs.cloneMs }),
    figure('git push of one file', name, 'ms', 'less', ours.pushMs, { [stock]: theirs.pushMs }),
    figure('git fetch of one commit', name, 'ms', 'less', ours.fetchMs, {
      [stock]: theirs.fetchMs,
    }),
  ]
}

/** Stock git as the client of `url`; medians. */
async function traffic(url: string, folder: string, shape: Shape): Promise<Traffic> {
  mkdirSync(folder)
  const cloneMs: number[] = []
  for (let n = 0; n < CLONES; n++)
    cloneMs.push(await timed(['clone', '-q', '--bare', url, join(folder, `clone-${n}.git`)]))
  const work = join(folder, 'work')
  const reader = join(folder, 'reader')
  await makeWorkTree(url, work)
  await makeWorkTree(url, reader)
  const pushMs: number[] = []
  const fetchMs: number[] = []
  for (let step = 0; step < PUSHES; step++) {
    const n = scattered(shape, step)
    writeFileSync(join(work, filePath(shape, n)), fileContent(n, step + 1))
    await gitOk(['-C', work, 'commit', '-q', '-a', '-m', `change ${step}`])
    pushMs.push(await timed(['-C', work, 'push', '-q']))
    if (step < FETCHES) fetchMs.push(await timed(['-C', reader, 'fetch', '-q']))
  }
  const [pushed, fetched] = await Promise.all([
    gitOk(['-C', work, 'rev-parse', 'HEAD']),
    gitOk(['ls-remote', url, 'refs/heads/main']),
  ])
  if (!fetched.startsWith(pushed)) throw new Error(`${url} does not hold what was pushed`)
  return { cloneMs: median(cloneMs), pushMs: median(pushMs), fetchMs: median(fetchMs) }
}

async function timed(args: readonly string[]): Promise<number> {
  const startMs = performance.now()
  await gitOk(args)
  return performance.now() - startMs
}

async function openFigures(folder: string, name: string): Promise<Figure[]> {
  const shape = SHAPES[name]!
  const path = join(folder, 'opened.git')
  await makeRepository(path, shape)
  const file = filePath(shape, Math.floor(fileCount(shape) / 2))
  const ours = await opening('cairn', path, file)
  const theirs = await opening('isomorphic-git', path, file)
  const peer = 'isomorphic-git'
  return [
    figure('open and first read', name, 'ms', 'less', ours.openMs, { [peer]: theirs.openMs }),
    figure('memory after it', name, 'MB', 'less', ours.rssMegabytes, {
      [peer]: theirs.rssMegabytes,
    }),
  ]
}

async function opening(program: string, path: string, file: string): Promise<Opening> {
  const child = await bundleChild('open-child')
  const runs: Opening[] = []
  for (let n = 0; n < 3; n++) {
    const { stdout } = await promisify(execFile)(process.execPath, [child, program, path, file])
    runs.push(JSON.parse(stdout) as Opening)
  }
  rmSync(child)
  return {
    openMs: median(runs.map((run) => run.openMs)),
    rssMegabytes: median(runs.map((run) => run.rssMegabytes)),
  }
}

async function diskBytes(path: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-sk', path])
  return Number(stdout.split('\t')[0]) * 1024
}

function figure(
  what: string,
  shape: string,
  unit: string,
  better: 'more' | 'less',
  ours: number,
  peers: Figure['peers'],
): Figure {
  return { what, shape, unit, better, ours, peers }
}
