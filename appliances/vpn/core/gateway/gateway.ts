// The gateway as a machine: packets of clients and of the tunnel in, packets out. It knows who is connected, who may
// come in, and which address is whose. Sockets, TLS, the tunnel device and the clock are its shell's.
import type { KeyMessage } from '../control/key-method.ts'
import { HEADER_OCTETS } from '../control/control-body.ts'
import { isData, OPCODE, opcodeOf } from '../control/opcode.ts'
import { ciphersOf } from '../control/protocol-bits.ts'
import { DataChannel, type Refusal } from '../data/data-channel.ts'
import { isDataCipher, sealedPackets, type DataCipher } from '../data/data-cipher.ts'
import { dataKeysOf } from '../data/key-material.ts'
import { ServerSession } from '../session/server-session.ts'
import type { Exporter, TlsEnd, TlsEvents } from '../session/tls-end.ts'
import type { AddressPool } from '../tunnel/address-pool.ts'
import { ClientRoutes } from '../tunnel/client-routes.ts'
import { clampSegmentSize, destinationOf, isMulticast, sourceOf } from '../tunnel/ip-packet.ts'
import { segmentLimits } from '../tunnel/segment-limits.ts'
import { isOcc, isPing, Keepalive, OCC_EXIT, OCC_MAGIC, PING } from '../tunnel/ping.ts'
import type { AuthDigest } from '../wrap/control-wrap.ts'
import { formatAddress } from '../../../../shared/net/address.ts'
import type { Client, ClientSettings, Identity } from './client.ts'
import type { OpeningLimiter } from './opening-limiter.ts'
import type { OpenedWrap, Openings } from './opening.ts'
import type { Remote } from './remote.ts'

export type GatewaySettings = {
  readonly openings: Openings
  readonly limiter: OpeningLimiter
  readonly pool: AddressPool
  /** In our order of preference. */
  readonly ciphers: readonly DataCipher[]
  /** Of CBC packets. */
  readonly digest: AuthDigest
  /** Bits of the IPv6 prefix inside; undefined without IPv6. */
  readonly ipv6Bits: number | undefined
  readonly netmask: string
  readonly mtu: number
  /** Options that all clients get. */
  readonly push: readonly string[]
  readonly pingMs: number
  readonly restartMs: number
  readonly handWindowMs: number
  readonly renegotiateMs: number
  readonly clientToClient: boolean
  readonly duplicateNames: boolean
  readonly clientsLimit: number
}

export type Decision =
  | { readonly ok: true; readonly settings: ClientSettings }
  /** What the client may read. */
  | { readonly ok: false; readonly reason: string }

/** As `TlsEvents`; `secured` tells who it is. */
export type GatewayTlsEvents = Omit<TlsEvents, 'secured'> & {
  secured(identity: Identity, exporter: Exporter): void
}

/** The world of a gateway. */
export interface GatewayWorld {
  openTls(events: GatewayTlsEvents): TlsEnd
  /** `decide` is called once, now or later. */
  authenticate(client: Client, message: KeyMessage, decide: (decision: Decision) => void): void
  toTunnel(packet: Uint8Array): void
  random(octets: number): Uint8Array
  /** For what happens between packets; the same clock as theirs. */
  nowMs(): number
  /** Somebody has work with a time: `tick` is wanted soon. */
  wake(): void
  connected(client: Client): void
  disconnected(client: Client, reason: string): void
  /** A packet that was not taken, by why. */
  dropped(reason: DropReason): void
}

export type DropReason =
  | Refusal
  | 'unexpected'
  | 'stale'
  | 'wrong-session'
  | 'unknown-key-id'
  | 'limited'
  | 'unknown-client'
  | 'foreign-source'
  | 'unroutable'

const PEER_ID_LIMIT = 0xff_fffe

export class Gateway {
  readonly #settings: GatewaySettings
  readonly #world: GatewayWorld
  readonly #segments: ReturnType<typeof segmentLimits>
  /** By where it is and its session id: more than one where a client begins anew. */
  readonly #sessions = new Map<string, Client>()
  readonly #clients = new Map<number, Client>()
  /** Where DATA_V1 comes from. */
  readonly #byRemote = new Map<string, Client>()
  readonly #routes = new ClientRoutes<Client>()
  #nextId = 0

  constructor(settings: GatewaySettings, world: GatewayWorld) {
    this.#settings = settings
    this.#world = world
    this.#segments = segmentLimits(settings.mtu)
  }

