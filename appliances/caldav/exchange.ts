// HTTP around the core: a request is read within bounds, its user found, and the answer sent; a change becomes a commit.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomBytes, randomUUID } from 'node:crypto'
import { challenge } from '../../shared/auth/basic.ts'
import { hashPassword } from '../../shared/auth/password.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { readBody, type BodyError, type HttpHandler } from '../../shared/http/server.ts'
import { reply as send } from '../../shared/http/reply.ts'
import { replyChunks } from '../../shared/http/stream.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Counter } from '../../shared/metrics/metrics.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import type { WebAssets } from '../../shared/web/assets.ts'
import { isFromPage } from '../../shared/web/page-request.ts'
import type { Branch, CommitError, Edit, Store } from '../../store/index.ts'
import type { CaldavConfig } from './config.ts'
import type { User } from './core/accounts/directory.ts'
import { makeAccount } from './core/accounts/new-account.ts'
import { isAttachmentPost } from './core/attach/attachment-request.ts'
import { isWrite, options, read, write } from './core/dav.ts'
import { restoreFromHistory } from './core/history/history-request.ts'
import type { LibraryKeeper } from './core/library/keeper.ts'
import type { Library } from './core/library/library.ts'
import type { LockTable } from './core/locks/lock-table.ts'
import {
  LINKS_FOLDER,
  PUBLIC_FOLDER,
  readLinks,
  WEB_FOLDER,
  writeLinks,
} from './core/publish/link-request.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from './core/request.ts'
import {
  listSubscriptions,
  showSubscription,
  subscriptionAt,
  SUBSCRIPTIONS_PATH,
  writeSubscription,
} from './core/subscribe/subscription-request.ts'
import type { View } from './core/view.ts'
import type { WriteOutcome } from './core/write/written.ts'
import { errorReply } from './core/xml/multistatus.ts'
import { deviceRequest } from './device-passwords.ts'
import { HistoryReader } from './history-reader.ts'
import { BUSY_SECONDS, type Login, type Logins, type Newcomer } from './login.ts'
import { PublicLinks } from './public-links.ts'
import { sessionCookie } from './sessions.ts'
import { SearchRequests } from './search-requests.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Clients show it, and remember passwords by it. */
export const REALM = 'Cairn'
/** Of PROPFIND, REPORT and the like: a multiget of ten thousand URLs fits. */
const XML_LIMIT_BYTES = 4_194_304
const LINK_SECRET_BYTES = 32
const USER_AGENT_LIMIT = 200
const READ_ONLY_RETRY_SECONDS = 10

