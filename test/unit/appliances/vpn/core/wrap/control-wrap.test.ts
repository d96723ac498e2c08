import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  AuthWrap,
  CryptWrap,
  PLAIN_WRAP,
  type ControlWrap,
} from '../../../../../../appliances/vpn/core/wrap/control-wrap.ts'
import { ControlReplay } from '../../../../../../appliances/vpn/core/wrap/control-replay.ts'

const key = randomBytes(256)
const header = Uint8Array.of(0x38, 1, 2, 3, 4, 5, 6, 7, 8)
const body = Uint8Array.of(0, 0, 0, 0, 1, 9, 9, 9)

const pairs: { [name: string]: readonly [ControlWrap, ControlWrap] } = {
  'tls-crypt': [new CryptWrap(key, 'client'), new CryptWrap(key, 'server')],
  'tls-auth with directions': [new AuthWrap(key, 1, 'SHA256'), new AuthWrap(key, 0, 'SHA256')],
  'tls-auth both ways': [
    new AuthWrap(key, undefined, 'SHA512'),
    new AuthWrap(key, undefined, 'SHA512'),
  ],
}

describe.each(Object.entries(pairs))('%s', (_, [client, server]) => {
  const packet = client.seal(header, body, 7, 1_700_000_000)

  test('opens what the other end sealed, and tells id and time', () => {
    expect(packet).toHaveLength(header.length + client.overhead + body.length)
    const opened = server.open(packet)!
    expect([...opened.body]).toEqual([...body])
    expect([opened.id, opened.timeSeconds]).toEqual([7, 1_700_000_000])
  })

  test('refuses a packet of which any octet was changed', () => {
    for (let i = 0; i < packet.length; i++) {
      const changed = new Uint8Array(packet)
      changed[i]! ^= 1
      expect(server.open(changed), `octet ${i}`).toBeUndefined()
    }
  })

  test('refuses one that is cut short anywhere', () => {
    for (let length = 0; length < packet.length; length++)
      expect(server.open(packet.subarray(0, length))).toBeUndefined()
  })

  test('refuses one of another key', () => {
    expect(new CryptWrap(randomBytes(256), 'server').open(packet)).toBeUndefined()
  })
})

test('a packet that is reflected to its sender is refused where the directions have keys of their own', () => {
  const client = new CryptWrap(key, 'client')
  expect(client.open(client.seal(header, body, 1, 1))).toBeUndefined()
  const auth = new AuthWrap(key, 1, 'SHA1')
  expect(auth.open(auth.seal(header, body, 1, 1))).toBeUndefined()
})

test('without wrapping the body is as it stands', () => {
  expect([...PLAIN_WRAP.open(PLAIN_WRAP.seal(header, body, 1, 1))!.body]).toEqual([...body])
  expect(PLAIN_WRAP.open(header.subarray(0, 8))).toBeUndefined()
})

test('replays are told by time and id together', () => {
  const replay = new ControlReplay()
  expect([1, 3, 2].map((id) => replay.accept(100, id))).toEqual([true, true, true])
  expect([1, 2, 3].map((id) => replay.accept(100, id))).toEqual([false, false, false])
  expect(replay.accept(100, 200)).toBe(true)
  // Too old to be told from one that came.
  expect(replay.accept(100, 136)).toBe(false)
  expect(replay.accept(100, 137)).toBe(true)
  // A sender that began anew.
  expect(replay.accept(101, 1)).toBe(true)
  expect(replay.accept(100, 201)).toBe(false)
})
