import { describe, expect, test } from 'vitest'
import { readCatalog } from '../../../../../../appliances/dns/core/catalog/catalog-reader.ts'
import { name, zoneOf } from '../../../../../support/zones.ts'

const HEAD = `$ORIGIN catalog.test.
$TTL 0
@ SOA invalid. invalid. 1 3600 600 86400 0
@ NS invalid.
`
const VERSION = 'version TXT "2"\n'

function read(text: string, limit?: number): ReturnType<typeof readCatalog> {
  return readCatalog(zoneOf('catalog.test.', HEAD + text), limit)
}

function fault(text: string, limit?: number): string {
  const listing = read(text, limit)
  if (listing.ok) throw new Error('it is a fine catalog')
  return listing.error
}

describe('a catalog', () => {
  test('lists members by name, in any case, with groups and heir', () => {
    const listing = read(`${VERSION}one.zones PTR Example.ORG.
group.one.zones TXT "b" "c"
group.one.zones TXT "a"
coo.one.zones PTR Other.test.
TWO.zones 300 PTR example.net.
`)
    expect(listing.ok && [...listing.value]).toEqual([
      [name('example.org.'), { id: 'one', groups: ['a', 'bc'], heir: name('other.test.') }],
      [name('example.net.'), { id: 'two', groups: [], heir: undefined }],
    ])
  })

  test('passes over what means nothing to it', () => {
    const listing = read(`${VERSION}one.zones PTR example.org.
one.zones TXT "not a property"
ext.one.zones TXT "somebody's own"
more.ext.zones PTR not.member.
zones PTR not.member.
elsewhere PTR not.member.
two.zones A 192.0.2.1
`)
    expect(listing.ok && [...listing.value.keys()]).toEqual([name('example.org.')])
  })

  test('without members is an empty one', () => {
    const listing = read(VERSION)
    expect(listing.ok && listing.value.size).toBe(0)
  })
})

describe('is broken, and says nothing,', () => {
  test.each([
    ['without a version', 'one.zones PTR example.org.\n', '0 version records instead of one'],
    ['with another version', 'version TXT "1"\n', 'Version "1" instead of "2"'],
    ['with two versions', `${VERSION}version TXT "3"\n`, '2 version records instead of one'],
    [
      'with two zones at one member',
      `${VERSION}one.zones PTR a.test.\none.zones PTR b.test.\n`,
      'one.zones.catalog.test. has 2 PTR records',
    ],
    [
      'with two heirs',
      `${VERSION}one.zones PTR a.test.\ncoo.one.zones PTR b.test.\ncoo.one.zones PTR c.test.\n`,
      'coo.one.zones.catalog.test. has 2 PTR records',
    ],
    [
      'with a zone twice',
      `${VERSION}one.zones PTR a.test.\ntwo.zones PTR A.test.\n`,
      'a.test. is a member twice',
    ],
  ])('%s', (_, text, why) => {
    expect(fault(text)).toBe(why)
  })

  test('with more members than one may have', () => {
    const two = `${VERSION}one.zones PTR a.test.\ntwo.zones PTR b.test.\n`
    expect(read(two, 2).ok).toBe(true)
    expect(fault(two, 1)).toBe('More than 1 members')
  })
})
