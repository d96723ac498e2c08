// A gateway's side of one client: who it is, what it is given, and the keys of its data channel.
import { loggedReason } from '../access/challenge.ts'
import {
  encodeKeyMessage,
  randomSource,
  type KeyMessage,
  type PeerInfo,
} from '../control/key-method.ts'
import { PROTOCOL_BIT, protocolBitsOf } from '../control/protocol-bits.ts'
import type { ControlRefusal, ControlSession } from './control-session.ts'
import { encodeText, pushReplies } from './control-text.ts'
import { KeyedSession, type KeyedSessionEvents, type KeyedSessionOptions } from './keyed-session.ts'
import type { PeerKeys } from './peer-keys.ts'

/** What a client is let in with. */
export type Admission = {
  /** Options of PUSH_REPLY that are its own and everybody's; `protocol-flags` and the like are added. */
  readonly push: readonly string[]
  /** Its data keys go by epochs; for those that take them. */
  readonly usesEpochs: boolean
}

export interface ServerSessionEvents extends KeyedSessionEvents {
  /** TLS has proved who it is; `admit` or `refuse` answers, now or later. */
  authenticate(keyId: number, message: KeyMessage): void
}

export type ServerSessionOptions = KeyedSessionOptions & { readonly events: ServerSessionEvents }

/** How long a session that was refused stays to say so. */
const LINGER_MS = 5_000

export class ServerSession {
  readonly #options: ServerSessionOptions
  readonly #keyed: KeyedSession
  #admission: Admission | undefined
  #wantsPush = false
  #isPushed = false
  #bits = 0
  #endsAtMs = Infinity
  #endReason = ''
  /** `IV_*` of the client, once its first key message came. */
  peerInfo: PeerInfo = new Map()
  /** Of a client that negotiates none, the cipher it is set to. */
  fixedCipher: string | undefined

  constructor(options: ServerSessionOptions) {
    this.#options = options
    this.#keyed = new KeyedSession('server', options, options.events, {
      late: 'its handshake took too long',
      secured: () => {},
      greeted: (peer) => this.#greeted(peer),
      text: (text) => this.#text(text),
      isOver: (keyId) => keyId === 0 || this.#keyed.size === 0,
    })
  }

  get control(): ControlSession {
    return this.#keyed.control
  }

  /** Whether it takes DATA_V2. */
  get takesPeerId(): boolean {
    return (this.#bits & PROTOCOL_BIT.peerId) !== 0
  }

  /** Whether it takes epoch data keys. */
  get takesEpochs(): boolean {
    const { peerId, tlsExporter, controlExit, epochKeys } = PROTOCOL_BIT
    const wanted = peerId | tlsExporter | controlExit | epochKeys
    return (this.#bits & wanted) === wanted
  }

  receive(packet: Uint8Array, nowMs: number): ControlRefusal | undefined {
    return this.control.receive(packet, nowMs)
  }

  /** It may come in. After a renegotiation it is pushed what is new. */
  admit(keyId: number, admission: Admission): void {
    const peer = this.#keyed.peer(keyId)
    if (peer?.theirs === undefined) return
    this.#greet(peer)
    this.#admission ??= admission
    if (keyId > 0) {
      this.#keyed.ready(peer, this.#usesExporter)
      for (const reply of admission.push.length > 0 ? pushReplies(admission.push) : [])
        this.write(reply)
    } else if (this.#wantsPush || (this.#bits & PROTOCOL_BIT.pushUnasked) !== 0) this.#push()
  }

  /** It may come in if its answer, a text `CR_RESPONSE,...`, is the right one. */
  ask(question: string, waitMs: number, nowMs: number): void {
    const peer = this.#keyed.peer(0)
    if (peer?.theirs === undefined) return
    this.#greet(peer)
    // Its own PUSH_REQUESTs and the handshake wait as long.
    this.control.allowUntil(nowMs + waitMs + LINGER_MS)
    const knowsTime = (this.#bits & PROTOCOL_BIT.authPending) !== 0
    this.write(knowsTime ? `AUTH_PENDING,timeout ${Math.ceil(waitMs / 1000)}` : 'AUTH_PENDING')
    this.write(`INFO_PRE,CR_TEXT:R,E:${question}`)
  }

  /** It stays out, and is told why. */
  refuse(keyId: number, reason: string, nowMs: number): void {
    const peer = this.#keyed.peer(keyId)
    if (peer?.theirs === undefined) return
    this.#greet(peer)
    peer.tls?.write(encodeText(reason === '' ? 'AUTH_FAILED' : `AUTH_FAILED,${reason}`))
    this.#endsAtMs = Math.min(this.#endsAtMs, nowMs + LINGER_MS)
    this.#endReason = `refused: ${loggedReason(reason)}`
  }

  /** A control message with the newest key. */
  write(text: string): void {
    this.#keyed.write(text)
  }

  flush(nowMs: number): void {
    this.control.flush(nowMs)
    if (nowMs >= this.#endsAtMs) this.#options.events.ended(this.#endReason)
  }

  close(): void {
    this.#keyed.close()
  }

  /** A client reads no text before the key message. */
  #greet(peer: PeerKeys): void {
    if (peer.ours !== undefined) return
    peer.ours = randomSource(false, this.#options.random)
    const message = {
      source: peer.ours,
      options: serverOptions(peer.theirs!.options),
      user: '',
      password: '',
    }
    peer.tls?.write(encodeKeyMessage({ ...message, peerInfo: new Map() }))
  }

  #greeted(peer: PeerKeys): void {
    const message = peer.theirs!
    if (peer.keyId === 0) {
      this.peerInfo = message.peerInfo
      this.#bits = protocolBitsOf(this.peerInfo)
      this.fixedCipher = /(?:^|,)cipher ([\w-]+)/.exec(message.options)?.[1]
    }
    this.#options.events.authenticate(peer.keyId, message)
  }

  #text(text: string): void {
    if (text !== 'PUSH_REQUEST') {
      this.#options.events.text(text)
      return
    }
    this.#wantsPush = true
    if (this.#admission !== undefined) this.#push()
  }

  #push(): void {
    const peer = this.#keyed.peer(0)
    if (this.#isPushed) {
      // It asks every few seconds until an answer comes through.
      this.#writePush()
      return
    }
    if (peer === undefined) return
    this.#isPushed = true
    this.#writePush()
    if (this.#usesDynamicTlsCrypt) this.#keyed.wrapRenegotiations(peer)
    this.#keyed.ready(peer, this.#usesExporter)
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
    if (this.#admission!.usesEpochs) flags.push('aead-epoch')
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
}

/** Compared by clients for warnings alone: their own words with the roles turned round. */
function serverOptions(client: string): string {
  return client.replace('tls-client', 'tls-server').replace('keydir 1', 'keydir 0')
}
