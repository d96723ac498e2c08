// HTTP around the core: a request is read within bounds, its user found, and the answer sent; a change becomes a commit.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import { challenge } from '../../shared/auth/basic.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { readBody, type BodyError, type HttpHandler } from '../../shared/http/server.ts'
import { reply as send } from '../../shared/http/reply.ts'
import { replyChunks } from '../../shared/http/stream.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Counter } from '../../shared/metrics/metrics.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import type { Branch, CommitError, Edit, Store } from '../../store/index.ts'
import type { CaldavConfig } from './config.ts'
import type { User } from './core/accounts/directory.ts'
import { isWrite, options, read, write } from './core/dav.ts'
import type { LibraryKeeper } from './core/library/keeper.ts'
import type { Library } from './core/library/library.ts'
import type { LockTable } from './core/locks/lock-table.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from './core/request.ts'
import type { View } from './core/view.ts'
import type { WriteOutcome } from './core/write/written.ts'
import { errorReply } from './core/xml/multistatus.ts'
import type { Logins } from './login.ts'
import { welcomePage } from './welcome-page.ts'

/** Clients show it, and remember passwords by it. */
export const REALM = 'Cairn'
/** Of PROPFIND, REPORT and the like: a multiget of ten thousand URLs fits. */
const XML_LIMIT_BYTES = 4_194_304
const USER_AGENT_LIMIT = 200
const READ_ONLY_RETRY_SECONDS = 10

export type ExchangeParts = {
  readonly config: CaldavConfig
  readonly store: Pick<Store, 'tree'>
  readonly branch: Branch
  readonly keeper: LibraryKeeper
  /** The published one. */
  readonly library: () => Library
  readonly locks: LockTable
  readonly logins: Logins
  readonly clock: Clock
  readonly log: Log
  readonly requests: Counter
  readonly refusedLogins: Counter
}

export function exchangeHandler(parts: ExchangeParts): HttpHandler {
  const exchange = new Exchange(parts)
  return async (request, response) => {
    await exchange.handle(request, response)
    const status = response.statusCode
    parts.requests.inc({ method: knownMethod(request.method), status: String(status) })
  }
}

class Exchange {
  readonly #parts: ExchangeParts
  readonly #limits: View['limits']

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    const { object, file } = parts.config.limits
    this.#limits = { objectBytes: object, fileBytes: file }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const open = this.#withoutUser(request)
    if (open !== undefined) return await respond(response, open)
    const login = await this.#parts.logins.login(request, this.#parts.library().directory)
    if (login.kind !== 'user') {
      this.#parts.refusedLogins.inc({ reason: login.kind })
      return await respond(response, refusedLogin(login))
    }
    const method = request.method ?? ''
    const isFile = method === 'PUT'
    const limit = isFile
      ? Math.max(this.#limits.fileBytes, this.#limits.objectBytes)
      : XML_LIMIT_BYTES
    const body = await readBody(request, limit)
    if (!body.ok) {
      if (body.error === 'aborted') return
      return await respond(response, refusedBody(body.error, limit))
    }
    const asked: DavRequest = {
      method,
      target: request.url ?? '/',
      header: (name) => {
        const value = request.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
      body: body.value,
    }
    const answer = isWrite(method)
      ? await this.#write(asked, login.user)
      : read(asked, this.#view(this.#parts.library(), login.user))
    await respond(response, answer)
  }

  /** What is the same for everyone, and asked before a client has a password. */
  #withoutUser(request: IncomingMessage): Reply | undefined {
    const { base } = this.#parts.config
    const [path = ''] = (request.url ?? '').split('?')
    if (/^\/\.well-known\/(caldav|carddav)\/?$/.test(path))
      return emptyReply(301, { location: base, 'cache-control': 'max-age=3600' })
    if (request.method === 'OPTIONS') return options()
    const isHome = path === base || path === '/'
    if (isHome && (request.method === 'GET' || request.method === 'HEAD')) return welcomePage(base)
    return undefined
  }

  #view(library: Library, user: User): View {
    const { locks, store, config, clock } = this.#parts
    return {
      library,
      user,
      locks,
      nowMs: clock.wallMs(),
      tree: (id) => store.tree(id),
      base: config.base,
      limits: this.#limits,
    }
  }

