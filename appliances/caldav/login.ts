// Who a request is from: Basic (RFC 7617) against users.toml of the branch, or a header of a proxy that has asked already.
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseBasic } from '../../shared/auth/basic.ts'
import {
  DEFAULT_COST,
  parsePasswordHash,
  type PasswordHash,
} from '../../shared/auth/password-hash.ts'
import { PasswordChecker } from '../../shared/auth/password.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { parseAddress } from '../../shared/net/address.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { CaldavConfig } from './config.ts'
import type { Directory, User } from './core/accounts/directory.ts'
import { LockOut } from './core/accounts/lock-out.ts'

export type Login =
  | { readonly kind: 'user'; readonly user: User }
  /** Nothing was sent: ask for it. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'wrong' }
  /** Too many wrong ones, or too many at once. */
  | { readonly kind: 'wait'; readonly seconds: number }
  /** In the clear, from elsewhere than a proxy or this machine. */
  | { readonly kind: 'insecure' }

/** Seconds to wait when all password checks are busy. */
const BUSY_SECONDS = 2

export class Logins {
  readonly #config: CaldavConfig
  readonly #clock: Clock
  readonly #checker: PasswordChecker
  readonly #lockOut: LockOut
  readonly #proxies: PrefixSet
  readonly #key = randomBytes(32)

  constructor(config: CaldavConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#checker = new PasswordChecker(clock)
    this.#lockOut = new LockOut({ attempts: config.login.attempts, windowMs: config.login.window })
    this.#proxies = new PrefixSet(config.proxy.from)
  }

  async login(request: IncomingMessage, directory: Directory): Promise<Login> {
    const { remoteAddress = '' } = request.socket
    const isProxy = this.#isProxy(remoteAddress)
    const isSafe = 'encrypted' in request.socket || isProxy || isLocal(remoteAddress)
    if (!isSafe) return { kind: 'insecure' }
    const { userHeader } = this.#config.proxy
    if (isProxy && userHeader !== undefined) {
      const name = request.headers[userHeader.toLowerCase()]
      const user = typeof name === 'string' ? directory.user(name) : undefined
      if (name !== undefined) return user === undefined ? { kind: 'wrong' } : { kind: 'user', user }
    }
    const credentials = parseBasic(request.headers.authorization)
    if (credentials === undefined) return { kind: 'missing' }
    const address = isProxy ? (forwardedFor(request) ?? remoteAddress) : remoteAddress
    return await this.#check(address, credentials.user, credentials.password, directory)
  }

  async #check(
    address: string,
    name: string,
    password: string,
    directory: Directory,
  ): Promise<Login> {
    const user = directory.user(name)
    const stored = user === undefined ? undefined : hashFor(user, password)
    const hash = stored === undefined ? undefined : parsePasswordHash(stored)
    const secret = createHmac('sha256', this.#key)
      .update(`${stored ?? ''}\n${password}`)
      .digest('base64')
    const nowMs = this.#clock.monotonicMs()
    if (this.#lockOut.isKnownWrong(address, name, secret, nowMs)) return { kind: 'wrong' }
    const waitMs = this.#lockOut.waitMs(address, name, nowMs)
    if (waitMs > 0) return { kind: 'wait', seconds: Math.ceil(waitMs / 1000) }
    // An unknown user costs the same work as a wrong password.
    const check = await this.#checker.check(name, password, hash ?? NOBODY)
    if (check === 'busy') return { kind: 'wait', seconds: BUSY_SECONDS }
    if (check === 'right' && hash !== undefined && user !== undefined) {
      this.#lockOut.succeeded(address, name)
      return { kind: 'user', user }
    }
    this.#lockOut.failed(address, name, secret, this.#clock.monotonicMs())
    return { kind: 'wrong' }
  }

  #isProxy(address: string): boolean {
    const octets = parseAddress(address)
    return octets !== undefined && this.#proxies.has(octets)
  }
}

/** A device's password begins with its name (`phone-…`), so that one hash is tried and not all of them. */
function hashFor({ password: own, devices }: User, password: string): string | undefined {
  const dash = password.indexOf('-')
  const device = dash < 1 ? '' : password.slice(0, dash)
  return Object.hasOwn(devices, device) ? devices[device] : own
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
