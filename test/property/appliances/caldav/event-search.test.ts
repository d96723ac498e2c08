// A search looks at the octets of an object before it is parsed: that must not hide one whose texts have the word.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Library } from '../../../../appliances/caldav/core/library/library.ts'
import { LockTable } from '../../../../appliances/caldav/core/locks/lock-table.ts'
import { EventSearch, wordsOf } from '../../../../appliances/caldav/core/search/event-search.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { formatText } from '../../../../shared/ical/text-value.ts'
import { MemorySnapshot } from '../../../support/memory-snapshot.ts'
import { eventText, USERS } from '../../../support/running-caldav.ts'

const letters = fc.constantFrom(
  ...'a A n N ß Ä ä Σ σ ς , ; \\ : " é ﬁ 日 😀'.split(' '),
  ' ',
  '\n',
  'e\u0301',
)
const text = fc.string({ unit: letters, minLength: 1, maxLength: 120 })
const name = fc.constantFrom('SUMMARY', 'LOCATION', 'DESCRIPTION')

function hitsOf(object: string, words: readonly string[]): number {
  const snapshot = MemorySnapshot.of({
    'users.toml': USERS,
    // It is taken for octets.
    'calendars/alice/work/a.ics': Buffer.from(object).toString('latin1'),
    'calendars/alice/work/other.ics': eventText('other', 'xyz'),
  })
  const { library } = Library.load(snapshot, 0, { get: () => undefined, keep: () => {} })
  const search = new EventSearch(words, {
    library,
    user: library.directory.user('alice')!,
    locks: new LockTable(),
    nowMs: 0,
    tree: () => undefined,
    base: '/',
    limits: { objectBytes: 1, fileBytes: 1 },
  })
  for (const _ of search.steps());
  return search.answer().hits.length
}

test('every word of a text finds its event, and only that', () => {
  fc.assert(
    fc.property(name, text, fc.nat(), (property, value, at) => {
      const written = value.split(/\s+/).filter(Boolean)
      const word = written.length === 0 ? undefined : written[at % written.length]
      const words = word === undefined ? undefined : wordsOf(word)
      fc.pre(words !== undefined && !value.toLowerCase().includes('xyz'))
      const line = formatProperty({ name: property, params: [], value: formatText(value), line: 0 })
      const object = eventText('a', 'Event').replace('SUMMARY:Event\r\n', line)
      expect(hitsOf(object, words!)).toBe(1)
    }),
  )
})
