import { describe, expect, test } from 'vitest'
import {
  keyFileScope,
  KEYS_LIMIT,
  readKeyFile,
} from '../../../../../../appliances/dns/core/keys/key-file.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { name } from '../../../../../support/zones.ts'

const SECRET = Buffer.from('0123456789abcdef').toString('base64')

const read = (path: string, text: string) => {
  const { keys, problems } = readKeyFile(path, text)
  return { keys: keys.map(({ key }) => key), problems: problems.map(formatProblem) }
}

test.each([
  ['_keys', '.'],
  ['zones/_keys', '.'],
  ['Example.org._keys', 'example.org.'],
  ['zones/example.org._keys', 'example.org.'],
  ['0%2f25.2.0.192.in-addr.arpa._keys', '0%2f25.2.0.192.in-addr.arpa.'],
  ['other/_keys', undefined],
  ['zones/more/_keys', undefined],
  ['example.org', undefined],
  ['x_keys', undefined],
  ['a..b._keys', undefined],
])('%s holds the keys of %s', (path, zone) => {
  const scope = keyFileScope(path)
  expect(scope === undefined ? undefined : formatName(scope)).toBe(zone)
})

describe('a key file', () => {
  test.each([
    [161, 'hmac-sha1'],
    [162, 'hmac-sha224'],
    [163, 'hmac-sha256'],
    [164, 'hmac-sha384'],
    [165, 'hmac-sha512'],
  ])('numbers algorithms as BIND did: %i is %s', (number, algorithm) => {
    const { keys } = read('_keys', `K._update.example.org. DNSKEY 0 3 ${number} ${SECRET}\n`)
    expect(keys).toEqual([
      {
        name: name('k._update.example.org.'),
        algorithm,
        secret: new Uint8Array(Buffer.from('0123456789abcdef')),
        grants: [{ right: 'update', zone: name('example.org.') }],
      },
    ])
  })

  test.each([
    ['x.192.0.2.1._transfer', '192.0.2.1', '192.0.2.1', 'transfer'],
    ['192.0.2.1.198.51.100.2._transfer', '192.0.2.1', '198.51.100.2', 'transfer'],
    ['a.192.0.2.1.198.51.100.2._notify', '192.0.2.1', '198.51.100.2', 'notify'],
    ['x.192.0.2.256._transfer', undefined, undefined, 'transfer'],
    ['0.2.1._transfer', undefined, undefined, 'transfer'],
    ['a._update._transfer', undefined, undefined, 'update'],
  ])('%s: primary %s, secondary %s, right %s', (labels, primary, secondary, right) => {
    const { keys } = read('_keys', `${labels}. 60 IN DNSKEY 0 3 163 ${SECRET}\n`)
    expect([keys[0]?.primary, keys[0]?.secondary]).toEqual([primary, secondary])
    expect(keys[0]?.grants[0]?.right).toBe(right)
  })

  test('says what is wrong, with the line', () => {
    const lines = [
      '; keys of the office',
      `a._update.example.org. DNSKEY 0 3 157 ${SECRET}`,
      `b._update.example.org. DNSKEY 256 3 13 ${SECRET}`,
      `c._update.example.org. DNSKEY 0 3 8 ${SECRET}`,
      `d._update.example.org. A 192.0.2.1`,
      `e._update.example.net. DNSKEY 0 3 163 ${SECRET}`,
      `f._update.example.org. DNSKEY 0 3 163 (`,
      `  ${SECRET} )`,
      `f._update.example.org. DNSKEY 0 3 164 ${SECRET}`,
      `g._update.example.org. DNSKEY 0 3 163 ???`,
    ]
    const { keys, problems } = read('zones/example.org._keys', `${lines.join('\n')}\n`)
    expect(keys.map((key) => formatName(key.name))).toEqual(['f._update.example.org.'])
    const at = (line: number) =>
      problems.find((text) => text.startsWith(`zones/example.org._keys:${line}: `))
    expect(at(2)).toContain('HMAC-MD5 (157) is not spoken any more')
    expect(at(3)).toContain('Expected flags 0 and protocol 3')
    expect(at(4)).toContain('Expected algorithm 161')
    expect(at(5)).toContain('Expected a key (DNSKEY), found A')
    expect(at(6)).toContain('is not below example.org.')
    expect(at(9)).toContain('A second key f._update.example.org.')
    expect(at(10)).toBeDefined()
    expect(problems).toHaveLength(7)
  })

  test('warns of keys that are there for nothing, or weak', () => {
    const { keys, problems } = read(
      '_keys',
      `plain. DNSKEY 0 3 163 ${SECRET}\na._update. DNSKEY 0 3 161 ${SECRET}\nb._update. DNSKEY 0 3 163 c2hvcnQ=\n`,
    )
    expect(keys).toHaveLength(3)
    expect(problems).toEqual([
      expect.stringMatching(/^_keys:1: warning: Gives no right/),
      expect.stringMatching(/^_keys:2: warning: HMAC-SHA1 counts only/),
      expect.stringMatching(/^_keys:3: warning: A secret of 5 octets/),
    ])
  })

  test(`holds at most ${KEYS_LIMIT} keys`, () => {
    const line = (_: unknown, i: number) => `k${i}._update. DNSKEY 0 3 163 ${SECRET}\n`
    const { keys, problems } = read('_keys', Array.from({ length: KEYS_LIMIT + 2 }, line).join(''))
    expect(keys).toHaveLength(KEYS_LIMIT)
    expect(problems).toEqual([`_keys:${KEYS_LIMIT + 1}: More than ${KEYS_LIMIT} keys in one file`])
  })
})
