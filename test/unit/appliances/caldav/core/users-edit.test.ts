// Devices set and taken away in users.toml, however a person wrote it.
import { expect, test } from 'vitest'
import {
  removeUserValue,
  setUserValue,
} from '../../../../../appliances/caldav/core/accounts/users-edit.ts'
import { parseToml } from '../../../../../shared/config/toml.ts'

const devicesIn = (text: string): unknown => {
  const parsed = parseToml(text)
  const table = parsed.ok ? parsed.value.table : {}
  return (table as { users: { alice: { devices?: object } } }).users.alice.devices
}

test.each([
  '[users.alice]\ndevices = { phone = "p", tablet = "t" } # mine\nname = "A"\n',
  '[users.alice]\ndevices.phone = "p"\ndevices.tablet = "t" # mine\nname = "A"',
  '[users.alice] # mine\nname = "A"\n[users.alice.devices]\nphone = "p"\ntablet = "t"\n[users.bob]\n',
])('%j', (text) => {
  const added = setUserValue(text, 'alice', ['devices', 'e_reader'], 'e')!
  expect(devicesIn(added)).toEqual({ phone: 'p', tablet: 't', e_reader: 'e' })
  const less = removeUserValue(added, 'alice', ['devices', 'phone'])!
  expect(devicesIn(less)).toEqual({ tablet: 't', e_reader: 'e' })
  expect(less).toContain('# mine')
  expect(removeUserValue(less, 'alice', ['devices', 'phone'])).toBeUndefined()
  const one = removeUserValue(less, 'alice', ['devices', 'tablet'])!
  const none = removeUserValue(one, 'alice', ['devices', 'e_reader'])!
  expect(devicesIn(none) ?? {}).toEqual({})
  expect(none).toContain('name = "A"')
})
