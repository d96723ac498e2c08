// Ties the parts together: ports and the tunnel device feed the gateway, the branch says who may come in.
import { randomBytes } from 'node:crypto'
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatEndpoint } from '../../shared/net/endpoint.ts'
import { formatPrefix } from '../../shared/net/prefix.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import { openStore } from '../../store/index.ts'
import { Access } from './access.ts'
import { gatewayConfig, type GatewayConfig, type VpnConfig } from './config.ts'
import { clientsStatus, isConnected } from './clients-status.ts'
import type { TokenTimes } from './core/access/auth-token.ts'
import { loggedReason } from './core/access/challenge.ts'
import { acceptContent, clientFileOf, readContent } from './core/content/gateway-content.ts'
import type { PlaneSettings } from './core/plane/data-plane.ts'
import { revokedSerials } from './core/content/revoked-serials.ts'
import { SessionCookies } from './core/control/session-cookie.ts'
import type { Client } from './core/gateway/client.ts'
import { Gateway, type Decision } from './core/gateway/gateway.ts'
import { OpeningLimiter } from './core/gateway/opening-limiter.ts'
import { Openings } from './core/gateway/opening.ts'
import { pushedOptions } from './core/gateway/pushed-options.ts'
import type { Remote } from './core/gateway/remote.ts'
import { AddressPool, formatLease, type Lease } from './core/tunnel/address-pool.ts'
import type { SessionEvent } from './core/record/session-lines.ts'
import { maskOf } from './core/tunnel/netmask.ts'
import type { ManagerSignal } from './core/management/manager.ts'
import { readGatewayKeys } from './key-files.ts'
import { Logins } from './logins.ts'
import { PacketLoop } from './loop/packet-loop.ts'
import { Management } from './management/management.ts'
import { openTcpPort } from './network/tcp-port.ts'
import { openTlsServer } from './network/tls-server.ts'
import { openUdpPort, type Port } from './network/udp-port.ts'
import { openPacketThreads } from './plane/packet-threads.ts'
import { openSealing } from './sealing.ts'
import { SESSION_BRANCH, SessionKeeper } from './session-keeper.ts'
import { Ticker } from './ticker.ts'
import type { TakeSegments, TunnelDevice } from './tunnel/device.ts'
import { openForwarding, type Forwarding } from './tunnel/forwarding.ts'
import { simulatedDevice } from './tunnel/simulated-device.ts'
import { openTunDevice } from './tunnel/tun-device.ts'
import { VERSION } from './version.ts'

const PERSON = { name: 'cairn-vpn', email: 'cairn-vpn@localhost' }
/** For managers, which look for the second word: the stock version whose interface this is. */
const TITLE = `OpenVPN 2.6.0 cairn-vpn (${VERSION})`
/** How often the gateway looks for what has come due: keepalives, retransmits, renegotiations. */
const TICK_MS = 100
/** Openings a second: few for one prefix where anybody can make them up, more where only holders of a key can. */
const OPENINGS = { plainPerPrefix: 200, wrappedPerPrefix: 10_000, inAll: 20_000 } as const

