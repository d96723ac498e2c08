// Pages of a history against the whole of it: nothing is missed and nothing comes twice, however small the pages are.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commitAt,
  readChanges,
  type HistoryReading,
  type HistorySource,
} from '../../../../../../appliances/caldav/core/history/change-walk.ts'
import { FolderDiffs } from '../../../../../../appliances/caldav/core/history/folder-diffs.ts'
import type { LogEntry } from '../../../../../../store/api.ts'
import type { Oid } from '../../../../../../store/object/oid.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'

const FOLDER = 'calendars/alice/work'
const FILE = 'a.ics'
const PATH = `${FOLDER}/${FILE}`
const oid = (i: number): Oid => String(i).padStart(40, '0') as Oid

type Made = {
  /** Of the commits before it. */
  readonly on: readonly number[]
  readonly content: string | undefined
}

/** Commits by their number, which is their time too. */
class MadeHistory implements HistorySource {
  readonly #commits: readonly Made[]
  readonly #snapshots: readonly MemorySnapshot[]

  constructor(commits: readonly Made[]) {
    this.#commits = commits
    this.#snapshots = commits.map(({ content }, i) =>
      MemorySnapshot.of({
        // So that no two trees are the same.
        'other.txt': String(i),
        ...(content !== undefined && { [PATH]: content }),
      }),
    )
  }

  *log(from: readonly Oid[]): Iterable<LogEntry> {
    const open = new Set(from.map(Number).filter((i) => i < this.#commits.length))
    while (open.size > 0) {
      const i = Math.max(...open)
      open.delete(i)
      const { on } = this.#commits[i]!
      for (const parent of on) open.add(parent)
      yield {
        oid: oid(i),
        parents: on.map(oid),
        author: { name: 'alice', email: 'a' },
        timeSeconds: 0,
        committedSeconds: i,
        message: '',
      }
    }
  }

  snapshot(at: Oid): MemorySnapshot | undefined {
    return this.#snapshots[Number(at)]
  }

  /** By the definition: different from all parents, there or not. */
  changes(): number[] {
    return [...this.log([oid(this.#commits.length - 1)])]
      .map((entry) => Number(entry.oid))
      .filter((i) => {
        const { on, content } = this.#commits[i]!
        const isNew = on.length === 0 && content === undefined
        return !isNew && on.every((parent) => this.#commits[parent]!.content !== content)
      })
  }
}

const histories = fc
  .array(
    fc.record({
      back: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }),
      content: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map(
    (steps) =>
      new MadeHistory(
        steps.map(({ back, content }, i) => ({
          on: i === 0 ? [] : [...new Set(back.map((by) => Math.max(0, i - by)))],
          content,
        })),
      ),
  )

function readingOf(source: HistorySource): HistoryReading {
  return { source, diffs: new FolderDiffs(), pause: () => Promise.resolve() }
}

async function inPages(
  source: MadeHistory,
  head: Oid,
  count: number,
  limits?: { readonly commits: number; readonly folders: number },
): Promise<number[]> {
  const found: number[] = []
  for (let from: readonly Oid[] = [head]; from.length > 0;) {
    const asked = { folder: FOLDER, file: FILE, from, count }
    const page = await readChanges(asked, readingOf(source), ({ entry }) => [entry.oid], limits)
    found.push(...page.items.map(Number))
    from = page.more
  }
  return found
}

describe('readChanges', () => {
  test('in pages is what it is in one go, whatever ends a page', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.integer({ min: 1, max: 5 }),
        fc.record({
          commits: fc.integer({ min: 1, max: 7 }),
          folders: fc.integer({ min: 1, max: 7 }),
        }),
        async (source, count, limits) => {
          const head = oid([...source.log(Array.from({ length: 40 }, (_, i) => oid(i)))].length - 1)
          const all = source.changes()
          expect(await inPages(source, head, 1000)).toEqual(all)
          expect(await inPages(source, head, count)).toEqual(all)
          expect(await inPages(source, head, count, limits)).toEqual(all)
        },
      ),
    )
  })

  test('looks at no more than it may, and says where to go on', async () => {
    const commits = Array.from({ length: 100 }, (_, i) => ({
      on: i === 0 ? [] : [i - 1],
      content: i < 10 ? String(i) : 'x',
    }))
    const source = new MadeHistory(commits)
    let looks = 0
    const reading = {
      ...readingOf(source),
      pause: () => {
        looks++
        return Promise.resolve()
      },
    }
    const asked = { folder: FOLDER, file: FILE, from: [oid(99)], count: 1 }
    const page = await readChanges(asked, reading, () => [1], { commits: 20, folders: 1000 })
    expect(page).toEqual({ items: [], more: [oid(79)] })
    expect(looks).toBe(20)
  })

  test('gives before and after of a change, nothing before the first', async () => {
    const source = new MadeHistory([
      { on: [], content: '1' },
      { on: [0], content: '2' },
      { on: [1], content: undefined },
    ])
    const asked = { folder: FOLDER, file: FILE, from: [oid(2)], count: 9 }
    const text = (bytes: Uint8Array | undefined): string | undefined =>
      bytes && Buffer.from(bytes).toString()
    const page = await readChanges(asked, readingOf(source), ({ before, after }) => [
      [text(before?.get(PATH)), text(after.get(PATH))],
    ])
    expect(page.items).toEqual([
      ['2', undefined],
      ['1', '2'],
      [undefined, '1'],
    ])
  })
})

describe('commitAt', () => {
  // 0 - 1 - 3 - 4, where 2 came from elsewhere on 0 and was merged by 4.
  const source = new MadeHistory([
    { on: [], content: '0' },
    { on: [0], content: '1' },
    { on: [0], content: '2' },
    { on: [1], content: '3' },
    { on: [3, 2], content: '4' },
  ])
  test.each([
    [9, 4],
    [4, 4],
    [3, 3],
    [2, 1],
    [0, 0],
  ])('of %i is %i: what was merged later was not the state', async (seconds, expected) => {
    const entry = await commitAt(seconds, oid(4), readingOf(source))
    expect(entry?.oid).toBe(oid(expected))
  })

  test('is nothing before the beginning', async () => {
    expect(await commitAt(-1, oid(4), readingOf(source))).toBeUndefined()
  })
})
