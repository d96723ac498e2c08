import { expect, test } from 'vitest'
import {
  formatMembers,
  parseMembers,
} from '../../../../../../appliances/dns/core/catalog/member-file.ts'
import type { Members } from '../../../../../../appliances/dns/core/catalog/membership.ts'
import { name } from '../../../../../support/zones.ts'

test('members are read as they were written, whatever their groups and labels are', () => {
  const members: Members = new Map([
    [name('b.example.'), { catalog: name('catalog.test.'), id: 'a.b c', groups: [] }],
    [
      name(String.raw`a\032b.example.`),
      { catalog: name('catalog.test.'), id: '1', groups: ['one', 'a "quoted" %41\n\xff', ''] },
    ],
  ])
  const text = formatMembers(members)
  expect(text.split('\n')).toHaveLength(3)
  expect(new Map([...parseMembers(text)].sort())).toEqual(new Map([...members].sort()))
})

test('lines that are none cost themselves alone', () => {
  const line = 'example.org. catalog.test. 1 "g"\n'
  for (const bad of ['', 'example.net.', 'x. y. 2 g', 'a..b. c. 1', '<<<<<<< ours'])
    expect([...parseMembers(`${bad}\n${line}`).keys()]).toEqual([name('example.org.')])
})
