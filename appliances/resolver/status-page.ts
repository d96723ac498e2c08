// HTTP of the web page: its files, the figures it shows, and what a person does there. Who may is asked first; what changes
// something comes from the page alone, so that no other site can make a browser do it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { challenge, Users } from '../../shared/auth/basic.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { canonicalName, parseName, ROOT, type Name } from '../../shared/dns/name.ts'
import { reply, replyJson, replyText } from '../../shared/http/reply.ts'
import { replyChunks } from '../../shared/http/stream.ts'
import { httpUrl, listenHttp, type HttpListener } from '../../shared/http/server.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatEndpoint, isLoopback } from '../../shared/net/endpoint.ts'
import { Fatal, type Result } from '../../shared/result/result.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { CertificateSlot } from '../../shared/tls/certificate-slot.ts'
import { WebAssets } from '../../shared/web/assets.ts'
import { isFromPage } from '../../shared/web/page-request.ts'
import type { Operator } from './operator.ts'
import type { PageConfig } from './page-table.ts'

export type StatusPage = {
  readonly url: string
  /** Reads the certificate again. */
  reload(): void
  close(): Promise<void>
}

/** Throws `Fatal` when it cannot be listened. */
export async function openStatusPage(
  config: PageConfig,
  parts: { readonly operator: Operator; readonly clock: Clock; readonly log: Log },
): Promise<StatusPage> {
  const { log } = parts
  const opened = config.tls && CertificateSlot.open(config.tls)
  if (opened?.ok === false)
    throw new Fatal(`page.tls: ${opened.error.file}: ${opened.error.message}`)
  const slot = opened?.value
  const page = new PageHandler(config, parts.operator, parts.clock)
  const listener: HttpListener = await listenHttp({
    listen: config.listen,
    ...(slot && { tls: slot }),
    limits: { connections: 64, bodyBytes: 0, requestMs: 10_000, drainMs: 500 },
    log,
    handler: (request, response) => page.handle(request, response),
  })
  return {
    url: `${httpUrl(listener, slot === undefined ? 'http' : 'https')}/`,
    reload() {
      const done = slot?.reload()
      if (done?.ok === false)
        log.error('certificate', { file: done.error.file, why: done.error.message })
    },
    close: () => listener.close(),
  }
}

/** For `--check`. */
export function pageProblems(config: PageConfig | undefined): readonly Problem[] {
  const opened = config?.tls && CertificateSlot.open(config.tls)
  if (opened === undefined || opened.ok) return []
  return [problem(opened.error.message, { file: opened.error.file })]
}

class PageHandler {
  readonly #users: Users
  readonly #operator: Operator
  readonly #assets = new WebAssets(join(import.meta.dirname, 'web'))

  constructor(config: PageConfig, operator: Operator, clock: Clock) {
    this.#users = new Users(config.users, clock)
    this.#operator = operator
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const who = await this.#whoIs(request, response)
    if (who === undefined) return
    const url = URL.parse(request.url ?? '', 'http://localhost')
    const path = url?.pathname ?? ''
    const parameters = url?.searchParams ?? new URLSearchParams()
    const { method } = request
    if (path.startsWith(API)) {
      if (!isFromPage(request)) return replyText(response, 403, 'Only for the page of this server')
      const isChange = CHANGES.has(path.slice(API.length))
      const expected = isChange ? 'POST' : 'GET'
      if (method !== expected)
        return replyText(response, 405, `Only ${expected}`, { allow: expected })
      return await this.#answer(path.slice(API.length), parameters, who, response)
    }
    if (method !== 'GET' && method !== 'HEAD')
      return replyText(response, 405, 'Only GET and HEAD', { allow: 'GET, HEAD' })
    if (path === DUMP) return await this.#dump(request, parameters, response)
    const file = path === '/' ? '' : path.startsWith(FILES) ? path.slice(FILES.length) : undefined
    const asset =
      file === undefined || (file === '' && path !== '/')
        ? undefined
        : this.#assets.get(file, request.headers['if-none-match'])
    if (asset === undefined) return replyText(response, 404, 'Nothing is here; the page is at /')
    if (asset.body !== undefined) return reply(response, 200, asset.body, asset.headers)
    response.writeHead(asset.status, asset.headers).end()
  }

