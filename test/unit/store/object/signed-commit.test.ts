// Signed commits against stock git in both directions, and the policy about those that come in.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../../../shared/result/problem.ts'
import {
  parseAllowedSigners,
  type AllowedSigner,
} from '../../../../store/object/allowed-signers.ts'
import { oidOf, type Oid } from '../../../../store/object/oid.ts'
import { parsePrivateKey, type SshPrivateKey } from '../../../../store/object/ssh-key.ts'
import {
  CLOCK_SKEW_SECONDS,
  explainCommitSignature,
  judgeSignatures,
  PROBLEM_LIMIT,
  signCommit,
  verifyCommit,
} from '../../../../store/object/signed-commit.ts'
import { git, gitOk } from '../../../support/git.ts'
import { peerTest } from '../../../support/peers.ts'
import { makeSshKey, type SshKeyFiles } from '../../../support/ssh-keygen.ts'
import { tempDir } from '../../../support/temp.ts'

/** The date stock git commits at in the tests. */
const THEN = 1_767_225_600

describe('a commit signed by stock git', () => {
  peerTest(['git', 'ssh-keygen'], 'is verified, and a changed one is not', async () => {
    const { repository, key, signers } = await makeRepository()
    await sign(repository, key, ['--allow-empty', '-m', 'Grüße\n\ngpgsig not a header\n'])
    const bytes = await readCommit(repository, 'HEAD')
    expect(verifyCommit(bytes, signers, THEN)).toMatchObject({
      ok: true,
      value: { principals: 'ada@example.org' },
    })
    const changed = Buffer.from(bytes.toString('latin1').replace('not a', 'now a'), 'latin1')
    const refused = verifyCommit(changed, signers, THEN)
    expect(!refused.ok && explainCommitSignature(refused.error)).toContain('does not belong')
  })

  for (const kind of [
    ['-t', 'ecdsa', '-b', '256'],
    ['-t', 'rsa', '-b', '3072'],
  ]) {
    peerTest(
      ['git', 'ssh-keygen'],
      `with a key of ${kind.slice(1).join(' ')} is verified`,
      async () => {
        const { repository, key, signers } = await makeRepository(kind)
        await sign(repository, key, ['--allow-empty', '-m', 'x'])
        expect(verifyCommit(await readCommit(repository, 'HEAD'), signers, THEN).ok).toBe(true)
      },
    )
  }

  peerTest(['git', 'ssh-keygen'], 'that merges a signed tag is verified', async () => {
    const { repository, key, signers } = await makeRepository()
    await sign(repository, key, ['--allow-empty', '-m', 'base'])
    await gitOk(['checkout', '-q', '-b', 'side'], { cwd: repository })
    await sign(repository, key, ['--allow-empty', '-m', 'side'])
    await gitOk([...signing(key), 'tag', '-s', '-m', 'tag', 'v1'], { cwd: repository })
    await gitOk(['checkout', '-q', 'main'], { cwd: repository })
    await sign(repository, key, ['--allow-empty', '-m', 'main'])
    await gitOk([...signing(key), 'merge', '-q', '-S', '--no-edit', 'v1'], { cwd: repository })
    const bytes = await readCommit(repository, 'HEAD')
    expect(bytes.toString()).toContain('mergetag object')
    expect(verifyCommit(bytes, signers, THEN).ok).toBe(true)
  })
})

