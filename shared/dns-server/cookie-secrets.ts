// The secrets of server cookies: a file that several servers of one name share, read again on SIGHUP; without one a
// random secret that is rolled each day and believed for a day more (RFC 9018 §5, RFC 7873 §7.1).
import { randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../clock/clock.ts'
import { SIP_KEY_OCTETS } from '../bytes/sip-hash.ts'
import { readTextFile } from '../files/text-file.ts'
import { err, Fatal, ok, type Result } from '../result/result.ts'

const ROLL_MS = 86_400_000
/** More secrets than a set of servers rolls through, fewer than would make a check slow. */
export const SECRETS_LIMIT = 8

type SecretsUser = { roll(secrets: readonly Uint8Array[]): void }

export class CookieSecrets {
  readonly #file: string | undefined
  readonly #listeners = new Set<SecretsUser>()
  #secrets: readonly Uint8Array[]
  #timer: Timer | undefined

  /** Throws `Fatal` when the file does not hold what it should. */
  constructor(file: string | undefined, clock: Clock) {
    this.#file = file
    if (file === undefined) {
      this.#secrets = [randomBytes(SIP_KEY_OCTETS)]
      this.#rollLater(clock)
      return
    }
    const read = readSecrets(file)
    if (!read.ok) throw new Fatal(read.error)
    this.#secrets = read.value
  }

  /** The newest first. */
  get secrets(): readonly Uint8Array[] {
    return this.#secrets
  }

  /** `cookies` gets the secrets whenever they change. */
  attach(cookies: SecretsUser): void {
    this.#listeners.add(cookies)
  }

  /** The sentence says why the secrets stay as they were. */
  reload(): Result<void, string> {
    if (this.#file === undefined) return ok(undefined)
    const read = readSecrets(this.#file)
    if (!read.ok) return read
    this.#use(read.value)
    return ok(undefined)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #rollLater(clock: Clock): void {
    this.#timer = clock.after(ROLL_MS, () => {
      this.#use([randomBytes(SIP_KEY_OCTETS), this.#secrets[0]!])
      this.#rollLater(clock)
    })
  }

  #use(secrets: readonly Uint8Array[]): void {
    this.#secrets = secrets
    for (const cookies of this.#listeners) cookies.roll(secrets)
  }
}

/** Empty lines and those that begin with # are left out. */
export function parseSecrets(text: string): readonly Uint8Array[] | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const secrets = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (secrets.length === 0 || secrets.length > SECRETS_LIMIT) return undefined
  if (!secrets.every((secret) => /^[0-9A-Fa-f]{32}$/.test(secret))) return undefined
  return secrets.map((secret) => Buffer.from(secret, 'hex'))
}

function readSecrets(file: string): Result<readonly Uint8Array[], string> {
  const text = readTextFile(file)
  if (!text.ok) return err(`${file}: ${text.error}`)
  const secrets = parseSecrets(text.value)
  if (secrets !== undefined) return ok(secrets)
  return err(`${file}: Expected 1 to ${SECRETS_LIMIT} lines of 32 hex digits, the newest first`)
}
