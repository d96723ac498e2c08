// One-time codes by time (TOTP, RFC 6238, over HOTP, RFC 4226): SHA-1, 6 digits, 30 s, as every authenticator app
// makes them. A code is good once; whoever guesses waits.
import { createHmac } from 'node:crypto'

const STEP_MS = 30_000
const DIGITS = 6
/** Clocks may differ by one step. */
const WINDOW = 1
/** Wrong codes of one user within `WRONG_MS` (RFC 4226 §7.3). */
const WRONG_LIMIT = 5
const WRONG_MS = 300_000

/** RFC 4226 §5.3. */
export function codeAt(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const truncated = mac.readUInt32BE(mac[mac.length - 1]! & 15) & 0x7fff_ffff
  return String(truncated % 10 ** DIGITS).padStart(DIGITS, '0')
}

export function stepOf(nowMs: number): number {
  return Math.floor(nowMs / STEP_MS)
}

type History = { lastStep: number; wrong: number; wrongUntilMs: number }

/** What was used is remembered by user; there are as many as the users file has. */
export class OneTimeCodes {
  readonly #histories = new Map<string, History>()

  /** Whether `code` is one of now that was not used before. */
  take(user: string, secret: Uint8Array, code: string, nowMs: number): boolean {
    const history = this.#histories.get(user) ?? { lastStep: -1, wrong: 0, wrongUntilMs: 0 }
    this.#histories.set(user, history)
    if (nowMs >= history.wrongUntilMs) history.wrong = 0
    if (history.wrong >= WRONG_LIMIT) return false
    const now = stepOf(nowMs)
    for (let step = now - WINDOW; step <= now + WINDOW; step++) {
      if (step <= history.lastStep || codeAt(secret, step) !== code) continue
      history.lastStep = step
      history.wrong = 0
      return true
    }
    if (history.wrong++ === 0) history.wrongUntilMs = nowMs + WRONG_MS
    return false
  }
}
