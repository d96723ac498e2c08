// Passwords: what is stored, what a check costs, and what a stranger can learn.
import { scryptSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { challenge, CREDENTIALS_LIMIT, parseBasic, Users } from '../../../../shared/auth/basic.ts'
import {
  formatPasswordHash,
  parsePasswordHash,
  type PasswordHash,
} from '../../../../shared/auth/password-hash.ts'
import {
  CHECKS_AT_ONCE,
  CHECKS_WAITING,
  hashPassword,
  PasswordChecker,
} from '../../../../shared/auth/password.ts'
import { CACHE_ENTRIES, CACHE_MS } from '../../../../shared/auth/remembered-checks.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { Bug } from '../../../../shared/result/result.ts'

function hashOf(password: string, cost = 1_024): PasswordHash {
  const salt = Buffer.from('0123456789abcdef')
  const hash = scryptSync(password, salt, 32, { N: cost, r: 8, p: 1, maxmem: 2e8 })
  return { cost, blockSize: 8, parallel: 1, salt, hash }
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function timed<T>(run: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now()
  const value = await run()
  return [performance.now() - start, value]
}

describe('the stored form', () => {
  test('what is made can be read and checked, and is salted', async () => {
    const [one, two] = await Promise.all([hashPassword('hünter2'), hashPassword('hünter2')])
    expect(one).toMatch(/^scrypt:32768:8:1:[\w-]{22}:[\w-]{43}$/)
    expect(one).not.toBe(two)
    const checker = new PasswordChecker(new VirtualClock())
    expect(await checker.check('a', 'hünter2', parsePasswordHash(one)!)).toBe('right')
    expect(await checker.check('a', 'hunter2', parsePasswordHash(one)!)).toBe('wrong')
  })

  test('reading and writing are inverse', () => {
    const text = formatPasswordHash(hashOf('x'))
    expect(formatPasswordHash(parsePasswordHash(text)!)).toBe(text)
  })

  test.each([
    ['scrypt:1000:8:1', 'N is no power of two'],
    ['scrypt:512:8:1', 'too weak'],
    ['scrypt:1048576:8:1', 'takes 1 GiB'],
    ['scrypt:1024:0:1', 'r is 0'],
    ['scrypt:1024:8:5', 'too many lanes'],
    ['bcrypt:1024:8:1', 'another function'],
  ])('%s is refused: %s', (head) => {
    const tail = `:${'A'.repeat(22)}:${'A'.repeat(43)}`
    expect(parsePasswordHash(`scrypt:1024:8:1${tail}`)).toBeDefined()
    expect(parsePasswordHash(head + tail)).toBeUndefined()
    expect(parsePasswordHash(`scrypt:1024:8:1:AAAA:${'A'.repeat(43)}`)).toBeUndefined()
    expect(parsePasswordHash(`scrypt:1024:8:1:${'A'.repeat(22)}:AAAA`)).toBeUndefined()
  })
})

describe('the header', () => {
  test('any name without colon and any password come through', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        (u, password) => {
          const user = u.replaceAll(':', '')
          expect(parseBasic(basic(user, password))).toEqual({ user, password })
        },
      ),
    )
    expect(parseBasic(basic('a', 'b:c'))).toEqual({ user: 'a', password: 'b:c' })
    expect(parseBasic(basic('a', 'b').replace('Basic', 'bAsIc'))).toEqual({
      user: 'a',
      password: 'b',
    })
  })

  test.each([
    [undefined],
    [''],
    ['Basic'],
    ['Basic !!!'],
    ['Bearer YTpi'],
    [`Basic ${Buffer.from('nocolon').toString('base64')}`],
    [`Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`],
    [basic('a', 'x'.repeat(CREDENTIALS_LIMIT))],
  ])('%j is no credentials', (header) => {
    expect(parseBasic(header)).toBeUndefined()
  })

  test('the challenge cannot be broken out of', () => {
    expect(challenge('zones"\r\nX: y')).toBe('Basic realm="zonesX: y", charset="UTF-8"')
  })
})

