// Commits, lossless: what stock git wrote comes out byte for byte, odd headers, signatures and encodings included.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { EMPTY_TREE, isOid, type Oid } from './oid.ts'

export type Signature = {
  readonly name: string
  readonly email: string
  readonly timeSeconds: number
  /** `+0100`; kept as written. */
  readonly zone: string
  /** The line's exact bytes (latin1) when the fields above would not give them back. */
  readonly exact?: string
}

export type Commit = {
  readonly tree: Oid
  readonly parents: readonly Oid[]
  readonly author: Signature
  readonly committer: Signature
  /** Headers behind the committer in their order (encoding, gpgsig, mergetag, unknown ones); latin1, lines joined by \n. */
  readonly extra: readonly (readonly [key: string, value: string])[]
  readonly message: Uint8Array
}

export type CommitError = {
  readonly kind: 'commit-malformed'
  readonly why: 'no-tree' | 'bad-parent' | 'no-author' | 'no-committer' | 'bad-header'
}

export function decodeCommit(bytes: Uint8Array): Result<Commit, CommitError> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = buffer.indexOf('\n\n')
  const headersEnd = end < 0 ? buffer.length - 1 : end
  const lines = buffer.toString('latin1', 0, Math.max(0, headersEnd)).split('\n')
  const refuse = (why: CommitError['why']): Result<Commit, CommitError> =>
    err({ kind: 'commit-malformed', why })
  const tree = idOf(lines.shift(), 'tree')
  if (tree === undefined) return refuse('no-tree')
  const parents: Oid[] = []
  while (lines[0]?.startsWith('parent ')) {
    const parent = idOf(lines.shift(), 'parent')
    if (parent === undefined) return refuse('bad-parent')
    parents.push(parent)
  }
  const author = signatureOf(lines.shift(), 'author')
  if (author === undefined) return refuse('no-author')
  const committer = signatureOf(lines.shift(), 'committer')
  if (committer === undefined) return refuse('no-committer')
  const extra: [string, string][] = []
  for (const line of lines) {
    const last = extra.at(-1)
    if (line.startsWith(' ') && last !== undefined) {
      last[1] += `\n${line.slice(1)}`
      continue
    }
    const space = line.indexOf(' ')
    if (space <= 0) return refuse('bad-header')
    extra.push([line.slice(0, space), line.slice(space + 1)])
  }
  const message = end < 0 ? Buffer.alloc(0) : buffer.subarray(end + 2)
  return ok({ tree, parents, author, committer, extra, message })
}

export function encodeCommit(commit: Commit): Uint8Array {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${signatureLine(commit.author)}`,
    `committer ${signatureLine(commit.committer)}`,
    ...commit.extra.map(([key, value]) => `${key} ${value.replaceAll('\n', '\n ')}`),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`, 'latin1'), commit.message])
}

/** The message as text, by the commit's own encoding where the platform knows it. */
export function messageText(commit: Commit): string {
  const encoding = commit.extra.find(([key]) => key === 'encoding')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(encoding).decode(commit.message)
  } catch {
    // An encoding no one knows: every byte has a latin1 character.
    return Buffer.from(commit.message).toString('latin1')
  }
}

/** The tree alone, for walks; `bytes` must be a commit. */
export function commitTree(bytes: Uint8Array): Oid {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(45, bytes.length)).toString(
    'latin1',
    5,
  )
  return isOid(text) ? text : EMPTY_TREE
}

/** The parents alone, for walks. */
export function commitParents(bytes: Uint8Array): Oid[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const parents: Oid[] = []
  for (let at = 46; at + 48 <= buffer.length; at += 48) {
    if (buffer.toString('latin1', at, at + 7) !== 'parent ') break
    const oid = buffer.toString('latin1', at + 7, at + 47)
    if (!isOid(oid)) break
    parents.push(oid)
  }
  return parents
}

function idOf(line: string | undefined, key: string): Oid | undefined {
  if (!line?.startsWith(`${key} `)) return undefined
  const oid = line.slice(key.length + 1)
  return isOid(oid) ? oid : undefined
}

function signatureOf(line: string | undefined, key: string): Signature | undefined {
  if (!line?.startsWith(`${key} `)) return undefined
  const exact = line.slice(key.length + 1)
  const match = /^(.*?) ?<([^>]*)> (-?\d{1,15}) ([+-]\d{1,7})$/s.exec(exact)
  const text = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')
  const signature = {
    name: text(match?.[1] ?? exact),
    email: text(match?.[2] ?? ''),
    timeSeconds: Number(match?.[3] ?? 0),
    zone: match?.[4] ?? '+0000',
  }
  return signatureLine(signature) === exact ? signature : { ...signature, exact }
}

/** latin1 of the UTF-8 bytes, as all header text here. A line break or bracket in a name would forge a header. */
function signatureLine(signature: Signature): string {
  if (signature.exact !== undefined) return signature.exact
  const clean = (text: string): string =>
    Buffer.from(text.replace(/[\n\0<>]/g, ''), 'utf8').toString('latin1')
  const { name, email, timeSeconds, zone } = signature
  return `${clean(name)} <${clean(email)}> ${timeSeconds} ${zone}`
}
