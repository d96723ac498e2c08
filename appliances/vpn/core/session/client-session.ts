// A client's side of its gateway: opens the session, asks for its options, and renews the keys of its data channel.
import { encodeKeyMessage, randomSource, type PeerInfo } from '../control/key-method.ts'
import { EXPORTER_LABEL, prfMaterial } from '../data/key-material.ts'
import type { ControlWrap } from '../wrap/control-wrap.ts'
import { ControlSession, type ControlRefusal } from './control-session.ts'
import { encodeText, isPrintable } from './control-text.ts'
import { PeerKeys, type Exporter } from './peer-keys.ts'
import { mixKeys } from './server-session.ts'

export interface ClientSessionEvents {
  send(packet: Uint8Array): void
  openTls(keyId: number): void
  feedTls(keyId: number, octets: Uint8Array): void
  /** `octets` in a record of their own. */
  writeTls(keyId: number, octets: Uint8Array): void
  closeTls(keyId: number): void
  /** The whole of what the gateway pushed. */
  pushed(options: readonly string[]): void
  /** 256 octets from which this key id's data keys are cut; after `pushed` for the first. */
  keys(keyId: number, material: Uint8Array): void
  /** Any other text of the gateway: `AUTH_FAILED`, `RESTART`, `INFO_PRE`... */
  text(text: string): void
  ended(reason: string): void
}

export type ClientSessionOptions = {
  readonly wrap: ControlWrap
  readonly wrapKey: Uint8Array | undefined
  /** Of tls-crypt-v2. */
  readonly wrappedKey: Uint8Array | undefined
  readonly sessionId: Uint8Array
  readonly startSeconds: number
  readonly handWindowMs: number
  readonly user: string
  readonly password: string
  readonly peerInfo: PeerInfo
  /** `V4,dev-type tun,...` */
  readonly options: string
  readonly random: (octets: number) => Uint8Array
  readonly events: ClientSessionEvents
}

const PUSH_REQUEST_MS = 5_000
/** Parts of a PUSH_REPLY that are put together. */
const PUSH_LIMIT = 256

export class ClientSession {
  readonly control: ControlSession
  readonly #options: ClientSessionOptions
  readonly #peers = new Map<number, PeerKeys>()
  readonly #pushed: string[] = []
  #pushRequestAtMs = Infinity
  #isPushed = false
  #usesExporter = false

  constructor(options: ClientSessionOptions) {
    this.#options = options
    const { events } = options
    this.control = new ControlSession({
      role: 'client',
      wrap: options.wrap,
      sessionId: options.sessionId,
      startSeconds: options.startSeconds,
      handWindowMs: options.handWindowMs,
      ...(options.wrappedKey && { wrappedKey: options.wrappedKey }),
      events: {
        send: (packet) => events.send(packet),
        open: (keyId) => {
          this.#peers.set(keyId, new PeerKeys(keyId, false))
          events.openTls(keyId)
        },
        input: (keyId, octets) => events.feedTls(keyId, octets),
        expired: (keyId) => this.tlsFailed(keyId, 'the gateway did not answer in time'),
      },
    })
  }

  connect(nowMs: number): void {
    this.control.connect(nowMs)
  }

  receive(packet: Uint8Array, nowMs: number): ControlRefusal | undefined {
    return this.control.receive(packet, nowMs)
  }

  tlsOutput(keyId: number, octets: Uint8Array): void {
    this.control.output(keyId, octets)
  }

  tlsSecured(keyId: number, exporter: Exporter): void {
    const peer = this.#peers.get(keyId)
    if (peer === undefined) return
    peer.exporter = exporter
    const { random, options, user, password, peerInfo, events } = this.#options
    peer.ours = randomSource(true, random)
    const message = { source: peer.ours, options, user, password, peerInfo }
    events.writeTls(keyId, encodeKeyMessage(message))
  }

  tlsFailed(keyId: number, reason: string): void {
    this.#options.events.closeTls(keyId)
    this.#peers.delete(keyId)
    this.control.drop(keyId)
    if (!this.#isPushed || this.#peers.size === 0) this.#options.events.ended(reason)
  }

  tlsText(keyId: number, octets: Uint8Array, nowMs: number): void {
    const peer = this.#peers.get(keyId)
    if (peer === undefined) return
    const taken = peer.take(octets)
    if (!taken.ok) {
      this.tlsFailed(keyId, taken.error)
      return
    }
    if (taken.value.isFirst) {
      if (keyId > 0) this.#ready(peer)
      else this.#requestPush(nowMs)
    }
    for (const text of taken.value.texts) this.#text(text)
  }

  /** A control message with the newest key. */
  write(text: string): void {
    const keyId = Math.max(0, this.control.currentKeyId)
    if (this.#peers.get(keyId)?.theirs !== undefined)
      this.#options.events.writeTls(keyId, encodeText(text))
  }

  flush(nowMs: number): void {
    if (nowMs >= this.#pushRequestAtMs) this.#requestPush(nowMs)
    this.control.flush(nowMs)
  }

  nextDueMs(): number {
    return Math.min(this.#pushRequestAtMs, this.control.nextDueMs())
  }

  #requestPush(nowMs: number): void {
    this.#pushRequestAtMs = nowMs + PUSH_REQUEST_MS
    this.write('PUSH_REQUEST')
  }

  #text(text: string): void {
    if (!isPrintable(text)) return
    if (text === 'PUSH_REPLY' || text.startsWith('PUSH_REPLY,')) this.#pushReply(text)
    else this.#options.events.text(text)
  }

  #pushReply(text: string): void {
    const peer = this.#peers.get(0)
    if (this.#isPushed || peer === undefined) return
    const options = text.split(',').slice(1)
    if (this.#pushed.length + options.length > PUSH_LIMIT * 16) return
    this.#pushed.push(...options.filter((option) => !option.startsWith('push-continuation ')))
    if (options.includes('push-continuation 2')) return
    this.#isPushed = true
    this.#pushRequestAtMs = Infinity
    const flags = this.#pushed.flatMap((option) =>
      option.startsWith('protocol-flags ') ? option.split(' ').slice(1) : [],
    )
    this.#usesExporter =
      flags.includes('tls-ekm') || this.#pushed.includes('key-derivation tls-ekm')
    if (flags.includes('dyn-tls-crypt')) {
      const key = peer.exporter!(EXPORTER_LABEL.dynamicTlsCrypt)
      const { wrap, wrapKey } = this.#options
      this.control.wrapRenegotiations(mixKeys(key, wrap, wrapKey))
    }
    this.#options.events.pushed(this.#pushed)
    this.#ready(peer)
  }

  #ready(peer: PeerKeys): void {
    const { keyId, exporter, ours, theirs } = peer
    const { remoteSessionId, sessionId } = this.control
    const material = this.#usesExporter
      ? exporter!(EXPORTER_LABEL.dataKeys)
      : prfMaterial(ours!, theirs!.source, sessionId, remoteSessionId!)
    this.control.done(keyId)
    for (const other of this.#peers.keys()) {
      if (other === keyId) continue
      this.#options.events.closeTls(other)
      this.#peers.delete(other)
    }
    this.#options.events.keys(keyId, material)
  }
}
