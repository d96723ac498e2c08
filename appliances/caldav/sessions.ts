// Who has signed in to the web page: a cookie (RFC 6265) for each browser, in memory, ended with the process. It counts only
// together with a header that no form and no other site can send (SameSite, Sec-Fetch-Site, no CORS): nothing is forged with it.
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isFromPage } from '../../shared/web/page-request.ts'
import type { Directory, User } from './core/accounts/directory.ts'

const COOKIE = 'cairn-session'
/** Without a request. */
export const SESSION_IDLE_MS = 604_800_000
export const SESSIONS_LIMIT = 10_000
export const SESSIONS_PER_USER_LIMIT = 32

type Session = {
  readonly user: string
  readonly passwords: Pick<User, 'password' | 'devices'>
  usedMs: number
}

export class Sessions {
  /** By digest of the token, the one used longest ago first. */
  readonly #sessions = new Map<string, Session>()

  get size(): number {
    return this.#sessions.size
  }

  /** The token of a new one. */
  start(user: User, nowMs: number): string {
    const own = [...this.#sessions].filter(([, session]) => session.user === user.name)
    if (own.length >= SESSIONS_PER_USER_LIMIT) this.#sessions.delete(own[0]![0])
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size >= SESSIONS_LIMIT && oldest !== undefined) this.#sessions.delete(oldest)
    const token = randomBytes(32).toString('base64url')
    this.#sessions.set(digest(token), {
      user: user.name,
      passwords: user,
      usedMs: nowMs,
    })
    return token
  }

  /** A changed password, or one of a device that is taken back, ends every session of its user; another one does not. */
  userOf(request: IncomingMessage, directory: Directory, nowMs: number): User | undefined {
    const key = isFromPage(request) ? keyOf(request) : undefined
    const session = key === undefined ? undefined : this.#sessions.get(key)
    if (key === undefined || session === undefined) return undefined
    this.#sessions.delete(key)
    const user = directory.user(session.user)
    const isOver = nowMs - session.usedMs > SESSION_IDLE_MS
    if (isOver || user === undefined || !hasAll(user, session.passwords)) return undefined
    session.usedMs = nowMs
    this.#sessions.set(key, session)
    return user
  }

  end(request: IncomingMessage): void {
    const key = keyOf(request)
    if (key !== undefined) this.#sessions.delete(key)
  }
}

/** Of Set-Cookie; without a token it takes the cookie away. */
export function sessionCookie(token: string | undefined, path: string, isSecure: boolean): string {
  const seconds = token === undefined ? 0 : SESSION_IDLE_MS / 1000
  const secure = isSecure ? '; Secure' : ''
  return `${COOKIE}=${token ?? ''}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
}

function keyOf({ headers }: IncomingMessage): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value = ''] = pair.trim().split('=')
    if (name === COOKIE && TOKEN.test(value)) return digest(value)
  }
  return undefined
}

function hasAll(user: User, { password, devices }: Session['passwords']): boolean {
  const isSame = ([device, hash]: [string, string]): boolean => user.devices[device] === hash
  return user.password === password && Object.entries(devices).every(isSame)
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

const TOKEN = /^[\w-]{43}$/
