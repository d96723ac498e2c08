// What Node's permission model refuses becomes a sentence with the flag that would allow it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { deniedAccess } from '../../../../shared/appliance/denied-access.ts'
import { Fatal } from '../../../../shared/result/result.ts'

const MODULE = join(import.meta.dirname, '../../../../shared')

/** The sentence for what `action` throws in a process that may read its own sources and do nothing else. */
async function sentenceFor(action: string): Promise<string> {
  const script = `
    import { deniedAccess } from ${JSON.stringify(join(MODULE, 'appliance/denied-access.ts'))}
    import fs from 'node:fs'
    import { spawn } from 'node:child_process'
    try { ${action} } catch (error) { console.log(deniedAccess(error).message) }`
  const flags = ['--permission', `--allow-fs-read=${MODULE}`, '--input-type=module', '-e', script]
  return (await promisify(execFile)(process.execPath, flags)).stdout.trim()
}

test.each([
  [`fs.readFileSync('/etc/passwd')`, 'may not read /etc/passwd; give --allow-fs-read with it'],
  [`fs.mkdirSync('/tmp/x', { recursive: true })`, 'may not write /tmp/x; give --allow-fs-write'],
  [`spawn('true')`, 'Use --allow-child-process to manage permissions'],
])('%s', async (action, sentence) => {
  const said = await sentenceFor(action)
  expect(said).toMatch(/^Node runs with --permission: /)
  expect(said).toContain(sentence)
})

test('other errors are none of its business', () => {
  const missing = Object.assign(new Error('gone'), { code: 'ENOENT' })
  for (const error of [missing, new Error('x'), new Fatal('y'), 'text', undefined]) {
    expect(deniedAccess(error)).toBeUndefined()
  }
})