describe('a commit signed by us', () => {
  peerTest(['git', 'ssh-keygen'], 'is good to git verify-commit and git fsck', async () => {
    const { repository, key, signersFile, signers } = await makeRepository()
    await gitOk(['commit', '-q', '--allow-empty', '-m', 'plain'], { cwd: repository })
    const plain = await readCommit(repository, 'HEAD')
    const signed = signCommit(plain, privateKey(key))
    const oid = await gitOk(['hash-object', '-t', 'commit', '-w', '--stdin'], {
      cwd: repository,
      input: signed,
    })
    const args = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signersFile}`]
    const verified = await git([...args, 'verify-commit', '-v', oid], { cwd: repository })
    expect(verified.stderr).toContain('Good "git" signature for ada@example.org')
    expect(verified.code).toBe(0)
    await gitOk(['update-ref', 'refs/heads/main', oid], { cwd: repository })
    await gitOk(['fsck', '--strict'], { cwd: repository })
    expect(verifyCommit(signed, signers, THEN).ok).toBe(true)
    // Byte for byte the commit stock git would have signed.
    await gitOk([...signing(key), 'commit', '-q', '--amend', '--no-edit', '--allow-empty', '-S'], {
      cwd: repository,
    })
    expect(await gitOk(['rev-parse', 'HEAD'], { cwd: repository })).toBe(oidOf('commit', signed))
  })
})

describe('a commit', () => {
  peerTest('ssh-keygen', 'is judged by who signed it, and when', async () => {
    const folder = tempDir('signed')
    const key = await makeSshKey(folder, 'id', ['-t', 'ed25519'])
    const stranger = await makeSshKey(folder, 'other', ['-t', 'ed25519'])
    const signers = allow(`ada valid-before="20260101000000Z" ${key.publicLine}`)
    const verify = (commit: Uint8Array): string => {
      const result = verifyCommit(commit, signers, THEN + 500)
      return result.ok ? result.value.principals : explainCommitSignature(result.error)
    }
    expect(verify(signCommit(commit(THEN), privateKey(key)))).toBe('ada')
    expect(verify(signCommit(commit(THEN + 1), privateKey(key)))).toContain('no allowed signer')
    expect(verify(signCommit(commit(THEN), privateKey(stranger)))).toContain('no allowed signer')
    expect(verify(commit(THEN))).toContain('not signed')
    const late = THEN + 500 + CLOCK_SKEW_SECONDS
    expect(verify(signCommit(commit(late), privateKey(key)))).toContain('no allowed signer')
    expect(verify(signCommit(commit(late + 1), privateKey(key)))).toContain('in the future')
    const twice = signCommit(signCommit(commit(THEN), privateKey(key)), privateKey(key))
    expect(verify(twice)).toContain('cannot be read')
  })

  test('with headers that say nothing is refused, never thrown at', () => {
    const pgp = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n'
    const head = `tree ${'0'.repeat(40)}\nauthor A <a> 1 +0000\n`
    const refused = (text: string): string => {
      const result = verifyCommit(Buffer.from(text), [], THEN)
      return result.ok ? 'verified' : result.error.kind
    }
    expect(refused('')).toBe('malformed-commit')
    expect(refused('\n\n')).toBe('malformed-commit')
    expect(refused(`${head}\nno committer`)).toBe('malformed-commit')
    expect(refused(`${head}committer A <a> never\n\n`)).toBe('malformed-commit')
    const committer = 'committer A <a> 1 +0000\n'
    expect(refused(`${head}${committer}${committer}\n`)).toBe('malformed-commit')
    expect(refused(`${head}${committer}\ngpgsig in the message`)).toBe('unsigned')
    expect(refused(`${head}${committer}`)).toBe('unsigned')
    expect(refused(`${head}${committer}${pgp}\n`)).toBe('not-ssh')
    expect(refused(`${head}${committer}gpgsig-sha256 x\n\n`)).toBe('unsigned')
    expect(refused(`${head}${committer}gpgsig -----BEGIN SSH SIGNATURE-----\n\n`)).toBe('signature')
  })
})

describe('the policy', () => {
  peerTest(
    'ssh-keygen',
    'asks for no signature, for one on the head, or on every commit',
    async () => {
      const key = await makeSshKey(tempDir('signed'), 'id', ['-t', 'ed25519'])
      const signers = allow(`ada ${key.publicLine}`)
      const signed = withOid(signCommit(commit(THEN), privateKey(key)))
      const unsigned = withOid(commit(THEN - 1))
      const judge = (policy: 'none' | 'head' | 'every', commits: readonly Named[]): number =>
        judgeSignatures({ policy, commits, signers, nowSeconds: THEN }).length
      expect(judge('none', [unsigned])).toBe(0)
      expect(judge('head', [signed, unsigned])).toBe(0)
      expect(judge('head', [unsigned, signed])).toBe(1)
      expect(judge('head', [])).toBe(0)
      expect(judge('every', [signed, signed])).toBe(0)
      expect(judge('every', [signed, unsigned])).toBe(1)
      expect(
        judge(
          'every',
          Array.from({ length: 100 }, () => unsigned),
        ),
      ).toBe(PROBLEM_LIMIT)
      const [problem] = judgeSignatures({
        policy: 'head',
        commits: [unsigned],
        signers,
        nowSeconds: THEN,
      })
      expect(formatProblem(problem!)).toBe(
        `Commit ${unsigned.oid.slice(0, 12)} is not signed: sign with "git commit -S" and gpg.format=ssh`,
      )
    },
  )
})

type Named = { readonly oid: Oid; readonly bytes: Uint8Array }

function withOid(bytes: Uint8Array): Named {
  return { oid: oidOf('commit', bytes), bytes }
}

function commit(timeSeconds: number): Buffer {
  const person = `Ada <ada@example.org> ${timeSeconds} +0000`
  return Buffer.from(`tree ${'4'.repeat(40)}\nauthor ${person}\ncommitter ${person}\n\nchange\n`)
}

function allow(lines: string): readonly AllowedSigner[] {
  const parsed = parseAllowedSigners(lines, 'signers')
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join())
  return parsed.value
}

function privateKey(files: SshKeyFiles): SshPrivateKey {
  const parsed = parsePrivateKey(files.privateText)
  if (!parsed.ok) throw new Error(parsed.error.kind)
  return parsed.value
}

async function makeRepository(kind: readonly string[] = ['-t', 'ed25519']): Promise<{
  repository: string
  key: SshKeyFiles
  signersFile: string
  signers: readonly AllowedSigner[]
}> {
  const folder = tempDir('signed')
  const repository = join(folder, 'work')
  await gitOk(['init', '-q', repository])
  const key = await makeSshKey(folder, 'id', kind)
  const signersFile = join(folder, 'signers')
  const line = `ada@example.org namespaces="git" ${key.publicLine}\n`
  writeFileSync(signersFile, line)
  return { repository, key, signersFile, signers: allow(line) }
}

function signing(key: SshKeyFiles): string[] {
  return ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key.path}`]
}

async function sign(repository: string, key: SshKeyFiles, args: readonly string[]): Promise<void> {
  await gitOk([...signing(key), 'commit', '-q', '-S', ...args], { cwd: repository })
}

async function readCommit(repository: string, revision: string): Promise<Buffer> {
  return (await git(['cat-file', 'commit', revision], { cwd: repository })).bytes
}
