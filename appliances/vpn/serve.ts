// Ties the parts together: ports and the tunnel device feed the gateway, the branch says who may come in.
import { randomBytes } from 'node:crypto'
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { formatEndpoint } from '../../shared/net/endpoint.ts'
import { formatPrefix } from '../../shared/net/prefix.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import { openStore } from '../../store/index.ts'
import { Access } from './access.ts'
import { gatewayConfig, type GatewayConfig, type VpnConfig } from './config.ts'
import { clientsStatus, isConnected } from './clients-status.ts'
import { acceptContent, clientFileOf, readContent } from './core/content/gateway-content.ts'
import { revokedSerials } from './core/content/revoked-serials.ts'
import { SessionCookies } from './core/control/session-cookie.ts'
import type { Client } from './core/gateway/client.ts'
import { Gateway } from './core/gateway/gateway.ts'
import { OpeningLimiter } from './core/gateway/opening-limiter.ts'
import { Openings } from './core/gateway/opening.ts'
import { pushedOptions } from './core/gateway/pushed-options.ts'
import type { Remote } from './core/gateway/remote.ts'
import { AddressPool, formatLease, type Lease } from './core/tunnel/address-pool.ts'
import { maskOf } from './core/tunnel/netmask.ts'
import { readGatewayKeys } from './key-files.ts'
import { openTcpPort } from './network/tcp-port.ts'
import { openTlsServer } from './network/tls-server.ts'
import { openUdpPort, type Port } from './network/udp-port.ts'
import { Ticker } from './ticker.ts'
import type { TunnelDevice } from './tunnel/device.ts'
import { simulatedDevice } from './tunnel/simulated-device.ts'
import { openTunDevice } from './tunnel/tun-device.ts'

const PERSON = { name: 'cairn-vpn', email: 'cairn-vpn@localhost' }
/** How often the gateway looks for what has come due: keepalives, retransmits, renegotiations. */
const TICK_MS = 100
/** Openings a second: few for one prefix where anybody can make them up, more where only holders of a key can. */
const OPENINGS = { plainPerPrefix: 200, wrappedPerPrefix: 10_000, inAll: 20_000 } as const

