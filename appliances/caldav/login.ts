// Who a request is from: Basic (RFC 7617) against users.toml of the branch or an LDAP server, the session of the web page, or a
// header of a proxy that has asked already.
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseBasic, type Credentials } from '../../shared/auth/basic.ts'
import {
  DEFAULT_COST,
  parsePasswordHash,
  type PasswordHash,
} from '../../shared/auth/password-hash.ts'
import { PasswordChecker } from '../../shared/auth/password.ts'
import type { Check } from '../../shared/auth/remembered-checks.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { parseAddress } from '../../shared/net/address.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { CaldavConfig } from './config.ts'
import type { Directory, User } from './core/accounts/directory.ts'
import { LockOut } from './core/accounts/lock-out.ts'
import { USER_NAME } from './core/accounts/users-file.ts'
import { LdapFault, LdapLogin } from './ldap-login.ts'
import { Sessions } from './sessions.ts'

export type Login =
  | {
      readonly kind: 'user'
      readonly user: User
      /** What was sent; a session may have begun with either password. */
      readonly by: 'password' | 'device' | 'session' | 'proxy'
    }
  /** Nothing was sent: ask for it. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'wrong' }
  /** Too many wrong ones, or too many at once. */
  | { readonly kind: 'wait'; readonly seconds: number }
  /** In the clear, from elsewhere than a proxy or this machine. */
  | { readonly kind: 'insecure' }
  /** Who would know the password cannot be asked. */
  | { readonly kind: 'unavailable'; readonly why: string }

/** A name that nobody has, where whoever is first may have it (`[login] tofu`). */
export type Newcomer = {
  readonly kind: 'newcomer'
  readonly name: string
  /** For users.toml; undefined where a server elsewhere has it. */
  readonly password: string | undefined
}

/** Seconds to wait when all password checks are busy. */
export const BUSY_SECONDS = 2
/** Of a password that makes an account, in UTF-16 units. */
const FIRST_PASSWORD_LENGTH = 8

export class Logins {
  readonly #config: CaldavConfig
  readonly #clock: Clock
  readonly #checker: PasswordChecker
  /** Has the passwords that users.toml does not have. */
  readonly #ldap: LdapLogin | undefined
  readonly #lockOut: LockOut
  readonly #proxies: PrefixSet
  readonly #key = randomBytes(32)
  readonly sessions: Sessions = new Sessions()

  constructor(config: CaldavConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#checker = new PasswordChecker(clock)
    this.#ldap = config.ldap && new LdapLogin(config.ldap, clock)
    this.#lockOut = new LockOut({ attempts: config.login.attempts, windowMs: config.login.window })
    this.#proxies = new PrefixSet(config.proxy.from)
  }

  async login(request: IncomingMessage, directory: Directory): Promise<Login | Newcomer> {
    return await this.#login(request, directory, true)
  }

  /** As `login`, when an account may have been made: a name that nobody has is as wrong as any other. */
  async loginAgain(request: IncomingMessage, directory: Directory): Promise<Login> {
    const login = await this.#login(request, directory, false)
    return login.kind === 'newcomer' ? { kind: 'wrong' } : login
  }

