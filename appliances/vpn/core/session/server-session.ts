// A gateway's side of one client: who it is, what it is given, and the keys of its data channel.
import {
  encodeKeyMessage,
  randomSource,
  type KeyMessage,
  type PeerInfo,
} from '../control/key-method.ts'
import { PROTOCOL_BIT, protocolBitsOf } from '../control/protocol-bits.ts'
import { EXPORTER_LABEL, prfMaterial } from '../data/key-material.ts'
import { PLAIN_WRAP, type ControlWrap } from '../wrap/control-wrap.ts'
import { ControlSession, type ControlRefusal } from './control-session.ts'
import { encodeText, isPrintable, pushReplies } from './control-text.ts'
import { PeerKeys, type Exporter } from './peer-keys.ts'

/** What a client is let in with. */
export type Admission = {
  /** Options of PUSH_REPLY that are its own and everybody's; `protocol-flags` and the like are added. */
  readonly push: readonly string[]
}

export interface ServerSessionEvents {
  send(packet: Uint8Array): void
  openTls(keyId: number): void
  feedTls(keyId: number, octets: Uint8Array): void
  /** `octets` in a record of their own. */
  writeTls(keyId: number, octets: Uint8Array): void
  closeTls(keyId: number): void
  /** TLS has proved who it is; `admit` or `refuse` answers, now or later. */
  authenticate(keyId: number, message: KeyMessage): void
  /** 256 octets from which this key id's data keys are cut. */
  keys(keyId: number, material: Uint8Array): void
  /** Any other text of the client. */
  text(text: string): void
  ended(reason: string): void
}

export type ServerSessionOptions = {
  readonly wrap: ControlWrap
  /** The configured static key that dynamic tls-crypt is mixed with; undefined without one. */
  readonly wrapKey: Uint8Array | undefined
  readonly sessionId: Uint8Array
  readonly startSeconds: number
  readonly handWindowMs: number
  readonly random: (octets: number) => Uint8Array
  readonly events: ServerSessionEvents
}

/** How long a session that was refused or told to go stays to say so. */
const LINGER_MS = 5_000

export class ServerSession {
  readonly control: ControlSession
  readonly #options: ServerSessionOptions
  readonly #peers = new Map<number, PeerKeys>()
  #admission: Admission | undefined
  #wantsPush = false
  #isPushed = false
  #bits = 0
  #endsAtMs = Infinity
  #endReason = ''

  constructor(options: ServerSessionOptions) {
    this.#options = options
    const { events } = options
    this.control = new ControlSession({
      role: 'server',
      wrap: options.wrap,
      sessionId: options.sessionId,
      startSeconds: options.startSeconds,
      handWindowMs: options.handWindowMs,
      events: {
        send: (packet) => events.send(packet),
        open: (keyId) => {
          this.#peers.set(keyId, new PeerKeys(keyId, true))
          events.openTls(keyId)
        },
        input: (keyId, octets) => events.feedTls(keyId, octets),
        expired: (keyId) => this.tlsFailed(keyId, 'its handshake took too long'),
      },
    })
  }

  /** `IV_*` of the client, once its first key message came. */
  peerInfo: PeerInfo = new Map()
  /** Of a client that negotiates none, the cipher it is set to. */
  fixedCipher: string | undefined

