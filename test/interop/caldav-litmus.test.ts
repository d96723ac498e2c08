// litmus, the WebDAV suite that nobody here wrote, against cairn-caldav: all of its 104 tests.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import { runCaldav, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

const SUITES: readonly (readonly [name: string, tests: number])[] = [
  ['basic', 16],
  ['copymove', 13],
  ['props', 30],
  ['locks', 41],
  ['http', 4],
]

let server: RunningCaldav
beforeAll(async () => {
  server = await runCaldav()
})
afterAll(() => server.running.stop())

describe('litmus', () => {
  for (const [suite, tests] of SUITES)
    peerTest('litmus', `${suite}: ${tests} of ${tests}`, async () => {
      const { stdout } = await promisify(execFile)(
        'litmus',
        ['-k', `${server.origin}/files/alice/`, 'alice', 'alice'],
        // It writes its logs where it stands.
        { env: { ...process.env, TESTS: suite }, cwd: tempDir('litmus') },
      )
      expect(stdout).toContain(`of ${tests} tests run: ${tests} passed, 0 failed.`)
    })
})
