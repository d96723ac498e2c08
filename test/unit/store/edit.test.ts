// An edit sees what it did itself, and becomes exactly the tree it showed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Edit } from '../../../store/api.ts'
import { FILE_LIMIT_BYTES, PATH_LIMIT } from '../../../store/edit.ts'
import type { LocalStore } from '../../../store/store.ts'
import { diskRepository } from '../../support/disk-repository.ts'

const info = { message: 'change', author: { name: 'Alice', email: 'alice@example.org' } }

const shown = (edit: Edit): string[] => {
  const walk = (path: string): string[] =>
    edit
      .list(path)
      .flatMap((e) =>
        e.mode === 0o040000
          ? walk(e.path)
          : [`${e.path}=${Buffer.from(edit.get(e.path)!).toString()}`],
      )
  return walk('')
}

const held = (store: LocalStore): string[] =>
  Array.from(
    store.branch.head.files(),
    ({ path }) => `${path}=${Buffer.from(store.branch.head.get(path)!).toString()}`,
  )

async function withFiles(...paths: string[]): Promise<LocalStore> {
  const store = await diskRepository()
  const done = await store.branch.commit(info, (edit) => paths.forEach((p) => edit.set(p, p)))
  expect(done.ok).toBe(true)
  return store
}

/** Runs one edit; what it showed at its end must be what the branch then holds. */
async function change(store: LocalStore, edit: (edit: Edit) => void): Promise<string[]> {
  let before: string[] = []
  const done = await store.branch.commit(info, (e) => {
    edit(e)
    before = shown(e)
  })
  if (!done.ok) expect(done.error.kind).toBe('unchanged')
  expect(before).toEqual(held(store))
  return before
}

describe('an edit', () => {
  test('deletes a folder that it made itself', async () => {
    const store = await withFiles('keep')
    const files = await change(store, (edit) => {
      edit.set('new/a', 'x')
      edit.delete('new')
      expect(edit.entry('new')).toBeUndefined()
    })
    expect(files).toEqual(['keep=keep'])
    await store.close()
  })

  test('moves what it wrote along with the folder', async () => {
    const store = await withFiles('d/a', 'd/sub/b')
    const files = await change(store, (edit) => {
      edit.set('d/new', 'x')
      edit.delete('d/a')
      edit.move('d', 'e')
    })
    expect(files).toEqual(['e/new=x', 'e/sub/b=d/sub/b'])
    await store.close()
  })

  test.each([
    ['d', 'd/deeper'],
    ['d', 'd'],
    ['d/a', 'd/a'],
    ['d/a', 'd/a/b'],
  ])('loses nothing when it moves %s to %s', async (from, to) => {
    const store = await withFiles('d/a')
    const files = await change(store, (edit) => edit.move(from, to))
    expect(files.map((line) => line.split('=')[1])).toEqual(['d/a'])
    await store.close()
  })

  test('shows nothing below what it made a file', async () => {
    const store = await withFiles('d/a')
    await change(store, (edit) => {
      edit.set('d', 'a file now')
      expect(edit.get('d/a')).toBeUndefined()
      expect(edit.list('d')).toEqual([])
    })
    await store.close()
  })

  test('lists in the order of git', async () => {
    const store = await withFiles('a-b', 'a/x', 'a0')
    await store.branch.commit(info, (edit) => {
      edit.set('a.c', 'x')
      expect(edit.list().map((e) => e.path)).toEqual(['a-b', 'a.c', 'a', 'a0'])
    })
    await store.close()
  })

  test('does not take what could not be read or checked out again', async () => {
    const store = await withFiles('a')
    const long = 'x'.repeat(PATH_LIMIT + 1)
    const large = { length: FILE_LIMIT_BYTES + 1 } as Uint8Array
    const attempts: ((edit: Edit) => void)[] = [
      (edit) => edit.set(long, 'x'),
      (edit) => edit.set('d/'.repeat(500_000) + 'f', 'x'),
      (edit) => edit.set('link', 'a', 0o120000),
      (edit) => edit.set('large', large),
    ]
    for (const attempt of attempts) {
      const done = await store.branch.commit(info, attempt)
      expect(done).toMatchObject({ ok: false, error: { kind: 'bad-path' } })
    }
    await store.close()
  })

  test('whatever it does, shows what it becomes', async () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
    const step = fc.record({ kind: fc.constantFrom('set', 'delete', 'move'), path, to: path })
    const store = await withFiles('a/a', 'a/b/c', 'b')
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        await change(store, (edit) => {
          for (const { kind, path: at, to } of steps) {
            // A file where a folder is in the same change is refused, and tested elsewhere.
            const target = kind === 'move' ? to : at
            const isFree = (path: string): boolean =>
              edit.entry(path)?.mode !== 0o040000 && parents(path).every((p) => !isFile(edit, p))
            if (kind === 'delete') edit.delete(at)
            else if (!isFree(target)) continue
            else if (kind === 'set') edit.set(target, String(number++))
            else if (isFile(edit, at)) edit.move(at, to)
            else if (edit.entry(at) && !edit.entry(to)) {
              edit.move(at, to)
            }
          }
        })
      }),
      { numRuns: 300 },
    )
    await store.close()
  })
})

const isFile = (edit: Edit, path: string): boolean => {
  const mode = edit.entry(path)?.mode
  return mode !== undefined && mode !== 0o040000
}

const parents = (path: string): string[] => {
  const names = path.split('/')
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'))
}
