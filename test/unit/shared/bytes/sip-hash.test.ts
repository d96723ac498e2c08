import { expect, test } from 'vitest'
import { SipHash, SIP_HASH_OCTETS } from '../../../../shared/bytes/sip-hash.ts'

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i)

function hash(message: Uint8Array, key = KEY): string {
  const out = new Uint8Array(SIP_HASH_OCTETS)
  new SipHash(key).digest(message, message.length, out, 0)
  return Buffer.from(out).toString('hex')
}

/** `vectors.h` of the reference implementation: key 00..0f, messages of 0, 1, 2, … octets 00, 01, 02, …. */
const REFERENCE = [
  '310e0edd47db6f72',
  'fd67dc93c539f874',
  '5a4fa9d909806c0d',
  '2d7efbd796666785',
  'b7877127e09427cf',
  '8da699cd64557618',
  'cee3fe586e46c9cb',
  '37d1018bf50002ab',
  '6224939a79f5f593',
  'b0e4a90bdf82009e',
  'f3b9dd94c5bb5d7a',
  'a7ad6b22462fb3f4',
  'fbe50e86bc8f1e75',
  '903d84c02756ea14',
  'eef27a8e90ca23f7',
  'e545be4961ca29a1',
]

test.each(REFERENCE.map((digest, length) => ({ digest, length })))(
  'the reference vector of $length octets',
  ({ digest, length }) => {
    expect(hash(Uint8Array.from({ length }, (_, i) => i))).toBe(digest)
  },
)

/** The algorithm as its paper has it, in 64-bit integers. */
function plainHash(message: Uint8Array, key: Uint8Array): string {
  const mask = (1n << 64n) - 1n
  const view = Buffer.from(key)
  const [k0, k1] = [view.readBigUInt64LE(0), view.readBigUInt64LE(8)]
  let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn]
  let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n]
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & mask
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & mask
      v1 = rotate(v1, 13n) ^ v0
      v0 = rotate(v0, 32n)
      v2 = (v2 + v3) & mask
      v3 = rotate(v3, 16n) ^ v2
      v0 = (v0 + v3) & mask
      v3 = rotate(v3, 21n) ^ v0
      v2 = (v2 + v1) & mask
      v1 = rotate(v1, 17n) ^ v2
      v2 = rotate(v2, 32n)
    }
  }
  const padded = Buffer.alloc((Math.floor(message.length / 8) + 1) * 8)
  padded.set(message)
  padded[padded.length - 1] = message.length
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at)
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  v2 ^= 0xffn
  rounds(4)
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3)
  return out.toString('hex')
}

test('as the algorithm says in 64-bit integers, for every length and many keys', () => {
  for (let length = 0; length < 300; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 167 + length * 31) & 0xff)
    const key = Uint8Array.from({ length: 16 }, (_, i) => (i * 89 + length * 57) & 0xff)
    expect(hash(message, key)).toBe(plainHash(message, key))
  }
})
