// Pinned host keys: lines as OpenSSH writes them, compared with what ssh-keygen finds in them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../../../shared/result/problem.ts'
import {
  judgeHostKey,
  knownKeyTypes,
  parseKnownHosts,
  type KnownHost,
} from '../../../../store/remote/known-hosts.ts'
import { sshBytes } from '../../../../store/object/ssh-key.ts'
import { peerTest } from '../../../support/peers.ts'
import { makeSshKey, sshKeygen } from '../../../support/ssh-keygen.ts'
import { tempDir } from '../../../support/temp.ts'

const KEY = publicKey(1)
const OTHER = publicKey(2)

describe('known hosts', () => {
  test.each([
    [`git.example.org ${KEY.line}`, 'git.example.org', 22, 'known'],
    [`git.example.org ${KEY.line}`, 'GIT.example.org', 22, 'known'],
    [`git.example.org ${KEY.line}`, 'git.example.com', 22, 'unknown'],
    [`git.example.org ${KEY.line}`, 'git.example.org', 2222, 'unknown'],
    [`git.example.org ${KEY.line} a comment`, 'git.example.org', 22, 'known'],
    [`[git.example.org]:2222 ${KEY.line}`, 'git.example.org', 2222, 'known'],
    [`[git.example.org]:2222 ${KEY.line}`, 'git.example.org', 22, 'unknown'],
    [`a.example,git.example.org ${KEY.line}`, 'git.example.org', 22, 'known'],
    [`*.example.org,!bad.example.org ${KEY.line}`, 'git.example.org', 22, 'known'],
    [`*.example.org,!bad.example.org ${KEY.line}`, 'bad.example.org', 22, 'unknown'],
    [`10.0.0.? ${KEY.line}`, '10.0.0.7', 22, 'known'],
    [`10.0.0.? ${KEY.line}`, '10x0.0.7', 22, 'unknown'],
    [`2001:db8::1 ${KEY.line}`, '[2001:db8::1]', 22, 'known'],
    [`git.example.org ${OTHER.line}`, 'git.example.org', 22, 'changed'],
    [`@revoked git.example.org ${OTHER.line}`, 'git.example.org', 22, 'unknown'],
    [`@revoked * ${KEY.line}\ngit.example.org ${KEY.line}`, 'git.example.org', 22, 'revoked'],
    [`git.example.org ${OTHER.line}\ngit.example.org ${KEY.line}`, 'git.example.org', 22, 'known'],
    [`# git.example.org ${KEY.line}\n\n`, 'git.example.org', 22, 'unknown'],
  ])('%s: %s port %i is %s', (text, host, port, trust) => {
    expect(judgeHostKey(read(text), host, port, KEY.blob)).toBe(trust)
  })

  test('say which types of key to ask for', () => {
    const text = `h ${KEY.line}\nh ${OTHER.line}\n@revoked h ${publicKey(3).line}\n`
    expect(knownKeyTypes(read(text), 'h', 22)).toEqual(['ssh-ed25519'])
    expect(knownKeyTypes(read(text), 'other', 22)).toEqual([])
  })

  peerTest('ssh-keygen', 'that ssh-keygen hashed are recognised', async () => {
    const folder = tempDir('hosts')
    const key = await makeSshKey(folder, 'host', ['-t', 'ed25519'])
    const file = join(folder, 'known_hosts')
    const lines = `git.example.org ${key.publicLine}\n[git.example.org]:2222 ${key.publicLine}\n`
    writeFileSync(file, lines)
    const hashed = await sshKeygen(['-H', '-f', file])
    expect(hashed.code).toBe(0)
    const { readFileSync } = await import('node:fs')
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^\|1\|/)
    const blob = Buffer.from(key.publicLine.split(' ')[1]!, 'base64')
    expect(judgeHostKey(read(text), 'git.example.org', 22, blob)).toBe('known')
    expect(judgeHostKey(read(text), 'git.example.org', 2222, blob)).toBe('known')
    expect(judgeHostKey(read(text), 'git.example.org', 2223, blob)).toBe('unknown')
  })

  test.each([
    ['git.example.org', 'Expected "host keytype base64"'],
    ['git.example.org ssh-ed25519 !!', 'Expected "host keytype base64"'],
    [`git.example.org ssh-rsa ${KEY.line.split(' ')[1]}`, 'not "ssh-rsa"'],
    [`@cert-authority * ${KEY.line}`, '@cert-authority is not supported'],
    [`@trusted * ${KEY.line}`, 'Unknown "@trusted"'],
    [`|2|AAAA|AAAA ${KEY.line}`, 'Unknown form of hash'],
  ])('%s is a problem with its line', (line, words) => {
    const parsed = parseKnownHosts(['# first', line], 'hosts')
    const [problem] = parsed.ok ? [] : parsed.error
    expect(problem && formatProblem(problem)).toMatch(/^hosts:2: /)
    expect(problem?.message).toContain(words)
  })
})

function read(text: string): readonly KnownHost[] {
  const parsed = parseKnownHosts(text.split('\n'))
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join())
  return parsed.value
}

function publicKey(fill: number): { line: string; blob: Buffer } {
  const blob = sshBytes('ssh-ed25519', Buffer.alloc(32, fill))
  return { line: `ssh-ed25519 ${blob.toString('base64')}`, blob }
}
