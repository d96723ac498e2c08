import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAncestor, mergeBases, walkCommits } from '../../../../store/history/ancestry.ts'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { git, gitOk } from '../../../support/git.ts'
import { MadeHistory } from '../../../support/made-history.ts'
import { peerTest } from '../../../support/peers.ts'
import { tempDir } from '../../../support/temp.ts'

describe('ancestors', () => {
  test('a commit descends from itself, from its parents, not from its children', () => {
    const made = new MadeHistory()
    const [a, b, c] = chain(made, 3)
    expect(isAncestor(made, a!, a!)).toBe(true)
    expect(isAncestor(made, a!, c!)).toBe(true)
    expect(isAncestor(made, c!, a!)).toBe(false)
    const side = made.commit({ x: '1' }, [b!])
    expect(isAncestor(made, c!, side)).toBe(false)
    expect(isAncestor(made, side, c!)).toBe(false)
  })

  test('a commit without its parents (cut history) still answers', () => {
    const made = new MadeHistory()
    const gone = oidOf('commit', Buffer.from('gone'))
    const tip = made.commit({}, [gone])
    expect(isAncestor(made, gone, tip)).toBe(true)
    expect(isAncestor(made, tip, gone)).toBe(false)
    expect(mergeBases(made, tip, made.commit({ x: '1' }, [gone]))).toEqual([gone])
  })

  test('what is no commit has no ancestors', () => {
    const made = new MadeHistory()
    const blob = made.put('blob', Buffer.from('x'))
    const tip = made.commit({})
    expect(isAncestor(made, tip, blob)).toBe(false)
    expect(mergeBases(made, tip, blob)).toEqual([])
  })

  test('one commit of unrelated history costs little before a long one, even from long ago', () => {
    const made = new MadeHistory()
    const tip = chain(made, 5000).at(-1)!
    const stranger = made.commit({ x: '1' }, [], { timeSeconds: 0 })
    made.reads = 0
    expect(isAncestor(made, tip, stranger)).toBe(false)
    expect(made.reads).toBeLessThan(10)
  })

  test('a few commits ahead or behind cost a few reads', () => {
    const made = new MadeHistory()
    const line = chain(made, 5000)
    made.reads = 0
    expect(isAncestor(made, line[4990]!, line[4999]!)).toBe(true)
    expect(isAncestor(made, line[4999]!, line[4990]!)).toBe(false)
    const side = made.commit({ x: '1' }, [line[4990]!])
    expect(mergeBases(made, side, line[4999]!)).toEqual([line[4990]!])
    expect(made.reads).toBeLessThan(150)
  })
})

describe('merge bases', () => {
  test('the fork point; an ancestor itself; none of unrelated ones', () => {
    const made = new MadeHistory()
    const [a, b] = chain(made, 2)
    const left = made.commit({ l: '1' }, [b!])
    const right = made.commit({ r: '1' }, [b!])
    expect(mergeBases(made, left, right)).toEqual([b])
    expect(mergeBases(made, left, a!)).toEqual([a])
    expect(mergeBases(made, left, left)).toEqual([left])
    expect(mergeBases(made, left, made.commit({ q: '1' }))).toEqual([])
  })

  test('two of them after a criss-cross', () => {
    const made = new MadeHistory()
    const root = made.commit({})
    const a = made.commit({ a: '1' }, [root])
    const b = made.commit({ b: '1' }, [root])
    const left = made.commit({ l: '1' }, [a, b])
    const right = made.commit({ r: '1' }, [b, a])
    expect(mergeBases(made, left, right).toSorted()).toEqual([a, b].toSorted())
  })

  test('dates that lie change nothing', () => {
    const made = new MadeHistory()
    const root = made.commit({}, [], { timeSeconds: 9_000_000 })
    const old = made.commit({ a: '1' }, [root], { timeSeconds: 5 })
    const older = made.commit({ b: '1' }, [old], { timeSeconds: 1 })
    const fork = made.commit({ c: '1' }, [older], { timeSeconds: 8_000_000 })
    const left = made.commit({ l: '1' }, [fork, root], { timeSeconds: 2 })
    const right = made.commit({ r: '1' }, [fork, old], { timeSeconds: 9_999_999 })
    expect(mergeBases(made, left, right)).toEqual([fork])
    expect(isAncestor(made, root, right)).toBe(true)
  })

  test('agree with looking at every ancestor, on random histories with random dates', () => {
    fc.assert(
      fc.property(randomDag(), fc.nat(), fc.nat(), (dag, x, y) => {
        const { made, oids, ancestors } = build(dag)
        const a = oids[x % oids.length]!
        const b = oids[y % oids.length]!
        const shared = [...ancestors.get(a)!].filter((oid) => ancestors.get(b)!.has(oid))
        const best = shared.filter(
          (oid) => !shared.some((other) => other !== oid && ancestors.get(other)!.has(oid)),
        )
        expect(mergeBases(made, a, b).toSorted()).toEqual(best.toSorted())
        expect(isAncestor(made, a, b)).toBe(ancestors.get(b)!.has(a))
      }),
      { numRuns: 1500 },
    )
  })

  test('a side of several commits counts as a merge of them', () => {
    fc.assert(
      fc.property(randomDag(), fc.nat(), fc.nat(), fc.nat(), (dag, x, y, z) => {
        const { made, oids } = build(dag)
        const side = [oids[x % oids.length]!, oids[y % oids.length]!]
        const other = oids[z % oids.length]!
        const asMerge = mergeBases(made, made.commit({}, side), other)
        expect(mergeBases(made, side, other).toSorted()).toEqual(asMerge.toSorted())
      }),
      { numRuns: 300 },
    )
  })
})

