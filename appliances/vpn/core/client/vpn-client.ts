// A client's connection as a machine, from the first packet to the last: one attempt at one gateway. Sockets, TLS, the
// tunnel device and what to try next are its shell's.
import type { PeerInfo } from '../control/key-method.ts'
import { isData, opcodeOf } from '../control/opcode.ts'
import { DataChannel } from '../data/data-channel.ts'
import { sealedPackets, type DataCipher } from '../data/data-cipher.ts'
import { dataKeysOf } from '../data/key-material.ts'
import { ClientSession } from '../session/client-session.ts'
import type { TlsEnd, TlsEvents } from '../session/tls-end.ts'
import { clampSegmentSize } from '../tunnel/ip-packet.ts'
import { isOcc, isPing, Keepalive, PING } from '../tunnel/ping.ts'
import { segmentLimits } from '../tunnel/segment-limits.ts'
import type { AuthDigest, ControlWrap } from '../wrap/control-wrap.ts'
import { readPushed, type PushedSettings } from './pushed-settings.ts'

export type VpnClientSettings = {
  readonly wrap: ControlWrap
  readonly wrapKey: Uint8Array | undefined
  readonly wrappedKey: Uint8Array | undefined
  readonly ciphers: readonly DataCipher[]
  readonly digest: AuthDigest
  readonly user: string
  readonly password: string
  readonly version: string
  readonly handWindowMs: number
  readonly renegotiateMs: number
  /** What becomes of an option that was pushed (`pull-filter`, `route-nopull`). */
  readonly filter: (option: string) => 'accept' | 'ignore' | 'reject'
}

export interface VpnClientWorld {
  send(packet: Uint8Array): void
  openTls(events: TlsEvents): TlsEnd
  toTunnel(packet: Uint8Array): void
  random(octets: number): Uint8Array
  nowMs(): number
  /** There is work: `tick` is wanted soon. */
  wake(): void
  connected(settings: PushedSettings): void
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
/** DATA_V2, dynamic tls-crypt and the rest of what `ClientSession` can do. */
const PROTOCOL_BITS = 2 | 4 | 8 | 128 | 512

export class VpnClient {
  readonly #settings: VpnClientSettings
  readonly #world: VpnClientWorld
  readonly #session: ClientSession
  #data: DataChannel | undefined
  #keepalive: Keepalive | undefined
  #pushed: PushedSettings | undefined
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
      user: settings.user,
      password: settings.password,
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
    return { received: this.#data?.octetsIn ?? 0, sent: this.#data?.octetsOut ?? 0 }
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

  /** An IP packet from the tunnel device; changed in place. */
  fromTunnel(packet: Uint8Array, nowMs: number): void {
    if (this.#pushed === undefined) return
    this.#clamp(packet)
    this.#seal(packet, nowMs)
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
    this.#pushed = { ...read.value, cipher }
  }

  #keys(keyId: number, material: Uint8Array): void {
    const pushed = this.#pushed
    if (this.#isEnded || pushed === undefined) return
    const nowMs = this.#world.nowMs()
    const { digest, renegotiateMs } = this.#settings
    const isFirst = this.#data === undefined
    this.#data ??= new DataChannel(pushed.peerId)
    const sealed = sealedPackets(pushed.cipher!, dataKeysOf(material, 'client'), digest, (octets) =>
      this.#world.random(octets),
    )
    this.#data.renew(keyId, sealed, nowMs, this.#settings)
    this.#renegotiateAtMs = nowMs + renegotiateMs
    if (!isFirst) return
    const { pingMs = DEFAULT_KEEPALIVE.pingMs, restartMs = DEFAULT_KEEPALIVE.restartMs } = pushed
    this.#keepalive = new Keepalive(pingMs, restartMs, nowMs)
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
      this.#end({ reason: said, isFinal: !isTemporary })
    } else if (text.startsWith('RESTART') || text.startsWith('HALT') || text === 'EXIT') {
      this.#end({ reason: `the gateway said ${text}`, isFinal: text.startsWith('HALT') })
    } else this.#world.notice(text)
  }

  #receiveData(packet: Uint8Array, nowMs: number): void {
    const payload = this.#data?.open(packet, nowMs)
    if (payload === undefined || typeof payload === 'string') return
    this.#keepalive!.received(nowMs)
    if (isPing(payload) || isOcc(payload)) return
    this.#clamp(payload)
    this.#world.toTunnel(payload)
  }

  #clamp(packet: Uint8Array): void {
    const { ipv4, ipv6 } = segmentLimits(this.#pushed!.mtu)
    clampSegmentSize(packet, ipv4, ipv6)
  }

  #seal(payload: Uint8Array, nowMs: number): void {
    const packet = this.#data?.seal(payload, nowMs)
    if (packet === undefined) return
    this.#keepalive?.sent(nowMs)
    this.#world.send(packet)
  }

  #end(end: ConnectionEnd): void {
    if (this.#isEnded) return
    this.close()
    this.#world.ended(end)
  }
}

function peerInfoOf({ ciphers, version }: VpnClientSettings): PeerInfo {
  return new Map([
    ['IV_VER', version],
    ['IV_PLAT', 'linux'],
    ['IV_TCPNL', '1'],
    ['IV_MTU', '1600'],
    ['IV_CIPHERS', ciphers.join(':')],
    ['IV_PROTO', String(PROTOCOL_BITS)],
    ['IV_NCP', '2'],
  ])
}