  /** One request, one commit; it is answered when that is durable. */
  async #write(request: DavRequest, user: User): Promise<Reply> {
    const { branch, keeper, log } = this.#parts
    const agent = request.header('user-agent')?.slice(0, USER_AGENT_LIMIT)
    const name = plain(user.displayName)
    const info = {
      message: '',
      author: { name, email: plain(user.emails[0] ?? `${user.name}@localhost`) },
      ...(agent !== undefined && { trailers: { 'User-Agent': agent } }),
    }
    let outcome: WriteOutcome = textReply(500, 'Nothing was done')
    const done = await branch.commit(info, (edit) => {
      const library = this.#libraryOf(edit)
      outcome = write({
        request,
        view: this.#view(library, user),
        edit,
        keep: (oid, reading) => keeper.keep(oid, reading),
        newToken: () => `urn:uuid:${randomUUID()}`,
      })
      if (!('status' in outcome)) info.message = `${name}: ${outcome.message}`
    })
    // What the closure left is not what the compiler saw.
    const result = outcome as WriteOutcome
    if ('status' in result) return result
    if (done.ok || done.error.kind === 'unchanged') return result.reply()
    result.undo?.()
    log.warn('write-refused', { user: user.name, method: request.method, why: done.error.kind })
    return refusedCommit(done.error)
  }

  /** Of the tree that the edit is on: it may be ahead of what is published. */
  #libraryOf(edit: Edit): Library {
    const { keeper, store, branch } = this.#parts
    const tree = edit.entry('')?.oid
    const known = tree === undefined ? undefined : keeper.ofTree(tree)
    if (known !== undefined) return known
    const snapshot = tree === undefined ? undefined : store.tree(tree)
    return keeper.of(snapshot ?? branch.head)
  }
}

async function respond(response: ServerResponse, { status, headers, body }: Reply): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    const isBodyless = status === 204 || status === 304
    if (!isBodyless) return send(response, status, body ?? '', headers)
    response.writeHead(status, headers)
    response.end()
    return
  }
  await replyChunks(response, status, body, headers)
}

function refusedLogin(login: {
  readonly kind: 'missing' | 'wrong' | 'wait' | 'insecure'
  readonly seconds?: number
}): Reply {
  switch (login.kind) {
    case 'wait':
      return textReply(429, 'Too many wrong passwords; wait a little', {
        'retry-after': String(login.seconds),
      })
    case 'insecure':
      return textReply(403, 'Passwords are taken over HTTPS only')
    default:
      return textReply(401, 'Sign in', { 'www-authenticate': challenge(REALM) })
  }
}

function refusedBody(error: Exclude<BodyError, 'aborted'>, limit: number): Reply {
  return error === 'too-large'
    ? errorReply(413, '<cal:max-resource-size/>', `At most ${limit} bytes`)
    : textReply(415, 'A Content-Encoding other than gzip is not taken')
}

function refusedCommit(error: CommitError): Reply {
  switch (error.kind) {
    case 'refused':
      return textReply(403, error.problems.map(formatProblem).join('\n'))
    case 'bad-path':
      return textReply(403, `The name ${error.why}`)
    case 'conflict':
      return textReply(409, 'Someone else changed it in the same moment')
    default:
      return textReply(503, 'Nothing can be stored now', {
        'retry-after': String(READ_ONLY_RETRY_SECONDS),
      })
  }
}

/** On one line, and without what ends a name in a commit. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}<>]/gu, ' ').trim() || 'unknown'
}

/** Labels are ours to bound. */
function knownMethod(method = ''): string {
  return METHODS.has(method) ? method : 'other'
}

const METHODS = new Set(
  'OPTIONS PROPFIND GET HEAD REPORT PUT DELETE PROPPATCH MKCOL MKCALENDAR COPY MOVE LOCK UNLOCK'.split(
    ' ',
  ),
)
