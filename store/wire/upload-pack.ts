// The server's side of a fetch in protocol versions 0 and 1: gitprotocol-pack(5), "Packfile Negotiation".
// Stateful (ssh) and stateless (smart HTTP, where each request repeats what was agreed) alike.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, type Oid } from '../object/oid.ts'
import type { Repository } from '../repository.ts'
import { parseCapabilities, type Capabilities } from './capabilities.ts'
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
} from './fetch-answer.ts'
import { encodePacket, FLUSH, type Packet } from './pkt-line.ts'
import { SIDE_BAND_64K_BYTES, SIDE_BAND_BYTES } from './side-band.ts'

export type UploadOptions = {
  /** One request per round: the answer ends at the flush after the haves. */
  readonly stateless: boolean
  readonly limits?: FetchLimits
}

type Acks = 'single' | 'multi' | 'detailed'

/** Feed it each packet of the client, then `end` when there are no more; it yields what to send back. */
export class UploadPack {
  readonly #repository: Repository
  readonly #graph: CommitGraph
  readonly #stateless: boolean
  readonly #limits: FetchLimits
  readonly #request = emptyRequest()
  readonly #common = new Set<Oid>()
  #state: 'wants' | 'haves' | 'over' = 'wants'
  #capabilities: Capabilities = new Map()
  #boundary: ReadonlySet<Oid> | undefined
  #extraWants: readonly Oid[] = []
  #haves = 0
  #last: Oid | undefined
  #gotCommon = false
  #gotOther = false
  #sentReady = false
  /** Size of the common set when it was last found not to be enough. */
  #lackingAt = -1

  constructor(repository: Repository, options: UploadOptions) {
    this.#repository = repository
    this.#graph = new CommitGraph(repository)
    this.#stateless = options.stateless
    this.#limits = options.limits ?? FETCH_LIMITS
  }

  /** Nothing more is to be read or sent. */
  get over(): boolean {
    return this.#state === 'over'
  }

