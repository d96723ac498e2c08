// The packet work of a gateway: sealed packets of clients in, IP packets out to the tunnel or to another client, and the
// other way. It runs in the main thread and in each packet worker. Each thread knows where every address is; the keys of a client,
// its window against replays and its packet ids are one thread's alone, its owner's, so none of them needs a lock.
import type { Prefix } from '../../../../shared/net/prefix.ts'
import { OPCODE, opcodeOf } from '../control/opcode.ts'
import type { OpenAead } from '../data/aead.ts'
import { DataChannel, type Refusal } from '../data/data-channel.ts'
import type { DataCipher } from '../data/data-cipher.ts'
import { dataKeysOf } from '../data/key-material.ts'
import { sealSegments } from '../data/seal-segments.ts'
import { sealedPackets } from '../data/sealed-packets.ts'
import { Segments } from '../data/segments.ts'
import { Traffic } from '../data/traffic.ts'
import type { Remote } from '../gateway/remote.ts'
import { ClientRoutes } from '../tunnel/client-routes.ts'
import { clampSegmentSize, isIpPacket, isMulticast } from '../tunnel/ip-packet.ts'
import { isOcc, isPing, OCC_EXIT, OCC_MAGIC } from '../tunnel/ping.ts'
import { segmentLimits } from '../tunnel/segment-limits.ts'
import type { AuthDigest } from '../wrap/control-wrap.ts'

/** The thread that has the control channel, and all clients that no other has. */
export const MAIN = 0

/** Can be cloned. */
export type PlaneSettings = {
  readonly mtu: number
  /** Of CBC packets. */
  readonly digest: AuthDigest
  readonly handWindowMs: number
  readonly renegotiateMs: number
  readonly clientToClient: boolean
}

/** A client, as soon as it has addresses. `Where` is its remote, in words that the thread which is told understands. */
export type PeerNews<Where> = {
  readonly id: number
  /** The thread that has its keys: `MAIN`, or the number of a worker. */
  readonly owner: number
  readonly where: Where
  /** Whether it takes DATA_V2. */
  readonly takesPeerId: boolean
  readonly cipher: DataCipher
  /** Whether it has epoch data keys. */
  readonly usesEpochs: boolean
  readonly addresses: readonly Uint8Array[]
  /** Networks behind it. */
  readonly networks: readonly Prefix[]
  /** Of its `Traffic`. */
  readonly traffic: SharedArrayBuffer
}

/** What the control channel decides, for all threads, or for the client's owner (`keys`, `moved`, `send`). */
export type PlaneNews<Where> =
  | { readonly kind: 'peer'; readonly peer: PeerNews<Where> }
  /** 256 octets from which the keys of that key id are cut. */
  | {
      readonly kind: 'keys'
      readonly id: number
      readonly keyId: number
      readonly material: Uint8Array
      readonly atMs: number
    }
  | { readonly kind: 'moved'; readonly id: number; readonly where: Where }
  /** What is no IP packet. */
  | { readonly kind: 'send'; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: 'gone'; readonly id: number }

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

export interface PlaneWorld {
  toTunnel(packet: Uint8Array): void
  readonly openAead: OpenAead
  random(octets: number): Uint8Array
  /** A packet that was not taken, by why. */
  dropped(reason: DropReason): void
  /** A sealed packet for the client's owner, or for `MAIN`, which knows more. False when it goes nowhere. */
  elsewhere(owner: number, remote: Remote, packet: Uint8Array): boolean
  /** A packet of the tunnel for a client of that thread. False when it goes nowhere. */
  handOver(owner: number, segments: Segments): boolean
  /** A genuine packet of the client came from there: whether it may be there, until news say otherwise. */
  moved(id: number, remote: Remote): boolean
  /** It said that it leaves. */
  left(id: number): void
}

type Peer = PeerNews<Remote> & {
  remote: Remote
  readonly channel: DataChannel
  readonly counts: Traffic
  hasKeys: boolean
}

export class DataPlane {
  readonly #self: number
  readonly #settings: PlaneSettings
  readonly #world: PlaneWorld
  readonly #limits: ReturnType<typeof segmentLimits>
  readonly #peers = new Map<number, Peer>()
  /** Where each is: DATA_V1 does not say whose it is. */
  readonly #byRemote = new Map<string, Peer>()
  readonly #routes = new ClientRoutes<Peer>()
  /** A packet from one client to another. */
  readonly #whole = new Segments()

  /** `self` is this thread's number. */
  constructor(self: number, settings: PlaneSettings, world: PlaneWorld) {
    this.#self = self
    this.#settings = settings
    this.#world = world
    this.#limits = segmentLimits(settings.mtu)
  }

