// SSHSIG against ssh-keygen in both directions, and against everything that is not a signature.
import { createPublicKey, generateKeyPairSync, hash, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodePublicKey,
  explainSshKeyError,
  keyFingerprint,
  parsePrivateKey,
  sshBytes,
  type SshPrivateKey,
} from '../../../../store/object/ssh-key.ts'
import {
  explainSignatureError,
  SIGNATURE_LIMIT_BYTES,
  signSsh,
  verifySsh,
} from '../../../../store/object/ssh-signature.ts'
import { peerTest } from '../../../support/peers.ts'
import {
  keygenVerifies,
  makeSshKey,
  signWithKeygen,
  sshKeygen,
} from '../../../support/ssh-keygen.ts'
import { tempDir } from '../../../support/temp.ts'

const MESSAGE = Buffer.from('serial 2026112401\n')

// Made with ssh-keygen for this file; it opens nothing.
const KEY_FILE = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCvkzPMktgKuSIrU7tIdWcNNL6tpi32NHuQpr+UQFt+tAAAAIiBsd7xgbHe
8QAAAAtzc2gtZWQyNTUxOQAAACCvkzPMktgKuSIrU7tIdWcNNL6tpi32NHuQpr+UQFt+tA
AAAECjlypB0WCq3RC8WeszOhJ78EGU8ns2qQ9rKxl1rKianq+TM8yS2Aq5IitTu0h1Zw00
vq2mLfY0e5Cmv5RAW360AAAABHRlc3QB
-----END OPENSSH PRIVATE KEY-----
`

const OWN = ownKey()

describe('a signature of ours', () => {
  test('is verified by us, and the key is told', () => {
    const armored = signSsh(OWN, 'git', MESSAGE)
    const verified = verifySsh(MESSAGE, armored, 'git')
    expect(verified.ok && verified.value.blob.equals(OWN.publicBlob)).toBe(true)
    expect(signSsh(OWN, 'git', MESSAGE)).toBe(armored)
  })

  test('is good for one message and one namespace only', () => {
    const armored = signSsh(OWN, 'git', MESSAGE)
    expect(verifySsh(Buffer.from('serial 2026112402\n'), armored, 'git')).toEqual({
      ok: false,
      error: { kind: 'mismatch' },
    })
    expect(verifySsh(MESSAGE, armored, 'file')).toEqual({
      ok: false,
      error: { kind: 'wrong-namespace', namespace: 'git' },
    })
  })

  peerTest('ssh-keygen', 'is verified by ssh-keygen', async () => {
    const folder = tempDir('sshsig')
    const key = await makeSshKey(folder, 'id', ['-t', 'ed25519'])
    const parsed = parsePrivateKey(key.privateText)
    if (!parsed.ok) throw new Error(explainSshKeyError(parsed.error))
    const signature = signSsh(parsed.value, 'git', MESSAGE)
    const allowedSigners = `ada@example.org ${key.publicLine}\n`
    const use = { folder, allowedSigners, identity: 'ada@example.org', namespace: 'git', signature }
    expect(await keygenVerifies({ ...use, message: MESSAGE })).toBe(true)
    expect(await keygenVerifies({ ...use, message: 'another' })).toBe(false)
    // Ed25519 has one signature per message: ours is the very one ssh-keygen makes.
    expect(await signWithKeygen(key, 'git', MESSAGE)).toBe(signature)
    const listed = await sshKeygen(['-l', '-f', `${key.path}.pub`])
    expect(listed.stdout).toContain(keyFingerprint(parsed.value.publicBlob))
  })

  test('with any byte changed is refused, never thrown at', () => {
    const armored = signSsh(OWN, 'git', MESSAGE)
    const blob = Buffer.from(armored.split('\n').slice(1, -2).join(''), 'base64')
    for (let at = 0; at < blob.length; at++) {
      const broken = Buffer.from(blob)
      broken[at]! ^= 1
      expect(verifySsh(MESSAGE, armor(broken), 'git').ok, `byte ${at}`).toBe(false)
      expect(verifySsh(MESSAGE, armor(blob.subarray(0, at)), 'git').ok, `cut at ${at}`).toBe(false)
    }
    expect(verifySsh(MESSAGE, armor(Buffer.concat([blob, Buffer.of(0)])), 'git').ok).toBe(false)
  })
})

describe('a signature by ssh-keygen', () => {
  for (const kind of [
    ['-t', 'ed25519'],
    ['-t', 'ecdsa', '-b', '256'],
    ['-t', 'ecdsa', '-b', '384'],
    ['-t', 'ecdsa', '-b', '521'],
    ['-t', 'rsa', '-b', '2048'],
  ]) {
    peerTest('ssh-keygen', `with a key of ${kind.slice(1).join(' ')} is verified`, async () => {
      const folder = tempDir('sshsig')
      const key = await makeSshKey(folder, 'id', kind)
      // ECDSA numbers lose their leading zeros now and then: several signatures meet that.
      for (let n = 0; n < 4; n++) {
        const message = `message ${n}`
        const options = n === 1 ? ['hashalg=sha256'] : []
        const signature = await signWithKeygen(key, 'git', message, options)
        const verified = verifySsh(Buffer.from(message), signature, 'git')
        expect(verified.ok && verified.value.type).toBe(key.publicLine.split(' ')[0])
        expect(verifySsh(Buffer.from('other'), signature, 'git')).toEqual({
          ok: false,
          error: { kind: 'mismatch' },
        })
      }
    })
  }

  peerTest('ssh-keygen', 'with an RSA key that is too short is refused by name', async () => {
    const key = await makeSshKey(tempDir('sshsig'), 'id', ['-t', 'rsa', '-b', '1024'])
    const signature = await signWithKeygen(key, 'git', MESSAGE)
    const refused = verifySsh(MESSAGE, signature, 'git')
    expect(refused).toEqual({
      ok: false,
      error: { kind: 'key', error: { kind: 'weak', bits: 1024 } },
    })
    expect(!refused.ok && explainSignatureError(refused.error)).toContain('RSA key of 1024 bits')
  })
})

describe('a signature by a FIDO key', () => {
  for (const type of [
    'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa-sha2-nistp256@openssh.com',
  ] as const) {
    test(`${type} made in software is verified`, () => {
      expect(verifySsh(MESSAGE, fidoSignature(type, 1), 'git').ok).toBe(true)
      expect(verifySsh(Buffer.from('other'), fidoSignature(type, 1), 'git').ok).toBe(false)
    })

    test(`${type} that nobody touched is refused`, () => {
      expect(verifySsh(MESSAGE, fidoSignature(type, 0), 'git').ok).toBe(false)
    })

    peerTest('ssh-keygen', `${type} made in software is what ssh-keygen verifies`, async () => {
      const file = join(tempDir('sshsig'), 'fido.sig')
      writeFileSync(file, fidoSignature(type, 1))
      const run = await sshKeygen(['-Y', 'check-novalidate', '-n', 'git', '-s', file], MESSAGE)
      expect(run.stdout + run.stderr).toContain('Good "git" signature')
    })
  }
})

describe('what is no signature', () => {
  test.each([
    ['', 'cannot be read'],
    ['-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----', 'cannot be read'],
    ['-----BEGIN SSH SIGNATURE-----', 'cannot be read'],
    ['-----BEGIN SSH SIGNATURE----------END SSH SIGNATURE-----', 'cannot be read'],
    ['x'.repeat(SIGNATURE_LIMIT_BYTES + 1), 'too long'],
    [armor(Buffer.from('SSHSIG')), 'unknown version'],
    [armor(Buffer.concat([Buffer.from('SSHSIG'), Buffer.of(0, 0, 0, 2)])), 'unknown version'],
    [armor(Buffer.concat([MAGIC_1(), Buffer.of(255, 255, 255, 255)])), 'cut short'],
    [armor(Buffer.concat([MAGIC_1(), sshBytes('', 'git', '', 'md5', '')])), 'unknown hash'],
    [
      armor(
        Buffer.concat([
          MAGIC_1(),
          sshBytes(sshBytes('ssh-dss'), 'git', '', 'sha512', sshBytes('x')),
        ]),
      ),
      'ssh-dss',
    ],
  ])('%j is refused with a reason', (text, reason) => {
    const refused = verifySsh(MESSAGE, text, 'git')
    expect(!refused.ok && explainSignatureError(refused.error)).toContain(reason)
  })

  test('SHA-1 with RSA is refused by name', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = publicKey.export({ format: 'jwk' })
    const n = Buffer.concat([Buffer.of(0), Buffer.from(jwk.n ?? '', 'base64url')])
    const blob = sshBytes('ssh-rsa', Buffer.from(jwk.e ?? '', 'base64url'), n)
    const raw = sign('sha1', MESSAGE, privateKey)
    const signature = sshBytes(blob, 'git', '', 'sha512', sshBytes('ssh-rsa', raw))
    expect(verifySsh(MESSAGE, armor(Buffer.concat([MAGIC_1(), signature])), 'git')).toEqual({
      ok: false,
      error: { kind: 'unsupported-algorithm', algorithm: 'ssh-rsa' },
    })
  })

  test('any bytes are refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(verifySsh(MESSAGE, armor(Buffer.concat([MAGIC_1(), bytes])), 'git').ok).toBe(false)
        expect(decodePublicKey(bytes).ok).toBe(false)
        for (const type of ['ssh-rsa', 'ssh-ed25519', 'ecdsa-sha2-nistp256', 'constructor']) {
          const decoded = decodePublicKey(Buffer.concat([sshBytes(type), bytes]))
          expect(decoded.ok).toBe(false)
        }
      }),
    )
  })

  test('a point that is not on the curve is no key', () => {
    const point = Buffer.alloc(65, 1)
    point[0] = 4
    const blob = sshBytes('ecdsa-sha2-nistp256', 'nistp256', point)
    expect(decodePublicKey(blob)).toMatchObject({ ok: false, error: { kind: 'malformed' } })
  })
})

describe('a private key file', () => {
  peerTest('ssh-keygen', 'that is encrypted is refused with the way out', async () => {
    const key = await makeSshKey(tempDir('sshsig'), 'id', ['-t', 'ed25519'], 'secret phrase')
    const refused = parsePrivateKey(key.privateText)
    expect(refused).toEqual({ ok: false, error: { kind: 'encrypted' } })
    expect(!refused.ok && explainSshKeyError(refused.error)).toContain('ssh-keygen -p')
  })

  peerTest('ssh-keygen', 'of another type is refused by name', async () => {
    const key = await makeSshKey(tempDir('sshsig'), 'id', ['-t', 'ecdsa'])
    expect(parsePrivateKey(key.privateText)).toEqual({
      ok: false,
      error: { kind: 'unsupported-type', type: 'ecdsa-sha2-nistp256' },
    })
  })

  test('with any byte changed or cut is refused or still the same key', () => {
    const blob = Buffer.from(KEY_FILE.split('\n').slice(1, -2).join(''), 'base64')
    const label = 'OPENSSH PRIVATE KEY'
    const own = keyFingerprint(OWN.publicBlob)
    for (let at = 0; at < blob.length; at++) {
      const broken = Buffer.from(blob)
      broken[at]! ^= 1
      const parsed = parsePrivateKey(armor(broken, label))
      // The comment and the unused kdf options are the only bytes that may change.
      if (parsed.ok) expect(keyFingerprint(parsed.value.publicBlob)).toBe(own)
      expect(parsePrivateKey(armor(blob.subarray(0, at), label)).ok, `cut at ${at}`).toBe(false)
    }
  })

  test.each([
    '',
    'ssh-ed25519 AAAA',
    '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
  ])('%j is refused with what was expected', (text) => {
    const refused = parsePrivateKey(text)
    expect(!refused.ok && explainSshKeyError(refused.error)).toContain('OPENSSH PRIVATE KEY')
  })
})

function ownKey(): SshPrivateKey {
  const parsed = parsePrivateKey(KEY_FILE)
  if (!parsed.ok) throw new Error(explainSshKeyError(parsed.error))
  return parsed.value
}

function armor(blob: Uint8Array, label = 'SSH SIGNATURE'): string {
  const body = Buffer.from(blob).toString('base64')
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`
}

