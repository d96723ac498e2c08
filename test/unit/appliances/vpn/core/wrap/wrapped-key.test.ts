import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  formatServerKey,
  parseServerKey,
  serverKeyOf,
  unwrapKey,
  wrapKey,
  wrappedKeyStart,
} from '../../../../../../appliances/vpn/core/wrap/wrapped-key.ts'
import { parseStaticKey } from '../../../../../../appliances/vpn/core/wrap/static-key.ts'

const server = serverKeyOf(randomBytes(128))
const key = randomBytes(256)
const metadata = Uint8Array.of(1, 0, 0, 0, 0, 0x65, 0, 0, 0)
const wrapped = wrapKey(server, key, metadata)

test('a wrapped key is as long as stock OpenVPN makes it, and comes back whole', () => {
  expect(wrapped).toHaveLength(299)
  const opened = unwrapKey(server, wrapped)!
  expect(Buffer.compare(opened.key, key)).toBe(0)
  expect([...opened.metadata]).toEqual([...metadata])
})

test('of another server, or changed anywhere, it is none', () => {
  expect(unwrapKey(serverKeyOf(randomBytes(128)), wrapped)).toBeUndefined()
  for (let i = 0; i < wrapped.length; i++) {
    const changed = new Uint8Array(wrapped)
    changed[i]! ^= 0x80
    expect(unwrapKey(server, changed), `octet ${i}`).toBeUndefined()
  }
})

test('its length is believed only within bounds (CVE-2025-2704)', () => {
  const packet = Buffer.concat([Buffer.alloc(54), wrapped])
  expect(wrappedKeyStart(packet, 9)).toBe(54)
  for (const length of [0, 1, 289, 1025, 0xffff, 354]) {
    const lying = Buffer.from(packet)
    lying.writeUInt16BE(length, packet.length - 2)
    expect(wrappedKeyStart(lying, 9), `length ${length}`).toBeUndefined()
  }
  for (let length = 0; length < 299; length++)
    expect(wrappedKeyStart(packet.subarray(packet.length - length), 9)).toBeUndefined()
})

test('key files say what is wrong with them', () => {
  const octets = randomBytes(128)
  const parsed = parseServerKey(formatServerKey(octets))
  expect(parsed).toMatchObject({ ok: true })
  expect(parseServerKey('nothing')).toMatchObject({ ok: false })
  expect(parseServerKey(formatServerKey(octets.subarray(1)))).toEqual({
    ok: false,
    error: 'expected 128 octets, found 127',
  })
  const file = (hex: string): string =>
    `# comment\n-----BEGIN OpenVPN Static key V1-----\n${hex}\n-----END OpenVPN Static key V1-----\n`
  expect(parseStaticKey(file('ab'.repeat(256)))).toMatchObject({ ok: true })
  expect(parseStaticKey(file('ab'.repeat(255)))).toEqual({
    ok: false,
    error: 'expected 512 hexadecimal digits, found 510',
  })
  expect(parseStaticKey(file('xy'.repeat(256)))).toMatchObject({ ok: false })
})
