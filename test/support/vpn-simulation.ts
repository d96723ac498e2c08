// A gateway and a client of ours in virtual time over a network that loses, repeats, delays and changes packets. TLS is
// played by two ends that greet each other and then frame what they are given.
import { Credentials } from '../../appliances/vpn/core/client/credentials.ts'
import { createHash } from 'node:crypto'
import { VpnClient, type ConnectionEnd } from '../../appliances/vpn/core/client/vpn-client.ts'
import type { PushedSettings } from '../../appliances/vpn/core/client/pushed-settings.ts'
import { SessionCookies } from '../../appliances/vpn/core/control/session-cookie.ts'
import type { TlsEnd, TlsEvents } from '../../appliances/vpn/core/session/tls-end.ts'
import {
  Gateway,
  type Decision,
  type GatewayTlsEvents,
} from '../../appliances/vpn/core/gateway/gateway.ts'
import type { DropReason } from '../../appliances/vpn/core/plane/data-plane.ts'
import { OpeningLimiter } from '../../appliances/vpn/core/gateway/opening-limiter.ts'
import { Openings, type Wrapping } from '../../appliances/vpn/core/gateway/opening.ts'
import type { Remote } from '../../appliances/vpn/core/gateway/remote.ts'
import { AddressPool } from '../../appliances/vpn/core/tunnel/address-pool.ts'
import { nodeAead } from '../../appliances/vpn/core/data/aead.ts'
import type { DataCipher } from '../../appliances/vpn/core/data/data-cipher.ts'
import type { ControlWrap } from '../../appliances/vpn/core/wrap/control-wrap.ts'
import { parsePrefix } from '../../shared/net/prefix.ts'
import { Random } from './random-zone.ts'

export type Air = {
  /** Per cent of packets. */
  readonly lost: number
  readonly doubled: number
  readonly changed: number
  readonly delayMs: number
}

export type SimulationOptions = {
  readonly seed: number
  readonly air: Air
  readonly wrapping: Wrapping
  readonly wrap: ControlWrap
  readonly wrapKey: Uint8Array | undefined
  readonly wrappedKey: Uint8Array | undefined
  readonly ciphers: readonly DataCipher[]
  readonly renegotiateMs: number
  /** What the gateway decides in place of letting everybody in, and the client's answer. */
  readonly asks?: { readonly decision: Decision; readonly code: (() => string) | undefined }
}

/** How the gateway lets everybody in. */
export const ADMITTED: Decision = {
  kind: 'admit',
  settings: { user: '', push: [], networks: [] },
  token: undefined,
}

const START_MS = 1_800_000_000_000
const STEP_MS = 5

export class VpnSimulation {
  readonly gateway: Gateway
  readonly client: VpnClient
  readonly drops: Map<DropReason, number> = new Map()
  /** What came out of the tunnel at either end. */
  readonly atGateway: Uint8Array[] = []
  readonly atClient: Uint8Array[] = []
  pushed: PushedSettings | undefined
  ended: ConnectionEnd | undefined
  nowMs: number = START_MS
  readonly #random: Random
  #air: Air
  readonly #flying: { readonly atMs: number; readonly run: () => void }[] = []
  #keysMade = 0

  constructor(options: SimulationOptions) {
    this.#random = new Random(options.seed)
    this.#air = options.air
    const octets = (count: number): Uint8Array =>
      Uint8Array.from({ length: count }, () => this.#random.below(256))
    const clientRemote: Remote = {
      name: 'udp 192.0.2.1:1000',
      octets: Uint8Array.of(192, 0, 2, 1),
      isStream: false,
      room: (size) => new Uint8Array(size),
      send: (packet) => this.#fly(packet, (arrived) => this.client.receive(arrived, this.nowMs)),
    }
    this.gateway = new Gateway(
      {
        openings: new Openings(options.wrapping, new SessionCookies(octets(32), 60_000), octets),
        limiter: new OpeningLimiter(10_000, 10_000),
        pool: new AddressPool(parsePrefix('10.8.0.0/24')!, parsePrefix('fd00:8::/64')!),
        ciphers: options.ciphers,
        digest: 'SHA256',
        ipv6Bits: 64,
        netmask: '255.255.255.0',
        mtu: 1500,
        push: Array.from({ length: 60 }, (_, i) => `route 10.${i}.0.0 255.255.0.0`),
        pingMs: 10_000,
        restartMs: 60_000,
        handWindowMs: 60_000,
        renegotiateMs: options.renegotiateMs,
        clientToClient: false,
        duplicateNames: false,
        clientsLimit: 100,
      },
      {
        others: undefined,
        openTls: (events) => this.#serverTls(events),
        authenticate: (_, __, decide) => decide(options.asks?.decision ?? ADMITTED),
        keepLease: (_, __, done) => done(true),
        toTunnel: (packet) => void this.atGateway.push(packet),
        openAead: nodeAead,
        random: octets,
        nowMs: () => this.nowMs,
        wake: () => {},
        connected: () => {},
        disconnected: () => {},
        dropped: (reason) => void this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1),
      },
    )
    this.client = new VpnClient(
      {
        wrap: options.wrap,
        wrapKey: options.wrapKey,
        wrappedKey: options.wrappedKey,
        ciphers: options.ciphers,
        digest: 'SHA256',
        credentials: new Credentials('', ''),
        code: options.asks?.code,
        version: 'simulated',
        handWindowMs: 60_000,
        renegotiateMs: 1e12,
        filter: () => 'accept',
      },
      {
        room: (size) => new Uint8Array(size),
        send: (packet) =>
          this.#fly(packet, (arrived) => this.gateway.receive(clientRemote, arrived, this.nowMs)),
        openTls: (events) => this.#clientTls(events),
        toTunnel: (packet) => void this.atClient.push(packet),
        openAead: nodeAead,
        random: octets,
        nowMs: () => this.nowMs,
        wake: () => {},
        connected: (pushed) => void (this.pushed = pushed),
        signIn: () => {},
        notice: () => {},
        ended: (end) => void (this.ended = end),
      },
    )
    this.client.connect()
  }

