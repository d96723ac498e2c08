import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  decodeKeyMessage,
  encodeKeyMessage,
  randomSource,
} from '../../../../../../appliances/vpn/core/control/key-method.ts'
import {
  ciphersOf,
  protocolBitsOf,
} from '../../../../../../appliances/vpn/core/control/protocol-bits.ts'
import { SessionCookies } from '../../../../../../appliances/vpn/core/control/session-cookie.ts'

const message = {
  source: randomSource(true, randomBytes),
  options: 'V4,dev-type tun,tls-client',
  user: 'alice',
  password: 'grün',
  peerInfo: new Map([
    ['IV_VER', '2.6.14'],
    ['IV_PROTO', '990'],
    ['IV_CIPHERS', 'AES-256-GCM:chacha20-poly1305'],
  ]),
}

test('a key message comes back however TLS cuts it, with what follows it', () => {
  const whole = Buffer.concat([encodeKeyMessage(message), Buffer.from('PUSH_REQUEST\0')])
  const end = whole.length - 13
  for (let length = 0; length < end; length++) {
    const decoded = decodeKeyMessage(whole.subarray(0, length), true)
    // Old peers end before the peer info, so a message without it is whole too.
    if (decoded.ok && decoded.value !== undefined)
      expect(decoded.value.message.peerInfo.size).toBe(0)
    else expect(decoded).toEqual({ ok: true, value: undefined })
  }
  const decoded = decodeKeyMessage(whole, true)
  if (!decoded.ok || decoded.value === undefined) throw new Error('not decoded')
  expect(decoded.value.message).toMatchObject({
    user: 'alice',
    password: 'grün',
    options: message.options,
  })
  expect(decoded.value.message.peerInfo).toEqual(message.peerInfo)
  expect(Buffer.from(decoded.value.rest).toString()).toBe('PUSH_REQUEST\0')
  expect(protocolBitsOf(message.peerInfo)).toBe(990)
  expect(ciphersOf(message.peerInfo)).toEqual(['AES-256-GCM', 'CHACHA20-POLY1305'])
})

test('another method, and texts without end, are refused', () => {
  const other = Buffer.from(encodeKeyMessage(message))
  other[4] = 1
  expect(decodeKeyMessage(other, true)).toEqual({ ok: false, error: 'key method 1' })
  const long = Buffer.from(encodeKeyMessage(message))
  long.writeUInt16BE(0xffff, 5 + 48 + 64)
  expect(decodeKeyMessage(long, true)).toMatchObject({ ok: false })
  expect(protocolBitsOf(new Map([['IV_PROTO', '99999999999999999999']]))).toBe(0)
})

test('a computed session id is good for its client, and for a minute', () => {
  const cookies = new SessionCookies(randomBytes(32), 60_000)
  const client = randomBytes(8)
  const made = cookies.make('udp 192.0.2.1:1000', client, 1_000_000)
  expect(cookies.isOurs(made, 'udp 192.0.2.1:1000', client, 1_000_000)).toBe(true)
  expect(cookies.isOurs(made, 'udp 192.0.2.1:1000', client, 1_060_000)).toBe(true)
  expect(cookies.isOurs(made, 'udp 192.0.2.1:1000', client, 1_120_000)).toBe(false)
  expect(cookies.isOurs(made, 'udp 192.0.2.1:1001', client, 1_000_000)).toBe(false)
  expect(cookies.isOurs(made, 'udp 192.0.2.1:1000', randomBytes(8), 1_000_000)).toBe(false)
  expect(
    new SessionCookies(randomBytes(32), 60_000).isOurs(
      made,
      'udp 192.0.2.1:1000',
      client,
      1_000_000,
    ),
  ).toBe(false)
})
