// Small files: read within bounds, and replaced whole.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceFile } from '../../../../shared/files/replace-file.ts'
import { readTextFile, TEXT_FILE_LIMIT_BYTES } from '../../../../shared/files/text-file.ts'
import { tempDir } from '../../../support/temp.ts'

test('a file is replaced whole, with the mode that is asked for, and nothing is left beside it', () => {
  const folder = tempDir('files')
  const file = join(folder, 'state')
  // What a power cut left of the last try.
  writeFileSync(`${file}.new`, 'half of something longer than what comes', { mode: 0o600 })
  for (const content of ['first', Buffer.from('second'), '']) {
    replaceFile(file, content, 0o600)
    expect(readFileSync(file, 'utf8')).toBe(String(content))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['state'])
  }
  expect(() => replaceFile(join(folder, 'none', 'state'), '', 0o600)).toThrow('ENOENT')
})

test('a text is read up to the limit, and why not is a sentence', () => {
  const file = join(tempDir('files'), 'text')
  expect(readTextFile(file)).toEqual({ ok: false, error: 'Cannot be read (ENOENT)' })
  const text = 'é'.repeat(TEXT_FILE_LIMIT_BYTES / 2)
  writeFileSync(file, text)
  expect(readTextFile(file)).toEqual({ ok: true, value: text })
  writeFileSync(file, `${text}.`)
  expect(readTextFile(file)).toMatchObject({ ok: false, error: expect.stringMatching('larger') })
})
