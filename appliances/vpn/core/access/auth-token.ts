// Tokens in place of a password, in the form of stock OpenVPN's auth-gen-token: who logged in when, and when the token
// was last made anew, under an HMAC. Nothing is kept here: any gateway with the key knows its tokens.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { ok, err, type Result } from '../../../../shared/result/result.ts'
import { pemOctets } from '../wrap/wrapped-key.ts'

const PREFIX = 'SESS_ID_AT_'
const SESSION_OCTETS = 12
const TIME_OCTETS = 8
const SIGNED_OCTETS = SESSION_OCTETS + 2 * TIME_OCTETS
const TOKEN_OCTETS = SIGNED_OCTETS + 32
const TOKEN_CHARACTERS = (TOKEN_OCTETS / 3) * 4
const KEY_NAME = 'OpenVPN auth-token server key'
const KEY_OCTETS = 128

export type TokenTimes = {
  /** From the login on. */
  readonly lifetimeMs: number
  /** A token is good for twice as long, and made anew with each renegotiation. */
  readonly renewalMs: number
}

export class AuthTokens {
  readonly #key: Uint8Array
  readonly #times: TokenTimes
  readonly #random: (octets: number) => Uint8Array

  /** `key` 32 octets. */
  constructor(key: Uint8Array, times: TokenTimes, random: (octets: number) => Uint8Array) {
    this.#key = key
    this.#times = times
    this.#random = random
  }

  static isToken(password: string): boolean {
    return password.startsWith(PREFIX)
  }

  /** For one who gave the password. */
  issue(user: string, nowMs: number): string {
    return this.#sign(user, this.#random(SESSION_OCTETS), nowMs, nowMs)
  }

  /** The same login with a newer token; undefined when `token` is not good any more, or never was. */
  renew(user: string, token: string, nowMs: number): string | undefined {
    const base64 = token.slice(PREFIX.length)
    // Looked at before anything is decoded (CVE-2026-13122).
    if (base64.length !== TOKEN_CHARACTERS || !/^[A-Za-z0-9+/]+$/.test(base64)) return undefined
    const octets = Buffer.from(base64, 'base64')
    const signed = octets.subarray(0, SIGNED_OCTETS)
    if (!timingSafeEqual(this.#mac(user, signed), octets.subarray(SIGNED_OCTETS))) return undefined
    const firstMs = millisecondsAt(signed, SESSION_OCTETS)
    const lastMs = millisecondsAt(signed, SESSION_OCTETS + TIME_OCTETS)
    const { lifetimeMs, renewalMs } = this.#times
    const isInOrder = firstMs <= lastMs && lastMs <= nowMs
    if (!isInOrder || nowMs > firstMs + lifetimeMs || nowMs > lastMs + 2 * renewalMs)
      return undefined
    return this.#sign(user, signed.subarray(0, SESSION_OCTETS), firstMs, nowMs)
  }

  #sign(user: string, session: Uint8Array, firstMs: number, lastMs: number): string {
    const signed = Buffer.alloc(SIGNED_OCTETS)
    signed.set(session)
    signed.writeBigUInt64BE(BigInt(Math.floor(firstMs / 1000)), SESSION_OCTETS)
    signed.writeBigUInt64BE(BigInt(Math.floor(lastMs / 1000)), SESSION_OCTETS + TIME_OCTETS)
    return PREFIX + Buffer.concat([signed, this.#mac(user, signed)]).toString('base64')
  }

  #mac(user: string, signed: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(user).update(signed).digest()
  }
}

/** The 32 octets of a key file as `openvpn --genkey auth-token` makes it. */
export function parseTokenKey(text: string): Result<Uint8Array, string> {
  const octets = pemOctets(text, KEY_NAME)
  if (!octets.ok) return octets
  if (octets.value.length !== KEY_OCTETS)
    return err(`expected ${KEY_OCTETS} octets, found ${octets.value.length}`)
  return ok(octets.value.subarray(64, 96))
}

function millisecondsAt(octets: Buffer, at: number): number {
  return Number(octets.readBigUInt64BE(at)) * 1000
}
