import { describe, expect, test } from 'vitest'
import { ENTRIES_LIMIT, LockOut } from '../../../../../appliances/caldav/core/accounts/lock-out.ts'
import { readUsersFile } from '../../../../../appliances/caldav/core/accounts/users-file.ts'
import { formatProblem } from '../../../../../shared/result/problem.ts'

const HASH = `scrypt:32768:8:1:${'a'.repeat(22)}:${'b'.repeat(43)}`

describe('users.toml', () => {
  const problems = (text: string): string[] => {
    const read = readUsersFile(Buffer.from(text))
    return read.ok ? [] : read.error.map(formatProblem)
  }

  test('says who acts for whom and who is in a group', () => {
    const read = readUsersFile(
      Buffer.from(`[users.alice]
name = "Alice"
password = "${HASH}"
delegates = { team = "read", bob = "read-write" }
[users.bob]
[groups.team]
members = ["bob"]
`),
    )
    const directory = read.ok ? read.value : undefined
    expect(directory?.delegatorsOf('bob').map(({ user, grant }) => [user.name, grant])).toEqual([
      ['alice', 'read-write'],
    ])
    expect(directory?.grantOf({ team: 'read' }, 'bob')).toBe('read')
    expect(directory?.grantOf({ team: 'read' }, 'alice')).toBeUndefined()
  })

  test.each([
    ['[users."a/b"]\n', /^users\.toml:1: users\."a\/b": Expected a name/],
    [
      '[users.alice]\npassword = "secret"\n',
      /^users\.toml:2: users\.alice\.password: Expected a password hash "scrypt:N:r:p:salt:hash"$/,
    ],
    [
      '[users.a]\nemail = ["x@y"]\n[users.b]\nemail = ["X@y"]\n',
      /^users\.toml:4: .*Is the address of a too/,
    ],
    ['[users.a]\n[groups.a]\n', /There is a user of this name/],
    ['[groups.a]\nmembers = ["zoe"]\n', /^users\.toml:2: groups\.a\.members\[0\]: No user "zoe"/],
    ['[users.a.delegates]\nzoe = "read"\n', /No such user or group/],
    ['[users.a.devices]\n"my-phone" = "x"\n', /my-phone/],
  ])('%j is refused', (text, expected) => {
    expect(problems(text).join('\n')).toMatch(expected)
  })

  test('a password is in no problem', () => {
    expect(problems('[users.alice]\npassword = "hunter2"\n').join()).not.toContain('hunter2')
  })
})

describe('guessing', () => {
  const rules = { attempts: 3, windowMs: 60_000 }

  test('takes longer each time, and is forgotten after a while', () => {
    const lockOut = new LockOut(rules)
    for (let i = 0; i < 3; i++) lockOut.failed('192.0.2.1', 'alice', `${i}`, 0)
    const first = lockOut.waitMs('192.0.2.1', 'alice', 0)
    expect(first).toBeGreaterThan(0)
    expect(lockOut.waitMs('192.0.2.1', 'alice', first)).toBe(0)
    lockOut.failed('192.0.2.1', 'alice', '4', first)
    expect(lockOut.waitMs('192.0.2.1', 'alice', first)).toBe(2 * first)
    expect(lockOut.waitMs('192.0.2.1', 'alice', first + 60_001)).toBe(0)
  })

  test('locks out an address, not the user; success clears', () => {
    const lockOut = new LockOut(rules)
    for (let i = 0; i < 9; i++) lockOut.failed('192.0.2.1', 'alice', `${i}`, 0)
    expect(lockOut.waitMs('192.0.2.2', 'alice', 0)).toBe(0)
    expect(lockOut.waitMs('192.0.2.1', 'bob', 0)).toBe(0)
    lockOut.succeeded('192.0.2.1', 'alice')
    expect(lockOut.waitMs('192.0.2.1', 'alice', 0)).toBe(0)
  })

  test('of many users from one address is slowed down too', () => {
    const lockOut = new LockOut(rules)
    for (let i = 0; i < 15; i++) lockOut.failed('192.0.2.1', `user${i}`, '', 0)
    expect(lockOut.waitMs('192.0.2.1', 'another', 0)).toBeGreaterThan(0)
  })

  test('is not what a device with an old password does', () => {
    const lockOut = new LockOut(rules)
    lockOut.failed('192.0.2.1', 'alice', 'old', 0)
    expect(lockOut.isKnownWrong('192.0.2.1', 'alice', () => 'old', 1)).toBe(true)
    expect(lockOut.isKnownWrong('192.0.2.1', 'alice', () => 'new', 1)).toBe(false)
  })

  test('is remembered within bounds', () => {
    const lockOut = new LockOut(rules)
    for (let i = 0; i < 3; i++) lockOut.failed('first', 'alice', `${i}`, 0)
    for (let i = 0; i < ENTRIES_LIMIT; i++) lockOut.failed(`${i}`, 'alice', '', 0)
    expect(lockOut.waitMs('first', 'alice', 0)).toBe(0)
  })
})