export async function serve(context: Context<VpnConfig>): Promise<Running> {
  const { log, metrics, clock } = context
  const config = gatewayConfig(context.config)
  const keys = readGatewayKeys(config)
  if (!keys.ok) throw new Fatal(keys.error.map(formatProblem).join('\n'))
  const store = await openStore(config.store, {
    log,
    metrics,
    clock,
    accept: acceptContent,
    merge: [],
    committer: PERSON,
  })
  const branch = store.branch()
  const access = new Access(config, readContent(branch.head).content, clock)
  const { tunnel, security, keepalive } = config
  const pool = new AddressPool(tunnel.ipv4, tunnel.ipv6)
  const reserve = (): void => {
    for (const { ipv4 } of access.content.clients.values())
      if (ipv4 !== undefined) pool.reserve(ipv4)
  }
  reserve()
  const drops = metrics.counter('cairn_vpn_dropped_packets', 'Packets not taken, by why')
  const connects = metrics.counter('cairn_vpn_connects', 'Clients that came in')
  let device: TunnelDevice | undefined
  const isPlain = keys.value.wrapping.shared?.wrap.isProtected === false
  const credentials = () => ({
    ca: keys.value.ca,
    certificate: keys.value.certificate.options,
    crl: access.content.crl,
    minVersion: `TLSv${security.tlsVersion}` as const,
  })
  const nowMs = (): number => clock.wallMs()
  const gateway = new Gateway(
    {
      openings: new Openings(
        keys.value.wrapping,
        new SessionCookies(randomBytes(32), security.handshake),
        randomBytes,
      ),
      limiter: new OpeningLimiter(
        isPlain ? OPENINGS.plainPerPrefix : OPENINGS.wrappedPerPrefix,
        OPENINGS.inAll,
      ),
      pool,
      ciphers: security.ciphers,
      digest: security.auth,
      ipv6Bits: tunnel.ipv6?.bits,
      netmask: maskOf(tunnel.ipv4.bits),
      mtu: tunnel.mtu,
      push: pushedOptions(config.push),
      pingMs: keepalive.ping,
      restartMs: keepalive.restart,
      handWindowMs: security.handshake,
      renegotiateMs: security.renegotiate,
      clientToClient: tunnel.clientToClient,
      duplicateNames: tunnel.duplicateNames,
      clientsLimit: tunnel.clients,
    },
    {
      openTls: (events) => openTlsServer(credentials(), events),
      authenticate(client, message, decide) {
        access.decide(client, message).then(
          (decision) => {
            if (!decision.ok) log.warn('client-refused', { ...whoIs(client), why: decision.reason })
            decide(decision)
          },
          (cause: unknown) => context.fail(cause as Error),
        )
      },
      toTunnel: (packet) => device?.send(packet),
      random: randomBytes,
      nowMs,
      wake: () => ticker.wake(),
      connected(client) {
        connects.inc()
        for (const network of client.settings!.networks) {
          const fault = device?.addRoute(network)
          if (fault !== undefined) log.warn('route', { network: formatPrefix(network), why: fault })
        }
        const { cipher, lease } = client
        log.info('client-connected', { ...whoIs(client), address: formatLease(lease!), cipher })
      },
      disconnected(client, why) {
        const { data } = client
        const traffic = { received: data?.octetsIn ?? 0, sent: data?.octetsOut ?? 0 }
        log.info('client-disconnected', { ...whoIs(client), why, ...traffic })
      },
      dropped: (reason) => drops.inc({ reason }),
    },
  )
  device = config.simulate
    ? simulatedDevice((packet) => gateway.fromTunnel(packet, nowMs()))
    : await openTunDevice(
        { name: tunnel.device, mtu: tunnel.mtu, addresses: deviceAddresses(config, pool.gateway) },
        (packet) => gateway.fromTunnel(packet, nowMs()),
        context.fail,
      )
  const ticker = new Ticker(clock, TICK_MS, () => gateway.tick(nowMs()))
  const receive = (remote: Remote, packet: Uint8Array): void =>
    gateway.receive(remote, packet, nowMs())
  const ports: Port[] = []
  const close = async (): Promise<void> => {
    ticker.stop()
    await Promise.all(ports.map((port) => port.close()))
    await device?.close()
    await store.close()
  }
  try {
    for (const { transport, endpoint } of config.listen) {
      const limits = { connections: 2 * tunnel.clients, silenceMs: security.handshake }
      const isKnown = (remote: Remote): boolean =>
        [...gateway.clients()].some((client) => client.remote.name === remote.name)
      const gone = (remote: Remote): void => gateway.remoteGone(remote)
      const events = { receive, isKnown, gone, failed: context.fail }
      ports.push(
        transport === 'udp'
          ? await openUdpPort(endpoint, receive, context.fail)
          : await openTcpPort(endpoint, limits, events),
      )
    }
  } catch (cause) {
    await close()
    throw cause
  }
  const unsubscribe = branch.subscribe((head) => {
    access.content = readContent(head).content
    reserve()
    const count = dismissRefused(gateway, access, nowMs())
    if (count > 0) log.info('clients-dismissed', { count })
  })
  metrics.gauge(
    'cairn_vpn_clients',
    'Clients in the tunnel',
    () => [...gateway.clients()].filter(isConnected).length,
  )
  return {
    addresses: [
      ...config.listen.map(
        ({ transport }, i) => `${transport}://${formatEndpoint(ports[i]!.endpoint)}`,
      ),
      ...(store.url === undefined ? [] : [store.url]),
    ],
    status: () => ({
      store: store.status(),
      tunnel: { device: device.name, gateway: formatLease(pool.gateway) },
      clients: clientsStatus(gateway),
    }),
    async reload() {
      store.reload()
      await store.sync()
    },
    async stop() {
      unsubscribe()
      gateway.dismiss(() => true, 'RESTART', 'the gateway stops', nowMs())
      // What was said to the clients has to leave first.
      await new Promise((done) => setImmediate(done))
      await close()
    },
  }
}

function whoIs(client: Client): { readonly name: string; readonly from: string } {
  return { name: client.identity?.commonName ?? '', from: client.remote.name }
}

/** Whoever is in the tunnel and could not come in any more: revoked, or switched off in its file. */
function dismissRefused(gateway: Gateway, access: Access, nowMs: number): number {
  const { content } = access
  const revoked = content.crl === undefined ? undefined : revokedSerials(content.crl)
  const isRefused = ({ identity }: Client): boolean =>
    identity !== undefined &&
    (revoked?.has(identity.serial) === true ||
      clientFileOf(content, identity.commonName)?.isDisabled === true)
  return gateway.dismiss(isRefused, 'AUTH_FAILED', 'it was revoked or disabled', nowMs)
}

function deviceAddresses(
  { tunnel }: GatewayConfig,
  { ipv4, ipv6 }: Lease,
): readonly { readonly octets: Uint8Array; readonly bits: number }[] {
  const addresses = [{ octets: ipv4, bits: tunnel.ipv4.bits }]
  if (ipv6 !== undefined) addresses.push({ octets: ipv6, bits: tunnel.ipv6!.bits })
  return addresses
}
