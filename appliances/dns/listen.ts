// Listens for DNS on UDP and TCP (the same addresses and ports for both), on TLS and on HTTPS. Knows sockets, limits and
// buffers; what a packet means is the business of `handle`.
import type { Socket as UdpSocket } from 'node:dgram'
import type { Server } from 'node:net'
import type { Clock } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import { listenFault } from '../../shared/net/listen-fault.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { CertificateSlot } from '../../shared/tls/certificate-slot.ts'
import type { Client } from './core/client.ts'
import type { Defer, Reply } from './core/request.ts'
import { Admission } from './listeners/admission.ts'
import { TcpService, TlsService, type StreamWorld } from './listeners/dns-streams.ts'
import type { DnsLimits, Handle } from './listeners/handle.ts'
import { HttpsService } from './listeners/https-service.ts'
import { bindTcp, createStreamServer, type StreamService } from './listeners/stream-listener.ts'
import { bindUdp, serveUdp } from './listeners/udp-listener.ts'

export const DEFAULT_DNS_LIMITS: DnsLimits = {
  udpOctets: 1232,
  tcpIdleMs: 10_000,
  tcpConnections: 1000,
  tcpConnectionsPerClient: 100,
  tcpQueries: Infinity,
  proxies: new PrefixSet([]),
}

export type DnsListenOptions = {
  /** UDP and TCP. */
  readonly listen: readonly Endpoint[]
  readonly tls?: { readonly listen: readonly Endpoint[]; readonly slot: CertificateSlot }
  readonly https?: {
    readonly listen: readonly Endpoint[]
    readonly slot: CertificateSlot
    /** The one path that is answered. */
    readonly path: string
  }
  /** It may throw: that query gets no answer and the log says so. */
  readonly handle: Handle
  /** Takes over what `handle` deferred. */
  readonly defer: Defer
  readonly limits: DnsLimits
  readonly clock: Clock
  readonly log: Log
}

export type DnsListener = {
  /** Where it listens, with the ports the system chose: UDP and TCP, then TLS, then HTTPS. */
  readonly addresses: readonly Endpoint[]
  readonly tlsAddresses: readonly Endpoint[]
  readonly httpsAddresses: readonly Endpoint[]
  /** Of all streams. */
  connections(): number
  /** Takes nothing new, lets answers under way leave, and ends. */
  close(): Promise<void>
}

/** What `close` leaves to answers that are on their way. */
const DRAIN_MS = 1000
/** With port 0 the port that UDP got may be taken for TCP. */
const PORT_TRIES = 16

/** Throws `Fatal` when an address cannot be had. */
export async function listenDns(options: DnsListenOptions): Promise<DnsListener> {
  const shell = new Shell(options)
  try {
    await shell.open()
  } catch (cause) {
    await shell.close()
    throw cause
  }
  return shell
}

class Shell implements DnsListener {
  readonly addresses: Endpoint[] = []
  readonly tlsAddresses: Endpoint[] = []
  readonly httpsAddresses: Endpoint[] = []
  readonly #options: DnsListenOptions
  readonly #world: StreamWorld
  /** Aborts when the listener closes: what is deferred by UDP ends then. */
  readonly #closing = new AbortController()
  readonly #admission: Admission
  readonly #udp: UdpSocket[] = []
  readonly #tcp: Server[] = []
  readonly #services: StreamService[] = []
  #closed: Promise<void> | undefined

  constructor(options: DnsListenOptions) {
    const { limits, clock, log, defer } = options
    this.#options = options
    this.#admission = new Admission(limits, clock, log)
    const handle: Handle = (packet, client, out) => {
      try {
        return options.handle(packet, client, out)
      } catch (cause) {
        // A fault of ours that one packet finds must not end the service for all others.
        const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
        log.error('answer-fault', { packet: Buffer.from(packet).toString('hex'), why })
        return 0
      }
    }
    this.#world = { handle, defer, limits, log }
  }

  async open(): Promise<void> {
    const { listen, tls, https } = this.#options
    const world = this.#world
    for (const endpoint of listen) this.addresses.push(await this.#openBoth(endpoint))
    for (const endpoint of tls?.listen ?? []) {
      const service = new TlsService(tls!.slot, world)
      this.tlsAddresses.push(await this.#openStream(endpoint, service))
    }
    for (const endpoint of https?.listen ?? []) {
      const service = new HttpsService(https!.slot, https!.path, world)
      this.httpsAddresses.push(await this.#openStream(endpoint, service))
    }
  }

  connections(): number {
    return this.#admission.size
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#closeAll())
  }

  async #closeAll(): Promise<void> {
    this.#admission.close()
    this.#closing.abort()
    const closed = [
      ...this.#udp.map((udp) => new Promise<void>((done) => void udp.close(done))),
      ...this.#tcp.map((tcp) => new Promise<void>((done) => void tcp.close(() => done()))),
    ]
    for (const service of this.#services) service.end()
    const cut = setTimeout(() => this.#admission.destroyAll(), DRAIN_MS)
    await Promise.all(closed)
    clearTimeout(cut)
  }

  async #openBoth(endpoint: Endpoint): Promise<Endpoint> {
    const { log, limits } = this.#options
    for (let left = PORT_TRIES; ; left--) {
      const udp = await bindUdp(endpoint, log)
      const { port } = udp.address()
      try {
        await this.#bindStream({ ...endpoint, port }, new TcpService(this.#world))
      } catch (cause) {
        udp.close()
        if (endpoint.port === 0 && left > 1) continue
        throw listenFault(endpoint, cause as Error)
      }
      serveUdp(udp, this.#world.handle, this.#deferUdp, limits)
      this.#udp.push(udp)
      return { host: endpoint.host, port }
    }
  }

  async #openStream(endpoint: Endpoint, service: StreamService): Promise<Endpoint> {
    try {
      return { host: endpoint.host, port: await this.#bindStream(endpoint, service) }
    } catch (cause) {
      throw listenFault(endpoint, cause as Error)
    }
  }

  async #bindStream(endpoint: Endpoint, service: StreamService): Promise<number> {
    const { limits, log } = this.#options
    const server = createStreamServer(service, { admission: this.#admission, limits, log })
    const { port } = await bindTcp(server, endpoint)
    this.#tcp.push(server)
    this.#services.push(service)
    return port
  }

  readonly #deferUdp = (
    packet: Uint8Array,
    client: Client,
    send: (message: Uint8Array) => void,
  ): void => {
    const reply: Reply = {
      signal: this.#closing.signal,
      send: async (message) => send(message),
    }
    void this.#options.defer(Uint8Array.from(packet), client, reply)
  }
}
