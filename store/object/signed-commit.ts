// SSH signatures of commits: made as `git commit -S` makes them with gpg.format=ssh, checked as `git verify-commit` does.
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { findSigner, type AllowedSigner } from './allowed-signers.ts'
import type { Oid } from './oid.ts'
import { keyFingerprint, type SshPrivateKey } from './ssh-key.ts'
import { explainSignatureError, signSsh, verifySsh, type SignatureError } from './ssh-signature.ts'

export type SignedBy = { readonly principals: string; readonly fingerprint: string }

export type CommitSignatureError =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'not-ssh' }
  | { readonly kind: 'malformed-commit' }
  | { readonly kind: 'signature'; readonly error: SignatureError }
  | { readonly kind: 'future'; readonly timeSeconds: number }
  | { readonly kind: 'unknown-key'; readonly fingerprint: string }

/** Which incoming commits must be signed: none, only the new tip, or every commit that is new to us. */
export type SignaturePolicy = 'none' | 'head' | 'every'

/** What git writes into the signature, so that one made for a mail is not good for a commit. */
export const GIT_NAMESPACE = 'git'
/** Clocks differ; a commit further ahead than this would choose the time its key is judged at. */
export const CLOCK_SKEW_SECONDS = 3600
/** Refusals told to a pusher; the rest is counted. */
export const PROBLEM_LIMIT = 20

/** The commit with a `gpgsig` header; `commit` must not have one yet. */
export function signCommit(commit: Uint8Array, key: SshPrivateKey): Buffer {
  const buffer = Buffer.from(commit.buffer, commit.byteOffset, commit.length)
  const signature = signSsh(key, GIT_NAMESPACE, commit).trimEnd().replaceAll('\n', '\n ')
  const end = headersEnd(buffer)
  const header = Buffer.from(`gpgsig ${signature}\n`)
  return Buffer.concat([buffer.subarray(0, end), header, buffer.subarray(end)])
}

/**
 * Whether one of `signers` signed the commit. A key's validity is judged at the time the commit itself gives, as git
 * does it, so that history stays valid when a key retires; a commit from the future is refused.
 */
export function verifyCommit(
  commit: Uint8Array,
  signers: readonly AllowedSigner[],
  nowSeconds: number,
): Result<SignedBy, CommitSignatureError> {
  const parts = splitSignature(commit)
  if (parts === undefined) return err({ kind: 'malformed-commit' })
  const { signature, payload, timeSeconds } = parts
  if (signature === undefined) return err({ kind: 'unsigned' })
  if (!signature.startsWith('-----BEGIN SSH SIGNATURE-----')) return err({ kind: 'not-ssh' })
  const key = verifySsh(payload, signature, GIT_NAMESPACE)
  if (!key.ok) return err({ kind: 'signature', error: key.error })
  if (timeSeconds > nowSeconds + CLOCK_SKEW_SECONDS) return err({ kind: 'future', timeSeconds })
  const fingerprint = keyFingerprint(key.value.blob)
  const use = { keyBlob: key.value.blob, namespace: GIT_NAMESPACE, timeSeconds }
  const signer = findSigner(signers, use)
  if (signer === undefined) return err({ kind: 'unknown-key', fingerprint })
  return ok({ principals: signer.principals, fingerprint })
}

/** What the policy says against commits about to come in, the new tip first. Empty: let them in. */
export function judgeSignatures(input: {
  readonly policy: SignaturePolicy
  readonly commits: Iterable<{ readonly oid: Oid; readonly bytes: Uint8Array }>
  readonly signers: readonly AllowedSigner[]
  readonly nowSeconds: number
}): Problem[] {
  const problems: Problem[] = []
  if (input.policy === 'none') return problems
  for (const { oid, bytes } of input.commits) {
    const signed = verifyCommit(bytes, input.signers, input.nowSeconds)
    if (!signed.ok) {
      problems.push(problem(`Commit ${oid.slice(0, 12)} ${explainCommitSignature(signed.error)}`))
    }
    if (input.policy === 'head' || problems.length === PROBLEM_LIMIT) break
  }
  return problems
}

/** A sentence that follows "the commit …", with the way out where there is one. */
export function explainCommitSignature(error: CommitSignatureError): string {
  switch (error.kind) {
    case 'unsigned':
      return 'is not signed: sign with "git commit -S" and gpg.format=ssh'
    case 'not-ssh':
      return 'is signed with OpenPGP or X.509: only SSH signatures are checked (gpg.format=ssh)'
    case 'malformed-commit':
      return 'has headers that cannot be read'
    case 'signature':
      return `is signed, but the signature ${explainSignatureError(error.error)}`
    case 'future':
      return `says it was made in the future, at ${new Date(error.timeSeconds * 1000).toISOString()}`
    case 'unknown-key':
      return `is signed by ${error.fingerprint}, which is no allowed signer at that time`
  }
}

type SignedParts = {
  readonly signature: string | undefined
  /** The commit without any `gpgsig…` header: what was signed. */
  readonly payload: Buffer
  readonly timeSeconds: number
}

/** undefined when the headers cannot be told apart, or when there is more than one signature of the same kind. */
function splitSignature(commit: Uint8Array): SignedParts | undefined {
  const buffer = Buffer.from(commit.buffer, commit.byteOffset, commit.length)
  const end = headersEnd(buffer)
  const kept: Buffer[] = []
  const signature: string[] = []
  let timeSeconds: number | undefined
  let header = ''
  for (let at = 0; at < end;) {
    const newline = buffer.indexOf(10, at)
    const next = newline < 0 || newline >= end ? end : newline + 1
    const line = buffer.toString('latin1', at, next)
    const continues = line.startsWith(' ')
    if (!continues) {
      header = line.slice(0, line.search(/[ \n]|$/))
      if (header === 'gpgsig' && signature.length > 0) return undefined
      if (header === 'committer') {
        const seconds = / (\d{1,12}) [+-]\d{4}\n$/.exec(line)?.[1]
        if (timeSeconds !== undefined || seconds === undefined) return undefined
        timeSeconds = Number(seconds)
      }
    }
    if (header === 'gpgsig') signature.push(line.slice(continues ? 1 : 'gpgsig '.length))
    else if (!header.startsWith('gpgsig')) kept.push(buffer.subarray(at, next))
    at = next
  }
  if (timeSeconds === undefined) return undefined
  return {
    signature: signature.length > 0 ? signature.join('') : undefined,
    payload: Buffer.concat([...kept, buffer.subarray(end)]),
    timeSeconds,
  }
}

/** Offset of the empty line between the headers and the message. */
function headersEnd(commit: Buffer): number {
  const gap = commit.indexOf('\n\n', 0, 'latin1')
  return gap < 0 ? commit.length : gap + 1
}