export type ExchangeParts = {
  readonly config: CaldavConfig
  readonly store: Pick<Store, 'tree' | 'log' | 'snapshot'>
  readonly branch: Branch
  readonly keeper: LibraryKeeper
  /** The published one. */
  readonly library: () => Library
  readonly locks: LockTable
  readonly logins: Logins
  readonly web: WebAssets
  /** Undefined: no calendars of elsewhere are fetched. */
  readonly subscriptions: Pick<Subscriptions, 'stateOf' | 'refresh'> | undefined
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
  readonly #sessionPath: string
  readonly #searchPath: string
  readonly #devicesPath: string
  readonly #searches: SearchRequests
  readonly #links: PublicLinks
  /** What stands before the path of a resource whose history is asked for. */
  readonly #historyPath: string
  readonly #history: HistoryReader
  /** One at a time: each is a commit, and what it hashes is a stranger's. */
  #isMakingAccount = false

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    this.#links = new PublicLinks(parts.clock)
    const { object, file } = parts.config.limits
    this.#limits = { objectBytes: object, fileBytes: file }
    this.#sessionPath = `${parts.config.base}${WEB_FOLDER}session`
    this.#searchPath = `${parts.config.base}${WEB_FOLDER}search`
    this.#devicesPath = `${parts.config.base}${WEB_FOLDER}devices`
    this.#searches = new SearchRequests(parts.clock)
    this.#historyPath = `${parts.config.base}${WEB_FOLDER}history/`
    this.#history = new HistoryReader(parts.store, parts.clock)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const open = this.#withoutUser(request, response)
    if (open !== undefined) return await respond(response, open)
    const login = await this.#login(request)
    if (login.kind !== 'user') {
      this.#parts.refusedLogins.inc({ reason: login.kind })
      if (login.kind === 'unavailable') this.#parts.log.warn('ldap', { why: login.why })
      return await respond(response, refusedLogin(login, isFromPage(request)))
    }
    const method = request.method ?? ''
    if (request.url === this.#sessionPath)
      return await respond(response, this.#session(request, login.user))
    if (request.url?.split('?')[0] === this.#searchPath)
      return await respond(response, await this.#search(request, login.user))
    if (request.url?.split('?')[0] === this.#devicesPath)
      return await respond(response, await this.#ofDevices(request, login))
    const isAttachment = isAttachmentPost({ method, target: request.url ?? '/' })
    const isFile = method === 'PUT' || isAttachment
    const limit = isFile
      ? Math.max(this.#limits.fileBytes, this.#limits.objectBytes)
      : XML_LIMIT_BYTES
    const body = await readBody(request, limit)
    if (!body.ok) {
      if (body.error === 'aborted') return
      return await respond(response, refusedBody(body.error, limit, isAttachment))
    }
    const asked: DavRequest = {
      method,
      target: request.url ?? '/',
      header: (name) => {
        const value = request.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      },
      body: body.value,
      origin: this.#originOf(request),
    }
    const { config, library } = this.#parts
    const isOfLinks = asked.target.startsWith(`${config.base}${LINKS_FOLDER}`)
    if (asked.target.startsWith(`${config.base}${SUBSCRIPTIONS_PATH}`))
      return await respond(
        response,
        await this.#ofSubscriptions(asked, login.user, isFromPage(request)),
      )
    if (asked.target.startsWith(this.#historyPath))
      return await respond(response, await this.#ofHistory(request, asked, login.user))
    const answer = isOfLinks
      ? await this.#ofLinks(asked, login.user, isFromPage(request))
      : isWrite(asked, config.base)
        ? await this.#write(asked, login.user)
        : read(asked, this.#view(library(), login.user))
    await respond(response, answer)
  }

  /** After the account of a newcomer was made, whoever was first has it: the password decides. */
  async #login(request: IncomingMessage): Promise<Login> {
    const { logins, library } = this.#parts
    const login = await logins.login(request, library().directory)
    if (login.kind !== 'newcomer') return login
    if (this.#isMakingAccount) return { kind: 'wait', seconds: BUSY_SECONDS }
    this.#isMakingAccount = true
    try {
      await this.#makeAccount(login)
    } finally {
      this.#isMakingAccount = false
    }
    return await logins.loginAgain(request, library().directory)
  }

  async #makeAccount({ name, password }: Newcomer): Promise<void> {
    const { config, log } = this.#parts
    const hash = password === undefined ? undefined : await hashPassword(password)
    const user: User = {
      kind: 'user',
      name,
      displayName: name,
      emails: [],
      devices: {},
      delegates: {},
      busyTo: 'all',
    }
    const made = await this.#write(NO_REQUEST, user, (write) =>
      makeAccount(
        write,
        { name, emails: [], ...(hash !== undefined && { password: hash }) },
        config.login.tofu,
      ),
    )
    if (made.status === 201) log.info('account-made', { user: name })
    else log.warn('account-refused', { user: name, status: made.status })
  }

  /** The host is what the client or a proxy of ours says; in URLs only that user stores it decides nothing. */
  #originOf(request: IncomingMessage): string {
    const { logins } = this.#parts
    const { host = '' } = request.headers
    const scheme = logins.isEncrypted(request) ? 'https' : 'http'
    return /^[\w.:[\]-]+$/.test(host) ? `${scheme}://${host}` : ''
  }

  /** What is the same for everyone, and asked before a client has a password. */
  #withoutUser(request: IncomingMessage, response: ServerResponse): Reply | undefined {
    const { base } = this.#parts.config
    const [path = ''] = (request.url ?? '').split('?')
    if (/^\/\.well-known\/(caldav|carddav)\/?$/.test(path))
      return emptyReply(301, { location: base, 'cache-control': 'max-age=3600' })
    if (request.method === 'OPTIONS') return options()
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    if (path === base) return this.#parts.web.get('', request.headers['if-none-match'])
    if (path === '/') return emptyReply(302, { location: base })
    const folder = `${base}${WEB_FOLDER}`
    const isForUsers = [this.#sessionPath, this.#searchPath, this.#devicesPath, folder].includes(
      path,
    )
    if (!path.startsWith(folder) || isForUsers) return undefined
    if (path.startsWith(`${base}${LINKS_FOLDER}`) || path.startsWith(this.#historyPath))
      return undefined
    if (path.startsWith(`${base}${SUBSCRIPTIONS_PATH}`)) return undefined
    if (path.startsWith(`${base}${PUBLIC_FOLDER}`)) {
      const file = path.slice(base.length + PUBLIC_FOLDER.length)
      const address = this.#parts.logins.clientOf(request)
      return this.#links.reply(file, address, this.#parts.library(), request, response)
    }
    return (
      this.#parts.web.get(path.slice(folder.length), request.headers['if-none-match']) ??
      textReply(404, 'Nothing is here')
    )
  }

  /** Of the web page: GET says who has signed in, POST begins a session, DELETE ends it. */
  #session(request: IncomingMessage, user: User): Reply {
    if (!isFromPage(request)) return textReply(403, 'Only for the page of this server')
    const { logins, config } = this.#parts
    const cookie = (token: string | undefined): { 'set-cookie': string } => ({
      'set-cookie': sessionCookie(token, config.base, logins.isEncrypted(request)),
    })
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
    const body = JSON.stringify({ user: user.name, name: user.displayName })
    switch (request.method) {
      case 'GET':
        return { status: 200, headers, body }
      case 'POST':
        return { status: 200, headers: { ...headers, ...cookie(logins.startSession(user)) }, body }
      case 'DELETE':
        logins.sessions.end(request)
        return emptyReply(204, cookie(undefined))
      default:
        return textReply(405, 'This method is not known here', { allow: 'GET, POST, DELETE' })
    }
  }

  async #search(request: IncomingMessage, user: User): Promise<Reply> {
    if (!isFromPage(request)) return textReply(403, 'Only for the page of this server')
    return await this.#searches.answer(request, this.#view(this.#parts.library(), user))
  }

  async #ofDevices(
    request: IncomingMessage,
    login: Extract<Login, { kind: 'user' }>,
  ): Promise<Reply> {
    if (!isFromPage(request)) return textReply(403, 'Only for the page of this server')
    const asked = await deviceRequest(request, login)
    if (typeof asked !== 'function') return asked
    const reply = await this.#write(NO_REQUEST, login.user, asked)
    const user = this.#parts.library().directory.user(login.user.name)
    if (reply.status !== 204 || login.by !== 'session' || user === undefined) return reply
    // A password taken back ends all sessions: not this one, in which it was asked for.
    const { logins, config } = this.#parts
    const token = logins.startSession(user)
    const cookie = sessionCookie(token, config.base, logins.isEncrypted(request))
    return { ...reply, headers: { ...reply.headers, 'set-cookie': cookie } }
  }

  /** As for the session: no other site's form makes a calendar public. */
  async #ofLinks(request: DavRequest, user: User, isPage: boolean): Promise<Reply> {
    if (!isPage) return textReply(403, 'Only for the page of this server')
    const secret = randomBytes(LINK_SECRET_BYTES).toString('base64url')
    switch (request.method) {
      case 'GET':
        return readLinks(request, this.#view(this.#parts.library(), user))
      case 'POST':
      case 'DELETE':
        return await this.#write(request, user, (input) => writeLinks(input, secret))
      default:
        return textReply(405, 'This method is not known here', { allow: 'GET, POST, DELETE' })
    }
  }

  async #ofSubscriptions(request: DavRequest, user: User, isPage: boolean): Promise<Reply> {
    if (!isPage) return textReply(403, 'Only for the page of this server')
    const { subscriptions, library, config } = this.#parts
    const stateOf = subscriptions && ((path: string) => subscriptions.stateOf(path))
    const isWhole = request.target === `${config.base}${SUBSCRIPTIONS_PATH}`
    if (isWhole && request.method === 'GET')
      return listSubscriptions(this.#view(library(), user), stateOf)
    if (subscriptions === undefined || stateOf === undefined)
      return textReply(404, 'This server fetches no calendars of elsewhere: needs [subscriptions]')
    if (request.method === 'PUT') return await this.#write(request, user, writeSubscription)
    if (request.method !== 'POST')
      return textReply(405, 'This method is not known here', { allow: 'GET, PUT, POST' })
    const found = subscriptionAt(request, this.#view(library(), user))
    if (found === undefined) return textReply(404, 'Nothing is here')
    await subscriptions.refresh(found.collection.path)
    const after = subscriptionAt(request, this.#view(library(), user))
    return after === undefined
      ? textReply(404, 'Nothing is here')
      : showSubscription(after, stateOf)
  }

  /** Of the web page: GET tells of the history of a resource, POST restores what it was. */
  async #ofHistory(request: IncomingMessage, asked: DavRequest, user: User): Promise<Reply> {
    if (!isFromPage(request)) return textReply(403, 'Only for the page of this server')
    const { config, library, store } = this.#parts
    const target = config.base + asked.target.slice(this.#historyPath.length)
    switch (asked.method) {
      case 'GET':
        return await this.#history.read(target, this.#view(library(), user))
      case 'POST':
        return await this.#write({ ...asked, target }, user, (input) =>
          restoreFromHistory(input, store),
        )
      default:
        return textReply(405, 'This method is not known here', { allow: 'GET, POST' })
    }
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
  async #write(request: DavRequest, user: User, change = write): Promise<Reply> {
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
      outcome = change({
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

/** For a change that looks at none. */
const NO_REQUEST: DavRequest = {
  method: '',
  target: '',
  header: () => undefined,
  body: new Uint8Array(),
  origin: '',
}

async function respond(response: ServerResponse, { status, headers, body }: Reply): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    const isBodyless = status === 204 || status === 304
    if (!isBodyless) return send(response, status, body ?? '', headers)
    response.writeHead(status, headers)
    response.end()
    return
  }
  if (response.req.method === 'HEAD') {
    // Nothing of it is made: how long it would be is not known then.
    response.writeHead(status, { ...headers, vary: 'Accept-Encoding' })
    response.end()
    return
  }
  await replyChunks(response, status, body, headers)
}

/** Without a challenge to the page: it asks for the password itself. */
function refusedLogin(
  login: { readonly kind: Exclude<Login['kind'], 'user'>; readonly seconds?: number },
  isPage: boolean,
): Reply {
  switch (login.kind) {
    case 'wait':
      return textReply(429, 'Too many wrong passwords; wait a little', {
        'retry-after': String(login.seconds),
      })
    case 'insecure':
      return textReply(403, 'Passwords are taken over HTTPS only')
    case 'unavailable':
      return textReply(503, 'The server that knows the passwords does not answer', {
        'retry-after': String(BUSY_SECONDS),
      })
    default:
      return textReply(401, 'Sign in', isPage ? {} : { 'www-authenticate': challenge(REALM) })
  }
}

function refusedBody(
  error: Exclude<BodyError, 'aborted'>,
  limit: number,
  isAttachment: boolean,
): Reply {
  const condition = isAttachment ? 'max-attachment-size' : 'max-resource-size'
  return error === 'too-large'
    ? errorReply(413, `<cal:${condition}/>`, `At most ${limit} bytes`)
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
  'OPTIONS PROPFIND GET HEAD REPORT POST PUT DELETE PROPPATCH MKCOL MKCALENDAR COPY MOVE LOCK UNLOCK'.split(
    ' ',
  ),
)
