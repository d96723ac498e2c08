import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Key, KeyRing, TsigAlgorithm } from '../../../../shared/tsig/key.ts'
import { outlineMessage } from '../../../../shared/dns-server/core/message-outline.ts'
import { verifyRequest } from '../../../../shared/tsig/tsig-request.ts'
import { TsigSigner } from '../../../../shared/tsig/tsig-signer.ts'
import { TsigVerifier, UNSIGNED_LIMIT } from '../../../../shared/tsig/tsig-verifier.ts'
import { decodeMessage, RCODE } from '../../../../shared/dns/message.ts'
import { signByHand, type HandMade } from '../../../support/tsig-by-hand.ts'
import { name, queryOf } from '../../../support/zones.ts'

const NOW = 1_700_000_000
const SECRET = Buffer.from('0123456789abcdef0123456789abcdef')
const STRICT = { truncated: false, sha1: false }
const LAX = { truncated: true, sha1: true }

const keyOf = (algorithm: TsigAlgorithm): Key => ({
  name: name('laptop.example.org.'),
  algorithm,
  secret: SECRET,
  grants: [],
})

const ringOf = (key: Key): KeyRing => ({
  find: (wanted) => (wanted === key.name ? key : undefined),
  all: () => [key],
})

const made = (more: Partial<HandMade> = {}): HandMade => ({
  keyName: 'laptop.example.org',
  algorithm: 'hmac-sha256',
  hash: 'sha256',
  secret: SECRET,
  timeSeconds: NOW,
  ...more,
})

const QUERY = queryOf('www.example.org. A', { edns: 1232 })

const verify = (packet: Uint8Array, policy = STRICT, key = keyOf('hmac-sha256')) => {
  const outline = outlineMessage(packet)!
  return verifyRequest(packet, { ...outline, tsigAt: outline.tsigAt! }, ringOf(key), {
    nowSeconds: NOW,
    policy,
  })
}

/** The refusal as a decoder that is not ours to sign reads it: rcode, and the fields of the TSIG record. */
const refusalOf = (packet: Uint8Array, policy = STRICT, key?: Key) => {
  const refused = verify(packet, policy, key)
  if (refused.ok) throw new Error('accepted')
  const { answer } = refused.error
  const message = decodeMessage(answer)
  if (!message.ok) throw new Error(message.error.kind)
  const { rcode, additionals, questions } = message.value
  const rdata = Buffer.from(additionals[0]?.rdata ?? [])
  const at = rdata.indexOf(0) + 1
  const macLength = rdata.length === 0 ? 0 : rdata.readUInt16BE(at + 8)
  return {
    kind: refused.error.kind,
    answer,
    rcode,
    questions: questions.length,
    hasEdns: message.value.edns !== undefined,
    ...(rdata.length > 0 && {
      timeSeconds: rdata.readUIntBE(at, 6),
      mac: rdata.subarray(at + 10, at + 10 + macLength),
      error: rdata.readUInt16BE(at + 10 + macLength + 2),
      other: rdata.subarray(at + 10 + macLength + 6),
    }),
  }
}