  *receive(packet: Packet): Generator<Uint8Array> {
    if (this.#state === 'over') return
    if (packet.kind === 'flush') {
      yield* this.#state === 'wants' ? this.#wantsDone() : this.#havesPaused()
      return
    }
    if (packet.kind !== 'data') return yield* this.#refuse({ kind: 'malformed', line: packet.kind })
    const line = lineOf(packet.bytes)
    yield* this.#state === 'wants' ? this.#takeWant(line) : this.#takeHave(line)
  }

  /** The client said all it will say. A fetch that is not finished then was given up. */
  *end(): Generator<Uint8Array> {
    // Right after the wants is the end of a round that only asked where its shallow history ends.
    if (this.#state === 'haves' && this.#stateless && this.#haves > 0) yield* this.#havesPaused()
    this.#state = 'over'
  }

  *#takeWant(line: string): Generator<Uint8Array> {
    const taken = line.startsWith('want ')
      ? this.#want(line)
      : takeCommonLine(this.#repository, this.#request, line, this.#limits)
    if (taken === undefined) yield* this.#refuse({ kind: 'malformed', line })
    else if (!taken.ok) yield* this.#refuse(taken.error)
  }

  #want(line: string): Result<'taken', FetchError> {
    const oid = line.slice(5, 45)
    if (!isOid(oid)) return err({ kind: 'malformed', line })
    const { wants } = this.#request
    if (wants.size === 0) this.#capabilities = parseCapabilities(line.slice(45))
    if (wants.size >= this.#limits.wants) return err({ kind: 'too-many', what: 'wants' })
    wants.add(oid)
    return ok('taken')
  }

  *#wantsDone(): Generator<Uint8Array> {
    const request = this.#request
    // A client that has all it wants says so with a flush alone.
    if (request.wants.size === 0) return void (this.#state = 'over')
    request.relative = this.#can('deepen-relative')
    const format = this.#capabilities.get('object-format')?.[0] ?? 'sha1'
    if (format !== 'sha1') {
      return yield* this.#refuse({ kind: 'unsupported', what: `object format ${format}` })
    }
    const judged = yield* inTurns(judgeWants(this.#repository, this.#graph, request.wants, 0))
    if (!judged.ok) return yield* this.#refuse(judged.error)
    this.#state = 'haves'
    const plan = yield* inTurns(shallowPlanOf(this.#graph, request))
    if (plan !== undefined) {
      for (const oid of plan.shallow) yield encodePacket(`shallow ${oid}`)
      for (const oid of plan.unshallow) yield encodePacket(`unshallow ${oid}`)
      yield FLUSH
      this.#boundary = plan.boundary
      this.#extraWants = plan.extraWants
    } else if (request.sinceSeconds !== undefined || request.deepenNot.length > 0) {
      yield* this.#refuse({ kind: 'nothing-within' })
    }
  }

  *#takeHave(line: string): Generator<Uint8Array> {
    if (line === 'done') return yield* this.#done()
    const oid = line.slice(5)
    if (!line.startsWith('have ') || !isOid(oid))
      return yield* this.#refuse({ kind: 'malformed', line })
    if (++this.#haves > this.#limits.haves)
      return yield* this.#refuse({ kind: 'too-many', what: 'haves' })
    const acks = this.#acks
    if (this.#repository.has(oid)) {
      this.#gotCommon = true
      this.#last = oid
      const first = this.#common.size === 0
      this.#common.add(oid)
      if (acks === 'detailed') yield encodePacket(`ACK ${oid} common\n`)
      else if (acks === 'multi') yield encodePacket(`ACK ${oid} continue\n`)
      else if (first) yield encodePacket(`ACK ${oid}\n`)
      return
    }
    this.#gotOther = true
    if (acks === 'single' || !(yield* this.#enough())) return
    // We could send the pack now: calling what we do not have common makes the client stop digging there.
    this.#sentReady ||= acks === 'detailed'
    yield encodePacket(`ACK ${oid} ${acks === 'detailed' ? 'ready' : 'continue'}\n`)
  }

  *#havesPaused(): Generator<Uint8Array> {
    const acks = this.#acks
    if (acks === 'detailed' && this.#gotCommon && !this.#gotOther && (yield* this.#enough())) {
      this.#sentReady = true
      yield encodePacket(`ACK ${this.#last} ready\n`)
    }
    if (this.#common.size === 0 || acks !== 'single') yield encodePacket('NAK\n')
    if (this.#can('no-done') && this.#sentReady) {
      yield encodePacket(`ACK ${this.#last}\n`)
      return yield* this.#pack()
    }
    if (this.#stateless) this.#state = 'over'
    this.#gotCommon = false
    this.#gotOther = false
  }

  *#done(): Generator<Uint8Array> {
    if (this.#last === undefined) yield encodePacket('NAK\n')
    else if (this.#acks !== 'single') yield encodePacket(`ACK ${this.#last}\n`)
    yield* this.#pack()
  }

  *#pack(): Generator<Uint8Array> {
    this.#state = 'over'
    const { wants, clientShallow, filter } = this.#request
    const bandBytes = this.#can('side-band-64k')
      ? SIDE_BAND_64K_BYTES
      : this.#can('side-band')
        ? SIDE_BAND_BYTES
        : undefined
    const wanted = {
      wants: [...wants, ...this.#extraWants],
      common: this.#common,
      clientShallow,
      shallow: this.#boundary ?? clientShallow,
      ...(filter && { filter }),
    }
    yield* sendPack(this.#repository, this.#graph, wanted, {
      bandBytes,
      thin: this.#can('thin-pack'),
      ofsDelta: this.#can('ofs-delta'),
      progress: !this.#can('no-progress'),
      includeTag: this.#can('include-tag'),
    })
    if (bandBytes !== undefined) yield FLUSH
  }

  /** Whether the haves so far suffice; asked again only when there are more of them. */
  *#enough(): Generator<Uint8Array, boolean> {
    if (this.#common.size === 0 || this.#lackingAt === this.#common.size) return false
    const enough = yield* inTurns(this.#graph.allReach(this.#request.wants, this.#common))
    if (!enough) this.#lackingAt = this.#common.size
    return enough
  }

  *#refuse(error: FetchError): Generator<Uint8Array> {
    this.#state = 'over'
    yield encodePacket(`ERR ${fetchErrorText(error)}\n`)
  }

  #can(name: string): boolean {
    return this.#capabilities.has(name)
  }

  get #acks(): Acks {
    if (this.#can('multi_ack_detailed')) return 'detailed'
    return this.#can('multi_ack') ? 'multi' : 'single'
  }
}

/** Text of a packet without its final newline. */
export function lineOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return text.endsWith('\n') ? text.slice(0, -1) : text
}