  /** A link of the page, or a person with curl: another site can have it made, but never read. */
  async #dump(
    { headers }: IncomingMessage,
    parameters: URLSearchParams,
    response: ServerResponse,
  ): Promise<void> {
    if (headers['sec-fetch-site'] === 'cross-site')
      return replyText(response, 403, 'Not for other sites')
    const name = parameters.has('name') ? nameIn(parameters) : { ok: true as const, value: ROOT }
    if (!name.ok) return replyText(response, 400, name.error)
    const chunks = this.#operator.dump({ name: name.value, isBelow: true })
    await replyChunks(response, 200, chunks, {
      'content-type': 'text/plain; charset=utf-8',
      ...FRESH,
    })
  }

  async #answer(
    word: string,
    parameters: URLSearchParams,
    who: string,
    response: ServerResponse,
  ): Promise<void> {
    const operator = this.#operator
    switch (word) {
      case 'figures':
        return replyJson(response, 200, operator.figures(), FRESH)
      case 'why': {
        const name = nameIn(parameters)
        if (!name.ok) return replyText(response, 400, name.error)
        const why = await operator.why(name.value)
        return why === undefined
          ? replyText(response, 503, 'Another search is under way', { 'retry-after': '1' })
          : replyJson(response, 200, why, FRESH)
      }
      case 'flush': {
        const name = nameIn(parameters)
        if (!name.ok) return replyText(response, 400, name.error)
        const isBelow = parameters.get('below') === 'true'
        const answers = operator.flush({ name: name.value, isBelow }, who)
        return replyJson(response, 200, { answers }, FRESH)
      }
      case 'pause':
        operator.pause(who)
        return replyJson(response, 200, operator.figures(), FRESH)
      case 'resume':
        operator.resume(who)
        return replyJson(response, 200, operator.figures(), FRESH)
      default:
        return replyText(response, 404, 'Nothing is here')
    }
  }

  /** Undefined when it was refused, and told so. Without users only this machine can connect. */
  async #whoIs(request: IncomingMessage, response: ServerResponse): Promise<string | undefined> {
    const { remoteAddress = '', remotePort = 0 } = request.socket
    if (this.#users.isEmpty) {
      // A name of another site that leads here (DNS rebinding) makes its pages ours, for a browser.
      if (isLocalHost(request.headers.host))
        return formatEndpoint({ host: remoteAddress, port: remotePort })
      replyText(response, 403, 'Without users this page is asked for as localhost or 127.0.0.1')
      return undefined
    }
    const login = await this.#users.login(request.headers.authorization)
    if (login.kind === 'user') return login.user
    if (login.kind === 'busy')
      replyText(response, 503, 'Too many logins at once, try again', { 'retry-after': '2' })
    else
      replyText(response, 401, 'A user and password are needed', {
        'www-authenticate': challenge('cairn-resolver'),
      })
    return undefined
  }
}

function nameIn(parameters: URLSearchParams): Result<Name, string> {
  const parsed = parseName((parameters.get('name') ?? '').trim())
  return parsed.ok ? { ok: true, value: canonicalName(parsed.value) } : parsed
}

function isLocalHost(header: string | undefined): boolean {
  const host = URL.parse(`http://${header ?? ''}/`)?.hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || (host !== undefined && isLoopback(host))
}

/** Of the page's own files; what it asks for is below `API`. */
const FILES = '/-/'
const API = '/-/api/'
/** All that the cache has, or what lies at and below `name`, as text. */
const DUMP = '/-/cache'
const CHANGES: ReadonlySet<string> = new Set(['flush', 'pause', 'resume'])
const FRESH = { 'cache-control': 'no-store' }
