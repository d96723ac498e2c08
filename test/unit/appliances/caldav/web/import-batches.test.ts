// A file cut into requests: every object once, and every line where it was in the file.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitCalendar } from '../../../../../appliances/caldav/core/bulk/calendar-parts.ts'
import { batchesOf, inFile } from '../../../../../appliances/caldav/web/core/import-batches.ts'

const eol = fc.constantFrom('\n', '\r\n')
const property = fc
  .array(fc.constantFrom('a', 'ä', ' ', ';', ':', 'BEGIN'), { minLength: 1, maxLength: 20 })
  .map((parts) => `X-TEXT:${parts.join('')}`)
/** Lines of an event, some of them folded, with empty lines between. */
const event = fc.record({
  uid: fc.nat(30),
  lines: fc.array(fc.tuple(property, fc.constantFrom('', '\n more', '\n')), { maxLength: 6 }),
})

test('each line of an object is in the file where it says', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), eol, (events, newline) => {
      const body = events.map(({ uid, lines }) =>
        [
          'BEGIN:VEVENT',
          `UID:${uid}`,
          ...lines.map(([text, end]) => text + end),
          'END:VEVENT',
        ].join('\n'),
      )
      const file = ['BEGIN:VCALENDAR', ...body, 'END:VCALENDAR', ''].join('\n')
      const source = file.replaceAll('\n', newline)
      const physical = source.split(/\r?\n/)
      const objects = splitCalendar(source)
      expect(objects.map(({ uid }) => uid)).toEqual([
        ...new Set(events.map(({ uid }) => String(uid))),
      ])
      for (const { text, lines } of objects) {
        const own = text.split('\r\n').slice(0, -1)
        expect(lines).toHaveLength(own.length)
        for (const [i, line] of own.entries())
          if (i >= 3 && i < own.length - 1) expect(physical[lines[i]! - 1]).toBe(line)
      }
      const batches = batchesOf(source)
      expect(batches.flatMap((batch) => batch.objects)).toHaveLength(objects.length)
      for (const { body: sent, lines } of batches)
        expect(sent.split('\r\n').length - 1).toBe(lines.length)
    }),
  )
})

describe('a batch', () => {
  const file = (count: number, more = ''): string =>
    Array.from(
      { length: count },
      (_, i) => `BEGIN:VEVENT\nUID:${i}\nSUMMARY;LANGUAGE=en:T\n itle ${i}\n${more}END:VEVENT\n`,
    ).join('')

  test('has at most a hundred objects, and not too many characters', () => {
    expect(batchesOf(file(250)).map(({ objects }) => objects.length)).toEqual([100, 100, 50])
    const long = batchesOf(file(5, `X-LONG:${'x'.repeat(100_000)}\n`))
    expect(long.map(({ objects }) => objects.length)).toEqual([2, 2, 1])
    expect(batchesOf(file(1))[0]?.objects).toEqual([{ title: 'Title 0' }])
    expect(batchesOf('no calendar')).toEqual([])
  })

  test('gives what the server says the line of the file', () => {
    const [, second] = batchesOf(file(101))
    expect(second?.body.split('\r\n')[4]).toBe('UID:100')
    expect(inFile('line 5: no', second!)).toBe('line 502: no')
    expect(inFile('line 99: no', second!)).toBe('line 99: no')
    expect(inFile('At most line 5', second!)).toBe('At most line 5')
  })
})
