// Hostile signatures, keys, allowed_signers files and signed commits.
import { parseAllowedSigners } from '../../store/object/allowed-signers.ts'
import { decodePublicKey, parsePrivateKey, sshBytes } from '../../store/object/ssh-key.ts'
import { verifyCommit } from '../../store/object/signed-commit.ts'
import { verifySsh } from '../../store/object/ssh-signature.ts'
import { fuzz } from './harness.ts'

const POINT = Buffer.from(
  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
)
const ED25519 = sshBytes('ssh-ed25519', Buffer.alloc(32, 7))
const ECDSA = sshBytes('ecdsa-sha2-nistp256', 'nistp256', POINT)
const RSA = sshBytes('ssh-rsa', Buffer.of(1, 0, 1), Buffer.alloc(257, 0x7f))

const BLOBS = [
  [ED25519, sshBytes('ssh-ed25519', Buffer.alloc(64, 1))],
  [ECDSA, sshBytes('ecdsa-sha2-nistp256', sshBytes(Buffer.alloc(32, 1), Buffer.alloc(32, 2)))],
  [RSA, sshBytes('rsa-sha2-512', Buffer.alloc(256, 3))],
].map(([key, signature]) =>
  Buffer.concat([
    Buffer.from('SSHSIG'),
    Buffer.of(0, 0, 0, 1),
    sshBytes(key!, 'git', '', 'sha512', signature!),
  ]),
)

fuzz('ssh signature blob', { seeds: BLOBS, limitBytes: 4096 }, (bytes) => {
  verifySsh(Buffer.from('content'), armor(bytes, 'SSH SIGNATURE'), 'git')
})

fuzz('ssh signature text', { seeds: BLOBS.map((b) => armor(b, 'SSH SIGNATURE')) }, (bytes) => {
  verifySsh(Buffer.from('content'), Buffer.from(bytes).toString('latin1'), 'git')
})

fuzz('ssh public key', { seeds: [ED25519, ECDSA, RSA], limitBytes: 4096 }, (bytes) => {
  decodePublicKey(bytes)
})

const SECRET = Buffer.concat([
  Buffer.of(0, 0, 0, 1, 0, 0, 0, 1),
  sshBytes('ssh-ed25519', Buffer.alloc(32, 7), Buffer.alloc(64, 7), 'comment'),
  Buffer.of(1, 2, 3),
])
const FILE = Buffer.concat([
  Buffer.from('openssh-key-v1\0'),
  sshBytes('none', 'none', ''),
  Buffer.of(0, 0, 0, 1),
  sshBytes(ED25519, SECRET),
])

fuzz('ssh private key file', { seeds: [FILE], limitBytes: 4096 }, (bytes) => {
  parsePrivateKey(armor(bytes, 'OPENSSH PRIVATE KEY'))
})

const SIGNERS = [
  `ada@example.org,!bob ssh-ed25519 ${ED25519.toString('base64')} comment\n# remark\n`,
  `"a b" namespaces="git,file",valid-after="20260101",valid-before="20270101Z" ecdsa-sha2-nistp256 ${ECDSA.toString('base64')}`,
]

fuzz('allowed_signers', { seeds: SIGNERS }, (bytes) => {
  parseAllowedSigners(Buffer.from(bytes).toString(), 'signers')
})

const SIGNERS_READ = parseAllowedSigners(SIGNERS[0]!, 'signers')
const PERSON = 'Ada <ada@example.org> 1767225600 +0000'
const COMMITS = BLOBS.map((blob) => {
  const signature = armor(blob, 'SSH SIGNATURE').trimEnd().replaceAll('\n', '\n ')
  return `tree ${'4'.repeat(40)}\nauthor ${PERSON}\ncommitter ${PERSON}\ngpgsig ${signature}\n\nchange\n`
})

fuzz('signed commit', { seeds: COMMITS }, (bytes) => {
  verifyCommit(bytes, SIGNERS_READ.ok ? SIGNERS_READ.value : [], 1_767_225_600)
})

function armor(blob: Uint8Array, label: string): string {
  const lines =
    Buffer.from(blob)
      .toString('base64')
      .match(/.{1,70}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
