// cairn-vpn as a client: tries the profile's gateways in turn, puts the tunnel on a device, and begins anew when it breaks.
import { randomBytes, randomInt } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import type { Context, Running } from '../../../shared/appliance/appliance.ts'
import { ROUTES_PATH } from '../../../shared/native/tun.ts'
import { formatAddress, parseAddress } from '../../../shared/net/address.ts'
import { formatEndpoint } from '../../../shared/net/endpoint.ts'
import { formatPrefix } from '../../../shared/net/prefix.ts'
import { readTextFile } from '../../../shared/files/text-file.ts'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import type { VpnConfig } from '../config.ts'
import { codeAt, stepOf } from '../core/access/one-time-code.ts'
import { parseSecret } from '../core/access/sealed-secret.ts'
import { Credentials } from '../core/client/credentials.ts'
import { defaultRoute, neighbourNetworks } from '../core/client/routing-table.ts'
import type { PushedSettings } from '../core/client/pushed-settings.ts'
import { VpnClient, type ConnectionEnd } from '../core/client/vpn-client.ts'
import type { LeakLimits } from '../core/filter/leak-table.ts'
import { filterOf, type ProfileRemote } from '../core/options/profile.ts'
import { PacketLoop } from '../loop/packet-loop.ts'
import { openTlsClient } from '../network/tls-client.ts'
import { openSealing, type Sealing } from '../sealing.ts'
import { Ticker } from '../ticker.ts'
import type { TakeSegments, TunnelDevice } from '../tunnel/device.ts'
import { openHostRoutes, type HostRoutes } from '../tunnel/host-routes.ts'
import { LeakGuard } from '../tunnel/leak-guard.ts'
import { simulatedDevice } from '../tunnel/simulated-device.ts'
import { openTunDevice } from '../tunnel/tun-device.ts'
import { openLink, type GatewayLink } from './gateway-link.ts'
import { isResolvedHere, ResolvedSettings } from './resolved-settings.ts'
import { ResolverSettings, type Resolvers } from './resolver-settings.ts'
import { loadProfile, type LoadedProfile } from './profile-file.ts'

const TICK_MS = 50
/** For the gateway to hear that this client leaves. */
const LEAVE_MS = 500
/** Between attempts, doubling; all addresses of a round are tried one after the other. */
const RETRY_MS = { first: 1_000, highest: 60_000 } as const

export async function serveClient(context: Context<VpnConfig>): Promise<Running> {
  const { config, log } = context
  const file = config.client!.profile
  const { loaded, problems } = loadProfile(file)
  if (loaded === undefined || hasErrors(problems))
    throw new Fatal(problems.map(formatProblem).join('\n'))
  for (const each of problems) log.warn('profile', { problem: formatProblem(each) })
  const path = { sealing: await openSealing(), loop: await PacketLoop.open(context.fail) }
  const guard = config.client!.blockLeak ? await LeakGuard.open() : undefined
  const connection = new ClientConnection(context, loaded, path, guard)
  connection.start()
  return {
    addresses: loaded.profile.remotes.map(
      ({ transport, host, port }) => `${transport}://${host}:${port}`,
    ),
    status: () => connection.status(),
    reload: () => Promise.resolve(),
    stop: () => connection.stop(),
  }
}

type DataPath = { readonly sealing: Sealing; readonly loop: PacketLoop | undefined }

class ClientConnection {
  readonly #context: Context<VpnConfig>
  readonly #loaded: LoadedProfile
  readonly #path: DataPath
  readonly #stopping = new AbortController()
  #link: GatewayLink | undefined
  #machine: VpnClient | undefined
  #device: { readonly key: string; readonly opened: TunnelDevice } | undefined
  #hostRoutes: HostRoutes | undefined
  readonly #credentials: Credentials
  readonly #code: (() => string) | undefined
  readonly #guard: LeakGuard | undefined
  readonly #resolvers: Resolvers | undefined
  /** By host, as they were found last: while nothing leaks no name can be looked up. */
  readonly #found = new Map<string, readonly string[]>()
  #state = 'not connected yet'
  #settings: PushedSettings | undefined
  #done: Promise<void> = Promise.resolve()

  constructor(
    context: Context<VpnConfig>,
    loaded: LoadedProfile,
    path: DataPath,
    guard: LeakGuard | undefined,
  ) {
    this.#context = context
    this.#loaded = loaded
    this.#path = path
    this.#guard = guard
    const { user, password } = loaded.profile
    this.#credentials = new Credentials(user, password)
    const { resolvConf, totp } = context.config.client!
    const secret = totp === undefined ? undefined : readSecret(totp)
    this.#code = secret && (() => codeAt(secret, stepOf(this.#nowMs())))
    if (resolvConf !== undefined) this.#resolvers = new ResolverSettings(resolvConf, context.log)
    else if (!context.config.simulate && isResolvedHere())
      this.#resolvers = new ResolvedSettings(context.log)
  }

