// A client's side of its gateway: opens the session, asks for its options, and renews the keys of its data channel.
import { encodeKeyMessage, randomSource, type PeerInfo } from '../control/key-method.ts'
import type { ControlRefusal, ControlSession } from './control-session.ts'
import { KeyedSession, type KeyedSessionEvents, type KeyedSessionOptions } from './keyed-session.ts'
import type { PeerKeys } from './peer-keys.ts'

/** `keys` comes after `pushed` for the first key id. */
export interface ClientSessionEvents extends KeyedSessionEvents {
  /** The whole of what the gateway pushed. */
  pushed(options: readonly string[]): void
  /** What it pushed after that. */
  pushedLater(options: readonly string[]): void
  nowMs(): number
}

export type ClientSessionOptions = KeyedSessionOptions & {
  /** Of tls-crypt-v2. */
  readonly wrappedKey: Uint8Array | undefined
  /** Asked for each handshake. */
  readonly credentials: { readonly user: string; readonly password: string }
  readonly peerInfo: PeerInfo
  /** `V4,dev-type tun,...` */
  readonly options: string
  readonly events: ClientSessionEvents
}

const PUSH_REQUEST_MS = 5_000
/** Options of a PUSH_REPLY that are put together. */
const PUSH_LIMIT = 4096

export class ClientSession {
  readonly #options: ClientSessionOptions
  readonly #keyed: KeyedSession
  readonly #pushed: string[] = []
  #pushRequestAtMs = Infinity
  #isPushed = false
  #usesExporter = false

  constructor(options: ClientSessionOptions) {
    this.#options = options
    this.#keyed = new KeyedSession('client', options, options.events, {
      late: 'the gateway did not answer in time',
      secured: (peer) => this.#greet(peer),
      greeted: (peer) => this.#greeted(peer),
      text: (text) => this.#text(text),
      isOver: () => !this.#isPushed || this.#keyed.size === 0,
    })
  }

  get control(): ControlSession {
    return this.#keyed.control
  }

  connect(nowMs: number): void {
    this.control.connect(nowMs)
  }

  receive(packet: Uint8Array, nowMs: number): ControlRefusal | undefined {
    return this.control.receive(packet, nowMs)
  }

  /** A control message with the newest key. */
  write(text: string): void {
    this.#keyed.write(text)
  }

  flush(nowMs: number): void {
    if (nowMs >= this.#pushRequestAtMs) this.#requestPush(nowMs)
    this.control.flush(nowMs)
  }

  close(): void {
    this.#keyed.close()
  }

  #greet(peer: PeerKeys): void {
    const { random, options, credentials, peerInfo } = this.#options
    const { user, password } = credentials
    peer.ours = randomSource(true, random)
    const message = { source: peer.ours, options, user, password, peerInfo }
    peer.tls?.write(encodeKeyMessage(message))
  }

  #greeted(peer: PeerKeys): void {
    if (peer.keyId > 0) this.#keyed.ready(peer, this.#usesExporter)
    else this.#requestPush(this.#options.events.nowMs())
  }

  #requestPush(nowMs: number): void {
    this.#pushRequestAtMs = nowMs + PUSH_REQUEST_MS
    this.write('PUSH_REQUEST')
  }

  #text(text: string): void {
    if (text === 'PUSH_REPLY' || text.startsWith('PUSH_REPLY,')) this.#pushReply(text)
    else this.#options.events.text(text)
  }

  #pushReply(text: string): void {
    const peer = this.#keyed.peer(0)
    const options = text.split(',').slice(1)
    if (this.#isPushed) return this.#options.events.pushedLater(options)
    if (peer === undefined) return
    if (this.#pushed.length + options.length > PUSH_LIMIT) return
    this.#pushed.push(...options.filter((option) => !option.startsWith('push-continuation ')))
    if (options.includes('push-continuation 2')) return
    this.#isPushed = true
    this.#pushRequestAtMs = Infinity
    const flags = this.#pushed.flatMap((option) =>
      option.startsWith('protocol-flags ') ? option.split(' ').slice(1) : [],
    )
    this.#usesExporter =
      flags.includes('tls-ekm') || this.#pushed.includes('key-derivation tls-ekm')
    if (flags.includes('dyn-tls-crypt')) this.#keyed.wrapRenegotiations(peer)
    this.#options.events.pushed(this.#pushed)
    this.#keyed.ready(peer, this.#usesExporter)
  }
}
