// Takes a push from its bytes to its answer: decode, judge, update, report. Knows no transport.
import { setImmediate as turn } from 'node:timers/promises'
import { formatProblem, type Problem } from '../../shared/result/problem.ts'
import { judgePushInTurns, type JudgedPush, type PushPolicy } from '../check/push.ts'
import { ZERO_OID } from '../object/oid.ts'
import type { Repository, UpdateError } from '../repository.ts'
import {
  decodePush,
  encodePushFailure,
  encodeReport,
  pushErrorText,
  type Command,
  type PushRequest,
  type Report,
} from '../wire/receive-pack.ts'

export type PushDone = {
  readonly kind: 'nothing' | 'unreadable' | 'refused' | 'partial' | 'done'
  /** What goes back to the client. */
  readonly answer: Iterable<Uint8Array>
  readonly objects: number
  /** Per ref: why not, or undefined. For the log. */
  readonly refs: readonly { readonly name: string; readonly refused?: string }[]
}

export type PushOptions = {
  readonly policy: Omit<PushPolicy, 'headRef'>
  /** Who pushes, as authenticated. */
  readonly user?: string
}

/** A person does not read more than this; the rest is counted. */
export const PROBLEM_LINES_LIMIT = 50

/** Runs the whole push in `body`. Never throws for what the client sent. */
export async function takePush(
  repository: Repository,
  body: Uint8Array,
  options: PushOptions,
): Promise<PushDone> {
  const decoded = decodePush(body)
  if (decoded === undefined) return { kind: 'nothing', answer: [], objects: 0, refs: [] }
  if (!decoded.ok) {
    const answer = encodePushFailure(pushErrorText(decoded.error))
    return { kind: 'unreadable', answer, objects: 0, refs: [] }
  }
  const request = decoded.value
  const policy = { ...options.policy, headRef: repository.headRef }
  const judged = await inTurns(judgePushInTurns(repository, request, policy))
  const { reasons, lines } = await update(repository, request, judged, options)
  const refs = request.commands.map((command) => {
    const refused = reasons.get(command)
    return { name: command.name, ...(refused !== undefined && { refused }) }
  })
  const report: Report = { unpack: judged.unpack, refs, lines }
  const failed = refs.filter((ref) => ref.refused !== undefined).length
  return {
    kind: failed === 0 ? 'done' : failed === refs.length ? 'refused' : 'partial',
    answer: encodeReport(request.capabilities, report),
    objects: judged.entries.length,
    refs,
  }
}

type Updated = {
  readonly reasons: ReadonlyMap<Command, string | undefined>
  readonly lines: readonly string[]
}

/**
 * Moves the refs nothing speaks against, all in one transaction; when the repository refuses one, the others are tried
 * again without it, unless the push is atomic.
 */
async function update(
  repository: Repository,
  request: PushRequest,
  judged: JudgedPush,
  options: PushOptions,
): Promise<Updated> {
  const reasons = new Map(judged.reasons)
  const lines = [...judged.lines]
  const atomic = request.capabilities.has('atomic')
  const refs = repository.refs()
  for (;;) {
    const open = request.commands.filter((command) => reasons.get(command) === undefined)
    if (atomic && open.length < request.commands.length) {
      for (const command of open) reasons.set(command, 'atomic push failed')
      break
    }
    const updates = open.filter((command) => command.new !== ZERO_OID || refs.has(command.name))
    if (updates.length === 0) break
    const result = await repository.update({
      entries: judged.entries,
      blobs: judged.blobs,
      updates,
      reason: 'push',
      force: options.policy.allowForce,
      ...(options.user !== undefined && { user: options.user }),
    })
    if (result.ok) {
      lines.push(...result.value.notes, ...hints(repository, updates))
      break
    }
    lines.push(...errorLines(result.error))
    const name = 'name' in result.error ? result.error.name : undefined
    const blamed = updates.filter((command) => command.name === name)
    for (const command of blamed.length > 0 ? blamed : updates)
      reasons.set(command, errorReason(result.error))
  }
  return { reasons, lines }
}

function errorReason(error: UpdateError): string {
  switch (error.kind) {
    case 'moved':
      return 'fetch first'
    case 'refused':
      return 'content refused'
    case 'read-only':
      return 'repository is read-only'
  }
}

function errorLines(error: UpdateError): string[] {
  switch (error.kind) {
    case 'moved':
      return [`${error.name} has moved to ${error.actual} meanwhile`]
    case 'refused':
      return problemLines(error.problems)
    case 'read-only':
      return [`The repository is read-only: ${error.reason}`]
  }
}

function problemLines(problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, PROBLEM_LINES_LIMIT).map(formatProblem)
  const more = problems.length - lines.length
  return more > 0 ? [...lines, `and ${more} more problems`] : lines
}

/** Who pushes `master` to an empty repository that serves `main` would wonder why nothing happens. */
function hints(repository: Repository, updates: readonly Command[]): string[] {
  if (repository.refs().has(repository.headRef)) return []
  const branch = updates.find(
    ({ name, new: to }) => to !== ZERO_OID && name.startsWith('refs/heads/'),
  )
  if (branch === undefined) return []
  const [from, to] = [branch.name, repository.headRef].map((name) =>
    name.slice('refs/heads/'.length),
  )
  return [`Only the branch ${to} is served, and it does not exist yet: push ${from}:${to}`]
}

/** Lets the event loop serve others between the steps: who answers packets beside us must not wait for a large push. */
async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await turn()
  }
}
