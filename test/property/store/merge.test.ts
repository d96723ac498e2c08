// Merges of random histories: what stock git makes of them, and nothing of either side lost.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { mergeBases } from '../../../store/history/ancestry.ts'
import { integrate, type Integration } from '../../../store/merge/integrate.ts'
import { mergeCommits, type MergeOutcome } from '../../../store/merge/tree-merge.ts'
import { commitTree } from '../../../store/object/commit.ts'
import { oidOf, type Oid } from '../../../store/object/oid.ts'
import { git, gitOk } from '../../support/git.ts'
import type { MadeHistory } from '../../support/made-history.ts'
import { peerTest } from '../../support/peers.ts'
import { tempDir } from '../../support/temp.ts'
import { Random, randomHistory, type HistoryShape } from './random-history.ts'

const SHAPES: { readonly [title: string]: HistoryShape } = {
  'distinct lines': { commits: 14, merges: 0, alike: false },
  'criss-cross merges': { commits: 18, merges: 0.4, alike: false },
  'few kinds of lines': { commits: 14, merges: 0.2, alike: true },
}
const SEEDS = Number(process.env['CAIRN_SEEDS'] ?? 5)

describe('random histories merge as git merge-tree does it', () => {
  for (const [title, shape] of Object.entries(SHAPES)) {
    peerTest(
      'git',
      title,
      async () => {
        let clean = 0
        for (let seed = 1; seed <= SEEDS; seed++) {
          const { made, commits } = randomHistory(seed, shape)
          const cwd = await storeIn(made)
          for (const [ours, theirs] of forks(made, commits, seed).slice(0, 10)) {
            const outcome = merge(made, ours, theirs)
            const their = await mergeWithGit(cwd, ours, theirs)
            const where = `seed ${seed}: ${ours} and ${theirs}\n${their.said}`
            const decided = decidedPaths(outcome)
            expect(underDecided(their.conflicts, decided), where).toEqual(decided.toSorted())
            const ourFiles = filesBeside(oidsOf(made, outcome.tree), outcome)
            expect(ourFiles, where).toEqual(filesBeside(their.files, outcome))
            if (decided.length === 0) clean++
          }
        }
        expect(clean).toBeGreaterThan(SEEDS)
      },
      60_000 + SEEDS * 2000,
    )
  }
})

peerTest('git', 'git fsck has nothing to say about merges made here', async () => {
  const { made, commits } = randomHistory(3, SHAPES['criss-cross merges']!)
  for (const [ours, theirs] of forks(made, commits, 3).slice(0, 10)) {
    integrateHere(made, ours, theirs)
  }
  const cwd = await storeIn(made)
  const run = await git(['fsck', '--full', '--strict', '--no-dangling'], { cwd })
  expect(run).toMatchObject({ code: 0, stdout: '' })
  expect(run.stderr).not.toMatch(/error|warning|missing/)
})

describe('nothing is lost', () => {
  test.each(Object.entries(SHAPES).filter(([, { alike }]) => !alike))(
    'every line a side added is in the result, or theirs is kept: %s',
    (_title, shape) => {
      let conflicts = 0
      let merges = 0
      for (let seed = 100; seed < 100 + 8 * SEEDS; seed++) {
        const { made, commits } = randomHistory(seed, shape)
        for (const [ours, theirs] of forks(made, commits, seed).slice(0, 10)) {
          const where = `seed ${seed}: ${ours} and ${theirs}`
          const result = integrateHere(made, ours, theirs)
          merges++
          if (result.kind === 'unrelated') {
            expect(keptCommits(result), where).toEqual([theirs])
            continue
          }
          if (result.kind !== 'merge') throw new Error(`${where}: ${result.kind}`)
          const merged = filesOf(made, result.commit)
          const taken = new Set(result.conflicts.map(({ path }) => path))
          if (taken.size > 0) conflicts++
          expect(keptCommits(result), where).toEqual(taken.size > 0 ? [theirs] : [])
          const bases = mergeBases(made, ours, theirs)
          const lost = (side: Oid) =>
            addedLines(made, bases, side).filter(({ path, line }) => !merged[path]?.includes(line))
          expect(lost(ours), where).toEqual([])
          expect(
            lost(theirs).filter(({ path }) => !isUnder(path, taken)),
            where,
          ).toEqual([])
        }
      }
      expect(conflicts).toBeGreaterThan(SEEDS)
      expect(merges - conflicts).toBeGreaterThan(SEEDS)
    },
  )

  test('two places that keep on merging each other come to rest with the same content', () => {
    for (let seed = 200; seed < 200 + 8 * SEEDS; seed++) {
      const { made, commits } = randomHistory(seed, SHAPES['criss-cross merges']!)
      for (const [left, right] of forks(made, commits, seed).slice(0, 4)) {
        const places = [left, right] as [Oid, Oid]
        let rounds = 0
        while (places[0] !== places[1] && rounds++ < 4) {
          for (const [here, there] of [
            [0, 1],
            [1, 0],
          ] as const) {
            const result = integrateHere(made, places[here], places[there])
            if (result.kind === 'unrelated') places[here] = places[there]
            else if (result.kind !== 'up-to-date') places[here] = result.request.updates[0]!.new
          }
        }
        expect(places[0], `seed ${seed}: ${left} and ${right}`).toBe(places[1])
      }
    }
  })
})

