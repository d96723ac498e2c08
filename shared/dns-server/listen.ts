// Listens for DNS on UDP and TCP (the same addresses and ports for both), on TLS and on HTTPS. Knows sockets, limits and
// buffers; what a packet means is the business of `handle`.
import type { Server } from 'node:net'
import type { Clock } from '../clock/clock.ts'
import type { Log } from '../log/log.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { listenFault } from '../net/listen-fault.ts'
import { PrefixSet } from '../net/prefix.ts'
import type { CertificateSlot } from '../tls/certificate-slot.ts'
import type { Defer } from './core/defer.ts'
import { Admission } from './admission.ts'
import { TcpService, TlsService, type StreamWorld } from './dns-streams.ts'
import { guardedHandle, type DnsLimits, type Handle } from './handle.ts'
import { HttpsService } from './https-service.ts'
import { bindTcp, createStreamServer, type StreamService } from './stream-listener.ts'
import { DatagramPorts } from './datagram-ports.ts'
import type { UdpPorts } from './udp-ports.ts'

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
  /** Answers UDP; Node's own sockets and `handle` do without. */
  readonly udp?: UdpPorts
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

/** For the `ready` line; `httpsPath` is there where there is HTTPS. */
export function listenerUrls(listener: DnsListener, httpsPath: string | undefined): string[] {
  return [
    ...listener.addresses.map((a) => `dns://${formatEndpoint(a)}`),
    ...listener.tlsAddresses.map((a) => `tls://${formatEndpoint(a)}`),
    ...listener.httpsAddresses.map((a) => `https://${formatEndpoint(a)}${httpsPath}`),
  ]
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
  readonly #admission: Admission
  readonly #udp: UdpPorts
  readonly #tcp: Server[] = []
  readonly #services: StreamService[] = []
  #closed: Promise<void> | undefined

  constructor(options: DnsListenOptions) {
    const { limits, clock, log, defer } = options
    this.#options = options
    this.#admission = new Admission(limits, clock, log)
    const handle = guardedHandle(options.handle, log)
    this.#udp = options.udp ?? new DatagramPorts({ handle, defer, limits, log })
    this.#world = { handle, defer, limits, log }
  }

  async open(): Promise<void> {
    const { listen, tls, https } = this.#options
    const world = this.#world
    for (const endpoint of listen) this.addresses.push(await this.#openBoth(endpoint))
    await this.#udp.start()
    for (const endpoint of tls?.listen ?? []) {
      const service = new TlsService(tls!.slot, world)
      this.tlsAddresses.push(await this.#openStream(endpoint, service))
    }
    for (const endpoint of https?.listen ?? []) {
      const service = new HttpsService(https!.slot, https!.path, world)
      this.httpsAddresses.push(await this.#openStream(endpoint, service))
    }
  }

  start(): Promise<void> {
    return this.#udp.start()
  }

  connections(): number {
    return this.#admission.size
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#closeAll())
  }

  async #closeAll(): Promise<void> {
    this.#admission.close()
    const closed = [
      this.#udp.close(),
      ...this.#tcp.map((tcp) => new Promise<void>((done) => void tcp.close(() => done()))),
    ]
    for (const service of this.#services) service.end()
    const cut = setTimeout(() => this.#admission.destroyAll(), DRAIN_MS)
    await Promise.all(closed)
    clearTimeout(cut)
  }

  async #openBoth(endpoint: Endpoint): Promise<Endpoint> {
    for (let left = PORT_TRIES; ; left--) {
      const udp = await this.#udp.open(endpoint)
      const { port } = udp
      try {
        await this.#bindStream({ ...endpoint, port }, new TcpService(this.#world))
      } catch (cause) {
        udp.discard()
        if (endpoint.port === 0 && left > 1) continue
        throw listenFault(endpoint, cause as Error)
      }
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
}