  /** Whether it takes DATA_V2. */
  get takesPeerId(): boolean {
    return (this.#bits & PROTOCOL_BIT.peerId) !== 0
  }

  receive(packet: Uint8Array, nowMs: number): ControlRefusal | undefined {
    return this.control.receive(packet, nowMs)
  }

  tlsOutput(keyId: number, octets: Uint8Array): void {
    this.control.output(keyId, octets)
  }

  tlsSecured(keyId: number, exporter: Exporter): void {
    const peer = this.#peers.get(keyId)
    if (peer !== undefined) peer.exporter = exporter
  }

  tlsFailed(keyId: number, reason: string): void {
    this.#options.events.closeTls(keyId)
    this.#peers.delete(keyId)
    this.control.drop(keyId)
    // A renegotiation that fails leaves the key in use.
    if (keyId === 0 || this.#peers.size === 0) this.#options.events.ended(reason)
  }

  /** Plain text of the client. */
  tlsText(keyId: number, octets: Uint8Array): void {
    const peer = this.#peers.get(keyId)
    if (peer === undefined) return
    const taken = peer.take(octets)
    if (!taken.ok) {
      this.tlsFailed(keyId, taken.error)
      return
    }
    if (taken.value.isFirst) {
      if (keyId === 0) {
        this.peerInfo = peer.theirs!.peerInfo
        this.#bits = protocolBitsOf(this.peerInfo)
        this.fixedCipher = /(?:^|,)cipher ([\w-]+)/.exec(peer.theirs!.options)?.[1]
      }
      this.#options.events.authenticate(keyId, peer.theirs!)
    }
    for (const text of taken.value.texts) this.#text(text)
  }

  /** It may come in. For a renegotiation `admission` is what it was. */
  admit(keyId: number, admission: Admission): void {
    const peer = this.#peers.get(keyId)
    if (peer?.theirs === undefined) return
    peer.ours = randomSource(false, this.#options.random)
    const message = {
      source: peer.ours,
      options: serverOptions(peer.theirs.options),
      user: '',
      password: '',
    }
    this.#options.events.writeTls(keyId, encodeKeyMessage({ ...message, peerInfo: new Map() }))
    this.#admission ??= admission
    if (keyId > 0) this.#ready(peer)
    else if (this.#wantsPush || (this.#bits & PROTOCOL_BIT.pushUnasked) !== 0) this.#push()
  }

  /** It stays out, and is told why. */
  refuse(keyId: number, reason: string, nowMs: number): void {
    const peer = this.#peers.get(keyId)
    if (peer?.theirs === undefined) return
    // A client reads no text before the key message.
    const source = randomSource(false, this.#options.random)
    const message = { source, options: '', user: '', password: '', peerInfo: new Map() }
    this.#options.events.writeTls(keyId, encodeKeyMessage(message))
    this.#options.events.writeTls(
      keyId,
      encodeText(reason === '' ? 'AUTH_FAILED' : `AUTH_FAILED,${reason}`),
    )
    this.#linger(`refused: ${reason}`, nowMs)
  }

  /** A text such as `RESTART` that ends the session. */
  dismiss(text: string, reason: string, nowMs: number): void {
    this.write(text)
    this.#linger(reason, nowMs)
  }

  /** A control message with the newest key. */
  write(text: string): void {
    const keyId = Math.max(0, this.control.currentKeyId)
    if (this.#peers.get(keyId)?.ours !== undefined)
      this.#options.events.writeTls(keyId, encodeText(text))
  }

  flush(nowMs: number): void {
    this.control.flush(nowMs)
    if (nowMs >= this.#endsAtMs) this.#options.events.ended(this.#endReason)
  }

  nextDueMs(): number {
    return Math.min(this.#endsAtMs, this.control.nextDueMs())
  }

  #linger(reason: string, nowMs: number): void {
    this.#endsAtMs = Math.min(this.#endsAtMs, nowMs + LINGER_MS)
    this.#endReason = reason
  }

  #text(text: string): void {
    if (!isPrintable(text)) return
    if (text !== 'PUSH_REQUEST') {
      this.#options.events.text(text)
      return
    }
    this.#wantsPush = true
    if (this.#admission !== undefined) this.#push()
  }

  #push(): void {
    const peer = this.#peers.get(0)
    if (this.#isPushed) {
      // It asks every few seconds until an answer comes through.
      this.#writePush()
      return
    }
    if (peer === undefined) return
    this.#isPushed = true
    this.#writePush()
    this.#ready(peer)
  }

  #writePush(): void {
    const options = [...this.#admission!.push, ...this.#negotiated()]
    for (const reply of pushReplies(options)) this.write(reply)
  }

  /** What follows from what both can do. */
  #negotiated(): readonly string[] {
    const flags: string[] = []
    if ((this.#bits & PROTOCOL_BIT.controlExit) !== 0) flags.push('cc-exit')
    if (this.#usesExporter) flags.push('tls-ekm')
    if (this.#usesDynamicTlsCrypt) flags.push('dyn-tls-crypt')
    if (flags.length === 0) return []
    if ((this.#bits & PROTOCOL_BIT.controlExit) !== 0) return [`protocol-flags ${flags.join(' ')}`]
    // Clients that know no protocol-flags have a word for this one.
    return this.#usesExporter ? ['key-derivation tls-ekm'] : []
  }

  get #usesExporter(): boolean {
    return (this.#bits & PROTOCOL_BIT.tlsExporter) !== 0
  }

  get #usesDynamicTlsCrypt(): boolean {
    const wanted = PROTOCOL_BIT.dynamicTlsCrypt | PROTOCOL_BIT.controlExit
    return (this.#bits & wanted) === wanted
  }

  #ready(peer: PeerKeys): void {
    const { keyId, exporter, ours, theirs } = peer
    const { remoteSessionId, sessionId } = this.control
    const material = this.#usesExporter
      ? exporter!(EXPORTER_LABEL.dataKeys)
      : prfMaterial(theirs!.source, ours!, remoteSessionId!, sessionId)
    if (keyId === 0 && this.#usesDynamicTlsCrypt) {
      const key = exporter!(EXPORTER_LABEL.dynamicTlsCrypt)
      this.control.wrapRenegotiations(mixKeys(key, this.#options.wrap, this.#options.wrapKey))
    }
    this.control.done(keyId)
    for (const other of this.#peers.keys()) {
      if (other === keyId) continue
      this.#options.events.closeTls(other)
      this.#peers.delete(other)
    }
    this.#options.events.keys(keyId, material)
  }
}

/** Dynamic tls-crypt is mixed with the key of the wrapping it takes the place of. */
export function mixKeys(
  exported: Uint8Array,
  wrap: ControlWrap,
  wrapKey: Uint8Array | undefined,
): Uint8Array {
  if (wrap === PLAIN_WRAP || wrapKey === undefined) return exported
  return exported.map((octet, i) => octet ^ wrapKey[i]!)
}

/** Compared by clients for warnings alone: their own words with the roles turned round. */
function serverOptions(client: string): string {
  return client.replace('tls-client', 'tls-server').replace('keydir 1', 'keydir 0')
}
