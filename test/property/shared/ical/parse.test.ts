// Our parser beside ical.js: the same components, names, parameters and texts of random calendars; and back to text.
import fc from 'fast-check'
import ICAL from 'ical.js'
import { describe, expect, test } from 'vitest'
import { parseComponents, type Component } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { formatText, parseText } from '../../../../shared/ical/text-value.ts'

const name = fc.constantFrom('X-A', 'X-LONG-NAME', 'X-B2')
const words = fc
  .string({ unit: 'grapheme', maxLength: 120 })
  .map((text) => text.replace(CONTROL_TEXT(), ' '))
const param = fc.record({
  name: fc.constantFrom('CN', 'X-P', 'LANGUAGE'),
  // An empty value and a caret before others are read differently there.
  values: fc.array(
    words.filter((text) => text.trim() !== '' && !/[\^"]/.test(text)),
    { minLength: 1, maxLength: 1 },
  ),
})
const property = fc.record({
  name: fc.constantFrom('SUMMARY', 'DESCRIPTION', 'LOCATION'),
  params: fc.uniqueArray(param, { maxLength: 2, selector: (each) => each.name }),
  value: words.map(formatText),
  line: fc.constant(0),
})
const leaf = fc.record({
  name: fc.oneof(name, fc.constant('VEVENT')),
  properties: fc.array(property, { maxLength: 4 }),
  components: fc.constant([] as Component[]),
  line: fc.constant(0),
})
const calendar = fc.record({
  name: fc.constant('VCALENDAR'),
  properties: fc.array(property, { maxLength: 2 }),
  components: fc.array(leaf, { maxLength: 4 }),
  line: fc.constant(0),
})

const zoneLine = fc.constantFrom(
  'TZID:X',
  'TZID:Europe/Berlin',
  'BEGIN:STANDARD',
  'END:STANDARD',
  'TZNAME:A\r\n  B',
  'COMMENT:é',
  'END:VTIMEZONE',
  'END:VTIMEZONE\r\n X',
  'end:VTIMEZONE',
  'BEGIN:VTIMEZONE',
  'COMMENT:END:VTIMEZONE',
  'no line',
  '',
  'A:\u0001',
  'BEGIN:VTIME\r\n ZONE',
  ' END:VTIMEZONE',
  'END:VTIMEZONE ',
)
const zoneText = fc
  .tuple(fc.array(zoneLine, { maxLength: 8 }), fc.constantFrom('\r\n', '\n'), fc.nat(2))
  .map(([inside, newline, lead]) => {
    const head = ['BEGIN:VCALENDAR', ...Array<string>(lead).fill('X-A:1'), 'BEGIN:VTIMEZONE']
    const tail = ['BEGIN:VEVENT', 'bad line'.slice(lead * 8), 'END:VEVENT', 'END:VCALENDAR']
    return [...head, ...inside, 'END:VTIMEZONE', ...tail].join(newline)
  })

describe('a time zone that was read before', () => {
  test('is what it is when it is read line by line', () => {
    fc.assert(
      fc.property(zoneText, (text) => {
        // Names in lower case are read line by line.
        const expected = parseComponents(text.replaceAll('BEGIN:VTIMEZONE', 'begin:VTIMEZONE'))
        for (const _ of ['first', 'again']) expect(parseComponents(text)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a calendar', () => {
  test('is read as ical.js reads it', () => {
    fc.assert(
      fc.property(calendar, (made) => {
        const text = formatComponent(made)
        expect(asJcal(read(text))).toEqual(ICAL.parse(text))
      }),
      { numRuns: 200 },
    )
  })

  test('comes back from its text', () => {
    fc.assert(
      fc.property(calendar, (made) => {
        expect(withoutLines(read(formatComponent(made)))).toEqual(made)
      }),
      { numRuns: 200 },
    )
  })
})

function CONTROL_TEXT(): RegExp {
  return /[\0-\x08\x0a-\x1f\x7f]/g
}

function read(text: string): Component {
  const parsed = parseComponents(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value[0]!
}

function withoutLines(component: Component): Component {
  return {
    ...component,
    line: 0,
    properties: component.properties.map((each) => ({ ...each, line: 0 })),
    components: component.components.map(withoutLines),
  }
}

/** RFC 7265, for properties of text alone. */
function asJcal({ name, properties, components }: Component): unknown {
  return [
    name.toLowerCase(),
    properties.map((each) => [
      each.name.toLowerCase(),
      Object.fromEntries(each.params.map(({ name, values }) => [name.toLowerCase(), values[0]])),
      'text',
      parseText(each.value),
    ]),
    components.map(asJcal),
  ]
}
