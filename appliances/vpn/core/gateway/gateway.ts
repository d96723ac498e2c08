// The gateway as a machine: packets of clients and of the tunnel in, packets out. It knows who is connected, who may
// come in, and which address is whose. Sockets, TLS, the tunnel device and the clock are its shell's.
import type { KeyMessage } from '../control/key-method.ts'
import { HEADER_OCTETS } from '../control/control-body.ts'
import { isData, OPCODE, opcodeOf } from '../control/opcode.ts'
import { ciphersOf } from '../control/protocol-bits.ts'
import { isAead, isDataCipher, type DataCipher } from '../data/data-cipher.ts'
import type { Segments } from '../data/segments.ts'
import { Traffic } from '../data/traffic.ts'
import {
  DataPlane,
  MAIN,
  type PeerNews,
  type PlaneNews,
  type PlaneSettings,
  type PlaneWorld,
} from '../plane/data-plane.ts'
import { ServerSession } from '../session/server-session.ts'
import type { Exporter, TlsEnd, TlsEvents } from '../session/tls-end.ts'
import type { AddressPool, Lease } from '../tunnel/address-pool.ts'
import { Keepalive, PING } from '../tunnel/ping.ts'
import { formatAddress } from '../../../../shared/net/address.ts'
import type { Client, ClientSettings, Identity } from './client.ts'
import type { OpeningLimiter } from './opening-limiter.ts'
import type { OpenedWrap, Openings } from './opening.ts'
import type { Remote } from './remote.ts'

export type GatewaySettings = PlaneSettings & {
  readonly openings: Openings
  readonly limiter: OpeningLimiter
  readonly pool: AddressPool
  /** In our order of preference. */
  readonly ciphers: readonly DataCipher[]
  /** Bits of the IPv6 prefix inside; undefined without IPv6. */
  readonly ipv6Bits: number | undefined
  readonly netmask: string
  /** Options that all clients get. */
  readonly push: readonly string[]
  readonly pingMs: number
  readonly restartMs: number
  readonly duplicateNames: boolean
  readonly clientsLimit: number
}

export type Decision =
  /** `token`: what it sends in place of the password from now on. */
  | {
      readonly kind: 'admit'
      readonly settings: ClientSettings
      readonly token: string | undefined
    }
  /** What the client may read. */
  | { readonly kind: 'refuse'; readonly reason: string }
  | ({ readonly kind: 'ask' } & Question)

/** What a client is asked, before its first keys alone. */
type Question = {
  readonly question: string
  readonly waitMs: number
  /** The decision once it answered, which is no other question. */
  readonly answered: (answer: string) => Decision
}

type Admitted = Extract<Decision, { readonly kind: 'admit' }>

/** As `TlsEvents`; `secured` tells who it is. */
export type GatewayTlsEvents = Omit<TlsEvents, 'secured'> & {
  secured(identity: Identity, exporter: Exporter): void
}

/** Threads beside this one that have the keys of clients. */
export interface OtherThreads extends Pick<PlaneWorld, 'elsewhere' | 'handOver'> {
  /** Which thread has a client's keys: `MAIN` for this one. */
  ownerOf(id: number, remote: Remote, takesPeerId: boolean): number
  /** To that thread, or to all. */
  tell(owner: number | undefined, news: PlaneNews<Remote>): void
}

/** The world of a gateway. */
export interface GatewayWorld extends Pick<
  PlaneWorld,
  'toTunnel' | 'openAead' | 'random' | 'dropped'
> {
  readonly others: OtherThreads | undefined
  openTls(events: GatewayTlsEvents): TlsEnd
  /** `decide` is called once, now or later. */
  authenticate(client: Client, message: KeyMessage, decide: (decision: Decision) => void): void
  /** An address of the pool: `done` is called once, now or later, with whether it will be the client's again after a crash. */
  keepLease(client: Client, lease: Lease, done: (isKept: boolean) => void): void
  /** For what happens between packets; the same clock as theirs. */
  nowMs(): number
  /** Somebody has work with a time: `tick` is wanted soon. */
  wake(): void
  connected(client: Client): void
  disconnected(client: Client, reason: string): void
}

const PEER_ID_LIMIT = 0xff_fffe

