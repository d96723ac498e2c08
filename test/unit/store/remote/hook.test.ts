// POST /hook: who may make us look at the remote.
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createHook, hookStatus, verifyHook } from '../../../../store/remote/hook.ts'

const SECRET = 'a shared secret'
const BODY = Buffer.from('{"ref":"refs/heads/main"}')
const HMAC = createHmac('sha256', SECRET).update(BODY).digest('hex')

describe('a hook', () => {
  test("is accepted with GitHub's own example", () => {
    // From GitHub's documentation on validating webhook deliveries.
    const headers = {
      'x-hub-signature-256':
        'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    }
    const body = Buffer.from('Hello, World!')
    expect(verifyHook(headers, body, "It's a Secret to Everybody")).toBe('accepted')
  })

  test.each([
    { 'x-hub-signature-256': `sha256=${HMAC}` },
    { 'x-hub-signature-256': `sha256=${HMAC.toUpperCase()}` },
    { 'x-gitea-signature': HMAC },
    { 'x-gitlab-token': SECRET },
    { authorization: `Bearer ${SECRET}` },
    { authorization: `bearer ${SECRET}` },
    { authorization: 'Basic cHJveHk6eA==', 'x-gitlab-token': SECRET },
    { 'x-gitea-signature': HMAC, 'x-hub-signature-256': `sha256=${HMAC}` },
  ])('is accepted with %o', (headers) => {
    expect(verifyHook(headers, BODY, SECRET)).toBe('accepted')
  })

  test.each([
    { 'x-hub-signature-256': HMAC },
    { 'x-hub-signature-256': 'sha256=' },
    { 'x-hub-signature-256': `sha256=${HMAC.slice(1)}` },
    { 'x-hub-signature-256': `sha1=${HMAC}` },
    { 'x-gitea-signature': '' },
    { 'x-gitlab-token': '' },
    { 'x-gitlab-token': `${SECRET}x` },
    { 'x-gitlab-token': [SECRET, SECRET] },
    { 'x-gitlab-token': HMAC },
    { authorization: `Bearer ${HMAC}` },
    { 'x-gitlab-token': SECRET, 'x-gitea-signature': 'f'.repeat(64) },
  ])('is wrong with %o', (headers) => {
    expect(verifyHook(headers, BODY, SECRET)).toBe('wrong')
  })

  test.each([{}, { authorization: `Basic ${SECRET}` }, { 'x-hub-signature': 'sha1=00' }])(
    'is unsigned with %o',
    (headers) => {
      expect(verifyHook(headers, BODY, SECRET)).toBe('unsigned')
    },
  )

  test('of another body is wrong', () => {
    const headers = { 'x-gitea-signature': HMAC }
    expect(verifyHook(headers, Buffer.from('{}'), SECRET)).toBe('wrong')
  })

  test('is never accepted while no secret is set', () => {
    const empty = createHmac('sha256', '').update(BODY).digest('hex')
    expect(verifyHook({ 'x-gitea-signature': empty }, BODY, '')).toBe('wrong')
    expect(verifyHook({ 'x-gitlab-token': '' }, BODY, '')).toBe('wrong')
  })

  test('tells whoever waits only when it is accepted', async () => {
    let told = 0
    const hook = createHook(SECRET, () => told++)
    expect(await hook(BODY, {})).toBe(401)
    expect(await hook(BODY, { 'x-gitlab-token': 'guess' })).toBe(403)
    expect(told).toBe(0)
    expect(await hook(BODY, { 'x-gitlab-token': SECRET })).toBe(hookStatus('accepted'))
    expect(told).toBe(1)
  })
})
