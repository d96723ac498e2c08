// A client's connection as a machine, from the first packet to the last: one attempt at one gateway. Sockets, TLS, the
// tunnel device and what to try next are its shell's.
import type { PeerInfo } from '../control/key-method.ts'
import { PROTOCOL_BIT } from '../control/protocol-bits.ts'
import { isData, opcodeOf } from '../control/opcode.ts'
import type { OpenAead } from '../data/aead.ts'
import { DataChannel } from '../data/data-channel.ts'
import { isAead, type DataCipher } from '../data/data-cipher.ts'
import { dataKeysOf } from '../data/key-material.ts'
import { sealSegments, type Outlet } from '../data/seal-segments.ts'
import { sealedPackets } from '../data/sealed-packets.ts'
import type { Segments } from '../data/segments.ts'
import { Traffic } from '../data/traffic.ts'
import { ClientSession } from '../session/client-session.ts'
import type { TlsEnd, TlsEvents } from '../session/tls-end.ts'
import { clampSegmentSize } from '../tunnel/ip-packet.ts'
import { isOcc, isPing, Keepalive, PING } from '../tunnel/ping.ts'
import { segmentLimits } from '../tunnel/segment-limits.ts'
import type { AuthDigest, ControlWrap } from '../wrap/control-wrap.ts'
import { isQuestion, pendingMs, pendingPage, pendingWays } from './auth-pending.ts'
import type { Credentials } from './credentials.ts'
import { readPushed, type PushedSettings } from './pushed-settings.ts'

export type VpnClientSettings = {
  readonly wrap: ControlWrap
  readonly wrapKey: Uint8Array | undefined
  readonly wrappedKey: Uint8Array | undefined
  readonly ciphers: readonly DataCipher[]
  readonly digest: AuthDigest
  readonly credentials: Credentials
  /** The answer to a gateway's question, a code of now. */
  readonly code: (() => string) | undefined
  readonly version: string
  readonly handWindowMs: number
  readonly renegotiateMs: number
  /** What becomes of an option that was pushed (`pull-filter`, `route-nopull`). */
  readonly filter: (option: string) => 'accept' | 'ignore' | 'reject'
}

export interface VpnClientWorld extends Outlet {
  openTls(events: TlsEvents): TlsEnd
  toTunnel(packet: Uint8Array): void
  readonly openAead: OpenAead
  random(octets: number): Uint8Array
  nowMs(): number
  /** There is work: `tick` is wanted soon. */
  wake(): void
  connected(settings: PushedSettings): void
  /** The gateway waits for somebody to sign in at a page. */
  signIn(page: string): void
  /** For people: what the gateway says besides. */
  notice(text: string): void
  /** Once, and nothing after it. */
  ended(end: ConnectionEnd): void
}

export type ConnectionEnd = {
  readonly reason: string
  /** Trying again would not help: a wrong password, a setting that cannot be. */
  readonly isFinal: boolean
}

/** Without `ping-restart` of the gateway's. */
const DEFAULT_KEEPALIVE = { pingMs: 10_000, restartMs: 120_000 } as const
/** All that `ClientSession` can do, but for a time in AUTH_FAILED,TEMP. */
const { authFailedTemporary: _, ...SPOKEN } = PROTOCOL_BIT
const PROTOCOL_BITS = Object.values(SPOKEN).reduce((bits, bit) => bits | bit, 0)

export class VpnClient {
  readonly #settings: VpnClientSettings
  readonly #world: VpnClientWorld
  readonly #session: ClientSession
  #data: DataChannel | undefined
  #traffic: Traffic | undefined
  #keepalive: Keepalive | undefined
  #pushed: PushedSettings | undefined
  #segmentLimits = segmentLimits(0)
  #renegotiateAtMs = Infinity
  #isEnded = false