describe('a request', () => {
  test.each([
    ['hmac-sha1', 'sha1'],
    ['hmac-sha224', 'sha224'],
    ['hmac-sha256', 'sha256'],
    ['hmac-sha384', 'sha384'],
    ['hmac-sha512', 'sha512'],
  ] as const)('%s: signed by hand, verified here, and the other way round', (algorithm, hash) => {
    const key = keyOf(algorithm)
    const { packet, mac } = signByHand(QUERY, made({ algorithm, hash }))
    const verified = verify(packet, { truncated: false, sha1: true }, key)
    expect(verified).toMatchObject({ ok: true, value: { key } })
    expect(verified.ok && Buffer.from(verified.value.plain)).toEqual(Buffer.from(QUERY))
    const signer = new TsigSigner(key)
    expect(Buffer.from(signer.sign(QUERY, NOW))).toEqual(packet)
    expect(Buffer.from(signer.mac!)).toEqual(mac)
    expect(signer.octets).toBe(packet.length - QUERY.length)
  })

  test('names of key and algorithm count in any case', () => {
    const { packet } = signByHand(QUERY, made({ keyName: 'LapTop.example.ORG' }))
    expect(verify(packet).ok).toBe(true)
  })

  test('SHA-1 is taken where the policy says so alone', () => {
    const { packet } = signByHand(QUERY, made({ algorithm: 'hmac-sha1', hash: 'sha1' }))
    expect(refusalOf(packet, STRICT, keyOf('hmac-sha1'))).toMatchObject({ kind: 'bad-key' })
  })

  test('an id changed on the way is put back for the MAC, and kept for the answer', () => {
    const { packet } = signByHand(QUERY, made({ originalId: 0x1111 }))
    const verified = verify(packet)
    expect(verified.ok && Buffer.from(verified.value.plain)).toEqual(Buffer.from(QUERY))
  })

  test.each([
    ['an unknown key', made({ keyName: 'other.example.org' })],
    ['another algorithm than the key has', made({ algorithm: 'hmac-sha512', hash: 'sha512' })],
    ['HMAC-MD5', made({ algorithm: 'hmac-md5.sig-alg.reg.int', hash: 'md5' })],
  ])('%s: NOTAUTH, BADKEY, unsigned', (_, hand) => {
    const refusal = refusalOf(signByHand(QUERY, hand).packet)
    expect(refusal).toMatchObject({ kind: 'bad-key', rcode: RCODE.NOTAUTH, error: 17 })
    expect(refusal.mac).toHaveLength(0)
    expect(refusal).toMatchObject({ questions: 1, hasEdns: true })
  })

  test('another secret: NOTAUTH, BADSIG, unsigned', () => {
    const refusal = refusalOf(signByHand(QUERY, made({ secret: Buffer.from('wrong') })).packet)
    expect(refusal).toMatchObject({ kind: 'bad-signature', rcode: RCODE.NOTAUTH, error: 16 })
    expect(refusal.mac).toHaveLength(0)
  })

  test('each octet of the message is covered', () => {
    const { packet } = signByHand(QUERY, made())
    for (let at = 2; at < QUERY.length; at++) {
      const bent = Buffer.from(packet)
      bent[at]! ^= 0x01
      const outline = outlineMessage(bent)
      // Counts and lengths that were bent make it no message at all.
      if (outline?.tsigAt !== undefined) expect(verify(bent).ok).toBe(false)
    }
  })

  test.each([
    [NOW - 300, true],
    [NOW + 300, true],
    [NOW - 301, false],
    [NOW + 301, false],
  ])('signed at %i: taken %s', (timeSeconds, taken) => {
    expect(verify(signByHand(QUERY, made({ timeSeconds })).packet).ok).toBe(taken)
  })

  test('out of time: NOTAUTH, BADTIME, signed, with the time of the client and ours', () => {
    const { packet, mac } = signByHand(QUERY, made({ timeSeconds: NOW - 4000 }))
    const refusal = refusalOf(packet)
    expect(refusal).toMatchObject({
      kind: 'bad-time',
      rcode: RCODE.NOTAUTH,
      error: 18,
      timeSeconds: NOW - 4000,
    })
    expect(refusal.other!.readUIntBE(0, 6)).toBe(NOW)
    const bare = withoutLastRecord(refusal.answer)
    const byHand = signByHand(
      bare,
      made({ timeSeconds: NOW - 4000, error: 18, other: refusal.other!, priorMac: mac }),
    )
    expect(Buffer.from(refusal.answer)).toEqual(byHand.packet)
  })

  test.each([16, 20, 31])(
    'a good MAC of %i octets: BADTRUNC, signed; or taken by policy',
    (macOctets) => {
      const { packet, mac } = signByHand(QUERY, made({ macOctets }))
      const refusal = refusalOf(packet)
      expect(refusal).toMatchObject({ kind: 'bad-truncation', rcode: RCODE.NOTAUTH, error: 22 })
      const bare = withoutLastRecord(refusal.answer)
      expect(Buffer.from(refusal.answer)).toEqual(
        signByHand(bare, made({ error: 22, priorMac: mac })).packet,
      )
      expect(verify(packet, LAX).ok).toBe(true)
    },
  )

  test.each([
    ['shorter than half', made({ macOctets: 15 })],
    ['shorter than ten octets', made({ algorithm: 'hmac-sha1', hash: 'sha1', macOctets: 9 })],
  ])('a MAC %s: FORMERR whatever the policy', (_, hand) => {
    const key = keyOf(hand.algorithm as TsigAlgorithm)
    expect(refusalOf(signByHand(QUERY, hand).packet, LAX, key)).toMatchObject({
      kind: 'malformed',
      rcode: RCODE.FORMERR,
    })
  })

  test('a MAC longer than the algorithm makes: FORMERR', () => {
    const long = { ...made({ algorithm: 'hmac-sha256', hash: 'sha512' }) }
    expect(refusalOf(signByHand(QUERY, long).packet).kind).toBe('malformed')
  })

  test('no MAC: BADSIG', () => {
    expect(refusalOf(signByHand(QUERY, made({ macOctets: 0 })).packet).kind).toBe('bad-signature')
  })

  test('a record cut or stretched anywhere: FORMERR, never more', () => {
    const { packet } = signByHand(QUERY, made())
    const lengthAt = QUERY.length + 'laptop.example.org.'.length + 1 + 8
    for (const by of [-30, -7, -1]) {
      const cut = Buffer.from(packet.subarray(0, packet.length + by))
      cut.writeUInt16BE(packet.readUInt16BE(lengthAt) + by, lengthAt)
      expect(refusalOf(cut).kind).toBe('malformed')
    }
    const stretched = Buffer.concat([packet, Buffer.of(0)])
    stretched.writeUInt16BE(packet.readUInt16BE(lengthAt) + 1, lengthAt)
    expect(refusalOf(stretched).kind).toBe('malformed')
  })

  test('a TSIG record that is not the last one, or not in its section, makes no message', () => {
    const { packet } = signByHand(QUERY, made())
    const twice = signByHand(packet, made()).packet
    expect(outlineMessage(twice)).toBeUndefined()
    const asAnswer = signByHand(queryOf('www.example.org. A'), made()).packet
    asAnswer.writeUInt16BE(1, 6)
    asAnswer.writeUInt16BE(0, 10)
    expect(outlineMessage(asAnswer)).toBeUndefined()
  })
})