function MAGIC_1(): Buffer {
  return Buffer.concat([Buffer.from('SSHSIG'), Buffer.of(0, 0, 0, 1)])
}

/** What a security key would give, with a key held in memory. */
function fidoSignature(
  type: 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com',
  flags: number,
): string {
  const isEd25519 = type === 'sk-ssh-ed25519@openssh.com'
  const { privateKey } = isEd25519
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const point = [Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  const blob = isEd25519
    ? sshBytes(type, Buffer.from(x, 'base64url'), 'ssh:')
    : sshBytes(type, 'nistp256', Buffer.concat(point), 'ssh:')
  const digest = hash('sha512', MESSAGE, 'buffer')
  const data = Buffer.concat([Buffer.from('SSHSIG'), sshBytes('git', '', 'sha512', digest)])
  const tail = Buffer.of(flags, 0, 0, 0, 7)
  const wrapped = Buffer.concat([
    hash('sha256', 'ssh:', 'buffer'),
    tail,
    hash('sha256', data, 'buffer'),
  ])
  let raw: Buffer = isEd25519
    ? sign(null, wrapped, privateKey)
    : sign('sha256', wrapped, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  if (!isEd25519) raw = sshBytes(mpint(raw.subarray(0, 32)), mpint(raw.subarray(32)))
  const signature = Buffer.concat([sshBytes(type, raw), tail])
  return armor(Buffer.concat([MAGIC_1(), sshBytes(blob, 'git', '', 'sha512', signature)]))
}

function mpint(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const shortest = bytes.subarray(start)
  return shortest[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest
}
