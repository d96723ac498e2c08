import { describe, expect, test } from 'vitest'
import { parseListLine } from '../../../../../../appliances/resolver/core/policy/list-line.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatAddress } from '../../../../../../shared/net/address.ts'

/** What a line means, in words: `alone`, `tree` or `except`, the names, and the address. */
function meaning(line: string): string | undefined {
  const parsed = parseListLine(line)
  if (!parsed.ok) return `refused: ${parsed.error}`
  const rule = parsed.value
  if (rule === undefined) return undefined
  const { names, isExact, isException, address } = rule
  const kind = isException ? 'except' : isExact ? 'alone' : 'tree'
  return [kind, ...names.map(formatName), ...(address ? [formatAddress(address)] : [])].join(' ')
}

describe('a line of a list', () => {
  test.each([
    ['0.0.0.0 Ads.Example.org', 'alone ads.example.org.'],
    [
      '127.0.0.1\tads.example.org  two.example.org # both\r',
      'alone ads.example.org. two.example.org.',
    ],
    [':: ads.example.org', 'alone ads.example.org.'],
    ['::1 ads.example.org', 'alone ads.example.org.'],
    ['192.0.2.7 nas.example.org', 'alone nas.example.org. 192.0.2.7'],
    ['2001:db8::7 nas.example.org', 'alone nas.example.org. 2001:db8::7'],
    ['127.0.0.1 localhost ads.example.org', 'alone ads.example.org.'],
    ['ads.example.org', 'tree ads.example.org.'],
    ['_tcp.ads.example.org.', 'tree _tcp.ads.example.org.'],
    ['*.ads.example.org', 'tree ads.example.org.'],
    ['||ads.example.org^', 'tree ads.example.org.'],
    ['||ads.example.org^$important', 'tree ads.example.org.'],
    ['@@||good.example.org^', 'except good.example.org.'],
    ['@@||good.example.org^|', 'except good.example.org.'],
    ['address=/ads.example.org/', 'tree ads.example.org.'],
    ['address=/ads.example.org/#', 'tree ads.example.org.'],
    ['address=/ads.example.org/0.0.0.0', 'tree ads.example.org.'],
    ['address=/a.example/b.example/192.0.2.9', 'tree a.example. b.example. 192.0.2.9'],
    ['local=/ads.example.org/', 'tree ads.example.org.'],
    ['server=/ads.example.org/', 'tree ads.example.org.'],
  ])('%j', (line, expected) => {
    expect(meaning(line)).toBe(expected)
  })

  test.each([
    '',
    '  \r',
    '# ads.example.org',
    '   # ads.example.org',
    '! title',
    '[Adblock Plus 2.0]',
    '127.0.0.1 localhost localhost.localdomain',
    'fe80::1%lo0 localhost',
    '255.255.255.255 broadcasthost',
    '0.0.0.0 0.0.0.0',
  ])('%j says nothing', (line) => {
    expect(parseListLine(line)).toEqual({ ok: true, value: undefined })
  })

  test.each([
    ['<!DOCTYPE html>', 'Expected one name, or an address before the names: "<!DOCTYPE"'],
    ['<html>', 'Is no rule or name: "<html>"'],
    ['192.0.2.7', 'An address without a name: "192.0.2.7"'],
    ['2001:db8::1', 'An address without a name: "2001:db8::1"'],
    ['ads..example.org', 'Is no name: empty label in "ads..example.org"'],
    [`${'a'.repeat(64)}.org`, `Is no name: label longer than 63 octets in "${'a'.repeat(64)}.org"`],
    ['.', 'The root cannot be in a list'],
    ['*.', 'Is no rule or name: ""'],
    ['b\xfccher.example', 'Is no rule or name: "b\xfccher.example"'],
    ['||ads.example.org', 'Expected ||name^ or @@||name^: "||ads.example.org"'],
    ['||ads.example.org/banner^', 'Expected ||name^ or @@||name^: "||ads.example.org/banner^"'],
    ['||ads.example.org^$third-party', 'The modifier "third-party" says nothing of names'],
    ['||ads.example.org^$important,script', 'The modifier "script" says nothing of names'],
    ['address=/ads.example.org', 'Expected address=/name/ADDRESS: "address=/ads.example.org"'],
    ['address=/ads.example.org/nowhere', 'Expected an address behind address=/…/: "nowhere"'],
    ['server=/example.org/192.0.2.1', 'Expected an address behind server=/…/: "192.0.2.1"'],
    ['x'.repeat(4097), 'Is longer than 4096 characters'],
  ])('%j is refused', (line, why) => {
    expect(meaning(line)).toBe(`refused: ${why}`)
  })
})
