// Our own scenarios go as they say, and the runner sees when one does not.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runScenario } from './run-rpl.ts'

const FOLDER = join(import.meta.dirname, 'scenarios')
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.rpl'))

function scenario(file: string): string {
  return readFileSync(join(FOLDER, file), 'utf8')
}

test.each(files)('%s', (file) => {
  expect(runScenario(scenario(file))).toBe('pass')
})

describe('the runner', () => {
  const iteration = scenario('iteration.rpl')
  const changed = (from: string | RegExp, to: string): string => {
    const text = iteration.replace(from, to)
    expect(text).not.toBe(iteration)
    return runScenario(text)
  }

  test('names the step, its line and what is wrong', () => {
    expect(
      changed('MATCH all ttl\nREPLY QR RD RA NOERROR', 'MATCH all ttl\nREPLY QR RD NOERROR'),
    ).toMatch(/^fail: step 2 \(line \d+\): flags QR RD RA where QR RD were expected$/)
    expect(changed('www.example.org. 280 IN A', 'www.example.org. 279 IN A')).toMatch(
      /^fail: step 15 \(line \d+\): answer without www\.example\.org\. 279 A 198\.51\.100\.1$/,
    )
    expect(changed('REPLY QR RD RA NXDOMAIN', 'REPLY QR RD RA NOERROR')).toMatch(
      /rcode NXDOMAIN where NOERROR/,
    )
    // A server that is not there any more.
    expect(changed('ADDRESS 192.0.2.3', 'ADDRESS 192.0.2.4')).toMatch(
      /rcode SERVFAIL where NOERROR/,
    )
  })

  test('names what it does not play', () => {
    expect(changed('qname-minimisation: no', 'local-zone: "x." redirect')).toBe(
      'unsupported: line 3: local-zone: "x." redirect',
    )
    expect(changed('STEP 11 TIME_PASSES', 'STEP 11 CHECK_AUTOTRUST')).toMatch(
      /^unsupported: line \d+: step CHECK_AUTOTRUST$/,
    )
    expect(changed('MATCH all ttl', 'MATCH all moon')).toMatch(/^unsupported: line \d+: moon$/)
  })

  test('prints a line for each file, and ends with 1 for a fail alone', async () => {
    const run = (...names: string[]): Promise<{ code: number; text: string }> =>
      new Promise((done) => {
        const args = [join(import.meta.dirname, 'run-rpl.ts'), ...names]
        execFile(process.execPath, args, (error, stdout) => {
          done({ code: Number(error?.code ?? 0), text: stdout })
        })
      })
    const good = join(FOLDER, 'iteration.rpl')
    expect(await run(good, good)).toEqual({ code: 0, text: `${good}: pass\n${good}: pass\n` })
    const none = await run(join(import.meta.dirname, 'rpl.test.ts'))
    expect(none.code).toBe(0)
    expect(none.text).toMatch(/: unsupported: line \d+: /)
  })
})
