import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  CookieSecrets,
  parseSecrets,
  SECRETS_LIMIT,
} from '../../../../shared/dns-server/cookie-secrets.ts'
import { ServerCookies } from '../../../../shared/dns-server/core/server-cookies.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { tempDir } from '../../../support/temp.ts'

const SECRET = '00112233445566778899aabbccddeeff'
const DAY_MS = 86_400_000

/** Whether both make the same cookie, which needs the same secret. */
function agree(a: ServerCookies, b: ServerCookies): boolean {
  for (const cookies of [a, b]) cookies.check(Buffer.alloc(8), 0, 8, Buffer.alloc(4), 1000)
  return Buffer.from(a.reply).equals(b.reply)
}

describe('a file of secrets', () => {
  test('has comments, empty lines, and the newest first', () => {
    const text = `# anycast set one\n\n${SECRET}\n${SECRET.toUpperCase()}\n`
    expect(parseSecrets(text)?.map((s) => Buffer.from(s).toString('hex'))).toEqual([SECRET, SECRET])
  })

  test.each(['', '# nothing\n', 'abc\n', `${SECRET}00\n`, `${SECRET}\n`.repeat(SECRETS_LIMIT + 1)])(
    'is refused as a whole: %j',
    (text) => {
      expect(parseSecrets(text)).toBeUndefined()
    },
  )

  test('is read again on reload; a bad one changes nothing and says so', () => {
    const file = join(tempDir('cookies'), 'secrets')
    writeFileSync(file, `${SECRET}\n`)
    const secrets = new CookieSecrets(file, new VirtualClock())
    const cookies = new ServerCookies(secrets.secrets)
    secrets.attach(cookies)
    const next = 'ffeeddccbbaa99887766554433221100'
    writeFileSync(file, `${next}\n${SECRET}\n`)
    expect(secrets.reload().ok).toBe(true)
    const expected = new ServerCookies([Buffer.from(next, 'hex')])
    expect(agree(cookies, expected)).toBe(true)
    writeFileSync(file, 'nonsense\n')
    expect(secrets.reload()).toMatchObject({ ok: false, error: expect.stringContaining(file) })
    expect(agree(cookies, expected)).toBe(true)
  })

  test('that is not there ends the start with a sentence', () => {
    const file = join(tempDir('cookies'), 'missing')
    expect(() => new CookieSecrets(file, new VirtualClock())).toThrow(
      `${file}: Cannot be read (ENOENT)`,
    )
  })
})

test('a secret of our own is rolled each day, and the one before it still believed', () => {
  const clock = new VirtualClock()
  const secrets = new CookieSecrets(undefined, clock)
  const [first] = secrets.secrets
  expect(secrets.secrets).toHaveLength(1)
  clock.advance(DAY_MS)
  expect(secrets.secrets).toHaveLength(2)
  expect(secrets.secrets[1]).toBe(first)
  clock.advance(DAY_MS)
  expect(secrets.secrets).not.toContain(first)
  secrets.close()
  const last = secrets.secrets
  clock.advance(DAY_MS)
  expect(secrets.secrets).toBe(last)
})
