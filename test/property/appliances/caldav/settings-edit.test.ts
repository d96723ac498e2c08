// A settings file that clients change again and again says what they set, and keeps what people wrote.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SettingsEdit } from '../../../../appliances/caldav/core/library/settings-edit.ts'
import { readSettings, type Settings } from '../../../../appliances/caldav/core/library/settings.ts'
import { APPLE, CALDAV, DAV, propertyName } from '../../../../appliances/caldav/core/xml/names.ts'
import type { XmlElement } from '../../../../shared/xml/element.ts'

const BY_HAND = `# mine
order = 7 # seventh

# who sees it
[share]
bob = "read"
`

function read(text: string): Settings {
  const settings = readSettings(Buffer.from(text), 'calendar', 'calendar.toml')
  if (!settings.ok) throw new Error(JSON.stringify(settings.error))
  return settings.value
}

const text = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '\n', '\r', "'", '#', ' ', 'ä', '\u007f', '😀', '"""'),
})
const name = fc.constantFrom(
  [DAV, 'displayname'],
  [CALDAV, 'calendar-description'],
  [APPLE, 'calendar-color'],
  [APPLE, 'calendar-order'],
  ['urn:x', 'dead'],
  ['', 'bare'],
)
const element = fc
  .record({ name, text, attribute: fc.option(text) })
  .map(({ name: [namespace, local], text, attribute }): XmlElement => ({
    namespace: namespace!,
    name: local!,
    attributes:
      attribute === null ? [] : [{ namespace: '', name: 'symbolic-color', value: attribute }],
    children: text === '' ? [] : [text],
  }))
const step = fc.record({
  element,
  isRemoval: fc.boolean(),
  of: fc.option(fc.constantFrom('a.ics', 'b "c".ics'), { nil: undefined }),
})

test('holds what was set last, and the words of people', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const edit = new SettingsEdit('calendar', BY_HAND)
      const model = new Map<string, XmlElement>([
        [
          ` ${propertyName(APPLE, 'calendar-order')}`,
          { namespace: APPLE, name: 'calendar-order', attributes: [], children: ['7'] },
        ],
      ])
      for (const { element, isRemoval, of } of steps) {
        const key = propertyName(element.namespace, element.name)
        edit.setProperty(key, isRemoval ? undefined : element, of)
        if (isRemoval) model.delete(`${of ?? ''} ${key}`)
        else model.set(`${of ?? ''} ${key}`, element)
      }
      const settings = read(edit.text)
      const found = new Map([...settings.properties].map(([key, value]) => [` ${key}`, value]))
      for (const [of, properties] of settings.ofMembers)
        for (const [key, value] of properties) found.set(`${of} ${key}`, value)
      expect(found).toEqual(model)
      expect(settings.share).toEqual({ bob: 'read' })
      expect(edit.text).toContain('# mine\n')
      expect(edit.text).toContain('# who sees it\n[share]\nbob = "read"\n')
    }),
  )
})

test('a client that sets one key changes one line', () => {
  const edit = new SettingsEdit('calendar', BY_HAND)
  const order = propertyName(APPLE, 'calendar-order')
  edit.setProperty(order, {
    namespace: APPLE,
    name: 'calendar-order',
    attributes: [],
    children: ['8'],
  })
  edit.setProperty(propertyName(DAV, 'displayname'), {
    namespace: DAV,
    name: 'displayname',
    attributes: [],
    children: ['Work'],
  })
  expect(edit.text).toBe(
    BY_HAND.replace('order = 7 # seventh\n', 'order = 8\ndisplayname = "Work"\n'),
  )
})

test('a share is written anew however it was written, and the rest stays', () => {
  const names = fc.constantFrom('bob', 'family', 'a.b@example.org', '__proto__')
  const grants = fc.dictionary(names, fc.constantFrom('read', 'read-write'))
  const before = fc.constantFrom(
    BY_HAND,
    'share = { bob = "read" } # us\norder = 7\n',
    'share.bob = "read"\nshare.carol = "read-write"\norder = 7\n',
    'order = 7\n[[property]]\nxml = "<x/>"\n[share]\nbob = "read"',
    'order = 7',
  )
  fc.assert(
    fc.property(before, fc.array(grants, { minLength: 1, maxLength: 3 }), (text, steps) => {
      const edit = new SettingsEdit('calendar', text)
      for (const each of steps) edit.setShare(each)
      const { share, properties } = read(edit.text)
      expect(Object.entries(share)).toEqual(Object.entries(steps.at(-1)!))
      expect(properties).toEqual(read(text).properties)
    }),
  )
})
