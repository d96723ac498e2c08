// What the sync loop asks of a remote, whatever the way there: its refs, a pack, and a push that forces nothing.
import type { Result } from '../../shared/result/result.ts'
import type { Oid } from '../object/oid.ts'
import type { EntryReader } from '../repository.ts'

/** A way to another repository. Nothing here changes ours: what comes in is bytes, to be checked by who asked. */
export interface Transport {
  /** For logs and status; never holds a password or a token. */
  readonly name: string
  /** Full names; HEAD and peeled tags are left out. Empty for an empty repository. */
  refs(signal: AbortSignal): Promise<Result<ReadonlyMap<string, Oid>, RemoteError>>
  /** A pack with all that `want` leads to, less what the haves lead to. It may lean on objects of the haves. */
  fetch(request: FetchRequest): Promise<Result<Uint8Array, RemoteError>>
  /** Moves refs there as one request; each of them only when it still is what `old` says. */
  push(request: PushRequest): Promise<Result<PushReport, RemoteError>>
}

export type FetchRequest = {
  readonly wants: readonly Oid[]
  /** Commits of ours, newest first; at most HAVES_LIMIT are told. */
  readonly haves: readonly Oid[]
  readonly signal: AbortSignal
}

export type PushUpdate = { readonly name: string; readonly old: Oid; readonly new: Oid }

export type PushRequest = {
  readonly updates: readonly PushUpdate[]
  readonly reader: EntryReader
  readonly signal: AbortSignal
}

export type PushReport = {
  /** Refs the remote did not take, with its reason. */
  readonly refused: ReadonlyMap<string, string>
  /** What the remote's hooks had to say, line by line. */
  readonly messages: readonly string[]
}

export type RemoteError =
  | { readonly kind: 'unreachable'; readonly why: string }
  | { readonly kind: 'timeout'; readonly why: string }
  | { readonly kind: 'denied'; readonly why: string }
  | { readonly kind: 'no-repository'; readonly why: string }
  | { readonly kind: 'host-key'; readonly why: string }
  | { readonly kind: 'garbage'; readonly why: string }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  | { readonly kind: 'answer'; readonly status: number; readonly why: string }
  /** The ref there is not what we thought: fetch, merge, push again. */
  | { readonly kind: 'moved'; readonly name: string; readonly actual: Oid | undefined }
  /** The remote said no: a protected branch, a hook. */
  | { readonly kind: 'refused'; readonly name: string; readonly why: string }
  /** What it sent is no pack, or holds what we do not let in. */
  | { readonly kind: 'bad-pack'; readonly why: string }
  | { readonly kind: 'stopped' }

/** Bounds on what a remote may make us do. */
export type RemoteLimits = {
  /** Until the first byte of an answer, and between two pieces of it. */
  readonly idleMs: number
  /** For one request and its answer. */
  readonly requestMs: number
  readonly advertisementBytes: number
  readonly packBytes: number
  readonly reportBytes: number
}

export const REMOTE_LIMITS: RemoteLimits = {
  idleMs: 60_000,
  requestMs: 600_000,
  advertisementBytes: 16 << 20,
  packBytes: 512 << 20,
  reportBytes: 1 << 20,
}

/** Commits named in one fetch: enough to meet a common one, small enough for one request. */
export const HAVES_LIMIT = 256

/** One line for a person, without a full stop. */
export function explainRemoteError(error: RemoteError): string {
  switch (error.kind) {
    case 'unreachable':
      return `cannot be reached: ${error.why}`
    case 'timeout':
      return `does not answer: ${error.why}`
    case 'denied':
      return `does not let us in: ${error.why}`
    case 'no-repository':
      return `has no such repository: ${error.why}`
    case 'host-key':
      return `shows another host key than the one it is known by: ${error.why}`
    case 'garbage':
      return `does not speak git: ${error.why}`
    case 'too-large':
      return `sends more than ${error.limitBytes} bytes`
    case 'answer':
      return `answers ${error.status}: ${error.why}`
    case 'moved':
      return `moved ${error.name} to ${error.actual ?? 'nothing'} meanwhile`
    case 'refused':
      return `refuses ${error.name}: ${error.why}`
    case 'bad-pack':
      return `sends what we cannot take: ${error.why}`
    case 'stopped':
      return 'was left, because we are stopping'
  }
}