  /** Those in the tunnel, and those on their way there. */
  clients(): Iterable<Client> {
    return this.#clients.values()
  }

  receive(remote: Remote, packet: Uint8Array, nowMs: number): void {
    if (packet.length === 0) return this.#world.dropped('malformed')
    if (isData(opcodeOf(packet))) this.#receiveData(remote, packet, nowMs)
    else this.#receiveControl(remote, packet, nowMs)
  }

  /** A connection ended. */
  remoteGone(remote: Remote): void {
    for (const client of this.#clients.values())
      if (client.remote.name === remote.name) this.#end(client, 'the connection ended')
  }

  /** An IP packet from the tunnel device; changed in place. */
  fromTunnel(packet: Uint8Array, nowMs: number): void {
    const to = destinationOf(packet)
    const client = to && this.#routes.ownerOf(to)
    if (client === undefined) return this.#world.dropped('unroutable')
    this.#toClient(client, packet, nowMs)
  }

  /** Does what has come due. */
  tick(nowMs: number): void {
    for (const client of this.#clients.values()) {
      client.session.flush(nowMs)
      if (client.isGone || client.keepalive === undefined) continue
      if (client.keepalive.isLost(nowMs)) {
        this.#end(client, 'nothing came from it')
        continue
      }
      if (client.keepalive.isPingDue(nowMs)) this.#seal(client, PING, nowMs)
      if (nowMs >= client.renegotiateAtMs || client.data?.isWorn === true) {
        client.renegotiateAtMs = nowMs + this.#settings.renegotiateMs
        if (client.session.control.renegotiate(nowMs) !== undefined) client.session.flush(nowMs)
      }
    }
  }

  /** Sends away whoever `isMeant`, and tells it so. */
  dismiss(
    isMeant: (client: Client) => boolean,
    text: string,
    reason: string,
    nowMs: number,
  ): number {
    let count = 0
    for (const client of this.#clients.values()) {
      if (!isMeant(client)) continue
      count++
      client.session.write(text)
      client.session.flush(nowMs)
      this.#end(client, reason)
    }
    return count
  }

  #receiveControl(remote: Remote, packet: Uint8Array, nowMs: number): void {
    const known =
      packet.length < HEADER_OCTETS
        ? undefined
        : this.#sessions.get(sessionKey(remote, packet.subarray(1, HEADER_OCTETS)))
    if (known !== undefined) {
      // A reset of a session that is under way was sent before our answer came.
      const opcode = opcodeOf(packet)
      const isReset = opcode === OPCODE.hardResetClientV2 || opcode === OPCODE.hardResetClientV3
      const refusal = isReset ? 'unexpected' : known.session.receive(packet, nowMs)
      if (refusal !== undefined) this.#world.dropped(refusal)
      known.session.flush(nowMs)
      this.#world.wake()
      return
    }
    if (!this.#settings.limiter.accept(remote.octets, nowMs)) return this.#world.dropped('limited')
    const opening = this.#settings.openings.take(packet, remote.name, remote.isStream, nowMs)
    if (opening.kind === 'refused') return this.#world.dropped(opening.reason)
    if (opening.kind === 'answer') return remote.send(opening.packet)
    if (this.#clients.size >= this.#settings.clientsLimit) return this.#world.dropped('limited')
    const client = this.#start(remote, opening.sessionId, opening.opened, nowMs)
    this.#sessions.set(sessionKey(remote, opening.remoteSessionId), client)
    const { session } = client
    if (opening.resumes) {
      session.control.resume(opening.remoteSessionId, nowMs)
      const refusal = session.receive(packet, nowMs)
      if (refusal !== undefined) this.#world.dropped(refusal)
    } else session.control.answer(opening.remoteSessionId, nowMs)
    session.flush(nowMs)
    this.#world.wake()
  }

  #start(remote: Remote, sessionId: Uint8Array, opened: OpenedWrap, nowMs: number): Client {
    const session: ServerSession = new ServerSession({
      wrap: opened.wrap,
      wrapKey: opened.key,
      sessionId,
      startSeconds: Math.floor(nowMs / 1000),
      handWindowMs: this.#settings.handWindowMs,
      random: (octets) => this.#world.random(octets),
      events: {
        send: (packet) => client.remote.send(packet),
        openTls: (events) => this.#openTls(client, events),
        wake: () => this.#world.wake(),
        authenticate: (keyId, message) => this.#authenticate(client, keyId, message),
        keys: (keyId, material) => this.#keys(client, keyId, material),
        text: (text) => this.#text(client, text),
        ended: (reason) => this.#end(client, reason),
      },
    })
    const client: Client = {
      id: this.#freeId(),
      remote,
      session,
      sinceMs: nowMs,
      identity: undefined,
      settings: undefined,
      lease: undefined,
      isPooled: false,
      cipher: undefined,
      data: undefined,
      keepalive: undefined,
      renegotiateAtMs: Infinity,
      isGone: false,
    }
    this.#clients.set(client.id, client)
    return client
  }

  #openTls(client: Client, events: TlsEvents): TlsEnd {
    return this.#world.openTls({
      ...events,
      secured: (identity, exporter) => {
        if (client.identity !== undefined && client.identity.commonName !== identity.commonName) {
          events.failed('it renegotiated with another name')
          return
        }
        client.identity = identity
        events.secured(exporter)
      },
    })
  }

  #authenticate(client: Client, keyId: number, message: KeyMessage): void {
    this.#world.authenticate(client, message, (decision) => {
      if (client.isGone) return
      const refusal = decision.ok ? this.#admit(client, keyId, decision.settings) : decision.reason
      if (refusal !== undefined) client.session.refuse(keyId, refusal, this.#world.nowMs())
      this.#world.wake()
    })
  }

  /** The reason it stays out, if it does. */
  #admit(client: Client, keyId: number, settings: ClientSettings): string | undefined {
    if (keyId > 0) {
      client.session.admit(keyId, { push: [] })
      return undefined
    }
    const cipher = this.#chooseCipher(client)
    if (cipher === undefined) return 'Data channel cipher negotiation failed (no shared cipher)'
    const { commonName } = client.identity!
    if (!this.#settings.duplicateNames)
      for (const other of this.#clients.values())
        if (
          other !== client &&
          other.settings !== undefined &&
          other.identity?.commonName === commonName
        )
          this.#end(other, 'it came again')
    const lease = settings.lease ?? this.#settings.pool.take(commonName)
    if (lease === undefined) return 'no address is free'
    // From here on the end of the client gives it back.
    client.lease = lease
    client.isPooled = settings.lease === undefined
    const isFree =
      this.#routes.addHost(lease.ipv4, client) &&
      (lease.ipv6 === undefined || this.#routes.addHost(lease.ipv6, client))
    if (!isFree) return 'its address is taken'
    for (const network of settings.networks) this.#routes.addNetwork(network, client)
    client.settings = settings
    client.cipher = cipher
    client.session.admit(keyId, { push: this.#pushOf(client) })
    return undefined
  }

  #pushOf(client: Client): readonly string[] {
    const { pool, netmask, ipv6Bits, push, mtu, pingMs, restartMs } = this.#settings
    const { gateway } = pool
    const { lease, settings, cipher, session } = client
    const options = [
      `route-gateway ${formatAddress(gateway.ipv4)}`,
      'topology subnet',
      `ping ${pingMs / 1000}`,
      `ping-restart ${restartMs / 1000}`,
      ...push,
      ...settings!.push,
    ]
    if (lease!.ipv6 !== undefined && gateway.ipv6 !== undefined) {
      const [own, via] = [formatAddress(lease!.ipv6), formatAddress(gateway.ipv6)]
      options.push('tun-ipv6', `ifconfig-ipv6 ${own}/${ipv6Bits} ${via}`)
    }
    options.push(`ifconfig ${formatAddress(lease!.ipv4)} ${netmask}`)
    if (session.takesPeerId) options.push(`peer-id ${client.id}`)
    if (ciphersOf(session.peerInfo) !== undefined) options.push(`cipher ${cipher}`)
    if (session.peerInfo.has('IV_MTU')) options.push(`tun-mtu ${mtu}`)
    return options
  }

  /** The first of ours that it has; of a peer that negotiates none, the one it was set to. */
  #chooseCipher(client: Client): DataCipher | undefined {
    const { ciphers } = this.#settings
    const theirs = ciphersOf(client.session.peerInfo)
    if (theirs !== undefined) return ciphers.find((cipher) => theirs.includes(cipher))
    const fixed = client.session.fixedCipher
    return fixed !== undefined && isDataCipher(fixed) && ciphers.includes(fixed) ? fixed : undefined
  }

  #keys(client: Client, keyId: number, material: Uint8Array): void {
    const nowMs = this.#world.nowMs()
    const { digest, renegotiateMs, pingMs, restartMs } = this.#settings
    const isFirst = client.data === undefined
    client.data ??= new DataChannel(client.session.takesPeerId ? client.id : undefined)
    const sealed = sealedPackets(client.cipher!, dataKeysOf(material, 'server'), digest, (octets) =>
      this.#world.random(octets),
    )
    client.data.renew(keyId, sealed, nowMs, this.#settings)
    client.renegotiateAtMs = nowMs + renegotiateMs
    if (!isFirst) return
    // A client waits as long as it was told; the gateway waits twice that.
    client.keepalive = new Keepalive(pingMs, 2 * restartMs, nowMs)
    this.#byRemote.set(client.remote.name, client)
    this.#world.connected(client)
  }

  #text(client: Client, text: string): void {
    if (text === 'EXIT') this.#end(client, 'it left')
  }

  #receiveData(remote: Remote, packet: Uint8Array, nowMs: number): void {
    const isV2 = opcodeOf(packet) === OPCODE.dataV2 && packet.length >= 4
    const id = isV2 ? (packet[1]! << 16) | (packet[2]! << 8) | packet[3]! : -1
    const client = (isV2 ? this.#clients.get(id) : undefined) ?? this.#byRemote.get(remote.name)
    if (client?.data === undefined) return this.#world.dropped('unknown-client')
    const payload = client.data.open(packet, nowMs)
    if (typeof payload === 'string') return this.#world.dropped(payload)
    if (client.remote.name !== remote.name && !this.#float(client, remote)) return
    client.keepalive!.received(nowMs)
    if (isPing(payload)) return
    if (isOcc(payload)) {
      if (payload[OCC_MAGIC.length] === OCC_EXIT) this.#end(client, 'it left')
      return
    }
    this.#fromClient(client, payload, nowMs)
  }

  /** It moved: what it sends from there is genuine. */
  #float(client: Client, remote: Remote): boolean {
    const there = this.#byRemote.get(remote.name)
    if (there !== undefined && there.identity!.fingerprint !== client.identity!.fingerprint) {
      this.#world.dropped('unknown-client')
      return false
    }
    if (client.remote.isStream || remote.isStream) return false
    this.#forget(client)
    client.remote = remote
    this.#byRemote.set(remote.name, client)
    this.#sessions.set(ownKey(client), client)
    return true
  }

  #fromClient(client: Client, packet: Uint8Array, nowMs: number): void {
    const source = sourceOf(packet)
    const destination = destinationOf(packet)
    if (source === undefined || destination === undefined) return this.#world.dropped('malformed')
    if (this.#routes.ownerOf(source) !== client) return this.#world.dropped('foreign-source')
    this.#clamp(packet)
    const other = isMulticast(destination) ? undefined : this.#routes.ownerOf(destination)
    if (other === undefined) return this.#world.toTunnel(packet)
    if (other !== client && this.#settings.clientToClient) this.#toClient(other, packet, nowMs)
    else this.#world.dropped('unroutable')
  }

  #toClient(client: Client, packet: Uint8Array, nowMs: number): void {
    this.#clamp(packet)
    this.#seal(client, packet, nowMs)
  }

  #clamp(packet: Uint8Array): void {
    clampSegmentSize(packet, this.#segments.ipv4, this.#segments.ipv6)
  }

  #seal(client: Client, payload: Uint8Array, nowMs: number): void {
    const packet = client.data?.seal(payload, nowMs)
    if (packet === undefined) return this.#world.dropped('no-key')
    client.keepalive?.sent(nowMs)
    client.remote.send(packet)
  }

  #end(client: Client, reason: string): void {
    if (client.isGone) return
    client.isGone = true
    this.#clients.delete(client.id)
    this.#forget(client)
    this.#routes.remove(client)
    if (client.isPooled && client.lease !== undefined) this.#settings.pool.release(client.lease)
    client.session.close()
    this.#world.disconnected(client, reason)
  }

  #forget(client: Client): void {
    if (this.#byRemote.get(client.remote.name) === client) this.#byRemote.delete(client.remote.name)
    this.#sessions.delete(ownKey(client))
  }

  #freeId(): number {
    while (this.#clients.has(this.#nextId)) this.#nextId = (this.#nextId + 1) % PEER_ID_LIMIT
    const id = this.#nextId
    this.#nextId = (this.#nextId + 1) % PEER_ID_LIMIT
    return id
  }
}

function sessionKey(remote: Remote, sessionId: Uint8Array): string {
  return `${remote.name} ${Buffer.from(sessionId).toString('hex')}`
}

function ownKey({ remote, session }: Client): string {
  return sessionKey(remote, session.control.remoteSessionId!)
}