export async function serve(context: Context<VpnConfig>): Promise<Running> {
  const { metrics, clock } = context
  const config = gatewayConfig(context.config)
  const management = config.management && new Management(clock)
  const log = management?.recording(context.log) ?? context.log
  const keys = readGatewayKeys(config)
  if (!keys.ok) throw new Fatal(keys.error.map(formatProblem).join('\n'))
  const { tls } = keys.value
  const store = await openStore(config.store, {
    log,
    metrics,
    clock,
    accept: acceptContent,
    merge: [],
    committer: PERSON,
  })
  const branch = store.branch()
  const logins = new Logins(clock, keys.value.logins, tokenTimes(config))
  const access = new Access(config, readContent(branch.head).content, logins)
  const { tunnel, security, keepalive } = config
  const pool = new AddressPool(tunnel.ipv4, tunnel.ipv6)
  const reserve = (): void => {
    for (const { ipv4 } of access.content.clients.values())
      if (ipv4 !== undefined) pool.reserve(ipv4)
  }
  reserve()
  const keeper = new SessionKeeper({
    branch: store.keptBranch(SESSION_BRANCH),
    pool,
    author: PERSON,
    clock,
    log,
    fail: context.fail,
  })
  const drops = metrics.counter('cairn_vpn_dropped_packets', 'Packets not taken, by why')
  const connects = metrics.counter('cairn_vpn_connects', 'Clients that came in')
  const sealing = await openSealing()
  const loop = await PacketLoop.open(context.fail)
  let device: TunnelDevice | undefined
  const isPlain = keys.value.wrapping.shared?.wrap.isProtected === false
  const credentials = () => ({
    ca: tls.ca,
    certificate: tls.certificate,
    crl: access.content.crl,
    minVersion: `TLSv${security.tlsVersion}` as const,
  })
  const nowMs = (): number => clock.wallMs()
  const planeSettings: PlaneSettings = {
    mtu: tunnel.mtu,
    digest: security.auth,
    handWindowMs: security.handshake,
    renegotiateMs: security.renegotiate,
    clientToClient: tunnel.clientToClient,
  }
  const threads = await openPacketThreads(config, loop, {
    settings: planeSettings,
    nowMs,
    dropped: (reason, count) => drops.inc({ reason }, count),
    log,
    fail: context.fail,
  })
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
      ...planeSettings,
      ipv6Bits: tunnel.ipv6?.bits,
      netmask: maskOf(tunnel.ipv4.bits),
      push: pushedOptions(config.push),
      pingMs: keepalive.ping,
      restartMs: keepalive.restart,
      duplicateNames: tunnel.duplicateNames,
      clientsLimit: tunnel.clients,
    },
    {
      others: threads,
      openTls: (events) => openTlsServer(credentials(), events),
      authenticate(client, message, decide) {
        access.decide(client, message).then(
          (decision) => decide(told(log, client, decision)),
          (cause: unknown) => context.fail(cause as Error),
        )
      },
      keepLease: (client, lease, done) => keeper.keep(client.identity!.commonName, lease, done),
      toTunnel: (packet) => device?.send(packet),
      openAead: sealing.openAead,
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
        management?.connected(client)
        keeper.note(
          eventOf(client, 'came', `${formatLease(lease!)} from ${client.remote.name}`, nowMs()),
        )
      },
      disconnected(client, why) {
        const { data } = client
        const traffic = { received: data?.octetsIn ?? 0, sent: data?.octetsOut ?? 0 }
        log.info('client-disconnected', { ...whoIs(client), why, ...traffic })
        management?.disconnected(client)
        if (data === undefined) return
        const octets = `received ${traffic.received} sent ${traffic.sent}`
        keeper.note(
          eventOf(client, 'left', `${formatLease(client.lease!)} ${octets}: ${why}`, nowMs()),
        )
      },
      dropped: (reason) => drops.inc({ reason }),
    },
  )
  const take: TakeSegments = (segments) => gateway.fromTunnel(segments, nowMs())
  const deviceSettings = {
    name: tunnel.device,
    mtu: tunnel.mtu,
    addresses: deviceAddresses(config, pool.gateway),
  }
  if (config.simulate) device = simulatedDevice(take)
  else if (threads === undefined) device = await openTunDevice(deviceSettings, loop, take)
  else device = await threads.openDevice(deviceSettings, take)
  const ticker = new Ticker(clock, TICK_MS, () => {
    gateway.tick(nowMs())
    management?.tick(nowMs())
  })
  const receive = (remote: Remote, packet: Uint8Array): void =>
    gateway.receive(remote, packet, nowMs())
  const ports: Port[] = []
  let forwarding: Forwarding | undefined
  const close = async (): Promise<void> => {
    ticker.stop()
    const fault = forwarding?.restore()
    if (fault !== undefined) log.error('nat', { why: fault })
    await management?.close()
    await threads?.close()
    await Promise.all(ports.map((port) => port.close()))
    await device?.close()
    await loop?.close()
    await keeper.close()
    await store.close()
  }
  try {
    if (tunnel.nat === 'nftables') forwarding = await openForwarding(tunnel)
    const limits = { connections: 2 * tunnel.clients, silenceMs: security.handshake }
    const isKnown = (remote: Remote): boolean =>
      [...gateway.clients()].some((client) => client.remote.name === remote.name)
    const gone = (remote: Remote): void => gateway.remoteGone(remote)
    const together = (act: () => void): void => (loop === undefined ? act() : loop.together(act))
    const events = { receive, together, isKnown, gone, failed: context.fail }
    for (const [i, { transport, endpoint }] of config.listen.entries())
      if (transport === 'udp')
        ports[i] =
          threads?.openUdp(endpoint) ?? (await openUdpPort(endpoint, loop, receive, context.fail))
    // Before anybody can come in: workers are told of each client.
    await threads?.start(gateway)
    for (const [i, { transport, endpoint }] of config.listen.entries())
      if (transport === 'tcp') ports[i] = await openTcpPort(endpoint, limits, events)
    const packets = loop === undefined ? 'single' : 'batches'
    log.info('data-path', { sealing: sealing.by, packets, workers: threads?.count ?? 0 })
    await management?.open(
      config.management!,
      {
        title: TITLE,
        clock,
        clients: () => gateway.clients(),
        dismiss: (isMeant, text) => gateway.dismiss(isMeant, text, 'by management', nowMs()),
        signal: (name) => obey(name, gateway, nowMs(), log),
        failed: context.fail,
      },
      log,
    )
    management?.ready(pool.gateway, ports[0]!.endpoint)
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
      ...(management === undefined ? [] : [management.address!]),
      ...(store.url === undefined ? [] : [store.url]),
    ],
    status: () => ({
      store: store.status(),
      tunnel: {
        device: device.name,
        gateway: formatLease(pool.gateway),
        nat: tunnel.nat,
        workers: threads?.count ?? 0,
      },
      clients: clientsStatus(gateway),
    }),
    async reload() {
      const { isChanged, problems } = tls.reload()
      for (const { file, message } of problems) log.error('certificate', { file, why: message })
      if (isChanged) log.info('certificate', { file: config.keys.cert, ca: config.keys.ca })
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

/** The same, and whoever stays out is in the log. */
function told(log: Log, client: Client, decision: Decision): Decision {
  if (decision.kind === 'ask')
    return { ...decision, answered: (answer) => told(log, client, decision.answered(answer)) }
  if (decision.kind === 'refuse')
    log.warn('client-refused', { ...whoIs(client), why: loggedReason(decision.reason) })
  return decision
}

function eventOf(
  { identity, settings }: Client,
  what: SessionEvent['what'],
  details: string,
  atMs: number,
): SessionEvent {
  return { atMs, what, name: identity!.commonName, user: settings!.user, details }
}

/** The signals a manager may give: those that stock OpenVPN takes, through the process's own where there is one. */
function obey(signal: ManagerSignal, gateway: Gateway, nowMs: number, log: Log): void {
  if (signal === 'SIGUSR1') gateway.dismiss(() => true, 'RESTART', 'by management', nowMs)
  else if (signal === 'SIGUSR2')
    log.info('status', { clients: [...gateway.clients()].filter(isConnected).length })
  else process.kill(process.pid, signal)
}

function tokenTimes({ logins, security }: GatewayConfig): TokenTimes | undefined {
  if (logins === undefined) return undefined
  const { tokenLifetime, tokenRenewal = security.renegotiate } = logins
  return { lifetimeMs: tokenLifetime, renewalMs: tokenRenewal }
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
