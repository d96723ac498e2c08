// The allowed_signers file: what it allows, compared with ssh-keygen line by line, and what is wrong with it.
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  ALLOWED_SIGNERS_LIMIT_BYTES,
  findSigner,
  parseAllowedSigners,
} from '../../../../store/object/allowed-signers.ts'
import { sshBytes } from '../../../../store/object/ssh-key.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'
import { peerTest } from '../../../support/peers.ts'
import { keygenVerifies, makeSshKey, signWithKeygen } from '../../../support/ssh-keygen.ts'
import { tempDir } from '../../../support/temp.ts'

const KEY = publicLine()
const JUNE = Date.UTC(2026, 5, 15, 12) / 1000

/** A line with KEY for the key, an identity, and whether it may sign in June 2026 for git. */
const LINES: readonly (readonly [line: string, identity: string, allowed: boolean])[] = [
  ['ada@example.org KEY', 'ada@example.org', true],
  ['ada@example.org KEY a comment "with quotes', 'ada@example.org', true],
  ['ada@example.org KEY', 'bob@example.org', false],
  ['ada@example.org KEY', 'xada@example.org', false],
  ['bob@example.org,ada@example.org KEY', 'ada@example.org', true],
  ['*@example.org KEY', 'ada@example.org', true],
  ['*@example.org KEY', 'ada@example.com', false],
  ['?da@* KEY', 'ada@example.org', true],
  ['*a*a*@* KEY', 'ada@example.org', true],
  ['*,!ada@* KEY', 'ada@example.org', false],
  ['!ada@*,* KEY', 'ada@example.org', false],
  ['!bob@*,* KEY', 'ada@example.org', true],
  ['!bob@* KEY', 'ada@example.org', false],
  ['"ada lovelace" KEY', 'ada lovelace', true],
  ['ada@example.org namespaces="git" KEY', 'ada@example.org', true],
  ['ada@example.org namespaces="file,git" KEY', 'ada@example.org', true],
  ['ada@example.org namespaces="g*" KEY', 'ada@example.org', true],
  ['ada@example.org namespaces="file" KEY', 'ada@example.org', false],
  ['ada@example.org namespaces="*,!git" KEY', 'ada@example.org', false],
  ['ada@example.org NameSpaces="git" KEY', 'ada@example.org', true],
  ['ada@example.org valid-after="20260101" KEY', 'ada@example.org', true],
  ['ada@example.org valid-after="20260615120000Z" KEY', 'ada@example.org', true],
  ['ada@example.org valid-after="20260615120001Z" KEY', 'ada@example.org', false],
  ['ada@example.org valid-before="20260615120000Z" KEY', 'ada@example.org', true],
  ['ada@example.org valid-before="202606151159Z" KEY', 'ada@example.org', false],
  ['ada@example.org valid-before="20260101" KEY', 'ada@example.org', false],
  [
    'ada@example.org namespaces="git",valid-after="20260601",valid-before="20260701" KEY',
    'ada@example.org',
    true,
  ],
  ['# ada@example.org KEY', 'ada@example.org', false],
  ['  ada@example.org   KEY', 'ada@example.org', true],
  ['ada@example.org\tKEY', 'ada@example.org', true],
]

