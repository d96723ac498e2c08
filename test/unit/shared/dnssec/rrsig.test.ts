import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { verifiedAlgorithmOf } from '../../../../shared/dnssec/algorithms.ts'
import { dnskeyRdata, keyTag } from '../../../../shared/dnssec/dnskey.ts'
import {
  dataToSign,
  rrsigRdata,
  signerOf,
  verifyingKey,
  verifyRrsig,
} from '../../../../shared/dnssec/rrsig.ts'
import { bitmapHas, encodeTypeBitmap } from '../../../../shared/dnssec/type-bitmap.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { name } from '../../../support/zones.ts'

function rsaOctets(key: KeyObject): Uint8Array {
  const { n, e } = key.export({ format: 'jwk' })
  const exponent = Buffer.from(e!, 'base64url')
  return Buffer.concat([Buffer.of(exponent.length), exponent, Buffer.from(n!, 'base64url')])
}

/** What is verified and never made here. */
const VERIFIED_ALONE = [
  { number: 5, pair: () => generateKeyPairSync('rsa', { modulusLength: 1024 }) },
  { number: 7, pair: () => generateKeyPairSync('rsa', { modulusLength: 1024 }) },
  { number: 16, pair: () => generateKeyPairSync('ed448') },
]

test.each(VERIFIED_ALONE)('algorithm $number', ({ number, pair }) => {
  const { publicKey, privateKey } = pair()
  const { hash } = verifiedAlgorithmOf(number)!
  const octets =
    number === 16
      ? Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
      : rsaOctets(publicKey)
  const dnskey = dnskeyRdata({ flags: 256, algorithm: number, publicKey: octets })
  const rdatas = [Uint8Array.of(192, 0, 2, 1)]
  const rrset = { owner: name('www.example.test.'), type: TYPE.A, ttlSeconds: 60, rdatas }
  const by = { key: { tag: keyTag(dnskey), algorithm: number }, signer: name('example.test.') }
  const toSign = dataToSign(rrset, by, { inception: 1, expiration: 2 })
  const rrsig = rrsigRdata(toSign, sign(hash, toSign.data, privateKey))
  expect(verifyRrsig(rrset, rrsig, dnskey)).toBe(true)
  expect(signerOf(rrsig)).toBe(name('example.test.'))
  expect(verifyRrsig({ ...rrset, rdatas: [Uint8Array.of(192, 0, 2, 2)] }, rrsig, dnskey)).toBe(
    false,
  )
  // Cut anywhere, it is no signature, and no error either.
  for (let length = 18; length < rrsig.length; length += 7)
    expect(verifyRrsig(rrset, rrsig.subarray(0, length), dnskey)).toBe(false)
  expect(verifyingKey(dnskey.subarray(0, 4))).toBeUndefined()
})

test('types in a bitmap, wherever it begins', () => {
  const types = [1, 2, 46, 47, 255, 256, 257, 1234, 65_535]
  const rdata = Buffer.concat([Buffer.from('next'), encodeTypeBitmap(types)])
  for (let type = 0; type <= 0xffff; type++)
    if (bitmapHas(rdata, 4, type) !== types.includes(type)) expect.fail(`type ${type}`)
})