  constructor(settings: VpnClientSettings, world: VpnClientWorld) {
    this.#settings = settings
    this.#world = world
    this.#session = new ClientSession({
      wrap: settings.wrap,
      wrapKey: settings.wrapKey,
      wrappedKey: settings.wrappedKey,
      sessionId: world.random(8),
      startSeconds: Math.floor(world.nowMs() / 1000),
      handWindowMs: settings.handWindowMs,
      credentials: settings.credentials,
      peerInfo: peerInfoOf(settings),
      options:
        'V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,auth [null-digest],keysize 256,key-method 2,tls-client',
      random: (octets) => world.random(octets),
      events: {
        send: (packet) => world.send(packet),
        openTls: (tlsEvents) => world.openTls(tlsEvents),
        wake: () => world.wake(),
        nowMs: () => world.nowMs(),
        pushed: (options) => this.#takePushed(options),
        pushedLater: (options) => this.#takeToken(options),
        keys: (keyId, material) => this.#keys(keyId, material),
        text: (text) => this.#text(text),
        ended: (reason) => this.#end({ reason, isFinal: false }),
      },
    })
  }

  connect(): void {
    const nowMs = this.#world.nowMs()
    this.#session.connect(nowMs)
    this.#session.flush(nowMs)
  }

  /** Octets sealed and opened so far. */
  get traffic(): { readonly received: number; readonly sent: number } {
    return { received: this.#traffic?.octetsIn ?? 0, sent: this.#traffic?.octetsOut ?? 0 }
  }

  receive(packet: Uint8Array, nowMs: number): void {
    if (this.#isEnded || packet.length === 0) return
    if (isData(opcodeOf(packet))) this.#receiveData(packet, nowMs)
    else {
      // What is refused is somebody else's packet, or an old one: nothing to answer.
      this.#session.receive(packet, nowMs)
      this.#session.flush(nowMs)
    }
    this.#world.wake()
  }

  /** An IP packet from the tunnel device, or the segments it counts as. */
  fromTunnel(segments: Segments, nowMs: number): void {
    if (this.#data === undefined) return
    sealSegments(this.#data, segments, this.#segmentLimits, nowMs, this.#world)
  }

  tick(nowMs: number): void {
    if (this.#isEnded) return
    this.#session.flush(nowMs)
    if (this.#keepalive === undefined) return
    if (this.#keepalive.isLost(nowMs)) {
      this.#end({ reason: 'nothing came from the gateway', isFinal: false })
      return
    }
    if (this.#keepalive.isPingDue(nowMs)) this.#seal(PING, nowMs)
    if (nowMs >= this.#renegotiateAtMs || this.#data?.isWorn === true) {
      this.#renegotiateAtMs = nowMs + this.#settings.renegotiateMs
      if (this.#session.control.renegotiate(nowMs) !== undefined) this.#session.flush(nowMs)
    }
  }

  /** Says good-bye, which takes a while to get there: `isQuiet` tells. */
  leave(nowMs: number): void {
    if (this.#isEnded) return
    this.#session.write('EXIT')
    this.#session.flush(nowMs)
  }

  /** Whether all that was said has arrived. */
  get isQuiet(): boolean {
    return this.#isEnded || this.#session.control.isQuiet
  }

  /** Nothing comes of it any more. */
  close(): void {
    this.#isEnded = true
    this.#session.close()
  }

  #takePushed(options: readonly string[]): void {
    const { filter } = this.#settings
    const rejected = options.find((option) => filter(option) === 'reject')
    if (rejected !== undefined) {
      this.#end({
        reason: `the gateway pushed "${rejected}", which the profile rejects`,
        isFinal: true,
      })
      return
    }
    const read = readPushed(options.filter((option) => filter(option) === 'accept'))
    if (!read.ok) {
      this.#end({ reason: read.error, isFinal: true })
      return
    }
    const cipher = read.value.cipher ?? this.#settings.ciphers[0]!
    if (!this.#settings.ciphers.includes(cipher)) {
      this.#end({
        reason: `the gateway wants the cipher ${cipher}, which is not allowed here`,
        isFinal: true,
      })
      return
    }
    const { usesEpochs, peerId } = read.value
    if (usesEpochs && (peerId === undefined || !isAead(cipher))) {
      const reason = 'the gateway wants epoch data keys for packets that cannot have them'
      this.#end({ reason, isFinal: true })
      return
    }
    this.#takeToken(options)
    this.#pushed = { ...read.value, cipher }
    this.#segmentLimits = segmentLimits(read.value.mtu)
  }

  #takeToken(options: readonly string[]): void {
    const { credentials, filter } = this.#settings
    credentials.take(options.filter((option) => filter(option) === 'accept'))
  }

  #keys(keyId: number, material: Uint8Array): void {
    const pushed = this.#pushed
    if (this.#isEnded || pushed === undefined) return
    const nowMs = this.#world.nowMs()
    const { digest, renegotiateMs } = this.#settings
    const isFirst = this.#data === undefined
    this.#traffic ??= new Traffic({ nowMs })
    this.#data ??= new DataChannel(pushed.peerId, this.#traffic)
    const { openAead } = this.#world
    const random = (octets: number): Uint8Array => this.#world.random(octets)
    const keys = dataKeysOf(material, 'client')
    const format = { cipher: pushed.cipher!, usesEpochs: pushed.usesEpochs, digest }
    const sealed = sealedPackets(format, keys, random, openAead)
    this.#data.renew(keyId, sealed, nowMs, this.#settings)
    this.#renegotiateAtMs = nowMs + renegotiateMs
    if (!isFirst) return
    const { pingMs = DEFAULT_KEEPALIVE.pingMs, restartMs = DEFAULT_KEEPALIVE.restartMs } = pushed
    this.#keepalive = new Keepalive(pingMs, restartMs, this.#traffic)
    this.#world.connected(pushed)
  }

  #text(text: string): void {
    if (text === 'AUTH_FAILED' || text.startsWith('AUTH_FAILED,')) {
      const reason = text.slice('AUTH_FAILED,'.length)
      const isTemporary = reason.startsWith('TEMP')
      const said =
        reason === ''
          ? 'the gateway refused the name or the password'
          : `the gateway refused: ${reason}`
      // A token that is too old: the password comes next.
      const hasPassword = this.#settings.credentials.forgetToken()
      this.#end({ reason: said, isFinal: !isTemporary && !hasPassword })
    } else if (text.startsWith('RESTART') || text.startsWith('HALT') || text === 'EXIT') {
      this.#end({ reason: `the gateway said ${text}`, isFinal: text.startsWith('HALT') })
    } else this.#takeNotice(text)
  }

  #takeNotice(text: string): void {
    const waitMs = pendingMs(text)
    const page = pendingPage(text)
    if (waitMs !== undefined) this.#session.control.allowUntil(this.#world.nowMs() + waitMs)
    else if (page !== undefined) this.#world.signIn(page)
    else if (this.#settings.code !== undefined && isQuestion(text)) {
      const answer = Buffer.from(this.#settings.code()).toString('base64')
      this.#session.write(`CR_RESPONSE,${answer}`)
    } else this.#world.notice(text)
  }

  #receiveData(packet: Uint8Array, nowMs: number): void {
    const payload = this.#data?.open(packet, nowMs)
    if (payload === undefined || typeof payload === 'string') return
    if (isPing(payload) || isOcc(payload)) return
    this.#clamp(payload)
    this.#world.toTunnel(payload)
  }

  #clamp(packet: Uint8Array): void {
    clampSegmentSize(packet, this.#segmentLimits.ipv4, this.#segmentLimits.ipv6)
  }

  #seal(payload: Uint8Array, nowMs: number): void {
    const packet = this.#data?.seal(payload, nowMs)
    if (packet === undefined) return
    this.#world.send(packet)
  }

  #end(end: ConnectionEnd): void {
    if (this.#isEnded) return
    this.close()
    this.#world.ended(end)
  }
}

function peerInfoOf({ ciphers, version, code }: VpnClientSettings): PeerInfo {
  return new Map([
    ['IV_VER', version],
    ['IV_PLAT', 'linux'],
    ['IV_TCPNL', '1'],
    ['IV_MTU', '1600'],
    ['IV_CIPHERS', ciphers.join(':')],
    ['IV_PROTO', String(PROTOCOL_BITS)],
    ['IV_NCP', '2'],
    ['IV_SSO', pendingWays(code !== undefined)],
  ])
}
