// Many writers with overlapping paths against a Map: every acknowledged commit is in the history exactly once, and
// each state of the branch is what a serial run of the commits in that order gives.
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../shared/clock/clock.ts'
import { systemDisk } from '../../store/disk/disk.ts'
import { git } from '../support/git.ts'
import { openLocal } from '../support/local-store.ts'
import { tempDir } from '../support/temp.ts'

type Step = { path: string; text: string | undefined; waits: number; seals: boolean }

const step: fc.Arbitrary<Step> = fc.record({
  path: fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/f', 'z'),
  text: fc.option(fc.string({ maxLength: 40 }), { nil: undefined }),
  waits: fc.nat(2),
  seals: fc.boolean(),
})

test('writers at once behave like one after the other, across seals and a reopening', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 64 }), async (steps) => {
      const gitDir = join(tempDir('model'), 'r.git')
      const store = await openLocal({ gitDir, disk: systemDisk, clock: systemClock })
      const acknowledged = new Set<number>()
      await Promise.all(
        steps.map(async ({ path, text, waits, seals }, number) => {
          for (let i = 0; i < waits; i++) await new Promise((resolve) => setImmediate(resolve))
          const info = { message: `${number}`, author: { name: 'w', email: 'w@x' } }
          const done = await store.branch.commit(info, (edit) => {
            if (text === undefined) edit.delete(path)
            else edit.set(path, text)
          })
          if (done.ok) acknowledged.add(number)
          else expect(done.error.kind).toBe('unchanged')
          if (seals) await store.seal()
        }),
      )
      await store.close()
      const again = await openLocal({ gitDir, disk: systemDisk, clock: systemClock })
      const history = [...again.branch.log()].reverse()
      expect(new Set(history.map((c) => Number(c.message)))).toEqual(acknowledged)
      expect(history).toHaveLength(acknowledged.size)
      const model = new Map<string, string>()
      for (const { oid, message } of history) {
        const { path, text } = steps[Number(message)]!
        if (text === undefined) model.delete(path)
        else model.set(path, text)
        const snapshot = again.snapshot(oid)!
        const found = [...snapshot.files()].map((f): [string, string] => [
          f.path,
          Buffer.from(snapshot.get(f.path)!).toString(),
        ])
        expect(new Map(found)).toEqual(model)
      }
      await again.close()
      expect((await git(['-C', gitDir, 'fsck', '--full', '--strict'])).stderr).toBe('')
    }),
    { numRuns: 25 },
  )
}, 60_000)
