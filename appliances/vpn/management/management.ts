// What the gateway shows of itself to managers, and keeps for them: its log, its states, who came and went.
import type { Clock } from '../../../shared/clock/clock.ts'
import { formatEvent } from '../../../shared/log/line.ts'
import type { Fields, Level, Log } from '../../../shared/log/log.ts'
import type { Endpoint } from '../../../shared/net/endpoint.ts'
import { formatPrefix } from '../../../shared/net/prefix.ts'
import { formatAddress } from '../../../shared/net/address.ts'
import type { Client } from '../core/gateway/client.ts'
import { disconnectedNotice, establishedNotice } from '../core/management/client-notice.ts'
import { secondsOf, type ClientReport } from '../core/management/client-report.ts'
import { History } from '../core/management/history.ts'
import type { ManagedGateway, ManagerSignal } from '../core/management/manager.ts'
import type { Lease } from '../core/tunnel/address-pool.ts'
import { ManagementServer, type ManagementConfig } from './management-server.ts'

/** Lines of the log, and states, that are kept. */
const LOG_LINES = 250
const STATES = 100

export type ManagementWorld = {
  readonly title: string
  readonly clock: Clock
  clients(): Iterable<Client>
  dismiss(isMeant: (client: Client) => boolean, text: string): number
  readonly signal: (name: ManagerSignal) => void
  readonly failed: (cause: Error) => void
}

export class Management {
  readonly #log = new History(LOG_LINES)
  readonly #states = new History(STATES)
  readonly #clock: Clock
  /** Of clients that left. */
  readonly #gone = { received: 0, sent: 0 }
  #server: ManagementServer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#state('CONNECTING,,,,,,')
  }

  async open(config: ManagementConfig, world: ManagementWorld, log: Log): Promise<void> {
    const { clock, failed } = world
    this.#server = await ManagementServer.open(config, this.#managed(world), { clock, log, failed })
  }

  get address(): string | undefined {
    return this.#server?.address
  }

  /** Writes to `log`, and keeps the lines. */
  recording(log: Log): Log {
    const at =
      (level: Level) =>
      (event: string, fields: Fields = {}): void => {
        log[level](event, fields)
        this.#record(level, formatEvent(event, fields))
      }
    // Debugging is for the terminal.
    return {
      debug: (event, fields) => log.debug(event, fields),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    }
  }

  /** `gateway` in the tunnel, and where it listens. */
  ready({ ipv4, ipv6 }: Lease, { host, port }: Endpoint): void {
    const inside = [formatAddress(ipv4), ipv6 === undefined ? '' : formatAddress(ipv6)]
    this.#state(`CONNECTED,SUCCESS,${inside[0]},,,${host},${port},${inside[1]}`)
  }

  connected(client: Client): void {
    this.#server?.notify(establishedNotice(reportOf(client), timeText))
  }

  disconnected(client: Client): void {
    if (client.data === undefined) return
    const report = reportOf(client)
    this.#gone.received += report.received
    this.#gone.sent += report.sent
    this.#server?.notify(disconnectedNotice(report, timeText, this.#clock.wallMs()))
  }

  tick(nowMs: number): void {
    this.#server?.tick(nowMs)
  }

  async close(): Promise<void> {
    this.#state('EXITING,SIGTERM,,,,,')
    await this.#server?.close()
  }

  #managed(world: ManagementWorld): ManagedGateway {
    const reports = (): readonly ClientReport[] =>
      [...world.clients()].filter(({ data }) => data !== undefined).map(reportOf)
    return {
      title: world.title,
      pid: process.pid,
      log: this.#log,
      states: this.#states,
      clients: reports,
      totals: () => {
        const totals = { ...this.#gone }
        for (const { received, sent } of reports()) {
          totals.received += received
          totals.sent += sent
        }
        return totals
      },
      dismiss: (isMeant, text) =>
        world.dismiss((client) => client.data !== undefined && isMeant(reportOf(client)), text),
      signal: world.signal,
      timeText,
    }
  }

  #state(text: string): void {
    const line = `${secondsOf(this.#clock.wallMs())},${text}`
    this.#states.add(line)
    this.#server?.notifyOf('state', line)
  }

  #record(level: Level, text: string): void {
    const line = `${secondsOf(this.#clock.wallMs())},${FLAGS[level]},${text}`
    this.#log.add(line)
    this.#server?.notifyOf('log', line)
  }
}

const FLAGS: { readonly [level in Level]: string } = {
  debug: 'D',
  info: 'I',
  warn: 'W',
  error: 'N',
}

/** Of one that is in the tunnel. */
function reportOf(client: Client): ClientReport {
  const { identity, settings, lease, data, session } = client
  const { commonName, serial, fingerprint } = identity!
  return {
    id: client.id,
    commonName,
    // Without the transport in front.
    realAddress: client.remote.name.replace(/^\w+ /, ''),
    ipv4: formatAddress(lease!.ipv4),
    ipv6: lease!.ipv6 && formatAddress(lease!.ipv6),
    networks: settings!.networks.map(formatPrefix),
    user: settings!.user,
    cipher: client.cipher!,
    serial,
    fingerprint,
    received: data!.octetsIn,
    sent: data!.octetsOut,
    sinceMs: client.sinceMs,
    seenMs: data?.receivedMs ?? client.sinceMs,
    peerInfo: session.peerInfo,
  }
}

/** `2026-11-26 02:03:53` in the machine's zone, as stock's tools expect it. */
function timeText(ms: number): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  const time = new Date(ms)
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`
}