  start(): void {
    const { sealing, loop } = this.#path
    const packets = loop === undefined ? 'single' : 'batches'
    this.#context.log.info('data-path', { sealing: sealing.by, packets })
    this.#done = this.#keepTrying().catch((cause: unknown) => {
      if (!this.#stopping.signal.aborted) this.#context.fail(cause as Error)
    })
  }

  status(): unknown {
    return {
      state: this.#state,
      device: this.#device?.opened.name,
      addresses: this.#settings?.addresses.map(
        ({ octets, bits }) => `${formatAddress(octets)}/${bits}`,
      ),
      routes: this.#settings?.routes.map(formatPrefix),
      dns: this.#settings?.dns,
      resolvers: this.#resolvers?.isSet === true ? 'set' : 'not set',
      leaks: this.#guard?.isClosed === true ? 'blocked' : 'not blocked',
      ...this.#machine?.traffic,
    }
  }

  async stop(): Promise<void> {
    if (this.#machine !== undefined) await this.#leave(this.#machine)
    this.#stopping.abort()
    this.#link?.close()
    await this.#done
    this.#hostRoutes?.close()
    await this.#resolvers?.restore()
    await this.#device?.opened.close()
    const fault = this.#guard?.lift()
    if (fault !== undefined) this.#context.log.error('block-leak', { why: fault })
    await this.#path.loop?.close()
  }

  async #leave(machine: VpnClient): Promise<void> {
    machine.leave(this.#nowMs())
    for (let waited = 0; waited < LEAVE_MS; waited += TICK_MS) {
      await new Promise((done) => setTimeout(done, TICK_MS))
      if (machine.isQuiet) return
    }
  }

  async #keepTrying(): Promise<void> {
    const { log, clock } = this.#context
    const { signal } = this.#stopping
    let waitMs: number = RETRY_MS.first
    while (!signal.aborted) {
      for (const remote of this.#remotes()) {
        for (const address of await this.#resolve(remote)) {
          if (signal.aborted) return
          const wasUp = await this.#attempt(remote, address)
          if (wasUp) waitMs = RETRY_MS.first
        }
      }
      if (signal.aborted) return
      log.info('retry', { inMs: waitMs })
      await new Promise<void>((done) => {
        const timer = clock.after(waitMs, done)
        signal.addEventListener('abort', () => {
          timer.cancel()
          done()
        })
      })
      waitMs = Math.min(RETRY_MS.highest, waitMs * 2)
    }
  }

  /** Whether it came up. Throws when trying again would not help. */
  async #attempt(remote: ProfileRemote, address: string): Promise<boolean> {
    const { log, clock } = this.#context
    const where = `${remote.transport} ${formatEndpoint({ host: address, port: remote.port })}`
    const ended = Promise.withResolvers<ConnectionEnd>()
    const lost = (reason: string): void => ended.resolve({ reason, isFinal: false })
    this.#state = `connecting to ${where}`
    log.info('connecting', { to: where })
    let isUp = false
    let machine: VpnClient | undefined
    let link: GatewayLink
    try {
      const receive = (packet: Uint8Array): void => machine?.receive(packet, this.#nowMs())
      link = await openLink(remote.transport, address, remote.port, this.#path.loop, {
        receive,
        lost,
      })
    } catch (cause) {
      log.warn('disconnected', { from: where, why: (cause as Error).message })
      return false
    }
    this.#link = link
    const { profile, wrap, wrapKey, wrappedKey } = this.#loaded
    machine = new VpnClient(
      {
        wrap,
        wrapKey,
        wrappedKey,
        ciphers: profile.ciphers,
        digest: profile.auth,
        credentials: this.#credentials,
        code: this.#code,
        version: 'cairn',
        handWindowMs: profile.handWindowMs,
        renegotiateMs: profile.renegotiateMs,
        filter: (option) => filterOf(option, profile),
      },
      {
        room: (octets) => link.room(octets),
        send: (packet) => link.send(packet),
        openTls: (events) => openTlsClient(profile, events),
        toTunnel: (packet) => this.#device?.opened.send(packet),
        openAead: this.#path.sealing.openAead,
        random: randomBytes,
        nowMs: () => this.#nowMs(),
        wake: () => ticker.wake(),
        connected: (settings) => {
          isUp = true
          this.#state = `connected to ${where}`
          this.#raise(settings, address, where).catch((cause: unknown) =>
            ended.reject(cause as Error),
          )
        },
        signIn: (page) => {
          this.#state = `sign in at ${page}`
          log.warn('sign-in', { page })
        },
        notice: (text) => log.info('gateway-says', { text }),
        ended: (end) => ended.resolve(end),
      },
    )
    this.#machine = machine
    const own = machine
    const ticker = new Ticker(clock, TICK_MS, () => own.tick(this.#nowMs()))
    this.#stopping.signal.addEventListener('abort', () => lost('this program stops'), {
      once: true,
    })
    machine.connect()
    try {
      const end = await ended.promise
      log.warn('disconnected', { from: where, why: end.reason })
      this.#state = `not connected: ${end.reason}`
      if (end.isFinal) throw new Fatal(`${where}: ${end.reason}`)
      return isUp
    } finally {
      ticker.stop()
      machine.close()
      this.#machine = undefined
      link.close()
    }
  }

  /** The device as the gateway wants it; the same one goes on over a new connection with the same settings. */
  async #raise(settings: PushedSettings, gateway: string, where: string): Promise<void> {
    const { log, config } = this.#context
    const addresses = settings.addresses.map(
      ({ octets, bits }) => `${formatAddress(octets)}/${bits}`,
    )
    const shown = {
      addresses: addresses.join(' '),
      cipher: settings.cipher,
      dns: settings.dns.join(' '),
    }
    const key = JSON.stringify([addresses, settings.routes.map(formatPrefix), settings.mtu])
    this.#settings = settings
    for (const option of settings.unknown) log.info('not-taken', { option })
    if (this.#device?.key !== key) {
      await this.#device?.opened.close()
      const take: TakeSegments = (segments) => this.#machine?.fromTunnel(segments, this.#nowMs())
      const { device } = this.#loaded.profile
      const tun = { name: device, mtu: settings.mtu, addresses: settings.addresses }
      const opened = config.simulate
        ? simulatedDevice(take)
        : await openTunDevice(tun, this.#path.loop, take)
      this.#device = { key, opened }
      if (this.#guard !== undefined) await this.#block(this.#guard, settings, opened.name)
      if (!config.simulate) await this.#route(settings, gateway, opened)
    }
    await this.#resolvers?.set(this.#device.opened.name, {
      servers: settings.dns.filter(isAddress),
      domains: settings.domains.filter(isDomain),
      takesAll: settings.redirects.ipv4,
    })
    log.info('connected', { to: where, device: this.#device.opened.name, ...shown })
  }

  /** Before there are routes: what goes into the tunnel goes nowhere else from now on. */
  async #block(guard: LeakGuard, settings: PushedSettings, device: string): Promise<void> {
    const { remotes } = this.#loaded.profile
    const gateways: LeakLimits['gateways'][number][] = []
    for (const remote of remotes)
      for (const address of await this.#resolve(remote)) {
        const octets = parseAddress(address)!
        const { transport, port } = remote
        gateways.push({ transport, port, address: { octets, bits: 8 * octets.length } })
      }
    const { routes, redirects } = settings
    const neighbours = neighbourNetworks(readFileSync(ROUTES_PATH, 'utf8'), device)
    guard.close({ device, routes, takesAll: redirects.ipv4, gateways, neighbours })
  }

  async #route(settings: PushedSettings, gateway: string, device: TunnelDevice): Promise<void> {
    const { log } = this.#context
    const octets = parseAddress(gateway)!
    if (settings.redirects.ipv4 && octets.length === 4) {
      // The way to the gateway itself must not lead through the tunnel.
      this.#hostRoutes?.close()
      this.#hostRoutes = await openHostRoutes()
      const via = defaultRoute(readFileSync(ROUTES_PATH, 'utf8'))
      const fault = via && this.#hostRoutes?.add(octets, via)
      if (fault !== undefined)
        throw new Fatal(`No route to the gateway outside of the tunnel: ${fault}`)
    }
    for (const route of settings.routes) {
      const fault = device.addRoute(route)
      if (fault !== undefined) log.warn('route', { network: formatPrefix(route), why: fault })
    }
  }

  #remotes(): readonly ProfileRemote[] {
    const { remotes, isRandom } = this.#loaded.profile
    if (!isRandom) return remotes
    const shuffled = [...remotes]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const other = randomInt(i + 1)
      ;[shuffled[i], shuffled[other]] = [shuffled[other]!, shuffled[i]!]
    }
    return shuffled
  }

  async #resolve({ host, family }: ProfileRemote): Promise<readonly string[]> {
    const key = `${family ?? 0} ${host}`
    const known = this.#found.get(key)
    if (known !== undefined && this.#guard?.isClosed === true) return known
    try {
      const found = await lookup(host, { all: true, family: family ?? 0 })
      const addresses = found.map(({ address }) => address)
      this.#found.set(key, addresses)
      return addresses
    } catch (cause) {
      this.#context.log.warn('lookup', { host, why: (cause as NodeJS.ErrnoException).code ?? '' })
      return known ?? []
    }
  }

  #nowMs(): number {
    return this.#context.clock.wallMs()
  }
}

function readSecret(file: string): Uint8Array {
  const text = readTextFile(file)
  if (!text.ok) throw new Fatal(`${file}: ${text.error}`)
  const secret = parseSecret(text.value)
  if (secret === undefined)
    throw new Fatal(`${file}: expected an otpauth:// address, or its secret in base32`)
  return secret
}

function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined
}

/** What a gateway pushes is no line of its own in a file. */
function isDomain(text: string): boolean {
  return /^[\w.-]{1,253}$/.test(text)
}