  async #login(
    request: IncomingMessage,
    directory: Directory,
    mayBegin: boolean,
  ): Promise<Login | Newcomer> {
    const { remoteAddress = '' } = request.socket
    const isProxy = this.#isProxy(remoteAddress)
    const isSafe = 'encrypted' in request.socket || isProxy || isLocal(remoteAddress)
    if (!isSafe) return { kind: 'insecure' }
    const { userHeader } = this.#config.proxy
    if (isProxy && userHeader !== undefined) {
      const name = request.headers[userHeader.toLowerCase()]
      const user = typeof name === 'string' ? directory.user(name) : undefined
      if (name !== undefined)
        return user === undefined ? { kind: 'wrong' } : { kind: 'user', user, by: 'proxy' }
    }
    const credentials = parseBasic(request.headers.authorization)
    if (credentials === undefined) {
      const user = this.sessions.userOf(request, directory, this.#clock.monotonicMs())
      return user === undefined ? { kind: 'missing' } : { kind: 'user', user, by: 'session' }
    }
    return await this.#check(this.clientOf(request), credentials, directory, mayBegin)
  }

  /** The address a request comes from, behind a proxy of ours too. */
  clientOf(request: IncomingMessage): string {
    const { remoteAddress = '' } = request.socket
    return (this.#isProxy(remoteAddress) ? forwardedFor(request) : undefined) ?? remoteAddress
  }

  startSession(user: User): string {
    return this.sessions.start(user, this.#clock.monotonicMs())
  }

  /** All the way to the browser, as far as can be told. */
  isEncrypted(request: IncomingMessage): boolean {
    if ('encrypted' in request.socket) return true
    const isProxy = this.#isProxy(request.socket.remoteAddress ?? '')
    return isProxy && request.headers['x-forwarded-proto'] === 'https'
  }

  async #check(
    address: string,
    { user: name, password }: Credentials,
    directory: Directory,
    mayBegin: boolean,
  ): Promise<Login | Newcomer> {
    const user = directory.user(name)
    const stored = user === undefined ? undefined : hashFor(user, password)
    const hash = stored === undefined ? undefined : parsePasswordHash(stored)
    const secret = (): string =>
      createHmac('sha256', this.#key)
        .update(`${stored ?? ''}\n${password}`)
        .digest('base64')
    const nowMs = this.#clock.monotonicMs()
    if (this.#lockOut.isKnownWrong(address, name, secret, nowMs)) return { kind: 'wrong' }
    const waitMs = this.#lockOut.waitMs(address, name, nowMs)
    if (waitMs > 0) return { kind: 'wait', seconds: Math.ceil(waitMs / 1000) }
    const isFree = mayBegin && this.#isFree(name, directory)
    const isElsewhere = this.#ldap !== undefined && stored === undefined && USER_NAME.test(name)
    if (isFree && !isElsewhere && password.length >= FIRST_PASSWORD_LENGTH)
      return { kind: 'newcomer', name, password }
    const check = isElsewhere
      ? await this.#checkElsewhere(name, password)
      : // An unknown user costs the same work as a wrong password.
        await this.#checker.check(name, password, hash ?? NOBODY)
    if (typeof check === 'object') return check
    if (check === 'busy') return { kind: 'wait', seconds: BUSY_SECONDS }
    if (check === 'right' && isElsewhere && isFree)
      return { kind: 'newcomer', name, password: undefined }
    if (check === 'right' && user !== undefined && (isElsewhere || hash !== undefined)) {
      this.#lockOut.succeeded(address, name)
      return {
        kind: 'user',
        user,
        by: deviceOf(user, password) === undefined ? 'password' : 'device',
      }
    }
    this.#lockOut.failed(address, name, secret(), this.#clock.monotonicMs())
    return { kind: 'wrong' }
  }

  async #checkElsewhere(name: string, password: string): Promise<Check | Login> {
    try {
      return await this.#ldap!.check(name, password)
    } catch (cause) {
      if (cause instanceof LdapFault) return { kind: 'unavailable', why: cause.message }
      throw cause
    }
  }

  #isFree(name: string, directory: Directory): boolean {
    return (
      directory.size < this.#config.login.tofu &&
      directory.get(name) === undefined &&
      USER_NAME.test(name)
    )
  }

  #isProxy(address: string): boolean {
    const octets = parseAddress(address)
    return octets !== undefined && this.#proxies.has(octets)
  }
}

function hashFor(user: User, password: string): string | undefined {
  const device = deviceOf(user, password)
  return device === undefined ? user.password : user.devices[device]
}

/** A device's password begins with its name (`phone-…`), so that one hash is tried and not all of them. */
function deviceOf({ devices }: User, password: string): string | undefined {
  const [device = ''] = /^[^-]+(?=-)/.exec(password) ?? []
  return Object.hasOwn(devices, device) ? device : undefined
}

function isLocal(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** The last one was added by our own proxy; those before it anyone can write. */
function forwardedFor(request: IncomingMessage): string | undefined {
  const header = request.headers['x-forwarded-for']
  const last = [header].flat().join(',').split(',').at(-1)?.trim()
  return last === undefined || parseAddress(last) === undefined ? undefined : last
}

/** No password gives this. */
const NOBODY: PasswordHash = { ...DEFAULT_COST, salt: new Uint8Array(16), hash: new Uint8Array(32) }
