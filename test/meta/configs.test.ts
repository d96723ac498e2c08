// Every example configuration decodes, and so does what `npm start` writes.
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeConfig, type Decoder } from '../../shared/config/decode.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { applianceNames } from '../../tools/bundle.ts'
import { HOUSE } from '../../tools/house.ts'
import { ROOT } from '../support/source-tree.ts'

const examples = globSync('configs/*.toml', { cwd: ROOT }).sort()

describe('example configurations', () => {
  test('there is one for each appliance', () => {
    const named = examples.map((file) => basename(file, '.toml'))
    expect(named).toEqual(expect.arrayContaining(applianceNames()))
  })

  test.each(examples)('%s decodes', async (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    expect(await problemsIn(text, file, basename(file, '.toml').split('-')[0]!)).toEqual([])
  })

  test.each(HOUSE)('what npm start writes for $name decodes', async ({ name, configuration }) => {
    expect(await problemsIn(configuration('var'), `var/${name}.toml`, name)).toEqual([])
  })
})

/** `appliances/dns/config.ts` exports the decoder `dnsConfig`; others alike. */
async function problemsIn(text: string, file: string, name: string): Promise<string[]> {
  const module = (await import(join(ROOT, 'appliances', name, 'config.ts'))) as {
    readonly [exported: string]: Decoder<unknown>
  }
  const decoded = decodeConfig(text, file, module[`${name}Config`]!)
  return decoded.ok ? [] : decoded.error.map(formatProblem)
}
