// isomorphic-git behind a wall: it negotiates a fetch, and gets neither our files nor our network.
//
// Its network is one conversation that is open already; its repository is a few files in memory: the commits we have,
// as refs, and nothing else. What it would write as a pack is taken from it before it spends time on an index:
// the caller parses and checks those bytes itself. Pushing is not left to it: it would list the whole tree for every
// push (2 s at 100,000 files).
import { fetch as negotiate, type HttpClient, type PromiseFsClient } from 'isomorphic-git'
import { err, ok, type Result } from '../../shared/result/result.ts'
import type { Oid } from '../object/oid.ts'
import { parseCapabilities } from '../wire/capabilities.ts'
import { decodeAllPackets, decodePackets, encodePacket } from '../wire/pkt-line.ts'
import { encodeAdvertisement, errorLine, printable } from './advertisement.ts'
import type { Conversation } from './conversation.ts'
import { HAVES_LIMIT, type RemoteError } from './transport.ts'

export type FetchTask = {
  readonly conversation: Conversation
  readonly capabilityText: string
  readonly wants: readonly Oid[]
  readonly haves: readonly Oid[]
  readonly limitBytes: number
}

/** The pack as it came over the wire; empty when there was nothing to send. */
export async function fetchPack(task: FetchTask): Promise<Result<Uint8Array, RemoteError>> {
  const files = new FacadeFiles(task.haves.slice(0, HAVES_LIMIT))
  const network = new FacadeNetwork(task)
  try {
    await negotiate({
      fs: files.client,
      http: network,
      gitdir: GIT_DIR,
      url: 'http://remote/repository',
      remote: 'origin',
      ref: 'refs/heads/want-0',
    })
    return network.error === undefined ? ok(files.pack ?? new Uint8Array()) : err(network.error)
  } catch (error) {
    if (network.error !== undefined) return err(network.error)
    if (files.pack !== undefined) return ok(files.pack)
    return err({
      kind: 'garbage',
      why: printable(error instanceof Error ? error.message : 'no pack'),
    })
  }
}

/** Answers isomorphic-git's two requests from the conversation, and stops what it would not notice. */
class FacadeNetwork implements HttpClient {
  readonly #task: FetchTask
  error: RemoteError | undefined

  constructor(task: FetchTask) {
    this.#task = task
  }

  request: HttpClient['request'] = async ({ url, method = 'GET', body }) => {
    const { conversation, wants, capabilityText, limitBytes } = this.#task
    const isAdvertisement = method === 'GET'
    const type = isAdvertisement ? 'advertisement' : 'result'
    let bytes: Uint8Array
    if (isAdvertisement) {
      // Only what is wanted, so that it asks for nothing else.
      const refs = wants.map((oid, n) => [`refs/heads/want-${n}`, oid] as const)
      const head = wants.slice(0, 1).map((oid) => ['HEAD', oid] as const)
      bytes = encodeAdvertisement('git-upload-pack', [...head, ...refs], capabilityText)
    } else {
      const question = withThinPack(await collect(body ?? []), capabilityText)
      const answer = await conversation.ask(pieces([question]), limitBytes)
      const faulty = answer.ok ? faultIn(answer.value) : answer.error
      if (!answer.ok || faulty !== undefined) {
        this.error = faulty
        throw new Error('the remote did not send a pack')
      }
      bytes = answer.value
    }
    return {
      url,
      method,
      headers: { 'content-type': `application/x-git-upload-pack-${type}` },
      body: pieces([bytes]),
      statusCode: 200,
      statusMessage: 'OK',
    }
  }
}

/**
 * Lets the remote send deltas against what we have, which isomorphic-git could not store and we can: a changed entry of
 * a folder with 10,000 files is then some bytes instead of the whole folder.
 */
function withThinPack(question: Uint8Array, capabilityText: string): Uint8Array {
  const sections = decodePackets(question)
  const [first] = sections?.packets ?? []
  if (!parseCapabilities(capabilityText).has('thin-pack') || first?.kind !== 'data') return question
  const want = Buffer.from(first.bytes).toString('latin1').trimEnd()
  const rest = question.subarray(encodePacket(first.bytes).length)
  return Buffer.concat([encodePacket(`${want} thin-pack\n`), rest])
}

/** What isomorphic-git would take for the end of the pack: broken framing, ERR, and the side-band of failures. */
function faultIn(answer: Uint8Array): RemoteError | undefined {
  const packets = decodeAllPackets(answer)
  if (!packets.ok) return { kind: 'garbage', why: 'its answer is cut short or no packet lines' }
  let data = false
  for (const packet of packets.value) {
    if (packet.kind !== 'data') continue
    const band = packet.bytes[0]
    if (band === 1) data = true
    if (band === 3) {
      const why = printable(Buffer.from(packet.bytes.subarray(1)).toString('utf8'))
      return { kind: 'answer', status: 0, why }
    }
    if (band !== 0x45 /* E */) continue
    const line = Buffer.from(packet.bytes).toString('utf8')
    if (line.startsWith('ERR ')) return errorLine(line)
  }
  return data ? undefined : { kind: 'garbage', why: 'its answer holds no pack' }
}

/** The repository isomorphic-git sees. Writes are taken and dropped, the pack is kept. */
class FacadeFiles {
  readonly #files: ReadonlyMap<string, string>
  readonly #objects: ReadonlySet<string>
  pack: Uint8Array | undefined

  constructor(haves: readonly Oid[]) {
    const packedRefs = haves.map((oid, n) => `${oid} refs/haves/${n}\n`).join('')
    this.#files = new Map([
      [`${GIT_DIR}/config`, CONFIG],
      [`${GIT_DIR}/packed-refs`, packedRefs],
    ])
    this.#objects = new Set(
      haves.map((oid) => `${GIT_DIR}/objects/${oid.slice(0, 2)}/${oid.slice(2)}`),
    )
  }

  get client(): PromiseFsClient {
    const absent = async (path: string): Promise<never> => {
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    }
    const stat = async (path: string): Promise<object> => {
      if (path === GIT_DIR) return FOLDER
      return this.#files.has(path) || this.#objects.has(path) ? FILE : await absent(path)
    }
    const done = async (): Promise<void> => {}
    return {
      promises: {
        readFile: async (path: string, options?: unknown) => {
          const text = this.#files.get(path)
          if (text === undefined) return await absent(path)
          return options === undefined ? Buffer.from(text) : text
        },
        writeFile: async (path: string, content: unknown) => {
          if (!path.endsWith('.pack') || !(content instanceof Uint8Array)) return
          this.pack = content
          // Ends the fetch here.
          throw new Error('the pack was taken')
        },
        readdir: absent,
        readlink: absent,
        symlink: absent,
        unlink: done,
        mkdir: done,
        rmdir: done,
        stat,
        lstat: stat,
      },
    }
  }
}

/** isomorphic-git gives an array where its types say AsyncIterable: both are taken. */
async function collect(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const piece of body) chunks.push(piece)
  return Buffer.concat(chunks)
}

async function* pieces(body: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* body
}

const GIT_DIR = '/repository'
const FILE = { isFile: () => true, isDirectory: () => false, isSymbolicLink: () => false }
const FOLDER = { isFile: () => false, isDirectory: () => true, isSymbolicLink: () => false }
const CONFIG = `[core]
	repositoryformatversion = 0
	bare = true
[remote "origin"]
	url = http://remote/repository
	fetch = +refs/heads/*:refs/remotes/origin/*
`
