// What programs are told, at the root and below a proxy's path.
import { expect, test } from 'vitest'
import { codeFor, programsFor } from '../../../../../appliances/caldav/web/core/set-up.ts'

const said = (url: string, user = 'alice'): string =>
  programsFor({ url, user })
    .flatMap(({ name, steps, text = '' }) => [name, ...steps, text])
    .join('\n')

test('names the server as each program wants it', () => {
  const root = said('https://cal.example.org/')
  expect(root).toContain('server cal.example.org, user name alice')
  expect(root).toContain('server path /principals/alice/, port 443, Use SSL on')
  expect(root).toContain('location https://cal.example.org/,')
  expect(root).toContain('url = "https://cal.example.org/"\nusername = "alice"')
  expect(root).not.toContain('HTTPS, which')
  const below = said('http://cal.example.org:8080/dav/', 'al@x.org')
  expect(below).toContain('server cal.example.org:8080/dav/, user name al@x.org')
  expect(below).toContain('server path /dav/principals/al%40x.org/, port 8080, Use SSL off')
  expect(below).toContain('HTTPS, which')
})

test('fills in the login of DAVx5, with every character as it is', () => {
  const account = { url: 'https://cal.example.org:8443/dav/', user: 'al@x.org' }
  expect(codeFor(account, undefined)).toBe('davx5://al%40x.org@cal.example.org:8443/dav/')
  const code = codeFor(account, 'phone-a_b')
  expect(code).toBe('davx5://al%40x.org:phone-a_b@cal.example.org:8443/dav/')
  expect(codeFor({ ...account, url: 'http://localhost:5232/' }, ':/@')).toBe(
    'caldav://al%40x.org:%3A%2F%40@localhost:5232/',
  )
})