/** Pairs of which neither contains the other, in random order. */
function forks(made: MadeHistory, commits: readonly Oid[], seed: number): [Oid, Oid][] {
  const random = new Random(seed)
  const pairs = commits.flatMap((a) => commits.map((b) => [a, b] as [Oid, Oid]))
  return pairs
    .filter(([a, b]) => !mergeBases(made, a, b).some((base) => base === a || base === b))
    .map((pair) => ({ pair, order: random.below(1_000_000) }))
    .toSorted((x, y) => x.order - y.order)
    .map(({ pair }) => pair)
}

function merge(made: MadeHistory, ours: Oid, theirs: Oid): MergeOutcome {
  const outcome = mergeCommits({ reader: made, ours, theirs, rules: [] })
  for (const { type, bytes } of outcome.objects) made.put(type, bytes)
  made.put('tree', new Uint8Array())
  return outcome
}

function integrateHere(made: MadeHistory, ours: Oid, theirs: Oid): Integration {
  const refs = new Map([['refs/heads/main', ours]])
  const repository = {
    refs: () => refs,
    read: (oid: Oid) => made.objects.get(oid),
    has: (oid: Oid) => made.has(oid),
    stored: () => undefined,
  }
  const result = integrate({
    repository,
    ref: 'refs/heads/main',
    theirs,
    source: 'pull',
    rules: [],
    committer: { name: 'cairn', email: 'cairn@example.org' },
    nowSeconds: 1_800_000_000,
  })
  if (result.kind === 'up-to-date') return result
  made.store(result.request.entries)
  return result
}

function keptCommits(result: Exclude<Integration, { kind: 'up-to-date' }>): Oid[] {
  return result.request.updates
    .filter(({ name }) => name.startsWith('refs/conflicts/'))
    .map((update) => update.new)
}

function filesOf(made: MadeHistory, commit: Oid): { [path: string]: string } {
  return made.filesOf(commitTree(made.objects.get(commit)!.bytes))
}

/** Lines of a side that no merge base has at that path. */
function addedLines(
  made: MadeHistory,
  bases: readonly Oid[],
  side: Oid,
): { path: string; line: string }[] {
  const before = bases.map((base) => filesOf(made, base))
  return Object.entries(filesOf(made, side)).flatMap(([path, content]) =>
    content
      .split(/(?<=\n)/)
      .filter((line) => !before.some((files) => files[path]?.includes(line)))
      .map((line) => ({ path, line })),
  )
}

/** Paths of conflicts, and of notes, which are conflicts to git. */
function decidedPaths({ conflicts, notes }: MergeOutcome): string[] {
  return [...conflicts.map(({ path }) => path), ...notes.map((note) => note.replace(/: .*/, ''))]
}

/** A file in the way of a folder has many names with git (`p~1a2b…`, `p/q`); with us it is one conflict at `p`. */
function underDecided(paths: readonly string[], decided: readonly string[]): string[] {
  const named = paths.map((path) => {
    const plain = path.replace(/~[0-9a-f_]+$/, '')
    return decided.find((at) => plain === at || plain.startsWith(`${at}/`)) ?? plain
  })
  return [...new Set(named)].toSorted()
}

function isUnder(path: string, tops: ReadonlySet<string>): boolean {
  return [...tops].some((top) => path === top || path.startsWith(`${top}/`))
}

/** What stands beside the conflicts; notes leave the same content as git does. */
function filesBeside(
  files: { readonly [path: string]: Oid },
  { conflicts }: MergeOutcome,
): { [path: string]: Oid } {
  const taken = new Set(conflicts.map(({ path }) => path))
  return Object.fromEntries(
    Object.entries(files).filter(([path]) => !isUnder(path.replace(/~[0-9a-f_]+$/, ''), taken)),
  )
}

function oidsOf(made: MadeHistory, tree: Oid): { [path: string]: Oid } {
  return Object.fromEntries(
    Object.entries(made.filesOf(tree)).map(([path, content]) => [
      path,
      oidOf('blob', Buffer.from(content, 'latin1')),
    ]),
  )
}

type GitMerge = {
  readonly files: { readonly [path: string]: Oid }
  readonly conflicts: readonly string[]
  readonly said: string
}

async function mergeWithGit(cwd: string, ours: Oid, theirs: Oid): Promise<GitMerge> {
  const options = ['--write-tree', '--allow-unrelated-histories', '--name-only']
  const run = await git(['merge-tree', ...options, ours, theirs], { cwd })
  if (run.code > 1) throw new Error(run.stderr)
  const [tree, ...lines] = run.stdout.split('\n')
  const conflicts = lines.slice(0, Math.max(0, lines.indexOf('')))
  const listed = await gitOk(['ls-tree', '-r', tree!], { cwd })
  const rows = listed.split('\n').filter((row) => row !== '')
  const files = Object.fromEntries(
    rows.map((row) => {
      const [info, path] = row.split('\t')
      return [path!, info!.split(' ')[2] as Oid]
    }),
  )
  return { files, conflicts, said: run.stdout }
}

/** A bare repository that holds all objects, loose. */
async function storeIn(made: MadeHistory): Promise<string> {
  const cwd = tempDir('merge')
  await gitOk(['init', '-q', '--bare', '.'], { cwd })
  for (const [oid, { type, bytes }] of made.objects) {
    const folder = join(cwd, 'objects', oid.slice(0, 2))
    mkdirSync(folder, { recursive: true })
    const loose = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])
    writeFileSync(join(folder, oid.slice(2)), deflateSync(loose, { level: 1 }))
  }
  return cwd
}
