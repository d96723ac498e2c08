// Smart HTTP to a remote with the fetch of Node: bounded in bytes and time, and every failure has a name.
//
// Redirects are not followed: credentials would travel to wherever the answer says; the person is told where it points.
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { serviceHeader, type Service } from '../wire/advertise.ts'
import { AGENT } from '../wire/capabilities.ts'
import { printable } from './advertisement.ts'
import type { Conversation, GitService } from './conversation.ts'
import { networkError } from './network-error.ts'
import { Patience } from './patience.ts'
import { REMOTE_LIMITS, type RemoteError, type RemoteLimits } from './transport.ts'

export type HttpCredentials =
  | { readonly token: string }
  | { readonly user: string; readonly password: string }

export type HttpRemoteOptions = {
  /** `https://git.example.org/zones.git`; a user in it is taken, a password is not. */
  readonly url: string
  readonly credentials?: HttpCredentials
  readonly limits?: RemoteLimits
  readonly clock?: Clock
}

/** A token, or `user:password`; white space around it does not count. */
export function parseCredentials(text: string): HttpCredentials | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || /[\p{Cc}]/u.test(trimmed)) return undefined
  const colon = trimmed.indexOf(':')
  if (colon < 0) return { token: trimmed }
  return { user: trimmed.slice(0, colon), password: trimmed.slice(colon + 1) }
}

export class HttpService implements GitService {
  readonly name: string
  readonly #base: string
  readonly #headers: Readonly<{ [name: string]: string }>
  readonly #limits: RemoteLimits
  readonly #clock: Clock

  constructor(options: HttpRemoteOptions) {
    const url = new URL(options.url)
    const user = decodeURIComponent(url.username)
    url.username = ''
    url.password = ''
    url.search = ''
    url.hash = ''
    this.#base = url.href.replace(/\/+$/, '')
    this.name = this.#base
    this.#limits = options.limits ?? REMOTE_LIMITS
    this.#clock = options.clock ?? systemClock
    const authorization = basic(options.credentials, user)
    this.#headers = {
      // Some forges look at the name before they speak the smart protocol.
      'User-Agent': `git/${AGENT}`,
      'Accept-Encoding': 'identity',
      ...(authorization !== undefined && { Authorization: authorization }),
    }
  }

  async open(service: Service, signal: AbortSignal): Promise<Result<Conversation, RemoteError>> {
    const header = serviceHeader(service)
    const answer = await this.#request({
      url: `${this.#base}/info/refs?service=${service}`,
      init: { method: 'GET', headers: this.#headers },
      type: `application/x-${service}-advertisement`,
      limitBytes: this.#limits.advertisementBytes,
      signal,
    })
    if (!answer.ok) return answer
    const bytes = answer.value
    const head = bytes.subarray(0, header.length)
    if (Buffer.compare(head, header) !== 0 && !isError(bytes)) {
      return err({ kind: 'garbage', why: `its answer does not begin with "# service=${service}"` })
    }
    return ok({
      advertisement: isError(bytes) ? bytes : bytes.subarray(header.length),
      ask: (body, limitBytes) => this.#post(service, body, limitBytes, signal),
      close: () => {},
    })
  }

  async #post(
    service: Service,
    body: AsyncIterable<Uint8Array>,
    limitBytes: number,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array, RemoteError>> {
    const headers = {
      ...this.#headers,
      'Content-Type': `application/x-${service}-request`,
      Accept: `application/x-${service}-result`,
    }
    return await this.#request({
      url: `${this.#base}/${service}`,
      init: { method: 'POST', headers },
      body,
      type: `application/x-${service}-result`,
      limitBytes,
      signal,
    })
  }

  async #request(request: Request): Promise<Result<Uint8Array, RemoteError>> {
    if (request.signal.aborted) return err({ kind: 'stopped' })
    const patience = new Patience(this.#limits, this.#clock, request.signal)
    const body = request.body && new WatchedBody(request.body, patience)
    try {
      const response = await fetch(request.url, {
        ...request.init,
        ...(body !== undefined && (await body.init())),
        redirect: 'manual',
        signal: patience.signal,
      })
      patience.heard()
      if (response.status !== 200) return err(await this.#refusal(response, patience))
      const type = response.headers.get('content-type') ?? 'nothing'
      if (type.split(';')[0]?.trim().toLowerCase() !== request.type) {
        return err({
          kind: 'garbage',
          why: `it answers with ${printable(type)}; is this the URL of a git repository?`,
        })
      }
      return await readBounded(response, request.limitBytes, patience)
    } catch (error) {
      // The pack could not be made: that is no fault of the network.
      if (body?.fault !== undefined) throw body.fault
      return err(patience.error ?? networkError(error))
    } finally {
      patience.end()
    }
  }

  async #refusal(response: Response, patience: Patience): Promise<RemoteError> {
    const { status } = response
    const location = response.headers.get('location')
    if (status >= 300 && status < 400 && location !== null) {
      const why = `it points to ${printable(location)}: if that is right, configure that URL`
      return { kind: 'answer', status, why }
    }
    const body = await readBounded(response, REASON_LIMIT_BYTES, patience)
    const isText = /^text\/plain|json/.test(response.headers.get('content-type') ?? '')
    const said = isText && body.ok ? printable(Buffer.from(body.value).toString('utf8')) : ''
    const why = `${status}${said === '' ? '' : ` ${said}`}`
    if (status === 401) {
      const anonymous = this.#headers['Authorization'] === undefined
      return { kind: 'denied', why: anonymous ? `${why} (no credentials are configured)` : why }
    }
    if (status === 403) return { kind: 'denied', why }
    if (status === 404 || status === 410) return { kind: 'no-repository', why }
    return { kind: 'answer', status, why: said === '' ? response.statusText : said }
  }
}