describe('walks', () => {
  test('newest first, each once, as far as asked', () => {
    const made = new MadeHistory()
    const line = chain(made, 3000)
    const left = made.commit({ l: '1' }, [line[2999]!])
    const right = made.commit({ r: '1' }, [line[2999]!])
    made.reads = 0
    const walk = walkCommits(made, [left, right, left], [])
    expect([...walk.take(4)].map(({ oid }) => oid)).toEqual([right, left, line[2999], line[2998]])
    expect(made.reads).toBeLessThan(10)
  })

  test('hidden history is left out at the cost of what is shown', () => {
    const made = new MadeHistory()
    const line = chain(made, 3000)
    made.reads = 0
    const shown = [...walkCommits(made, [line[2999]!], [line[2989]!])]
    expect(shown.map(({ oid }) => oid)).toEqual(line.slice(2990).reverse())
    expect(shown[0]!.commit.parents).toEqual([line[2998]])
    expect(made.reads).toBeLessThan(100)
    expect([...walkCommits(made, [line[5]!], [line[5]!])]).toEqual([])
    expect([...walkCommits(made, [line[5]!], [line[9]!])]).toEqual([])
  })

  test('shows all that is not reached from the hidden, on random histories with honest dates', () => {
    fc.assert(
      fc.property(randomDag(), fc.nat(), fc.nat(), (dag, x, y) => {
        const { made, oids, ancestors } = build(
          dag.map((node) => ({ ...node, timeSeconds: undefined })),
        )
        const tip = oids[x % oids.length]!
        const hidden = oids[y % oids.length]!
        const expected = [...ancestors.get(tip)!].filter((oid) => !ancestors.get(hidden)!.has(oid))
        const shown = [...walkCommits(made, [tip], [hidden])].map(({ oid }) => oid)
        expect(shown).toEqual(expected.toSorted((a, b) => oids.indexOf(b) - oids.indexOf(a)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('beside stock git', () => {
  peerTest('git', 'merge-base --all and rev-list agree', async () => {
    const [dag] = fc.sample(randomDag(60), { numRuns: 1, seed: 7 })
    const { made, oids } = build(dag!)
    const cwd = tempDir('ancestry')
    await gitOk(['init', '-q', '--bare', '.'], { cwd })
    await gitOk(['mktree'], { cwd, input: '' })
    for (const oid of oids) {
      const input = made.objects.get(oid)!.bytes
      const args = ['hash-object', '-t', 'commit', '-w', '--stdin']
      expect(await gitOk(args, { cwd, input })).toBe(oid)
    }
    for (let i = 0; i < 15; i++) {
      const a = oids[(i * 17 + 40) % oids.length]!
      const b = oids[(i * 31 + 50) % oids.length]!
      const run = await git(['merge-base', '--all', a, b], { cwd })
      const bases = run.stdout.split('\n').filter((line) => line !== '')
      expect(mergeBases(made, a, b).toSorted()).toEqual(bases.toSorted())
      const listed = await gitOk(['rev-list', a, `^${b}`], { cwd })
      const shown = [...walkCommits(made, [a], [b])].map(({ oid }) => oid)
      expect(shown.toSorted()).toEqual(listed.split('\n').filter(Boolean).toSorted())
    }
  })
})

type DagNode = { readonly parents: readonly number[]; readonly timeSeconds: number | undefined }

/** Each node names its parents by how far back they are. */
function randomDag(size = 14): fc.Arbitrary<DagNode[]> {
  return fc.array(
    fc.record({
      parents: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
      timeSeconds: fc.integer({ min: 1, max: 20 }),
    }),
    { minLength: size === 14 ? 1 : size, maxLength: size },
  )
}

function build(dag: readonly DagNode[]): {
  made: MadeHistory
  oids: Oid[]
  ancestors: Map<Oid, Set<Oid>>
} {
  const made = new MadeHistory()
  const oids: Oid[] = []
  const ancestors = new Map<Oid, Set<Oid>>()
  dag.forEach(({ parents, timeSeconds }, i) => {
    const named = new Set(parents.map((back) => oids[i - back]).filter((oid) => oid !== undefined))
    const time = timeSeconds === undefined ? {} : { timeSeconds }
    const oid = made.commit({}, [...named], { ...time, message: `${i}\n` })
    oids.push(oid)
    ancestors.set(oid, new Set([oid, ...[...named].flatMap((p) => [...ancestors.get(p)!])]))
  })
  return { made, oids, ancestors }
}

function chain(made: MadeHistory, length: number): Oid[] {
  const line: Oid[] = []
  for (let i = 0; i < length; i++) line.push(made.commit({}, line.slice(-1)))
  return line
}
