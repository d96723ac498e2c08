// A remote that speaks git's own protocol, over whatever carries a conversation: refs, fetch, push.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { ZERO_OID, type Oid } from '../object/oid.ts'
import type { Service } from '../wire/advertise.ts'
import { CommitGraph } from '../history/commit-graph.ts'
import { packStream } from '../wire/pack-stream.ts'
import { selectObjects } from '../wire/select-objects.ts'
import { decodeAdvertisement, type Advertisement } from './advertisement.ts'
import type { Conversation, GitService } from './conversation.ts'
import { fetchPack } from './isomorphic.ts'
import { decodeReport, encodeCommands } from './push-request.ts'
import {
  REMOTE_LIMITS,
  type FetchRequest,
  type PushReport,
  type PushRequest,
  type RemoteError,
  type RemoteLimits,
  type Transport,
} from './transport.ts'

export class GitTransport implements Transport {
  readonly name: string
  readonly #service: GitService
  readonly #limits: RemoteLimits

  constructor(service: GitService, limits: RemoteLimits = REMOTE_LIMITS) {
    this.name = service.name
    this.#service = service
    this.#limits = limits
  }

  async refs(signal: AbortSignal): Promise<Result<ReadonlyMap<string, Oid>, RemoteError>> {
    return await this.#talk('git-upload-pack', signal, async ({ refs }) => ok(refs))
  }

  async fetch(request: FetchRequest): Promise<Result<Uint8Array, RemoteError>> {
    return await this.#talk('git-upload-pack', request.signal, async (offer, conversation) => {
      // Between the look and now they may have moved: then what we want may be gone, and there is something newer.
      const offered = new Set(offer.refs.values())
      const gone = request.wants.find((oid) => !offered.has(oid))
      if (gone !== undefined) return err({ kind: 'moved', name: gone, actual: undefined })
      return await fetchPack({
        conversation,
        capabilityText: offer.capabilityText,
        wants: request.wants,
        haves: request.haves,
        limitBytes: this.#limits.packBytes,
      })
    })
  }

  async push(request: PushRequest): Promise<Result<PushReport, RemoteError>> {
    return await this.#talk('git-receive-pack', request.signal, async (offer, conversation) => {
      for (const { name, old } of request.updates) {
        const actual = offer.refs.get(name)
        if ((actual ?? ZERO_OID) !== old) return err({ kind: 'moved', name, actual })
      }
      const answer = await conversation.ask(pushBody(request, offer), this.#limits.reportBytes)
      return answer.ok ? decodeReport(answer.value, offer.capabilities) : answer
    })
  }

  async #talk<T>(
    service: Service,
    signal: AbortSignal,
    talk: (offer: Advertisement, conversation: Conversation) => Promise<Result<T, RemoteError>>,
  ): Promise<Result<T, RemoteError>> {
    const opened = await this.#service.open(service, signal)
    if (!opened.ok) return opened
    const conversation = opened.value
    try {
      const offer = decodeAdvertisement(conversation.advertisement)
      return offer.ok ? await talk(offer.value, conversation) : offer
    } finally {
      conversation.close()
    }
  }
}

/** Commands and, unless refs are only deleted, a pack with what the remote lacks. Deltas may lean on what it has. */
async function* pushBody(
  request: PushRequest,
  offer: Advertisement,
): AsyncGenerator<Uint8Array, undefined> {
  yield encodeCommands(request.updates, offer.capabilities)
  const wants = request.updates.map((update) => update.new).filter((oid) => oid !== ZERO_OID)
  if (wants.length === 0) return
  const walk = selectObjects(request.reader, new CommitGraph(request.reader), {
    wants,
    common: new Set([...offer.refs.values()].filter((oid) => request.reader.has(oid))),
    clientShallow: new Set(),
    shallow: new Set(),
  })
  let step = walk.next()
  for (; step.done !== true; step = walk.next()) await turn()
  const pack = packStream(request.reader, step.value, {
    thin: !offer.capabilities.has('no-thin'),
    ofsDelta: offer.capabilities.has('ofs-delta'),
  })
  let pieces = 0
  for (const piece of pack) {
    yield piece
    if (++pieces % TURN_PIECES === 0) await turn()
  }
}

/** Reading a large history must not keep the house from answering. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const TURN_PIECES = 512
