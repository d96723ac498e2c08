// The server's side of protocol version 2: `ls-refs` and `fetch`, one request and one answer each. gitprotocol-v2(5).
// Not offered: sideband-all, packfile-uris, bundle-uri, object-info, session-id.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, type Oid } from '../object/oid.ts'
import type { Repository } from '../repository.ts'
import { peeledRef } from './advertise.ts'
import { CommitGraph } from '../history/commit-graph.ts'
import {
  emptyRequest,
  FETCH_LIMITS,
  fetchErrorText,
  inTurns,
  judgeWants,
  sendPack,
  shallowPlanOf,
  takeCommonLine,
  type FetchError,
  type FetchLimits,
  type FetchRequest,
} from './fetch-answer.ts'
import { DELIM, encodePacket, FLUSH, type Packet } from './pkt-line.ts'
import { SIDE_BAND_64K_BYTES } from './side-band.ts'
import type { ShallowPlan } from './shallow.ts'
import { lineOf } from './upload-pack.ts'

/** Prefixes beyond this are ignored and everything is listed, as the protocol allows. */
export const REF_PREFIX_LIMIT = 65_536

/** Answers the packets of one command, flush included. Nothing but a flush is answered with nothing. */
export function* answerV2(
  repository: Repository,
  packets: readonly Packet[],
  limits: FetchLimits = FETCH_LIMITS,
): Generator<Uint8Array> {
  const command = readCommand(packets)
  if (command === undefined) return
  if (!command.ok) return yield refusal(command.error)
  const { name, lines } = command.value
  if (name === 'ls-refs') yield* listRefs(repository, lines)
  else yield* fetch(repository, lines, limits)
}

type Command = { readonly name: 'ls-refs' | 'fetch'; readonly lines: readonly string[] }

/** `command=…`, capabilities, delimiter, arguments, flush. */
function readCommand(packets: readonly Packet[]): Result<Command, FetchError> | undefined {
  const end = packets.findIndex((packet) => packet.kind === 'flush')
  if (end === 0 || packets.length === 0) return undefined
  if (end < 0) return err({ kind: 'malformed', line: 'no flush at the end' })
  const delim = packets.findIndex((packet) => packet.kind === 'delim')
  const middle = delim < 0 || delim > end ? end : delim
  const head = linesOf(packets.slice(0, middle))
  const lines = linesOf(packets.slice(middle + 1, end))
  if (head === undefined || lines === undefined) return err({ kind: 'malformed', line: 'delim' })
  const name = head.find((line) => line.startsWith('command='))?.slice(8)
  const format = head.find((line) => line.startsWith('object-format='))?.slice(14)
  if (format !== undefined && format !== 'sha1') {
    return err({ kind: 'unsupported', what: `object format ${format}` })
  }
  if (name === 'ls-refs' || name === 'fetch') return ok({ name, lines })
  return err({ kind: 'unsupported', what: `command "${name ?? ''}"` })
}

function linesOf(packets: readonly Packet[]): string[] | undefined {
  const lines: string[] = []
  for (const packet of packets) {
    if (packet.kind !== 'data') return undefined
    lines.push(lineOf(packet.bytes))
  }
  return lines
}

function* listRefs(repository: Repository, lines: readonly string[]): Generator<Uint8Array> {
  const asked = new Set(lines)
  const [peel, symrefs] = [asked.has('peel'), asked.has('symrefs')]
  let prefixes = lines
    .filter((line) => line.startsWith('ref-prefix '))
    .map((line) => line.slice(11))
  if (prefixes.length === 0 || prefixes.length > REF_PREFIX_LIMIT) prefixes = ['']
  const listed = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix))

  const refs = repository.refs()
  if (listed('HEAD')) {
    const head = refs.get(repository.headRef)
    const target = symrefs ? ` symref-target:${repository.headRef}` : ''
    if (head !== undefined) yield encodePacket(`${head} HEAD${target}\n`)
    else if (asked.has('unborn')) yield encodePacket(`unborn HEAD${target}\n`)
  }
  for (const [name, oid] of refs) {
    if (!listed(name)) continue
    const peeled = peel ? peeledRef(repository, name, oid) : undefined
    yield encodePacket(`${oid} ${name}${peeled === undefined ? '' : ` peeled:${peeled}`}\n`)
  }
  yield FLUSH
}

type FetchV2 = FetchRequest & {
  readonly haves: Set<Oid>
  readonly wantedRefs: Map<string, Oid>
  readonly words: Set<string>
}

