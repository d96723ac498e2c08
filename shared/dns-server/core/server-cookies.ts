// Server cookies that every server with the same secret understands (RFC 7873, RFC 9018): a client that shows one
// that we made for its address gets mail there, so it is not a forged source.
import { SipHash, SIP_HASH_OCTETS } from '../../bytes/sip-hash.ts'

export const CLIENT_COOKIE_OCTETS = 8
/** Of what we make: the client's part, version, reserved, timestamp, hash. */
export const COOKIE_OCTETS = 24
/** A COOKIE option is a client cookie, or one followed by 8 to 32 octets that some server made (RFC 7873 §4). */
export const FULL_COOKIE_OCTETS = { lowest: 16, highest: 40 } as const

const VERSION = 1
const TIMESTAMP_AT = 12
const HASH_AT = 16
/** RFC 9018 §4.3, in seconds. */
const OLDEST_SECONDS = 3600
const FUTURE_SECONDS = 300
const RENEW_SECONDS = 1800
const ADDRESS_OCTETS = 16

export class ServerCookies {
  #hashes: readonly SipHash[]
  readonly #input = new Uint8Array(HASH_AT + ADDRESS_OCTETS)
  readonly #digest = new Uint8Array(SIP_HASH_OCTETS)
  /** The option's data for the answer, after `check`. */
  readonly reply: Uint8Array = new Uint8Array(COOKIE_OCTETS)

  /** Secrets of 16 octets: the first makes cookies, all of them prove one (RFC 9018 §5). */
  constructor(secrets: readonly Uint8Array[]) {
    this.#hashes = secrets.map((secret) => new SipHash(secret))
  }

  roll(secrets: readonly Uint8Array[]): void {
    this.#hashes = secrets.map((secret) => new SipHash(secret))
  }

  /**
   * Whether the cookie at `at` proves that the client has its address; makes `reply` either way. `length` is one that
   * RFC 7873 §4 allows; `address` has 4 or 16 octets.
   */
  check(
    packet: Uint8Array,
    at: number,
    length: number,
    address: Uint8Array,
    nowSeconds: number,
  ): boolean {
    const { reply } = this
    const input = this.#input
    const isOurs = length === COOKIE_OCTETS && packet[at + CLIENT_COOKIE_OCTETS] === VERSION
    for (let i = 0; i < (isOurs ? HASH_AT : CLIENT_COOKIE_OCTETS); i++) input[i] = packet[at + i]!
    for (let i = 0; i < address.length; i++) input[HASH_AT + i] = address[i]!
    const inputOctets = HASH_AT + address.length
    let proof = NO_PROOF
    if (isOurs) {
      const stamp =
        (input[TIMESTAMP_AT]! << 24) |
        (input[TIMESTAMP_AT + 1]! << 16) |
        (input[TIMESTAMP_AT + 2]! << 8) |
        input[TIMESTAMP_AT + 3]!
      // Serial number arithmetic: the clock of 32 bits may turn over.
      const age = (nowSeconds - stamp) | 0
      if (age <= OLDEST_SECONDS && age >= -FUTURE_SECONDS)
        proof = this.#proofOf(packet, at + HASH_AT, inputOctets)
      if (proof === NEWEST && age >= 0 && age <= RENEW_SECONDS) {
        for (let i = 0; i < COOKIE_OCTETS; i++) reply[i] = packet[at + i]!
        return true
      }
    }
    input[CLIENT_COOKIE_OCTETS] = VERSION
    for (let i = CLIENT_COOKIE_OCTETS + 1; i < TIMESTAMP_AT; i++) input[i] = 0
    input[TIMESTAMP_AT] = nowSeconds >>> 24
    input[TIMESTAMP_AT + 1] = nowSeconds >>> 16
    input[TIMESTAMP_AT + 2] = nowSeconds >>> 8
    input[TIMESTAMP_AT + 3] = nowSeconds
    for (let i = 0; i < HASH_AT; i++) reply[i] = input[i]!
    this.#hashes[0]!.digest(input, inputOctets, reply, HASH_AT)
    return proof !== NO_PROOF
  }

  /** Which secret made the cookie. */
  #proofOf(packet: Uint8Array, hashAt: number, inputOctets: number): number {
    const digest = this.#digest
    for (let secret = NEWEST; secret < this.#hashes.length; secret++) {
      this.#hashes[secret]!.digest(this.#input, inputOctets, digest, 0)
      // All octets are looked at, so that the time taken tells nothing.
      let differing = 0
      for (let i = 0; i < SIP_HASH_OCTETS; i++) differing |= digest[i]! ^ packet[hashAt + i]!
      if (differing === 0) return secret
    }
    return NO_PROOF
  }
}

const NEWEST = 0
const NO_PROOF = -1
