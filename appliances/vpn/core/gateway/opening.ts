// The first packets of a client, answered without keeping anything: over UDP its address is not proven before it
// echoes the session id it was given.
import { decodeControlBody, encodeControlBody, HEADER_OCTETS } from '../control/control-body.ts'
import { keyIdOf, OPCODE, opcodeOf } from '../control/opcode.ts'
import type { SessionCookies } from '../control/session-cookie.ts'
import { RESEND_WRAPPED_KEY } from '../session/control-session.ts'
import { CryptWrap, type ControlWrap, type Unwrapped } from '../wrap/control-wrap.ts'
import { unwrapKey, wrappedKeyStart, type ServerKey } from '../wrap/wrapped-key.ts'

/** How control packets are protected; `serverKey` for clients that bring a wrapped key of their own. */
export type Wrapping = {
  /** Undefined: clients without a wrapped key are not answered. */
  readonly shared: { readonly wrap: ControlWrap; readonly key: Uint8Array | undefined } | undefined
  readonly serverKey: ServerKey | undefined
  /** Whether clients that cannot send their wrapped key again (before 2.6) are kept from their first packet on. */
  readonly allowsNoCookie: boolean
}

export type OpenedWrap = {
  readonly wrap: ControlWrap
  readonly key: Uint8Array | undefined
  /** Of a wrapped key. */
  readonly metadata: Uint8Array | undefined
}

export type Opening =
  | { readonly kind: 'answer'; readonly packet: Uint8Array }
  /** A client that is there: `resumes` after a stateless exchange, else its reset is yet to be answered. */
  | {
      readonly kind: 'session'
      readonly resumes: boolean
      readonly sessionId: Uint8Array
      readonly remoteSessionId: Uint8Array
      readonly opened: OpenedWrap
    }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'forged' | 'stale' | 'unexpected' }

/** In the top octet of its first packet's id, a tls-crypt-v2 client says that it can repeat its wrapped key. */
const COOKIE_READY = 0x0f

export class Openings {
  readonly #wrapping: Wrapping
  readonly #cookies: SessionCookies
  readonly #random: (octets: number) => Uint8Array

  constructor(wrapping: Wrapping, cookies: SessionCookies, random: (octets: number) => Uint8Array) {
    this.#wrapping = wrapping
    this.#cookies = cookies
    this.#random = random
  }

  /** `packet` of a session that is not known. `client`: its address and port. */
  take(packet: Uint8Array, client: string, isStream: boolean, nowMs: number): Opening {
    if (packet.length < HEADER_OCTETS || keyIdOf(packet) !== 0) return refused('unexpected')
    const remoteSessionId = packet.subarray(1, HEADER_OCTETS)
    if (remoteSessionId.every((octet) => octet === 0)) return refused('malformed')
    const opcode = opcodeOf(packet)
    const isReset = opcode === OPCODE.hardResetClientV2 || opcode === OPCODE.hardResetClientV3
    const isEcho =
      opcode === OPCODE.control || opcode === OPCODE.ack || opcode === OPCODE.controlWrappedKey
    if (!isReset && !isEcho) return refused('unexpected')
    const opened = this.#open(packet, opcode)
    if (opened === undefined) return refused('forged')
    const body = decodeControlBody(opened.unwrapped.body, opcode === OPCODE.ack)
    if (body === undefined) return refused('malformed')
    if (isReset) {
      if (body.messageId !== 0 || body.acks.length > 0) return refused('unexpected')
      const hasOwnKey = opened.metadata !== undefined
      const canRepeat = opened.unwrapped.id >>> 24 === COOKIE_READY
      if (isStream || (hasOwnKey && !canRepeat && this.#wrapping.allowsNoCookie)) {
        const sessionId = this.#random(remoteSessionId.length)
        return { kind: 'session', resumes: false, sessionId, remoteSessionId, opened }
      }
      if (hasOwnKey && !canRepeat) return refused('unexpected')
      return { kind: 'answer', packet: this.#answer(opened, client, remoteSessionId, nowMs) }
    }
    const sessionId = body.remoteSessionId
    if (sessionId === undefined || isStream) return refused('unexpected')
    if (!this.#cookies.isOurs(sessionId, client, remoteSessionId, nowMs)) return refused('stale')
    if (body.acks.some((id) => id > 1) || (body.messageId ?? 0) > 1) return refused('unexpected')
    return {
      kind: 'session',
      resumes: true,
      sessionId: new Uint8Array(sessionId),
      remoteSessionId,
      opened,
    }
  }

  #answer(
    opened: OpenedWrap,
    client: string,
    remoteSessionId: Uint8Array,
    nowMs: number,
  ): Uint8Array {
    const header = Buffer.alloc(HEADER_OCTETS)
    header[0] = OPCODE.hardResetServerV2 << 3
    header.set(this.#cookies.make(client, remoteSessionId, nowMs), 1)
    const payload = opened.metadata === undefined ? new Uint8Array(0) : RESEND_WRAPPED_KEY
    const body = encodeControlBody({ acks: [0], remoteSessionId, messageId: 0, payload })
    return opened.wrap.seal(header, body, 1, Math.floor(nowMs / 1000))
  }

  #open(
    packet: Uint8Array,
    opcode: number,
  ): (OpenedWrap & { readonly unwrapped: Unwrapped }) | undefined {
    const { shared, serverKey } = this.#wrapping
    if (opcode === OPCODE.hardResetClientV3 || opcode === OPCODE.controlWrappedKey) {
      const start = wrappedKeyStart(packet, HEADER_OCTETS)
      if (serverKey === undefined || start === undefined) return undefined
      const key = unwrapKey(serverKey, packet.subarray(start))
      if (key === undefined) return undefined
      const wrap = new CryptWrap(key.key, 'server')
      const unwrapped = wrap.open(packet.subarray(0, start))
      return unwrapped && { wrap, key: key.key, metadata: key.metadata, unwrapped }
    }
    const unwrapped = shared?.wrap.open(packet)
    if (shared === undefined || unwrapped === undefined) return undefined
    return { wrap: shared.wrap, key: shared.key, metadata: undefined, unwrapped }
  }
}

function refused(reason: 'malformed' | 'forged' | 'stale' | 'unexpected'): Opening {
  return { kind: 'refused', reason }
}
