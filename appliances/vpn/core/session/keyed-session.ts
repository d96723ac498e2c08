// What both roles do with a peer's key ids: a TLS session for each, the key messages through it, and the data keys that
// come of them. What is said through TLS beside that is the role's.
import { PLAIN_WRAP, type ControlWrap, type Role } from '../wrap/control-wrap.ts'
import { EXPORTER_LABEL, prfMaterial } from '../data/key-material.ts'
import { ControlSession } from './control-session.ts'
import { encodeText, isPrintable } from './control-text.ts'
import { PeerKeys } from './peer-keys.ts'
import type { TlsEnd, TlsEvents } from './tls-end.ts'

export type KeyedSessionOptions = {
  readonly wrap: ControlWrap
  /** The configured static key that dynamic tls-crypt is mixed with; undefined without one. */
  readonly wrapKey: Uint8Array | undefined
  readonly sessionId: Uint8Array
  readonly startSeconds: number
  readonly handWindowMs: number
  readonly random: (octets: number) => Uint8Array
}

export interface KeyedSessionEvents {
  send(packet: Uint8Array): void
  openTls(events: TlsEvents): TlsEnd
  /** There is something to flush. */
  wake(): void
  /** 256 octets from which this key id's data keys are cut. */
  keys(keyId: number, material: Uint8Array): void
  /** Any text of the peer that has no meaning here. */
  text(text: string): void
  ended(reason: string): void
}

/** What the roles do differently. */
export interface RoleEvents {
  /** TLS is up. */
  secured(peer: PeerKeys): void
  /** The peer's key message is whole. */
  greeted(peer: PeerKeys): void
  /** A printable text of the peer. */
  text(text: string): void
  /** The handshake of a key id failed; whether that is the end of the session. */
  isOver(keyId: number): boolean
}

export class KeyedSession {
  readonly control: ControlSession
  readonly #role: Role
  readonly #options: KeyedSessionOptions
  readonly #events: KeyedSessionEvents
  readonly #roleEvents: RoleEvents
  readonly #peers = new Map<number, PeerKeys>()
  #isClosed = false

  /** `late` says in words that a handshake took too long. */
  constructor(
    role: Role,
    options: KeyedSessionOptions & { readonly wrappedKey?: Uint8Array | undefined },
    events: KeyedSessionEvents,
    roleEvents: RoleEvents & { readonly late: string },
  ) {
    this.#role = role
    this.#options = options
    this.#events = events
    this.#roleEvents = roleEvents
    const { wrap, sessionId, startSeconds, handWindowMs, wrappedKey } = options
    this.control = new ControlSession({
      role,
      wrap,
      sessionId,
      startSeconds,
      handWindowMs,
      ...(wrappedKey && { wrappedKey }),
      events: {
        send: (packet) => events.send(packet),
        open: (keyId) => this.#open(keyId),
        input: (keyId, octets) => this.#peers.get(keyId)?.tls?.feed(octets),
        expired: (keyId) => this.fail(keyId, roleEvents.late),
      },
    })
  }

  /** Key ids whose TLS is there. */
  get size(): number {
    return this.#peers.size
  }

  peer(keyId: number): PeerKeys | undefined {
    return this.#peers.get(keyId)
  }

  /** A control message with the newest key; nothing before both key messages were exchanged. */
  write(text: string): void {
    const peer = this.#peers.get(Math.max(0, this.control.currentKeyId))
    if (peer?.ours !== undefined && peer.theirs !== undefined) peer.tls?.write(encodeText(text))
  }

  /** A renegotiation that fails leaves the key in use. */
  fail(keyId: number, reason: string): void {
    if (this.#isClosed) return
    this.#drop(keyId)
    this.control.drop(keyId)
    if (this.#roleEvents.isOver(keyId)) this.#events.ended(reason)
  }

  /** Renegotiations are wrapped with a key of the first TLS session from now on (dynamic tls-crypt). */
  wrapRenegotiations({ exporter }: PeerKeys): void {
    const key = exporter!(EXPORTER_LABEL.dynamicTlsCrypt)
    const { wrap, wrapKey } = this.#options
    // Mixed with the key of the wrapping that it takes the place of.
    const isMixed = wrap !== PLAIN_WRAP && wrapKey !== undefined
    this.control.wrapRenegotiations(isMixed ? key.map((octet, i) => octet ^ wrapKey[i]!) : key)
  }

  /** All is said for this key id: its data keys are there, and the key ids before it go. */
  ready(peer: PeerKeys, usesExporter: boolean): void {
    const { keyId, exporter } = peer
    const material = usesExporter ? exporter!(EXPORTER_LABEL.dataKeys) : this.#prfMaterial(peer)
    this.control.done(keyId)
    for (const other of this.#peers.keys()) if (other !== keyId) this.#drop(other)
    this.#events.keys(keyId, material)
  }

  /** Nothing comes of it any more. */
  close(): void {
    this.#isClosed = true
    for (const keyId of this.#peers.keys()) this.#drop(keyId)
  }

  #open(keyId: number): void {
    const peer = new PeerKeys(keyId, this.#role === 'server')
    this.#peers.set(keyId, peer)
    const whileOpen = (act: () => void): void => {
      if (!this.#isClosed && this.#peers.get(keyId) === peer) act()
    }
    peer.tls = this.#events.openTls({
      output: (octets) =>
        whileOpen(() => {
          this.control.output(keyId, octets)
          this.#events.wake()
        }),
      secured: (exporter) =>
        whileOpen(() => {
          peer.exporter = exporter
          this.#roleEvents.secured(peer)
        }),
      text: (octets) =>
        whileOpen(() => {
          this.#take(peer, octets)
          this.#events.wake()
        }),
      failed: (reason) => whileOpen(() => this.fail(keyId, reason)),
    })
  }

  #take(peer: PeerKeys, octets: Uint8Array): void {
    const taken = peer.take(octets)
    if (!taken.ok) {
      this.fail(peer.keyId, taken.error)
      return
    }
    if (taken.value.isFirst) this.#roleEvents.greeted(peer)
    for (const text of taken.value.texts) if (isPrintable(text)) this.#roleEvents.text(text)
  }

  #drop(keyId: number): void {
    this.#peers.get(keyId)?.tls?.close()
    this.#peers.delete(keyId)
  }

  #prfMaterial({ ours, theirs }: PeerKeys): Uint8Array {
    const { remoteSessionId, sessionId } = this.control
    return this.#role === 'server'
      ? prfMaterial(theirs!.source, ours!, remoteSessionId!, sessionId)
      : prfMaterial(ours!, theirs!.source, sessionId, remoteSessionId!)
  }
}
