// What a listing says of a member is found by short cuts: the same as by the long way.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type {
  Collection,
  Member,
} from '../../../../../appliances/caldav/core/library/collection.ts'
import { NO_SETTINGS } from '../../../../../appliances/caldav/core/library/settings.ts'
import { PersistentMap } from '../../../../../appliances/caldav/core/library/persistent-map.ts'
import { SpanIndex } from '../../../../../appliances/caldav/core/library/span-index.ts'
import { contentTypeOf } from '../../../../../appliances/caldav/core/resource/content-type.ts'
import { memberName } from '../../../../../appliances/caldav/core/resource/resource.ts'
import { statusElement } from '../../../../../appliances/caldav/core/xml/multistatus.ts'
import { fileNameOf, segmentOf } from '../../../../../appliances/caldav/core/xml/path.ts'
import { oidOf } from '../../../../../store/object/oid.ts'

const calendar: Collection = {
  kind: 'calendar',
  path: 'calendars/alice/work',
  owner: 'alice',
  tree: undefined,
  settings: NO_SETTINGS,
  members: PersistentMap.EMPTY,
  uids: PersistentMap.EMPTY,
  spans: SpanIndex.EMPTY,
}
const member = (file: string, component?: string): Member => ({
  file,
  oid: oidOf('blob', Buffer.from(file)),
  bytes: 1,
  ...(component !== undefined && {
    facts: { uid: file, component, title: '' },
  }),
})

test('a name is the segment its file is seen as', () => {
  const letter = fc.constantFrom(
    'a',
    '%',
    '2',
    'F',
    '.',
    ' ',
    '\\',
    '\u200c',
    'ü',
    '~',
    'calendar.toml',
  )
  fc.assert(
    fc.property(fc.string({ unit: letter, minLength: 1, maxLength: 12 }), (name) => {
      expect(memberName(member(name), calendar)).toBe(segmentOf(name, 'calendar.toml') ?? name)
      const file = fileNameOf(name, 'calendar.toml')
      const isName = name !== '.' && name !== '..'
      if (file !== undefined && isName) expect(memberName(member(file), calendar)).toBe(name)
    }),
    { numRuns: 2000 },
  )
})

test('a media type names the component, a common one or any other', () => {
  const types = ['VEVENT', 'VTODO', 'VPOLL', undefined].map((name) =>
    contentTypeOf(calendar, member('a.ics', name)),
  )
  expect(types).toEqual([
    'text/calendar; charset=utf-8; component=VEVENT',
    'text/calendar; charset=utf-8; component=VTODO',
    'text/calendar; charset=utf-8; component=VPOLL',
    'text/calendar; charset=utf-8',
  ])
})

test('a status has its reason, or none', () => {
  expect(statusElement(404)).toBe('<d:status>HTTP/1.1 404 Not Found</d:status>')
  expect(statusElement(418)).toBe('<d:status>HTTP/1.1 418 Unknown</d:status>')
})
