// OpenSSL's ciphers by FFI, against node:crypto's way to the same library.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeAead } from '../../../../appliances/vpn/core/data/aead.ts'
import { openEvp } from '../../../../shared/native/evp.ts'

const CIPHERS = [
  ['AES-256-GCM', 32],
  ['AES-192-GCM', 24],
  ['AES-128-GCM', 16],
  ['CHACHA20-POLY1305', 32],
] as const

const evp = (await openEvp())!

describe.each(CIPHERS)('%s', (name, keyOctets) => {
  const key = randomBytes(keyOctets)
  const ours = { seal: evp.aead(name, key, 'seal')!, open: evp.aead(name, key, 'open')! }
  const theirs = { seal: nodeAead(name, key, 'seal'), open: nodeAead(name, key, 'open') }

  test('both ways to OpenSSL give the same octets, and open what the other sealed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 9 }),
        (nonce, octets, offset) => {
          // Associated data, tag, message; at any place of a larger piece of memory.
          const clear = randomBytes(offset + 24 + octets).subarray(offset)
          for (const each of [ours.seal, ours.open, theirs.seal, theirs.open]) each.nonce.set(nonce)
          const [a, b] = [Buffer.from(clear), new Uint8Array(clear)]
          ours.seal.seal(a, 0, 8, 8, 24, a.length)
          theirs.seal.seal(b, 0, 8, 8, 24, b.length)
          expect(a.equals(b)).toBe(true)
          expect(ours.open.open(b, 0, 8, 8, 24, b.length)).toBe(true)
          expect(theirs.open.open(a, 0, 8, 8, 24, a.length)).toBe(true)
          expect(a.subarray(24).equals(clear.subarray(24))).toBe(true)
          expect(a.equals(b)).toBe(true)
        },
      ),
    )
  })

  test('no changed octet is taken, and the next message is none the worse', () => {
    const message = Buffer.alloc(24 + 40, 7)
    ours.seal.nonce.fill(1)
    ours.open.nonce.fill(1)
    ours.seal.seal(message, 0, 8, 8, 24, message.length)
    for (let i = 0; i < message.length; i++) {
      const changed = Buffer.from(message)
      changed[i]! ^= 0x80
      expect(ours.open.open(changed, 0, 8, 8, 24, changed.length), `octet ${i}`).toBe(false)
    }
    ours.open.nonce.fill(2)
    expect(ours.open.open(Buffer.from(message), 0, 8, 8, 24, message.length)).toBe(false)
    ours.open.nonce.fill(1)
    expect(ours.open.open(message, 0, 8, 8, 24, message.length)).toBe(true)
  })
})

test('a cipher that is not there is none, and a message outside of its packet a fault of ours', () => {
  expect(evp.aead('AES-999-GCM', randomBytes(32), 'seal')).toBeUndefined()
  const sealing = evp.aead('AES-128-GCM', randomBytes(16), 'seal')!
  expect(() => sealing.seal(new Uint8Array(20), 0, 8, 8, 24, 24)).toThrow(RangeError)
  expect(() => sealing.seal(new Uint8Array(90), 0, 33, 40, 60, 90)).toThrow(RangeError)
})