describe('allowed signers', () => {
  test.each(LINES)('%s for %s: %s', (line, identity, allowed) => {
    const [type, base64] = KEY.split(' ')
    const parsed = parseAllowedSigners(`\n${line.replace('KEY', `${type} ${base64}`)}\n`, 'signers')
    if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join())
    const keyBlob = Buffer.from(base64!, 'base64')
    const use = { keyBlob, namespace: 'git', timeSeconds: JUNE }
    expect(findSigner(parsed.value, { ...use, identity }) !== undefined).toBe(allowed)
    const other = Buffer.from(publicLine().split(' ')[1]!, 'base64')
    expect(findSigner(parsed.value, { ...use, keyBlob: other, identity })).toBeUndefined()
  })

  peerTest('ssh-keygen', 'are what ssh-keygen makes of the same lines', async () => {
    const folder = tempDir('signers')
    const key = await makeSshKey(folder, 'id', ['-t', 'ed25519'])
    const signature = await signWithKeygen(key, 'git', 'content')
    const common = { folder, signature, namespace: 'git', message: 'content' }
    for (const [line, identity, allowed] of LINES) {
      const allowedSigners = `${line.replace('KEY', key.publicLine)}\n`
      const use = { ...common, allowedSigners, identity, time: '20260615120000Z' }
      expect(await keygenVerifies(use), line).toBe(allowed)
    }
  })

  test('of several lines the first that allows it counts', () => {
    const text = `a namespaces="file" ${KEY}\nb ${KEY}\nc ${KEY}\n`
    const parsed = parseAllowedSigners(text, 'signers')
    const keyBlob = Buffer.from(KEY.split(' ')[1]!, 'base64')
    const use = { keyBlob, namespace: 'git', timeSeconds: JUNE }
    expect(parsed.ok && findSigner(parsed.value, use)?.principals).toBe('b')
  })

  test.each([
    ['ada', 'Expected a key type'],
    ['ada key', 'Expected options or a key type, found "key"'],
    ['ada ssh-ed25519', 'Expected the key in base64'],
    ['ada ssh-ed25519 !!!', 'Expected the key in base64'],
    ['ada ssh-ed25519 AAAA', 'The key cannot be read'],
    [`ada ${KEY.replace('ssh-ed25519', 'ssh-rsa')}`, 'of type "ssh-ed25519", not "ssh-rsa"'],
    [`ada ssh-dss ${sshBytes('ssh-dss').toString('base64')}`, '"ssh-dss", which is not supported'],
    [`ada,,bob ${KEY}`, 'Expected principals'],
    [`ada cert-authority ${KEY}`, 'cert-authority is not supported'],
    [`ada cert-authority,namespaces="git" ${KEY}`, 'cert-authority is not supported'],
    [`ada namespaces ${KEY}`, 'Expected namespaces="git"'],
    [`ada namespaces="" ${KEY}`, 'Expected namespaces="git"'],
    [`ada namespaces="git",namespaces="git" ${KEY}`, 'twice'],
    [`ada valid-after="yesterday" ${KEY}`, 'YYYYMMDD'],
    [`ada valid-after="20260230" ${KEY}`, 'YYYYMMDD'],
    [`ada valid-after="202601012460" ${KEY}`, 'YYYYMMDD'],
    [`ada valid-after="20260102",valid-before="20260101" ${KEY}`, 'not before'],
    [`ada touch-required ${KEY}`, 'found "touch-required"'],
    [`"ada ${KEY}`, 'quote'],
    [`ada namespaces="git ${KEY}`, 'quote'],
  ])('%s is a problem with its line', (line, message) => {
    const parsed = parseAllowedSigners(`# signers\n${line}\nbob ${KEY}\n`, 'keys/signers')
    if (parsed.ok) throw new Error('taken')
    expect(parsed.error).toHaveLength(1)
    expect(formatProblem(parsed.error[0]!)).toMatch(/^keys\/signers:2: /)
    expect(formatProblem(parsed.error[0]!)).toContain(message)
  })

  test('all problems of a file are told at once', () => {
    const parsed = parseAllowedSigners('a\nb\nc\n', 'signers')
    expect(!parsed.ok && parsed.error.map((p) => p.line)).toEqual([1, 2, 3])
  })

  test('a file beyond the limit is refused', () => {
    expect(parseAllowedSigners('#'.repeat(ALLOWED_SIGNERS_LIMIT_BYTES + 1), 'signers').ok).toBe(
      false,
    )
  })

  test('patterns of many stars cost no more than their length', () => {
    const pattern = `${'*a'.repeat(2000)}*b`
    const parsed = parseAllowedSigners(`${pattern} ${KEY}\n`, 'signers')
    const keyBlob = Buffer.from(KEY.split(' ')[1]!, 'base64')
    const use = { keyBlob, namespace: 'git', timeSeconds: JUNE, identity: 'a'.repeat(4000) }
    expect(parsed.ok && findSigner(parsed.value, use)).toBeUndefined()
  })
})

function publicLine(): string {
  const x = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? ''
  const blob = sshBytes('ssh-ed25519', Buffer.from(x, 'base64url'))
  return `ssh-ed25519 ${blob.toString('base64')}`
}
