// User and password of a client: the password itself, a token in its place, and a code of the authenticator where the
// user has one.
import { randomBytes } from 'node:crypto'
import { PasswordChecker } from '../../shared/auth/password.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { AuthTokens, type TokenTimes } from './core/access/auth-token.ts'
import { Challenges, readCredentials } from './core/access/challenge.ts'
import { OneTimeCodes } from './core/access/one-time-code.ts'
import { openSecret } from './core/access/sealed-secret.ts'
import type { User } from './core/content/users.ts'

export type LoginKeys = {
  /** Of tokens; undefined: one that ends with the process. */
  readonly token: Uint8Array | undefined
  /** What opens the secrets of authenticators. */
  readonly totp: Uint8Array | undefined
}

export type Login = Answered | Asks

export type Answered =
  | { readonly kind: 'admit'; readonly token: string | undefined }
  /** Behind `AUTH_FAILED`. */
  | { readonly kind: 'refuse'; readonly reason: string }

/** The password is right, and a code is wanted: `answer` takes it. */
type Asks = { readonly kind: 'ask' }

export class Logins {
  readonly #clock: Clock
  readonly #passwords: PasswordChecker
  readonly #tokens: AuthTokens | undefined
  readonly #totpKey: Uint8Array | undefined
  readonly #codes = new OneTimeCodes()
  readonly #challenges = new Challenges(randomBytes(32))

  /** Without `times` there are no tokens. */
  constructor(clock: Clock, keys: LoginKeys, times: TokenTimes | undefined) {
    this.#clock = clock
    this.#passwords = new PasswordChecker(clock)
    this.#tokens = times && new AuthTokens(keys.token ?? randomBytes(32), times, randomBytes)
    this.#totpKey = keys.totp
  }

  /** `canAsk`: the client can be asked for the code while it waits. */
  async check(
    name: string,
    commonName: string,
    text: string,
    user: User | undefined,
    canAsk: boolean,
  ): Promise<Login> {
    if (user === undefined) return refused('')
    if (this.#tokens !== undefined && AuthTokens.isToken(text)) {
      const token = this.#tokens.renew(name, text, this.#clock.wallMs())
      // A client that is told so asks for the password again.
      return token === undefined ? refused('SESSION:token expired') : { kind: 'admit', token }
    }
    const given = readCredentials(text)
    if (given === undefined) return refused('')
    if (given.kind === 'password') {
      const check = await this.#passwords.check(name, given.password, user.password)
      if (check !== 'right') return refused(check === 'busy' ? 'TEMP:try again' : '')
    } else if (
      user.totp === undefined ||
      !this.#challenges.isAsked(name, commonName, given.state, this.#clock.wallMs())
    )
      return refused('')
    if (user.totp === undefined) return this.#admit(name)
    if (given.code !== undefined) return this.answer(name, given.code, user)
    return canAsk
      ? { kind: 'ask' }
      : refused(this.#challenges.ask(name, commonName, this.#clock.wallMs()))
  }

  /** Of a user whose password was right. */
  answer(name: string, code: string, user: User | undefined): Answered {
    if (user?.totp === undefined) return refused('')
    const secret = this.#totpKey && openSecret(this.#totpKey, name, user.totp)
    if (secret === undefined) return refused('the gateway cannot read the second factor')
    const isRight = this.#codes.take(name, secret, code, this.#clock.wallMs())
    return isRight ? this.#admit(name) : refused('')
  }

  #admit(name: string): Answered {
    return { kind: 'admit', token: this.#tokens?.issue(name, this.#clock.wallMs()) }
  }
}

function refused(reason: string): Answered {
  return { kind: 'refuse', reason }
}
