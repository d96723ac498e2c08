// HTTP Basic authentication (RFC 7617) against the users of a configuration.
import type { Clock } from '../clock/clock.ts'
import { Bug } from '../result/result.ts'
import { DEFAULT_COST, parsePasswordHash, type PasswordHash } from './password-hash.ts'
import { PasswordChecker } from './password.ts'

export type Credentials = { readonly user: string; readonly password: string }

export type Login =
  | { readonly kind: 'user'; readonly user: string }
  /** No credentials were sent: ask for them. */
  | { readonly kind: 'missing' }
  /** Unknown user or wrong password; a peer cannot tell which. */
  | { readonly kind: 'wrong' }
  /** Too many checks at once: 503, try again. */
  | { readonly kind: 'busy' }

/** Longest header looked at; a name has 64 characters and no one types more than a thousand. */
export const CREDENTIALS_LIMIT = 2_048

/** undefined when the header is absent, of another scheme, or malformed. */
export function parseBasic(header: string | undefined): Credentials | undefined {
  if (header === undefined || header.length > CREDENTIALS_LIMIT) return undefined
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = decodeUtf8(Buffer.from(encoded, 'base64'))
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon === -1) return undefined
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

export class Users {
  readonly #hashes: ReadonlyMap<string, PasswordHash>
  readonly #nobody: PasswordHash
  readonly #checker: PasswordChecker

  /** `users` as decoded from the configuration: name to `scrypt:...`. */
  constructor(users: { readonly [name: string]: string }, clock: Clock) {
    const hashes = Object.entries(users).map(([name, text]): [string, PasswordHash] => {
      const hash = parsePasswordHash(text)
      if (hash === undefined)
        throw new Bug(`The hash of ${name} was not checked when it was decoded`)
      return [name, hash]
    })
    this.#hashes = new Map(hashes)
    this.#nobody = nobody(hashes.map(([, hash]) => hash))
    this.#checker = new PasswordChecker(clock)
  }

  get isEmpty(): boolean {
    return this.#hashes.size === 0
  }

  /** An unknown user costs the same work as a wrong password. */
  async login(authorization: string | undefined): Promise<Login> {
    const credentials = parseBasic(authorization)
    if (credentials === undefined) return { kind: 'missing' }
    const { user, password } = credentials
    const known = this.#hashes.get(user)
    const check = await this.#checker.check(user, password, known ?? this.#nobody)
    if (check === 'busy') return { kind: 'busy' }
    return check === 'right' && known !== undefined ? { kind: 'user', user } : { kind: 'wrong' }
  }
}

/** For the header WWW-Authenticate. */
export function challenge(realm: string): string {
  return `Basic realm="${realm.replaceAll(/["\\\p{Cc}]/gu, '')}", charset="UTF-8"`
}

/** A hash that costs what the dearest user's costs, and that no password gives. */
function nobody(hashes: readonly PasswordHash[]): PasswordHash {
  const work = (h: PasswordHash): number => h.cost * h.blockSize * h.parallel
  const fallback = { ...DEFAULT_COST, salt: new Uint8Array(16), hash: new Uint8Array(32) }
  const dearest = hashes.toSorted((a, b) => work(b) - work(a))[0] ?? fallback
  return { ...dearest, hash: new Uint8Array(dearest.hash.length) }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined // Not UTF-8: as malformed as any other header.
  }
}