export class Gateway {
  readonly #settings: GatewaySettings
  readonly #world: GatewayWorld
  /** This thread's, and where all clients are. */
  readonly #plane: DataPlane
  /** By where it is and its session id: more than one where a client begins anew. */
  readonly #sessions = new Map<string, Client>()
  readonly #clients = new Map<number, Client>()
  #nextId = 0

  constructor(settings: GatewaySettings, world: GatewayWorld) {
    this.#settings = settings
    this.#world = world
    const { others } = world
    this.#plane = new DataPlane(MAIN, settings, {
      toTunnel: (packet) => world.toTunnel(packet),
      openAead: world.openAead,
      random: (octets) => world.random(octets),
      dropped: (reason) => world.dropped(reason),
      elsewhere: (owner, remote, packet) =>
        owner !== MAIN && others !== undefined && others.elsewhere(owner, remote, packet),
      handOver: (owner, segments) => others !== undefined && others.handOver(owner, segments),
      moved: (id, remote) => this.clientMoved(id, remote),
      left: (id) => this.clientLeft(id),
    })
  }

  /** Those in the tunnel, and those on their way there. */
  clients(): Iterable<Client> {
    return this.#clients.values()
  }

  receive(remote: Remote, packet: Uint8Array, nowMs: number): void {
    if (packet.length === 0) return this.#world.dropped('malformed')
    if (isData(opcodeOf(packet))) this.#plane.receive(remote, packet, nowMs)
    else this.#receiveControl(remote, packet, nowMs)
  }

  /** A connection ended. */
  remoteGone(remote: Remote): void {
    for (const client of this.#clients.values())
      if (client.remote.name === remote.name) this.#end(client, 'the connection ended')
  }

  /** An IP packet from the tunnel device, or the segments it counts as. */
  fromTunnel(segments: Segments, nowMs: number): void {
    this.#plane.fromTunnel(segments, nowMs)
  }

  /** What it sends from there is genuine: whether it may be there. */
  clientMoved(id: number, remote: Remote): boolean {
    const client = this.#clients.get(id)
    if (client?.data === undefined) return false
    if (client.remote.name === remote.name) return true
    const there = this.#clients.get(this.#plane.idAt(remote) ?? -1)
    const isOthers =
      there !== undefined && there.identity!.fingerprint !== client.identity!.fingerprint
    if (isOthers || client.remote.isStream || remote.isStream) {
      // Another thread may have taken it for moved already.
      this.#tell(client, { kind: 'moved', id, where: client.remote })
      return false
    }
    this.#sessions.delete(ownKey(client))
    client.remote = remote
    this.#sessions.set(ownKey(client), client)
    this.#tell(client, { kind: 'moved', id, where: remote })
    return true
  }

  /** It said so in the data channel. */
  clientLeft(id: number): void {
    const client = this.#clients.get(id)
    if (client !== undefined) this.#end(client, 'it left')
  }

  /** Does what has come due. */
  tick(nowMs: number): void {
    for (const client of this.#clients.values()) {
      client.session.flush(nowMs)
      if (client.asked !== undefined && nowMs >= client.asked.untilMs)
        this.#decided(client, 0, { kind: 'refuse', reason: 'no answer came' })
      if (client.isGone || client.keepalive === undefined) continue
      if (client.keepalive.isLost(nowMs)) {
        this.#end(client, 'nothing came from it')
        continue
      }
      if (client.keepalive.isPingDue(nowMs))
        this.#tell(client, { kind: 'send', id: client.id, payload: PING })
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
      asked: undefined,
      settings: undefined,
      lease: undefined,
      isPooled: false,
      owner: MAIN,
      traffic: undefined,
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
      if (!client.isGone) this.#decided(client, keyId, decision)
    })
  }

  #decided(client: Client, keyId: number, decision: Decision): void {
    const nowMs = this.#world.nowMs()
    client.asked = undefined
    if (decision.kind === 'ask') {
      const { question, waitMs, answered } = decision
      client.asked = { answered, untilMs: nowMs + waitMs }
      client.session.ask(question, waitMs, nowMs)
    } else {
      const refusal =
        decision.kind === 'admit' ? this.#admit(client, keyId, decision) : decision.reason
      if (refusal !== undefined) client.session.refuse(keyId, refusal, nowMs)
    }
    this.#world.wake()
  }

  /** The reason it stays out, if it does. */
  #admit(client: Client, keyId: number, decision: Admitted): string | undefined {
    const { settings, token } = decision
    const tokenOptions = token === undefined ? [] : [`auth-token ${token}`]
    if (keyId > 0) {
      client.session.admit(keyId, { push: tokenOptions, usesEpochs: false })
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
    if (!this.#attach(client, lease, settings, cipher)) return 'its address is taken'
    client.settings = settings
    client.cipher = cipher
    const push = [...this.#pushOf(client), ...tokenOptions]
    const usesEpochs = doesUseEpochs(client.session, cipher)
    const admit = (): void => client.session.admit(keyId, { push, usesEpochs })
    if (client.isPooled && !this.#settings.duplicateNames)
      this.#world.keepLease(client, lease, (isKept) => {
        if (client.isGone) return
        if (isKept) admit()
        else client.session.refuse(keyId, 'its address cannot be kept', this.#world.nowMs())
        this.#world.wake()
      })
    else admit()
    return undefined
  }

  /** Tells all threads where its addresses are; false when one is taken. */
  #attach(client: Client, lease: Lease, settings: ClientSettings, cipher: DataCipher): boolean {
    const { others } = this.#world
    const { id, remote, session } = client
    const { takesPeerId } = session
    client.owner = others?.ownerOf(id, remote, takesPeerId) ?? MAIN
    client.traffic = new Traffic({ nowMs: this.#world.nowMs() })
    const peer: PeerNews<Remote> = {
      id,
      owner: client.owner,
      where: remote,
      takesPeerId,
      cipher,
      usesEpochs: doesUseEpochs(session, cipher),
      addresses: lease.ipv6 === undefined ? [lease.ipv4] : [lease.ipv4, lease.ipv6],
      networks: settings.networks,
      traffic: client.traffic.memory,
    }
    if (!this.#plane.add(peer)) return false
    others?.tell(undefined, { kind: 'peer', peer })
    return true
  }

  #tell({ owner }: Client, news: PlaneNews<Remote>): void {
    this.#plane.hear(news, this.#world.nowMs())
    if (news.kind === 'gone') this.#world.others?.tell(undefined, news)
    else if (owner !== MAIN) this.#world.others?.tell(owner, news)
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
    const { renegotiateMs, pingMs, restartMs } = this.#settings
    this.#tell(client, { kind: 'keys', id: client.id, keyId, material, atMs: nowMs })
    client.renegotiateAtMs = nowMs + renegotiateMs
    if (client.data !== undefined) return
    client.data = client.traffic!
    // A client waits as long as it was told; the gateway waits twice that.
    client.keepalive = new Keepalive(pingMs, 2 * restartMs, client.data)
    this.#world.connected(client)
  }

  #text(client: Client, text: string): void {
    const [, answer] = /^CR_RESPONSE,([A-Za-z0-9+/]{0,400}={0,2})$/.exec(text) ?? []
    if (text === 'EXIT') this.#end(client, 'it left')
    else if (answer !== undefined && client.asked !== undefined)
      this.#decided(client, 0, client.asked.answered(Buffer.from(answer, 'base64').toString()))
  }

  #end(client: Client, reason: string): void {
    if (client.isGone) return
    client.isGone = true
    this.#clients.delete(client.id)
    this.#sessions.delete(ownKey(client))
    this.#tell(client, { kind: 'gone', id: client.id })
    if (client.isPooled && client.lease !== undefined) this.#settings.pool.release(client.lease)
    client.session.close()
    this.#world.disconnected(client, reason)
  }

  #freeId(): number {
    while (this.#clients.has(this.#nextId)) this.#nextId = (this.#nextId + 1) % PEER_ID_LIMIT
    const id = this.#nextId
    this.#nextId = (this.#nextId + 1) % PEER_ID_LIMIT
    return id
  }
}

function doesUseEpochs({ takesEpochs }: ServerSession, cipher: DataCipher): boolean {
  return takesEpochs && isAead(cipher)
}

function sessionKey(remote: Remote, sessionId: Uint8Array): string {
  return `${remote.name} ${Buffer.from(sessionId).toString('hex')}`
}

function ownKey({ remote, session }: Client): string {
  return sessionKey(remote, session.control.remoteSessionId!)
}
