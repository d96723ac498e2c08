import { describe, expect, test } from 'vitest'
import { parseKeyWords } from '../../../../../../appliances/dns/core/keys/key-words.ts'
import { name } from '../../../../../support/zones.ts'

const SECRET = Buffer.from('0123456789abcdef').toString('base64')

describe('a key', () => {
  const key = {
    ok: true,
    value: {
      name: name('laptop.'),
      algorithm: 'hmac-sha512',
      secret: Buffer.from(SECRET, 'base64'),
      grants: [],
    },
  }
  test.each([
    `laptop:hmac-sha512:${SECRET}`,
    `hmac-sha512:laptop:${SECRET}\n`,
    `Laptop.:HMAC-SHA512.:${SECRET}`,
    `key "laptop" {\n\talgorithm hmac-sha512;\n\tsecret "${SECRET}";\n};\n`,
    `# made by hand\nkey laptop { secret ${SECRET}; algorithm "hmac-sha512"; };`,
  ])('is read from %j', (text) => {
    expect(parseKeyWords(text)).toEqual(key)
  })

  test('without an algorithm is for HMAC-SHA256', () => {
    expect(parseKeyWords(`laptop:${SECRET}`)).toMatchObject({ value: { algorithm: 'hmac-sha256' } })
  })

  test.each([
    ['', 'Expected name:algorithm:secret'],
    ['laptop', 'Expected name:algorithm:secret'],
    [`a..b:hmac-sha256:${SECRET}`, 'a..b is no name of a key'],
    [`laptop:hmac-md5:${SECRET}`, 'Algorithm hmac-md5: expected one of hmac-sha256'],
    ['laptop:hmac-sha256:', 'The secret is not base64'],
    ['laptop:hmac-sha256:a secret!', 'The secret is not base64'],
    ['key "laptop" { secret "AAAA"; };', 'Algorithm missing'],
    ['key "laptop" { algorithm hmac-sha256; };', 'The secret is not base64'],
  ])('is not read from %j', (text, why) => {
    const read = parseKeyWords(text)
    expect(read.ok ? undefined : read.error).toContain(why)
  })
})
