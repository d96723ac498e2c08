// Judges a whole push before anything of it is stored: pack, objects, connectivity, refs. Pure over a repository.
import { formatProblem } from '../../shared/result/problem.ts'
import { parsePackInTurns } from '../pack/parse.ts'
import type { PackLimits } from '../pack/scan.ts'
import { ZERO_OID, type Oid } from '../object/oid.ts'
import type { EntryReader, Repository, StoredEntry } from '../repository.ts'
import type { Command, PushRequest } from '../wire/receive-pack.ts'
import { findDisconnected, type Disconnected } from './connectivity.ts'
import { NewObjects } from './new-objects.ts'
import { checkObjects } from './objects.ts'
import { packErrorText } from './pack-error.ts'
import { judgeRefs, type RefPolicy } from './ref-rules.ts'

export type PushPolicy = RefPolicy & {
  readonly pack: PackLimits
  /** Symbolic links and submodules may enter. */
  readonly allowLinks: boolean
}

export type JudgedPush = {
  /** `ok`, or in short why the objects cannot be taken; then no ref moves. */
  readonly unpack: string
  /** For the person, in full. */
  readonly lines: readonly string[]
  /** Per command, why it is refused; undefined where nothing speaks against it. */
  readonly reasons: ReadonlyMap<Command, string | undefined>
  /** What is new, to be stored with the refs. */
  readonly entries: readonly StoredEntry[]
  /** Of these the files that are inflated already. */
  readonly blobs: ReadonlyMap<Oid, Uint8Array>
}

/** At one go; `judgePushInTurns` for whoever must answer others meanwhile. */
export function judgePush(
  repository: Repository,
  request: PushRequest,
  policy: PushPolicy,
): JudgedPush {
  const work = judgePushInTurns(repository, request, policy)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Yields every few milliseconds of work; the caller decides what comes between. */
export function* judgePushInTurns(
  repository: Repository,
  request: PushRequest,
  policy: PushPolicy,
): Generator<undefined, JudgedPush> {
  const unpacked = yield* unpack(repository, request, policy)
  if (unpacked.kind === 'refused') return refuseAll(request, unpacked.why, unpacked.lines)
  const { fresh } = unpacked
  const reasons = judgeRefs(request.commands, repository.refs(), fresh, policy)
  return { unpack: 'ok', lines: [], reasons, entries: fresh.entries, blobs: fresh.heldBlobs() }
}

type Unpacked =
  | { readonly kind: 'fresh'; readonly fresh: NewObjects }
  | { readonly kind: 'refused'; readonly why: string; readonly lines: readonly string[] }

function* unpack(
  repository: EntryReader,
  request: PushRequest,
  policy: PushPolicy,
): Generator<undefined, Unpacked> {
  const refused = (why: string, lines: readonly string[] = []): Unpacked => ({
    kind: 'refused',
    why,
    lines,
  })
  const deletesOnly = request.commands.every((command) => command.new === ZERO_OID)
  const parsed =
    deletesOnly && request.pack.length === 0
      ? undefined
      : yield* parsePackInTurns(request.pack, {
          resolve: (oid: Oid) => (repository.has(oid) ? repository.read(oid) : undefined),
          limits: policy.pack,
        })
  if (parsed !== undefined && !parsed.ok) return refused(packErrorText(parsed.error, policy.pack))
  const over = NewObjects.over(repository, parsed?.value ?? NOTHING)
  if (!over.ok) return refused(`object ${over.error.oid} exists with other content`)
  const fresh = over.value
  yield
  const problems = checkObjects(fresh, { allowLinks: policy.allowLinks })
  if (problems.length > 0) return refused('bad object', problems.map(formatProblem))
  yield
  const fault = findDisconnected(repository, fresh)
  if (fault !== undefined) return refused('missing necessary objects', [disconnectedText(fault)])
  return { kind: 'fresh', fresh }
}

function refuseAll(request: PushRequest, why: string, lines: readonly string[]): JudgedPush {
  const reasons = new Map(request.commands.map((command) => [command, 'unpacker error'] as const))
  return { unpack: why, lines, reasons, entries: [], blobs: new Map() }
}

function disconnectedText({ kind, from, to, expected }: Disconnected): string {
  return kind === 'missing'
    ? `Object ${from} needs ${expected} ${to}, which is neither here nor in the push`
    : `Object ${from} names ${to} as a ${expected}, which it is not`
}

const NOTHING = { entries: [], object: () => undefined, held: () => undefined }