function* fetch(
  repository: Repository,
  lines: readonly string[],
  limits: FetchLimits,
): Generator<Uint8Array> {
  const read = readFetch(repository, lines, limits)
  if (!read.ok) return yield refusal(read.error)
  const request = read.value
  const graph = new CommitGraph(repository)
  const judged = yield* inTurns(judgeWants(repository, graph, request.wants, 2))
  if (!judged.ok) return yield refusal(judged.error)

  const common = new Set([...request.haves].filter((oid) => repository.has(oid)))
  const waiting = request.words.has('wait-for-done')
  if (request.wants.size === 0 && !waiting) return yield FLUSH
  if (!request.words.has('done') && (request.haves.size > 0 || waiting)) {
    yield encodePacket('acknowledgments\n')
    if (common.size === 0) yield encodePacket('NAK\n')
    for (const oid of common) yield encodePacket(`ACK ${oid}\n`)
    const ready =
      !waiting && common.size > 0 && (yield* inTurns(graph.allReach(request.wants, common)))
    if (!ready) return yield FLUSH
    yield encodePacket('ready\n')
    yield DELIM
  }
  yield* sendV2(repository, graph, request, common)
}

/** The sections after the acknowledgments: shallow-info, wanted-refs, packfile. */
function* sendV2(
  repository: Repository,
  graph: CommitGraph,
  request: FetchV2,
  common: ReadonlySet<Oid>,
): Generator<Uint8Array> {
  const plan = yield* inTurns(shallowPlanOf(graph, request))
  if (plan === undefined && (request.sinceSeconds !== undefined || request.deepenNot.length > 0)) {
    return yield refusal({ kind: 'nothing-within' })
  }
  if (plan !== undefined) yield* shallowInfo(plan)
  if (request.wantedRefs.size > 0) {
    yield encodePacket('wanted-refs\n')
    for (const [name, oid] of request.wantedRefs) yield encodePacket(`${oid} ${name}\n`)
    yield DELIM
  }
  yield encodePacket('packfile\n')
  const wanted = {
    wants: [...request.wants, ...(plan?.extraWants ?? [])],
    common,
    clientShallow: request.clientShallow,
    shallow: plan?.boundary ?? request.clientShallow,
    ...(request.filter && { filter: request.filter }),
  }
  yield* sendPack(repository, graph, wanted, {
    bandBytes: SIDE_BAND_64K_BYTES,
    thin: request.words.has('thin-pack'),
    ofsDelta: request.words.has('ofs-delta'),
    progress: !request.words.has('no-progress'),
    includeTag: request.words.has('include-tag'),
  })
  yield FLUSH
}

function* shallowInfo(plan: ShallowPlan): Generator<Uint8Array> {
  yield encodePacket('shallow-info\n')
  for (const oid of plan.shallow) yield encodePacket(`shallow ${oid}\n`)
  for (const oid of plan.unshallow) yield encodePacket(`unshallow ${oid}\n`)
  yield DELIM
}

function readFetch(
  repository: Repository,
  lines: readonly string[],
  limits: FetchLimits,
): Result<FetchV2, FetchError> {
  const request: FetchV2 = {
    ...emptyRequest(),
    haves: new Set(),
    wantedRefs: new Map(),
    words: new Set(),
  }
  for (const line of lines) {
    const taken =
      takeCommonLine(repository, request, line, limits) ?? takeLine(repository, request, line)
    if (!taken.ok) return taken
    if (request.wants.size > limits.wants) return err({ kind: 'too-many', what: 'wants' })
    if (request.haves.size > limits.haves) return err({ kind: 'too-many', what: 'haves' })
  }
  request.relative = request.words.has('deepen-relative')
  return ok(request)
}

function takeLine(
  repository: Repository,
  request: FetchV2,
  line: string,
): Result<'taken', FetchError> {
  if (WORDS.has(line)) {
    request.words.add(line)
    return ok('taken')
  }
  const [word, value = ''] = splitOnce(line)
  if (word === 'want-ref') {
    const oid =
      value === 'HEAD' ? repository.refs().get(repository.headRef) : repository.refs().get(value)
    if (oid === undefined) return err({ kind: 'unknown-ref', name: value })
    request.wants.add(oid)
    request.wantedRefs.set(value, oid)
    return ok('taken')
  }
  if ((word !== 'want' && word !== 'have') || !isOid(value)) return err({ kind: 'malformed', line })
  const oids = word === 'want' ? request.wants : request.haves
  oids.add(value)
  return ok('taken')
}

function splitOnce(line: string): [string, string?] {
  const space = line.indexOf(' ')
  return space < 0 ? [line] : [line.slice(0, space), line.slice(space + 1)]
}

function refusal(error: FetchError): Uint8Array {
  return encodePacket(`ERR ${fetchErrorText(error)}\n`)
}

const WORDS: ReadonlySet<string> = new Set([
  'done',
  'thin-pack',
  'no-progress',
  'include-tag',
  'ofs-delta',
  'deepen-relative',
  'wait-for-done',
])
