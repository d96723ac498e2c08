// Tokens, one-time codes, challenges and sealed secrets: what is good, and everything beside it that is not.
import { describe, expect, test } from 'vitest'
import {
  AuthTokens,
  parseTokenKey,
} from '../../../../../../appliances/vpn/core/access/auth-token.ts'
import {
  Challenges,
  loggedReason,
  readCredentials,
} from '../../../../../../appliances/vpn/core/access/challenge.ts'
import {
  codeAt,
  OneTimeCodes,
  stepOf,
} from '../../../../../../appliances/vpn/core/access/one-time-code.ts'
import {
  base32,
  isSealedSecret,
  openSecret,
  parseSecret,
  sealSecret,
} from '../../../../../../appliances/vpn/core/access/sealed-secret.ts'
import { readUsers } from '../../../../../../appliances/vpn/core/content/users.ts'

const NOW_MS = 1_800_000_000_000
const SECRET = Buffer.from('12345678901234567890')
const random = (octets: number): Uint8Array => new Uint8Array(octets).fill(7)

describe('tokens', () => {
  const key = new Uint8Array(32).fill(1)
  const times = { lifetimeMs: 3_600_000, renewalMs: 60_000 }
  const tokens = new AuthTokens(key, times, random)
  const token = tokens.issue('alice', NOW_MS)

  test('have the form of stock OpenVPN', () => {
    expect(token).toMatch(/^SESS_ID_AT_[A-Za-z0-9+/]{80}$/)
    expect(AuthTokens.isToken(token)).toBe(true)
    const octets = Buffer.from(token.slice(11), 'base64')
    expect(octets.subarray(0, 12)).toEqual(Buffer.alloc(12, 7))
    expect(octets.readBigUInt64BE(12)).toBe(BigInt(NOW_MS / 1000))
    expect(octets.readBigUInt64BE(20)).toBe(BigInt(NOW_MS / 1000))
  })

  test('are renewed as long as they are used, until their life ends', () => {
    let current = token
    let nowMs = NOW_MS
    for (; nowMs + 100_000 <= NOW_MS + times.lifetimeMs;) {
      nowMs += 100_000
      const next = tokens.renew('alice', current, nowMs)
      expect(next).toBeDefined()
      current = next!
    }
    expect(tokens.renew('alice', current, NOW_MS + times.lifetimeMs + 1)).toBeUndefined()
  })

  test('end when they are not renewed in time, and are not good before they were made', () => {
    expect(tokens.renew('alice', token, NOW_MS + 120_000)).toBeDefined()
    expect(tokens.renew('alice', token, NOW_MS + 120_001)).toBeUndefined()
    expect(tokens.renew('alice', token, NOW_MS - 1)).toBeUndefined()
  })

  test('are for one user, of one key, and whole', () => {
    expect(tokens.renew('bob', token, NOW_MS)).toBeUndefined()
    const other = new AuthTokens(new Uint8Array(32).fill(2), times, random)
    expect(other.renew('alice', token, NOW_MS)).toBeUndefined()
    for (let i = 11; i < token.length; i++) {
      const changed = token[i] === 'A' ? 'B' : 'A'
      const forged = token.slice(0, i) + changed + token.slice(i + 1)
      expect(tokens.renew('alice', forged, NOW_MS)).toBeUndefined()
      expect(tokens.renew('alice', token.slice(0, i), NOW_MS)).toBeUndefined()
    }
    expect(tokens.renew('alice', `${token}AAAA`, NOW_MS)).toBeUndefined()
  })

  test('have a key file as stock makes it', () => {
    const block = (octets: number): string =>
      `-----BEGIN OpenVPN auth-token server key-----\n${Buffer.from(Array.from({ length: octets }, (_, i) => i)).toString('base64')}\n-----END OpenVPN auth-token server key-----\n`
    expect(parseTokenKey(block(128))).toEqual({
      ok: true,
      value: Uint8Array.from({ length: 32 }, (_, i) => 64 + i),
    })
    expect(parseTokenKey(block(64))).toEqual({ ok: false, error: 'expected 128 octets, found 64' })
    expect(parseTokenKey('x').ok).toBe(false)
  })
})

describe('one-time codes', () => {
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('RFC 6238 appendix B: %i s', (seconds, code) => {
    expect(codeAt(SECRET, stepOf(seconds * 1000))).toBe(code)
  })

  test('are good once, within one step of the clock', () => {
    const codes = new OneTimeCodes()
    const now = stepOf(NOW_MS)
    const take = (step: number): boolean =>
      codes.take('alice', SECRET, codeAt(SECRET, step), NOW_MS)
    expect(take(now - 2)).toBe(false)
    expect(take(now + 2)).toBe(false)
    expect(take(now)).toBe(true)
    expect(take(now)).toBe(false)
    // One that was passed over is gone with those before it.
    expect(take(now - 1)).toBe(false)
    expect(take(now + 1)).toBe(true)
    expect(codes.take('bob', SECRET, codeAt(SECRET, now), NOW_MS)).toBe(true)
  })

  test('cannot be tried one after the other', () => {
    const codes = new OneTimeCodes()
    const right = codeAt(SECRET, stepOf(NOW_MS))
    for (let i = 0; i < 5; i++) expect(codes.take('alice', SECRET, 'x', NOW_MS)).toBe(false)
    expect(codes.take('alice', SECRET, right, NOW_MS)).toBe(false)
    const laterMs = NOW_MS + 300_000
    expect(codes.take('alice', SECRET, codeAt(SECRET, stepOf(laterMs)), laterMs)).toBe(true)
  })
})

