// A repository over smart HTTP: gitprotocol-http(5). The dumb protocol is refused, with a text that helps.
// Knows requests and responses; what is said in them is made in ../wire and ./push.ts.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { readBody, type BodyError } from '../../shared/http/server.ts'
import { reply, replyText } from '../../shared/http/reply.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { Result } from '../../shared/result/result.ts'
import type { Repository } from '../repository.ts'
import { advertise, serviceHeader, type Service } from '../wire/advertise.ts'
import { protocolVersion } from '../wire/capabilities.ts'
import { encodePushFailure } from '../wire/receive-pack.ts'
import { GIT_LIMITS, type GitLimits } from './limits.ts'
import { takePush, type PushDone } from './push.ts'
import { streamResponse } from './stream-response.ts'
import { answerFetch } from './fetch.ts'

export type GitHandlerOptions = {
  readonly repository: Repository
  /** Last part of the clone URL, e.g. `zones.git`; `zones` is understood too. */
  readonly name: string
  /** Asked for every request but those to /hook, which prove themselves by their signature. */
  readonly authenticate: (
    request: IncomingMessage,
  ) => Promise<{ readonly user?: string } | 'denied'>
  readonly log: Log
  readonly metrics: Metrics
  readonly limits?: GitLimits
  /** Lets the served branch be rewound by a forced push. */
  readonly allowForce?: boolean
  /** Lets symbolic links and submodules in. */
  readonly allowLinks?: boolean
  readonly clock?: Clock
  /** A call from a forge that something was pushed there; gives the HTTP status. */
  readonly hook?: (body: Buffer, headers: IncomingHttpHeaders) => Promise<number>
}

/** The promise ends when the response has. It rejects only for a fault of ours, damaged storage among them. */
export type GitHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createGitHandler(options: GitHandlerOptions): GitHandler {
  const handler = new Handler(options)
  return (request, response) => handler.handle(request, response)
}

class Handler {
  readonly #options: GitHandlerOptions
  readonly #limits: GitLimits
  readonly #clock: Clock
  readonly #count: (labels: { service: string; outcome: string }) => void
  readonly #time: (seconds: number, labels: { service: string }) => void
  readonly #received: (bytes: number) => void
  readonly #sent: (bytes: number) => void
  #pushes = 0