  /** False when one of its addresses is another's: then nothing changed. */
  add(news: PeerNews<Remote>): boolean {
    const counts = new Traffic(news.traffic)
    const channel = new DataChannel(news.takesPeerId ? news.id : undefined, counts)
    const peer: Peer = { ...news, remote: news.where, channel, counts, hasKeys: false }
    if (!news.addresses.every((address) => this.#routes.addHost(address, peer))) {
      this.#routes.remove(peer)
      return false
    }
    for (const network of news.networks) this.#routes.addNetwork(network, peer)
    this.#peers.set(news.id, peer)
    return true
  }

  hear(news: PlaneNews<Remote>, nowMs: number): void {
    if (news.kind === 'peer') {
      this.add(news.peer)
      return
    }
    const peer = this.#peers.get(news.id)
    if (peer === undefined) return
    if (news.kind === 'keys') this.#takeKeys(peer, news.keyId, news.material, news.atMs)
    else if (news.kind === 'send') this.#send(peer, news.payload, nowMs)
    else if (news.kind === 'moved') this.#move(peer, news.where)
    else {
      this.#forget(peer)
      this.#peers.delete(peer.id)
      this.#routes.remove(peer)
    }
  }

  /** The client that is there. */
  idAt(remote: Remote): number | undefined {
    return this.#byRemote.get(remote.name)?.id
  }

  /** A data packet as it came; it is written over. */
  receive(remote: Remote, packet: Uint8Array, nowMs: number): void {
    const isV2 = opcodeOf(packet) === OPCODE.dataV2 && packet.length >= 4
    const id = isV2 ? (packet[1]! << 16) | (packet[2]! << 8) | packet[3]! : -1
    const peer = (isV2 ? this.#peers.get(id) : undefined) ?? this.#byRemote.get(remote.name)
    if (peer === undefined || !peer.hasKeys || !this.#isOwn(peer))
      return this.#leave(peer?.owner ?? MAIN, remote, packet, 'unknown-client')
    const payload = peer.channel.open(packet, nowMs)
    // The key may have been made a moment ago.
    if (payload === 'no-key') return this.#leave(MAIN, remote, packet, payload)
    if (typeof payload === 'string') return this.#world.dropped(payload)
    if (peer.remote.name !== remote.name) {
      if (!this.#world.moved(peer.id, remote)) return this.#world.dropped('unknown-client')
      // The answer to this packet is to find it there already.
      this.#move(peer, remote)
    }
    if (isPing(payload)) return
    if (isOcc(payload)) {
      if (payload[OCC_MAGIC.length] === OCC_EXIT) this.#world.left(peer.id)
      return
    }
    this.#fromClient(peer, payload, nowMs)
  }

  /** An IP packet from the tunnel device, or the segments it counts as. */
  fromTunnel(segments: Segments, nowMs: number): void {
    const { packet } = segments
    const peer = isIpPacket(packet) ? this.#routes.receiverOf(packet) : undefined
    if (peer === undefined) return this.#world.dropped('unroutable')
    this.#toClient(peer, segments, nowMs)
  }

  #takeKeys(peer: Peer, keyId: number, material: Uint8Array, atMs: number): void {
    if (!peer.hasKeys) this.#byRemote.set(peer.remote.name, peer)
    peer.hasKeys = true
    if (!this.#isOwn(peer)) return
    const { openAead } = this.#world
    const random = (octets: number): Uint8Array => this.#world.random(octets)
    const keys = dataKeysOf(material, 'server')
    const format = { ...peer, digest: this.#settings.digest }
    const sealed = sealedPackets(format, keys, random, openAead)
    peer.channel.renew(keyId, sealed, atMs, this.#settings)
    peer.counts.isWorn = peer.channel.isWorn
  }

  #leave(owner: number, remote: Remote, packet: Uint8Array, reason: DropReason): void {
    if (!this.#world.elsewhere(owner, remote, packet)) this.#world.dropped(reason)
  }

  #fromClient(peer: Peer, packet: Uint8Array, nowMs: number): void {
    if (!isIpPacket(packet)) return this.#world.dropped('malformed')
    if (this.#routes.senderOf(packet) !== peer) return this.#world.dropped('foreign-source')
    clampSegmentSize(packet, this.#limits.ipv4, this.#limits.ipv6)
    const other = isMulticast(packet) ? undefined : this.#routes.receiverOf(packet)
    if (other === undefined) return this.#world.toTunnel(packet)
    if (other === peer || !this.#settings.clientToClient) {
      this.#world.dropped('unroutable')
      return
    }
    this.#whole.takeWhole(packet)
    this.#toClient(other, this.#whole, nowMs)
  }

  #toClient(peer: Peer, segments: Segments, nowMs: number): void {
    const { channel, counts, remote } = peer
    if (!this.#isOwn(peer)) {
      if (!this.#world.handOver(peer.owner, segments)) this.#world.dropped('limited')
      return
    }
    if (!sealSegments(channel, segments, this.#limits, nowMs, remote)) this.#world.dropped('no-key')
    if (channel.isWorn) counts.isWorn = true
  }

  #send(peer: Peer, payload: Uint8Array, nowMs: number): void {
    if (!this.#isOwn(peer)) return
    const packet = peer.channel.seal(payload, nowMs)
    if (packet === undefined) this.#world.dropped('no-key')
    else peer.remote.send(packet)
  }

  #isOwn(peer: Peer): boolean {
    return peer.owner === this.#self
  }

  #move(peer: Peer, remote: Remote): void {
    this.#forget(peer)
    peer.remote = remote
    this.#byRemote.set(remote.name, peer)
  }

  #forget(peer: Peer): void {
    if (this.#byRemote.get(peer.remote.name) === peer) this.#byRemote.delete(peer.remote.name)
  }
}