describe('logging in', () => {
  const users = new Users(
    {
      alice: formatPasswordHash(hashOf('right', 16_384)),
      bob: formatPasswordHash(hashOf('b', 16_384)),
    },
    new VirtualClock(),
  )

  test('the right password, the wrong one, none, and names that objects know', async () => {
    expect(await users.login(basic('alice', 'right'))).toEqual({ kind: 'user', user: 'alice' })
    expect(await users.login(basic('alice', 'b'))).toEqual({ kind: 'wrong' })
    expect(await users.login(basic('constructor', 'x'))).toEqual({ kind: 'wrong' })
    expect(await users.login(undefined)).toEqual({ kind: 'missing' })
    expect(await users.login('Bearer x')).toEqual({ kind: 'missing' })
    expect(new Users({}, new VirtualClock()).isEmpty).toBe(true)
  })

  test('an unknown user costs as much as a wrong password', async () => {
    const median = async (user: string): Promise<number> => {
      const times: number[] = []
      for (let i = 0; i < 9; i++)
        times.push((await timed(() => users.login(basic(user, `no${i}`))))[0])
      return times.sort((a, b) => a - b)[4]!
    }
    const [known, unknown] = [await median('alice'), await median('nobody')]
    expect(unknown).toBeGreaterThan(known / 4)
    expect(unknown).toBeLessThan(known * 4)
  })

  test('a success is remembered: the next request costs next to nothing', async () => {
    await users.login(basic('bob', 'b'))
    const [ms, login] = await timed(async () => {
      let last
      for (let i = 0; i < 100; i++) last = await users.login(basic('bob', 'b'))
      return last
    })
    expect(login).toEqual({ kind: 'user', user: 'bob' })
    expect(ms).toBeLessThan(1_500)
  })

  test('a hash that was never decoded is our bug', () => {
    expect(() => new Users({ a: 'hunter2' }, new VirtualClock())).toThrow(Bug)
  })
})

describe('the checker', () => {
  test('forgets a success when its time is over, and when the stored hash changes', async () => {
    const clock = new VirtualClock()
    const checker = new PasswordChecker(clock)
    const [old, changed] = [hashOf('p', 32_768), hashOf('q', 32_768)]
    const [dear] = await timed(() => checker.check('a', 'p', old))
    const [cheap] = await timed(() => checker.check('a', 'p', old))
    expect(cheap).toBeLessThan(dear / 5)
    expect(await checker.check('a', 'p', changed)).toBe('wrong')
    clock.advance(CACHE_MS)
    const [again, outcome] = await timed(() => checker.check('a', 'p', old))
    expect(outcome).toBe('right')
    expect(again).toBeGreaterThan(dear / 5)
  })

  test('remembers only so many; the one verified longest ago goes first', async () => {
    const checker = new PasswordChecker(new VirtualClock())
    const stored = hashOf('p', 8_192)
    const [dear] = await timed(() => checker.check('first', 'p', stored))
    for (let i = 0; i < CACHE_ENTRIES - 1; i++) {
      await checker.check(`user${i}`, 'p', hashOf('p'))
    }
    expect((await timed(() => checker.check('first', 'p', stored)))[0]).toBeLessThan(dear / 3)
    await checker.check('last', 'p', hashOf('p'))
    expect((await timed(() => checker.check('first', 'p', stored)))[0]).toBeGreaterThan(dear / 3)
  })

  test('a few run, some wait, the rest is told to come back; then all is free again', async () => {
    const checker = new PasswordChecker(new VirtualClock())
    const stored = hashOf('p')
    const all = CHECKS_AT_ONCE + CHECKS_WAITING + 10
    const outcomes = await Promise.all(
      Array.from({ length: all }, (_, i) => checker.check('a', `wrong${i}`, stored)),
    )
    expect(outcomes.filter((o) => o === 'busy')).toHaveLength(10)
    expect(outcomes.filter((o) => o === 'wrong')).toHaveLength(all - 10)
    const more = await Promise.all([1, 2, 3].map(() => checker.check('a', 'p', stored)))
    expect(more).toEqual(['right', 'right', 'right'])
  })
})
