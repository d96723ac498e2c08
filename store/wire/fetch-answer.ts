// What both protocol versions of a fetch have in common: judging wants, finding the edge, sending the pack.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, type Oid } from '../object/oid.ts'
import type { Repository } from '../repository.ts'
import type { CommitGraph } from '../history/commit-graph.ts'
import { packStream, type PackOptions } from './pack-stream.ts'
import { selectObjects, type Wanted } from './select-objects.ts'
import { planShallow, type Deepen, type ShallowPlan } from './shallow.ts'
import { SideBand } from './side-band.ts'

/** Yielded where the server may do something else for a moment; writes nothing. */
export const TURN: Uint8Array = new Uint8Array(0)

/** Bounds of one request; more is refused. */
export type FetchLimits = {
  readonly wants: number
  readonly haves: number
  readonly shallows: number
}

export const FETCH_LIMITS: FetchLimits = { wants: 65_536, haves: 262_144, shallows: 65_536 }

/** Why a fetch is refused; told to the client as `ERR`. */
export type FetchError =
  | { readonly kind: 'malformed'; readonly line: string }
  | { readonly kind: 'not-ours'; readonly oid: string }
  | { readonly kind: 'unknown-ref'; readonly name: string }
  | { readonly kind: 'unsupported'; readonly what: string }
  | { readonly kind: 'too-many'; readonly what: 'wants' | 'haves' | 'shallows' }
  | { readonly kind: 'nothing-within' }

/** The one text per error that a person with a git client reads. */
export function fetchErrorText(error: FetchError): string {
  switch (error.kind) {
    case 'malformed':
      return `upload-pack: malformed request line "${error.line.slice(0, 80)}"`
    case 'not-ours':
      return `upload-pack: not our ref ${error.oid}`
    case 'unknown-ref':
      return `upload-pack: unknown ref ${error.name}`
    case 'unsupported':
      return `upload-pack: ${error.what} is not supported`
    case 'too-many':
      return `upload-pack: too many ${error.what} in one request`
    case 'nothing-within':
      return 'upload-pack: no commits selected for shallow requests'
  }
}

/** What a client asks for in the end, whichever version it speaks. */
export type FetchRequest = {
  readonly wants: Set<Oid>
  readonly clientShallow: Set<Oid>
  depth: number | undefined
  relative: boolean
  sinceSeconds: number | undefined
  readonly deepenNot: Oid[]
  filter: 'blob:none' | undefined
}

export function emptyRequest(): FetchRequest {
  return {
    wants: new Set(),
    clientShallow: new Set(),
    depth: undefined,
    relative: false,
    sinceSeconds: undefined,
    deepenNot: [],
    filter: undefined,
  }
}

/** Takes a line both versions spell alike; `undefined` when it is none of them. */
export function takeCommonLine(
  repository: Repository,
  request: FetchRequest,
  line: string,
  limits: FetchLimits,
): Result<'taken', FetchError> | undefined {
  const space = line.indexOf(' ')
  const word = space < 0 ? line : line.slice(0, space)
  const value = space < 0 ? '' : line.slice(space + 1)
  switch (word) {
    case 'shallow':
      if (!isOid(value)) return err({ kind: 'malformed', line })
      if (request.clientShallow.size >= limits.shallows)
        return err({ kind: 'too-many', what: 'shallows' })
      // The client's edge may be a commit that never reached us: then nothing of ours leads to it.
      request.clientShallow.add(value)
      return TAKEN
    case 'deepen':
      request.depth = countOf(value)
      return request.depth === undefined ? err({ kind: 'malformed', line }) : TAKEN
    case 'deepen-since':
      request.sinceSeconds = countOf(value)
      return request.sinceSeconds === undefined ? err({ kind: 'malformed', line }) : TAKEN
    case 'deepen-not': {
      const oid = revision(repository, value)
      if (oid === undefined) return err({ kind: 'unknown-ref', name: value })
      request.deepenNot.push(oid)
      return TAKEN
    }
    case 'filter':
      if (value !== 'blob:none') return err({ kind: 'unsupported', what: `filter "${value}"` })
      request.filter = 'blob:none'
      return TAKEN
    default:
      return undefined
  }
}

const TAKEN = ok('taken' as const)

/** Where the client's history shall end; undefined when it did not ask. */
export function deepenOf(request: FetchRequest): Deepen | undefined {
  if (request.sinceSeconds !== undefined || request.deepenNot.length > 0) {
    return { kind: 'revisions', sinceSeconds: request.sinceSeconds ?? 0, not: request.deepenNot }
  }
  if (request.depth === undefined) return undefined
  return { kind: request.relative ? 'relative' : 'depth', depth: request.depth }
}

export function* shallowPlanOf(
  graph: CommitGraph,
  request: FetchRequest,
): Generator<undefined, ShallowPlan | undefined> {
  const deepen = deepenOf(request)
  if (deepen === undefined) return undefined
  const { clientShallow } = request
  return yield* planShallow(graph, { wants: [...request.wants], clientShallow, deepen })
}

/**
 * Whether everything that is wanted may be given: tips of refs, commits some ref leads to, and (in version 2, where
 * partial clones ask for them) other objects by id. A commit that no ref leads to any more stays ours.
 */
export function* judgeWants(
  repository: Repository,
  graph: CommitGraph,
  wants: Iterable<Oid>,
  version: 0 | 2,
): Generator<undefined, Result<'ours', FetchError>> {
  const tips = new Set(repository.refs().values())
  for (const oid of wants) {
    if (tips.has(oid)) continue
    if (!repository.has(oid)) return err({ kind: 'not-ours', oid })
    const commit = graph.node(oid)
    const given = commit === undefined ? version === 2 : yield* graph.reaches(tips, oid)
    if (!given) return err({ kind: 'not-ours', oid })
  }
  return ok('ours')
}

/** Runs a walk that pauses, as part of an answer. */
export function* inTurns<T>(walk: Generator<undefined, T>): Generator<Uint8Array, T> {
  for (;;) {
    const step = walk.next()
    if (step.done === true) return step.value
    yield TURN
  }
}

export type PackAnswer = PackOptions & {
  /** Bytes a side-band packet may carry, or no side-band at all. */
  readonly bandBytes: number | undefined
  readonly progress: boolean
  readonly includeTag: boolean
}

/** Selects the objects and sends them, in the side-band or bare; ends without the final flush. */
export function* sendPack(
  repository: Repository,
  graph: CommitGraph,
  wanted: Wanted,
  options: PackAnswer,
): Generator<Uint8Array> {
  const tags = options.includeTag ? tagTips(repository) : []
  const selection = yield* inTurns(selectObjects(repository, graph, { ...wanted, tags }))
  const pack = packStream(repository, selection, options)
  if (options.bandBytes === undefined) return yield* pack
  const band = new SideBand(options.bandBytes)
  if (options.progress) yield* band.text(`Sending ${selection.oids.size} objects\n`)
  for (const piece of pack) yield* band.data(piece)
  yield* band.rest()
}

function* tagTips(repository: Repository): Generator<Oid> {
  for (const [name, oid] of repository.refs()) if (name.startsWith('refs/tags/')) yield oid
}

/** A ref by its full name, or the way people write it, or an id. */
function revision(repository: Repository, text: string): Oid | undefined {
  const refs = repository.refs()
  const named = ['', 'refs/', 'refs/tags/', 'refs/heads/'].map((prefix) => refs.get(prefix + text))
  if (text === 'HEAD') return refs.get(repository.headRef)
  return (
    named.find((oid) => oid !== undefined) ??
    (isOid(text) && repository.has(text) ? text : undefined)
  )
}

function countOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}