describe('challenges', () => {
  test('come in the forms of stock clients', () => {
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    expect(readCredentials('plain')).toEqual({
      kind: 'password',
      password: 'plain',
      code: undefined,
    })
    expect(readCredentials(`SCRV1:${base64('pä:ss')}:${base64('123456')}`)).toEqual({
      kind: 'password',
      password: 'pä:ss',
      code: '123456',
    })
    expect(readCredentials('CRV1::abc-_9::123456')).toEqual({
      kind: 'answer',
      state: 'abc-_9',
      code: '123456',
    })
    for (const wrong of [
      'SCRV1:',
      'SCRV1:a',
      'SCRV1:a:b:c',
      'SCRV1:*:b',
      'CRV1::',
      'CRV1::a',
      'CRV1::::1',
    ])
      expect(readCredentials(wrong)).toBeUndefined()
  })

  test('are answered by whom they were made for, for two minutes', () => {
    const challenges = new Challenges(new Uint8Array(32).fill(3))
    const asked = challenges.ask('alice', 'laptop', NOW_MS)
    const [, state = ''] = /^CRV1:R,E:([\w-]+):YWxpY2U=:Code of your authenticator$/.exec(asked)!
    const isAsked = (user: string, name: string, at: string, nowMs: number): boolean =>
      challenges.isAsked(user, name, at, nowMs)
    expect(isAsked('alice', 'laptop', state, NOW_MS)).toBe(true)
    expect(isAsked('alice', 'laptop', state, NOW_MS + 120_000)).toBe(true)
    expect(isAsked('alice', 'laptop', state, NOW_MS + 120_001)).toBe(false)
    expect(isAsked('alice', 'laptop', state, NOW_MS - 1)).toBe(false)
    expect(isAsked('bob', 'laptop', state, NOW_MS)).toBe(false)
    expect(isAsked('alice', 'phone', state, NOW_MS)).toBe(false)
    expect(isAsked('alice', 'laptop', state.slice(1), NOW_MS)).toBe(false)
    const other = new Challenges(new Uint8Array(32).fill(4))
    expect(other.isAsked('alice', 'laptop', state, NOW_MS)).toBe(false)
    expect(loggedReason(asked)).toBe('a code was asked for')
    expect(loggedReason('TEMP:try again')).toBe('TEMP:try again')
  })
})

describe('sealed secrets', () => {
  const key = new Uint8Array(32).fill(5)
  const sealed = sealSecret(key, 'alice', SECRET, new Uint8Array(12).fill(6))

  test('open with their key, for their user', () => {
    expect(isSealedSecret(sealed)).toBe(true)
    expect(openSecret(key, 'alice', sealed)).toEqual(SECRET)
    expect(openSecret(key, 'bob', sealed)).toBeUndefined()
    expect(openSecret(new Uint8Array(32), 'alice', sealed)).toBeUndefined()
    expect(openSecret(key, 'alice', 'sealed:AAAA')).toBeUndefined()
  })

  test('are base32 to an authenticator', () => {
    const text = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
    expect(base32(SECRET)).toBe(text)
    for (const each of [
      text,
      `${text.toLowerCase()}\n`,
      `otpauth://totp/a?secret=${text}&issuer=b`,
    ])
      expect(parseSecret(each)).toEqual(new Uint8Array(SECRET))
    for (const each of ['', 'GEZDGNBV', '1'.repeat(32), 'otpauth://totp/a?issuer=b'])
      expect(parseSecret(each)).toBeUndefined()
  })

  test('stand in users.toml beside the password', () => {
    const hash = `scrypt:16384:8:1:${'a'.repeat(22)}:${'b'.repeat(43)}`
    const read = (text: string): readonly string[] =>
      readUsers(text, 'users.toml').problems.map(({ line, message }) => `${line}: ${message}`)
    const good = `alice = "${hash}"\nbob = { password = "${hash}", totp = "${sealed}" }\n`
    expect(read(good)).toEqual([])
    expect(readUsers(good, 'users.toml').users.get('bob')?.totp).toBe(sealed)
    expect(read(`alice = "${hash}"\nbob = { password = "${hash}", totp = "GEZDGNBV" }\n`)).toEqual([
      '2: bob: expected for totp what "cairn-vpn totp" prints: "sealed:..."',
    ])
    expect(read(`bob = { password = "${hash}", otp = "x" }\n`)).toEqual([
      '1: bob: "otp" is not known; there are password and totp',
    ])
    expect(read('bob = 1\n')[0]).toContain('1: bob: expected what "cairn-vpn hash-password"')
  })
})