describe('an answer', () => {
  const key = keyOf('hmac-sha256')
  const REQUEST_MAC = createHmac('sha256', SECRET).update('the request').digest()
  const answers = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, i) => {
      const answer = Buffer.from(queryOf(`a${i}.example.org. A`))
      answer[2] = 0x84
      return answer
    })
  const verifier = (policy = STRICT) => new TsigVerifier(key, REQUEST_MAC, policy)

  test('of one message covers the MAC of the request', () => {
    const [answer] = answers(1)
    const signed = new TsigSigner(key, REQUEST_MAC).sign(answer!, NOW)
    expect(Buffer.from(signed)).toEqual(signByHand(answer!, made({ priorMac: REQUEST_MAC })).packet)
    const v = verifier()
    expect(v.isSettled).toBe(false)
    expect(v.verify(signed, NOW)).toEqual({ ok: true, value: answer })
    expect(v.isSettled).toBe(true)
    expect(new TsigVerifier(key, Buffer.from('other'), STRICT).verify(signed, NOW)).toEqual({
      ok: false,
      error: { kind: 'bad-signature' },
    })
  })

  test('of several: each covers the one before, and from the second on the timers alone', () => {
    const signer = new TsigSigner(key, REQUEST_MAC)
    const v = verifier()
    let priorMac: Uint8Array = REQUEST_MAC
    for (const [i, answer] of answers(4).entries()) {
      const byHand = signByHand(answer, made({ priorMac, timersOnly: i > 0, timeSeconds: NOW + i }))
      expect(Buffer.from(signer.sign(answer, NOW + i))).toEqual(byHand.packet)
      expect(v.verify(byHand.packet, NOW + i).ok).toBe(true)
      priorMac = byHand.mac
    }
  })

  test('of several, one left out or two swapped: BADSIG', () => {
    const signer = new TsigSigner(key, REQUEST_MAC)
    const [first, second, third] = answers(3).map((answer) => signer.sign(answer, NOW))
    const left = verifier()
    expect(left.verify(first!, NOW).ok).toBe(true)
    expect(left.verify(third!, NOW)).toMatchObject({ error: { kind: 'bad-signature' } })
    expect(verifier().verify(second!, NOW)).toMatchObject({ error: { kind: 'bad-signature' } })
  })

  test('with messages that are not signed in between: the next signature settles them', () => {
    const [first, ...rest] = answers(UNSIGNED_LIMIT + 2)
    const last = rest.pop()!
    const head = signByHand(first!, made({ priorMac: REQUEST_MAC }))
    const tail = signByHand(last, made({ priorMac: head.mac, unsigned: rest, timersOnly: true }))
    const v = verifier()
    expect(v.verify(head.packet, NOW).ok).toBe(true)
    for (const plain of rest) expect(v.verify(plain, NOW)).toEqual({ ok: true, value: plain })
    expect(v.isSettled).toBe(false)
    expect(v.verify(tail.packet, NOW).ok).toBe(true)
    expect(v.isSettled).toBe(true)
    // One octet of any of them bent, and the signature is none.
    const bent = Buffer.from(rest[50]!)
    bent[20]! ^= 1
    const w = verifier()
    w.verify(head.packet, NOW)
    for (const plain of rest.with(50, bent)) w.verify(plain, NOW)
    expect(w.verify(tail.packet, NOW)).toMatchObject({ error: { kind: 'bad-signature' } })
  })

  test('the first must be signed, and no more than 99 in a row may not be', () => {
    const plain = answers(1)[0]!
    expect(verifier().verify(plain, NOW)).toMatchObject({ error: { kind: 'unsigned' } })
    const v = verifier()
    v.verify(new TsigSigner(key, REQUEST_MAC).sign(plain, NOW), NOW)
    for (let i = 0; i < UNSIGNED_LIMIT; i++) expect(v.verify(plain, NOW).ok).toBe(true)
    expect(v.verify(plain, NOW)).toMatchObject({ error: { kind: 'unsigned' } })
  })

  test('that refuses: what the server says is wrong', () => {
    const late = new TsigSigner(key).sign(QUERY, NOW - 4000)
    const refused = verify(late)
    const { mac } = signByHand(QUERY, made({ timeSeconds: NOW - 4000 }))
    const v = new TsigVerifier(key, mac, STRICT)
    expect(!refused.ok && v.verify(refused.error.answer, NOW)).toEqual({
      ok: false,
      error: { kind: 'refused', error: 18 },
    })
    const unknown = verify(signByHand(QUERY, made({ keyName: 'other' })).packet)
    expect(!unknown.ok && v.verify(unknown.error.answer, NOW)).toEqual({
      ok: false,
      error: { kind: 'refused', error: 17 },
    })
  })

  test('signed by another key: BADKEY', () => {
    const other = { ...key, name: name('other.') }
    const signed = new TsigSigner(other, REQUEST_MAC).sign(answers(1)[0]!, NOW)
    expect(verifier().verify(signed, NOW)).toMatchObject({ error: { kind: 'bad-key' } })
  })
})

/** By hand: the last record's owner is the key's name, which is spelled out. */
function withoutLastRecord(message: Uint8Array): Buffer {
  const bytes = Buffer.from(message)
  const at = bytes.lastIndexOf(Buffer.from('\x06laptop\x07example\x03org\0', 'latin1'))
  const plain = Buffer.from(bytes.subarray(0, at))
  plain.writeUInt16BE(plain.readUInt16BE(10) - 1, 10)
  return plain
}