  constructor(options: GitHandlerOptions) {
    const { metrics } = options
    this.#options = options
    this.#limits = options.limits ?? GIT_LIMITS
    this.#clock = options.clock ?? systemClock
    const requests = metrics.counter(
      'cairn_git_requests',
      'Requests of git clients, by what became of them',
    )
    const seconds = metrics.histogram(
      'cairn_git_request_seconds',
      'Time to answer a git client',
      SECONDS,
    )
    const received = metrics.counter(
      'cairn_git_received_bytes',
      'Pushes and questions of git clients',
    )
    const sent = metrics.counter('cairn_git_sent_bytes', 'Answers to git clients')
    this.#count = (labels) => requests.inc(labels)
    this.#time = (value, labels) => seconds.observe(value, labels)
    this.#received = (bytes) => received.inc({}, bytes)
    this.#sent = (bytes) => sent.inc({}, bytes)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url === null) return replyText(response, 400, 'That is no path')
    if (url.pathname === '/hook') return this.#hook(request, response)
    const who = await this.#options.authenticate(request)
    if (who === 'denied') {
      this.#count({ service: 'any', outcome: 'denied' })
      return replyText(response, 401, 'A user and password are needed', {
        'www-authenticate': 'Basic realm="git", charset="UTF-8"',
      })
    }
    const rest = this.#pathInRepository(url.pathname)
    if (rest === undefined) return replyText(response, 404, this.#page(request))
    switch (rest) {
      case '':
        return this.#get(request, response, () => replyText(response, 200, this.#page(request)))
      case '/info/refs':
        return this.#get(request, response, () =>
          this.#refs(request, response, url.searchParams.get('service')),
        )
      case '/git-upload-pack':
        return this.#post(request, response, 'git-upload-pack', () =>
          this.#fetch(request, response),
        )
      case '/git-receive-pack':
        return this.#post(request, response, 'git-receive-pack', () =>
          this.#push(request, response, who.user),
        )
      default:
        return replyText(response, 404, DUMB)
    }
  }

  /** '' for the repository or the root, `/info/refs` and so on below it; undefined for another name. */
  #pathInRepository(pathname: string): string | undefined {
    if (pathname === '/') return ''
    const { name } = this.#options
    for (const known of [name, name.replace(/\.git$/, '')]) {
      const prefix = `/${encodeURI(known)}`
      if (pathname === prefix || pathname === `${prefix}/`) return ''
      if (pathname.startsWith(`${prefix}/`)) return pathname.slice(prefix.length)
    }
    return undefined
  }

  async #get(
    request: IncomingMessage,
    response: ServerResponse,
    answer: () => Promise<void> | void,
  ): Promise<void> {
    if (request.method === 'GET' || request.method === 'HEAD') return answer()
    replyText(response, 405, 'Only GET', { allow: 'GET, HEAD' })
  }

  async #post(
    request: IncomingMessage,
    response: ServerResponse,
    service: Service,
    answer: () => Promise<void>,
  ): Promise<void> {
    if (request.method !== 'POST') return replyText(response, 405, 'Only POST', { allow: 'POST' })
    // A page in a browser cannot send this type to another site without being asked: no forged pushes.
    if (request.headers['content-type'] !== `application/x-${service}-request`) {
      return replyText(response, 415, `Expected content of type application/x-${service}-request`)
    }
    const startMs = this.#clock.monotonicMs()
    await answer()
    this.#time((this.#clock.monotonicMs() - startMs) / 1000, { service })
  }

  async #refs(
    request: IncomingMessage,
    response: ServerResponse,
    service: string | null,
  ): Promise<void> {
    if (service !== 'git-upload-pack' && service !== 'git-receive-pack') {
      return replyText(response, service === null ? 404 : 403, DUMB)
    }
    const version = protocolVersion(gitProtocol(request))
    setHeaders(response, `application/x-${service}-advertisement`)
    this.#count({ service, outcome: 'advertised' })
    await this.#stream(response, function* (repository) {
      yield serviceHeader(service)
      yield* advertise(repository, service, version)
    })
  }

  async #fetch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await this.#read(request, response, this.#limits.askBytes)
    if (body === undefined) return
    const version = protocolVersion(gitProtocol(request))
    setHeaders(response, 'application/x-git-upload-pack-result')
    const startMs = this.#clock.monotonicMs()
    const { fetch } = this.#limits
    const sentBytes = await this.#stream(response, (repository) =>
      answerFetch(repository, body, version, fetch),
    )
    this.#count({ service: 'git-upload-pack', outcome: response.destroyed ? 'gone' : 'done' })
    this.#options.log.debug('fetch', {
      bytes: sentBytes,
      ms: Math.round(this.#clock.monotonicMs() - startMs),
    })
  }

  async #push(
    request: IncomingMessage,
    response: ServerResponse,
    user: string | undefined,
  ): Promise<void> {
    if (this.#pushes >= this.#limits.pushes) {
      this.#count({ service: 'git-receive-pack', outcome: 'busy' })
      return replyText(response, 503, 'Too many pushes at once, try again', { 'retry-after': '5' })
    }
    this.#pushes++
    try {
      await this.#takePush(request, response, user)
    } finally {
      this.#pushes--
    }
  }

  async #takePush(
    request: IncomingMessage,
    response: ServerResponse,
    user: string | undefined,
  ): Promise<void> {
    const { log, repository, allowForce = false, allowLinks = false } = this.#options
    const { pushBytes, pack } = this.#limits
    const read = await readBody(request, pushBytes)
    const startMs = this.#clock.monotonicMs()
    setHeaders(response, 'application/x-git-receive-pack-result')
    if (!read.ok) {
      this.#count({ service: 'git-receive-pack', outcome: read.error })
      log.warn('push-unread', { user, reason: read.error })
      // As an answer of the protocol, git prints it; of a status code it would show the number alone.
      const text =
        read.error === 'too-large' ? `a push may have ${pushBytes} bytes at most` : read.error
      await this.#stream(response, () => encodePushFailure(`receive-pack: ${text}`))
      return
    }
    this.#received(read.value.length)
    const done = await takePush(repository, read.value, {
      policy: { pack, allowForce, allowLinks },
      ...(user !== undefined && { user }),
    })
    this.#count({ service: 'git-receive-pack', outcome: done.kind })
    logPush(log, done, { user, bytes: read.value.length, ms: this.#clock.monotonicMs() - startMs })
    await this.#stream(response, () => done.answer)
  }

  async #hook(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { hook } = this.#options
    if (hook === undefined) return replyText(response, 404, 'No hook is configured')
    if (request.method !== 'POST') return replyText(response, 405, 'Only POST', { allow: 'POST' })
    const body = await this.#read(request, response, this.#limits.hookBytes)
    if (body === undefined) return
    const status = await hook(body, request.headers)
    this.#count({ service: 'hook', outcome: status < 300 ? 'done' : 'refused' })
    reply(response, status, '', {})
  }

  /** The body, or undefined when the request has been answered already. */
  async #read(
    request: IncomingMessage,
    response: ServerResponse,
    limitBytes: number,
  ): Promise<Buffer | undefined> {
    const read: Result<Buffer, BodyError> = await readBody(request, limitBytes)
    if (read.ok) {
      this.#received(read.value.length)
      return read.value
    }
    if (read.error === 'aborted') response.destroy()
    else replyText(response, STATUS[read.error], `The body is ${read.error}`)
    return undefined
  }

  async #stream(
    response: ServerResponse,
    answer: (repository: Repository) => Iterable<Uint8Array>,
  ): Promise<number> {
    const bytes = await streamResponse(response, answer(this.#options.repository), this.#clock)
    this.#sent(bytes)
    return bytes
  }

  #page(request: IncomingMessage): string {
    const { name } = this.#options
    const host = request.headers.host ?? ''
    const secure = 'encrypted' in request.socket
    const base = HOST.test(host) ? `${secure ? 'https' : 'http'}://${host}` : ''
    return `Here is the git repository ${name}. It speaks git, not pages:\n\n    git clone ${base}/${encodeURI(name)}`
  }
}

function logPush(
  log: Log,
  done: PushDone,
  fields: { user: string | undefined; bytes: number; ms: number },
): void {
  if (done.kind === 'nothing') return
  const { user, bytes } = fields
  const first = done.refs.find((ref) => ref.refused !== undefined)
  const common = {
    user,
    refs: done.refs
      .map((ref) => ref.name)
      .slice(0, 8)
      .join(' '),
    bytes,
  }
  const took = { objects: done.objects, ms: Math.round(fields.ms) }
  if (done.kind === 'done') log.info('push', { ...common, ...took })
  else log.warn('push-refused', { ...common, ...took, outcome: done.kind, reason: first?.refused })
}

function gitProtocol(request: IncomingMessage): string | undefined {
  return request.headers['git-protocol']?.toString()
}

function setHeaders(response: ServerResponse, type: string): void {
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-cache, max-age=0, must-revalidate')
  response.setHeader('expires', 'Fri, 01 Jan 1980 00:00:00 GMT')
  response.setHeader('pragma', 'no-cache')
}

const DUMB =
  'Only the smart HTTP protocol is spoken here: use git 1.6.6 or later, and git clone on the address of the repository'
const HOST = /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i
const STATUS = { 'too-large': 413, malformed: 400 } as const
const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
