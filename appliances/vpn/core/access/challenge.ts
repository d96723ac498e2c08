// How OpenVPN clients send a second factor: `SCRV1:` beside the password (static-challenge), or asked for with
// AUTH_FAILED and sent with `CRV1::` (dynamic challenge);
// newer ones are asked while they wait (AUTH_PENDING with CR_TEXT). A challenge is its own record: an HMAC over whom and when.
import { createHmac, timingSafeEqual } from 'node:crypto'

export type Credentials =
  | { readonly kind: 'password'; readonly password: string; readonly code: string | undefined }
  /** The answer to a challenge, which was made once the password had been right. */
  | { readonly kind: 'answer'; readonly state: string; readonly code: string }

/** Undefined when it begins as one of the forms and does not go on as it. */
export function readCredentials(text: string): Credentials | undefined {
  if (text.startsWith('SCRV1:')) {
    const match = /^SCRV1:([A-Za-z0-9+/]*={0,2}):([A-Za-z0-9+/]*={0,2})$/.exec(text)
    if (match === null) return undefined
    const [password, code] = [match[1]!, match[2]!].map((part) =>
      Buffer.from(part, 'base64').toString('utf8'),
    )
    return { kind: 'password', password: password!, code: code! }
  }
  if (text.startsWith('CRV1::')) {
    const match = /^CRV1::([\w-]{1,200})::(.{0,200})$/.exec(text)
    return match === null ? undefined : { kind: 'answer', state: match[1]!, code: match[2]! }
  }
  return { kind: 'password', password: text, code: undefined }
}

/** What a person reads. */
export const QUESTION = 'Code of your authenticator'

/** To type the answer. */
export const ANSWER_MS = 120_000
const TIME_OCTETS = 8
const STATE_OCTETS = TIME_OCTETS + 32

export class Challenges {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The reason of AUTH_FAILED: clients show the text and ask, with an echo of what is typed. */
  ask(user: string, commonName: string, nowMs: number): string {
    const time = Buffer.alloc(TIME_OCTETS)
    time.writeBigUInt64BE(BigInt(nowMs))
    const state = Buffer.concat([time, this.#mac(user, commonName, time)]).toString('base64url')
    return `CRV1:R,E:${state}:${Buffer.from(user).toString('base64')}:${QUESTION}`
  }

  /** Whether this user on this device was asked, not long ago. */
  isAsked(user: string, commonName: string, state: string, nowMs: number): boolean {
    const octets = Buffer.from(state, 'base64url')
    if (octets.length !== STATE_OCTETS) return false
    const time = octets.subarray(0, TIME_OCTETS)
    if (!timingSafeEqual(this.#mac(user, commonName, time), octets.subarray(TIME_OCTETS)))
      return false
    const ageMs = nowMs - Number(time.readBigUInt64BE())
    return ageMs >= 0 && ageMs <= ANSWER_MS
  }

  #mac(user: string, commonName: string, time: Uint8Array): Buffer {
    const parts = JSON.stringify([user, commonName])
    return createHmac('sha256', this.#key).update(time).update(parts).digest()
  }
}

/** A reason for the log: what a challenge holds takes the place of a password for a while. */
export function loggedReason(reason: string): string {
  return reason.startsWith('CRV1:') ? 'a code was asked for' : reason
}