type Request = {
  readonly url: string
  readonly init: { readonly method: string; readonly headers: { readonly [name: string]: string } }
  readonly body?: AsyncIterable<Uint8Array>
  readonly type: string
  readonly limitBytes: number
  readonly signal: AbortSignal
}

async function readBounded(
  response: Response,
  limitBytes: number,
  patience: Patience,
): Promise<Result<Uint8Array, RemoteError>> {
  if (Number(response.headers.get('content-length') ?? 0) > limitBytes) {
    return err({ kind: 'too-large', limitBytes })
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    patience.heard()
    size += chunk.length
    if (size > limitBytes) return err({ kind: 'too-large', limitBytes })
    chunks.push(chunk)
  }
  return ok(Buffer.concat(chunks))
}

/** What we send, and what went wrong while it was made, which fetch would call a network error. */
class WatchedBody {
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #patience: Patience
  fault: unknown

  constructor(body: AsyncIterable<Uint8Array>, patience: Patience) {
    this.#pieces = body[Symbol.asyncIterator]()
    this.#patience = patience
  }

  /** Small bodies go with their length, as some servers insist; large ones as they are made. */
  async init(): Promise<RequestInit> {
    const first: Uint8Array[] = []
    let size = 0
    while (size < WHOLE_BODY_BYTES) {
      const piece = await this.#next()
      if (piece === undefined) return { body: Buffer.concat(first) }
      first.push(piece)
      size += piece.length
    }
    return { body: ReadableStream.from(this.#stream(first)), duplex: 'half' }
  }

  async *#stream(first: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    yield* first
    for (;;) {
      const piece = await this.#next()
      if (piece === undefined) return
      // They take what we send: that is no silence.
      this.#patience.heard()
      yield piece
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const step = await this.#pieces.next()
      return step.done === true ? undefined : step.value
    } catch (error) {
      this.fault = error
      throw error
    }
  }
}

function basic(credentials: HttpCredentials | undefined, user: string): string | undefined {
  if (credentials === undefined) return undefined
  // Forges take a token as the password of any user.
  const pair =
    'token' in credentials
      ? `${user === '' ? 'git' : user}:${credentials.token}`
      : `${credentials.user}:${credentials.password}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** A packet `ERR …` in place of the `# service` line. */
function isError(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(4, 8)).toString('latin1') === 'ERR '
}

const REASON_LIMIT_BYTES = 4096
const WHOLE_BODY_BYTES = 1 << 20