  /** From now on nothing arrives. */
  cut(): void {
    this.#air = { ...this.#air, lost: 100 }
  }

  /** Key ids whose TLS came up at the gateway. */
  get keysMade(): number {
    return this.#keysMade
  }

  run(untilMs: number, isDone: () => boolean = () => false): void {
    const end = this.nowMs + untilMs
    while (this.nowMs < end && !isDone()) {
      this.nowMs += STEP_MS
      const due = this.#flying.filter(({ atMs }) => atMs <= this.nowMs)
      for (const packet of due) {
        this.#flying.splice(this.#flying.indexOf(packet), 1)
        packet.run()
      }
      this.gateway.tick(this.nowMs)
      this.client.tick(this.nowMs)
    }
  }

  #fly(packet: Uint8Array, arrive: (packet: Uint8Array) => void): void {
    const { lost, doubled, changed, delayMs } = this.#air
    if (this.#random.chance(lost)) return
    for (let copies = this.#random.chance(doubled) ? 2 : 1; copies > 0; copies--) {
      const arriving = new Uint8Array(packet)
      if (this.#random.chance(changed))
        arriving[this.#random.below(arriving.length)]! ^= 1 << this.#random.below(8)
      const atMs = this.nowMs + 1 + this.#random.below(delayMs)
      this.#flying.push({ atMs, run: () => arrive(arriving) })
    }
  }

  #serverTls(events: GatewayTlsEvents): TlsEnd {
    const identity = { commonName: 'laptop', serial: '1', fingerprint: 'f' }
    return playedTls(events, false, (exporter) => {
      this.#keysMade++
      events.secured(identity, exporter)
    })
  }

  #clientTls(events: TlsEvents): TlsEnd {
    return playedTls(events, true, (exporter) => events.secured(exporter))
  }
}

/** Greetings of 16 octets each way, then records: 2 octets of length, and text. */
function playedTls(
  events: { output(octets: Uint8Array): void; text(octets: Uint8Array): void },
  isClient: boolean,
  secured: (exporter: (label: string) => Uint8Array) => void,
): TlsEnd {
  const greeting = new Uint8Array(16).fill(isClient ? 1 : 2)
  const waiting: Uint8Array[] = []
  let pending = Buffer.alloc(0)
  let isUp = false
  const write = (octets: Uint8Array): void => {
    const record = Buffer.alloc(2 + octets.length)
    record.writeUInt16BE(octets.length)
    record.set(octets, 2)
    events.output(record)
  }
  if (isClient) queueGreeting()
  function queueGreeting(): void {
    events.output(greeting)
  }
  return {
    feed(octets) {
      pending = Buffer.concat([pending, octets])
      if (!isUp) {
        if (pending.length < 16) return
        pending = pending.subarray(16)
        isUp = true
        if (!isClient) queueGreeting()
        secured((label) => {
          const half = createHash('sha512').update(label).digest()
          return Buffer.concat([half, half, half, half])
        })
        for (const each of waiting.splice(0)) write(each)
      }
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0)
        const record = pending.subarray(2, end)
        pending = pending.subarray(end)
        events.text(record)
      }
    },
    write: (octets) => void (isUp ? write(octets) : waiting.push(octets)),
    close() {},
  }
}
