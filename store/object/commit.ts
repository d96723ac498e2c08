// Commits, lossless: what stock git wrote comes out byte for byte, odd headers, signatures and encodings included.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { joinHeaders, splitHeaders, type Header } from './headers.ts'
import { EMPTY_TREE, isOid, type Oid } from './oid.ts'
import { formatSignature, parseSignature, type Signature } from './signature-line.ts'

export type { Signature } from './signature-line.ts'

export type Commit = {
  readonly tree: Oid
  readonly parents: readonly Oid[]
  readonly author: Signature
  readonly committer: Signature
  /** Headers behind the committer in their order (encoding, gpgsig, mergetag, unknown ones); latin1, lines joined by \n. */
  readonly extra: readonly Header[]
  readonly message: Uint8Array
  /** See `HeadedObject`. */
  readonly bare?: true
}

export type CommitError = {
  readonly kind: 'commit-malformed'
  readonly why: 'no-tree' | 'bad-parent' | 'no-author' | 'no-committer' | 'bad-header'
}

export function decodeCommit(bytes: Uint8Array): Result<Commit, CommitError> {
  const refuse = (why: CommitError['why']): Result<Commit, CommitError> =>
    err({ kind: 'commit-malformed', why })
  const split = splitHeaders(bytes)
  if (split === undefined) return refuse('bad-header')
  const { headers, message, bare } = split
  const tree = headers[0]
  if (tree?.[0] !== 'tree' || !isOid(tree[1])) return refuse('no-tree')
  const parents: Oid[] = []
  let next = 1
  for (; headers[next]?.[0] === 'parent'; next++) {
    const parent = headers[next]![1]
    if (!isOid(parent)) return refuse('bad-parent')
    parents.push(parent)
  }
  const author = headers[next++]
  if (author?.[0] !== 'author' || author[1].includes('\n')) return refuse('no-author')
  const committer = headers[next++]
  if (committer?.[0] !== 'committer' || committer[1].includes('\n')) return refuse('no-committer')
  return ok({
    tree: tree[1],
    parents,
    author: parseSignature(author[1]),
    committer: parseSignature(committer[1]),
    extra: headers.slice(next),
    message,
    ...(bare && { bare }),
  })
}

export function encodeCommit(commit: Commit): Uint8Array {
  const { tree, parents, author, committer, extra, message, bare } = commit
  const headers: Header[] = [
    ['tree', tree],
    ...parents.map((parent): Header => ['parent', parent]),
    ['author', formatSignature(author)],
    ['committer', formatSignature(committer)],
    ...extra,
  ]
  return joinHeaders({ headers, message, ...(bare && { bare }) })
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
