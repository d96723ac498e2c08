// What a client signs in with: the user and password of its profile, until a gateway gives it a token in place of the
// password (`auth-token`), which is for renegotiations and for coming again. Outlives a connection.
import { wordsOf } from '../options/option-lines.ts'

export class Credentials {
  readonly #own: { readonly user: string; readonly password: string }
  #token: { readonly user: string; readonly password: string } | undefined
  /** Of `auth-token-user`: a gateway may know who somebody is better than the profile does. */
  #tokenUser: string | undefined

  constructor(user: string, password: string) {
    this.#own = { user, password }
  }

  get user(): string {
    return (this.#token ?? this.#own).user
  }

  get password(): string {
    return (this.#token ?? this.#own).password
  }

  /** Takes a token from what was pushed, if there is one. */
  take(pushed: readonly string[]): void {
    for (const option of pushed) {
      const words = wordsOf(option)
      if (typeof words === 'string') continue
      const [name, value = ''] = words
      if (name === 'auth-token-user')
        this.#tokenUser = Buffer.from(value, 'base64').toString('utf8')
      if (name === 'auth-token' && value !== '')
        this.#token = { user: this.#tokenUser ?? this.#own.user, password: value }
    }
  }

  /** The gateway takes it no more. Whether there was one: then the password has still to be tried. */
  forgetToken(): boolean {
    const had = this.#token !== undefined
    this.#token = undefined
    return had
  }
}
