// The configuration of cairn-vpn; configs/vpn.toml explains every key.
import {
  boolean,
  checked,
  durationBetween,
  integerBetween,
  list,
  object,
  oneOf,
  optional,
  parsed,
  prefix,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { observeTable, type ObserveConfig } from '../../shared/config/observe-table.ts'
import { sandboxTable, type SandboxConfig } from '../../shared/config/sandbox-table.ts'
import { storeTable, type StoreConfig } from '../../shared/config/store-table.ts'
import { parsePasswordHash } from '../../shared/auth/password-hash.ts'
import { parseAddress } from '../../shared/net/address.ts'
import { isLoopback, parseEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import { formatPrefix, type Prefix } from '../../shared/net/prefix.ts'
import { Bug } from '../../shared/result/result.ts'
import { DATA_CIPHERS, type DataCipher } from './core/data/data-cipher.ts'
import { AUTH_DIGESTS, type AuthDigest } from './core/wrap/control-wrap.ts'
import type { ManagementConfig } from './management/management-server.ts'

export type ListenAddress = { readonly transport: 'udp' | 'tcp'; readonly endpoint: Endpoint }

export type KeyFiles = {
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly tlsAuth?: string
  readonly tlsCrypt?: string
  readonly tlsCryptV2?: string
}

/** What both roles have. */
type SharedConfig = {
  /** No device: the gateway itself is all there is in the tunnel. */
  readonly simulate: boolean
  readonly observe: ObserveConfig
  readonly sandbox: SandboxConfig
}

/** A gateway, or a client where there is `client`. */
export type VpnConfig = SharedConfig &
  Partial<GatewayTables> & {
    readonly client?: ClientConfig
    readonly workers?: number
    readonly push: GatewayConfig['push']
    readonly security: GatewayConfig['security']
    readonly keepalive: GatewayConfig['keepalive']
    readonly management?: ManagementConfig
    readonly logins?: Exclude<GatewayConfig['logins'], undefined>
  }

export type ClientConfig = {
  /** Path of an `.ovpn` file. */
  readonly profile: string
  /** What belongs into the tunnel leaves by no other way, from the first connection on. */
  readonly blockLeak: boolean
  /** A file as /etc/resolv.conf that gets the gateway's DNS servers. */
  readonly resolvConf?: string
  /** A file with the secret of an authenticator, for gateways that ask for its codes. */
  readonly totp?: string
}

/** What a gateway must have. */
type GatewayTables = Pick<GatewayConfig, 'listen' | 'keys' | 'tunnel' | 'store'>

export type GatewayConfig = SharedConfig & {
  /** Threads for packets by UDP; 0: the main thread does all. */
  readonly workers: number
  readonly listen: readonly ListenAddress[]
  readonly keys: KeyFiles
  readonly tunnel: {
    readonly device: string
    readonly ipv4: Prefix
    readonly ipv6?: Prefix
    readonly mtu: number
    /** Who lets clients go on to other networks: this program by rules of nftables, or the machine's own. */
    readonly nat: 'nftables' | 'none'
    readonly clientToClient: boolean
    readonly duplicateNames: boolean
    readonly clients: number
    /** Only clients with a file in ccd/. */
    readonly knownOnly: boolean
    /** Beside a certificate. */
    readonly passwords: boolean
  }
  readonly push: {
    readonly routes: readonly Prefix[]
    readonly dns: readonly string[]
    readonly domain?: string
    readonly redirectGateway: boolean
    readonly options: readonly string[]
  }
  readonly security: {
    readonly ciphers: readonly DataCipher[]
    /** For tls-auth, and for CBC ciphers. */
    readonly auth: AuthDigest
    readonly tlsVersion: '1.2' | '1.3'
    readonly renegotiate: number
    readonly handshake: number
    readonly forceCookie: boolean
  }
  readonly keepalive: { readonly ping: number; readonly restart: number }
  /** Beside passwords: tokens in their place, and second factors. */
  readonly logins?: {
    readonly tokenLifetime: number
    readonly tokenRenewal?: number
    /** Files. */
    readonly tokenKey?: string
    readonly totpKey?: string
  }
  readonly management?: ManagementConfig
  readonly store: StoreConfig
}

/** The same configuration, of which the decoder made sure that it is one of a gateway. */
export function gatewayConfig(config: VpnConfig): GatewayConfig {
  const { listen, keys, tunnel, store } = config
  if (listen === undefined || keys === undefined || tunnel === undefined || store === undefined)
    throw new Bug('A gateway without its tables')
  return { ...config, workers: config.workers ?? DEFAULT_WORKERS, listen, keys, tunnel, store }
}

const listenAddress = parsed('"udp://address:port" or "tcp://address:port"', (text) => {
  const match = /^(udp|tcp):\/\/(.+)$/.exec(text)
  const endpoint = match === null ? undefined : parseEndpoint(match[2]!)
  return endpoint && { transport: match![1] as 'udp' | 'tcp', endpoint }
})

const tunnelPrefix = (octets: 4 | 16, lowest: number, highest: number): Decoder<Prefix> =>
  checked(prefix, (value, at) => {
    if (value.octets.length !== octets) at.report(`Expected an IPv${octets === 4 ? 4 : 6} network`)
    else if (value.bits < lowest || value.bits > highest)
      at.report(`Expected /${lowest} to /${highest}, found "${formatPrefix(value)}"`)
  })

const deviceName = parsed('a device name of up to 15 letters, digits, "-", "_", "."', (text) =>
  /^[A-Za-z0-9_.-]{1,15}$/.test(text) && text !== '.' && text !== '..' ? text : undefined,
)

const addressText = parsed('an IPv4 or IPv6 address', (text) =>
  parseAddress(text) === undefined ? undefined : text,
)

/** One option of PUSH_REPLY: a comma would make it two. */
const pushedOption = parsed('an option without commas and control characters', (text) =>
  // eslint-disable-next-line no-control-regex
  /^[^,\u0000-\u001f\u007f]{1,900}$/.test(text) ? text : undefined,
)

const MANAGEMENT = '"127.0.0.1:port", "[::1]:port" or "unix:/path" of at most 107 octets'
const SOCKET_PATH_OCTETS = 107

function parseManagementAddress(text: string): ManagementConfig['listen'] | undefined {
  if (!text.startsWith('unix:')) return parseEndpoint(text)
  const path = text.slice('unix:'.length)
  const isPath = /^\/[^\0]*[^\0/]$/.test(path) && Buffer.byteLength(path) <= SOCKET_PATH_OCTETS
  return isPath ? { path } : undefined
}

/** It speaks no TLS, so it is for this machine alone. */
const managementAddress = checked(parsed(MANAGEMENT, parseManagementAddress), (listen, at) => {
  if ('path' in listen) return
  const { host } = listen
  if (!isLoopback(host)) at.report(`Other machines can reach ${host}: listen on 127.0.0.1 or [::1]`)
})
const HASHED = 'what "cairn-vpn hash-password" prints: "scrypt:..."'

const DEFAULT_CIPHERS: readonly DataCipher[] = ['AES-256-GCM', 'AES-128-GCM', 'CHACHA20-POLY1305']

const DEFAULT_WORKERS = 1

const GATEWAY_TABLES = ['listen', 'keys', 'tunnel', 'store'] as const

export const vpnConfig: Decoder<VpnConfig> = checked(
  object({
    client: optional(
      object({
        profile: string,
        blockLeak: withDefault(boolean, false),
        resolvConf: optional(string),
        totp: optional(string),
      }),
    ),
    listen: optional(
      checked(list(listenAddress), (listen, at) => {
        if (listen.length === 0) at.report('Expected at least one "udp://address:port"')
      }),
    ),
    simulate: withDefault(boolean, false),
    workers: optional(integerBetween(0, 64)),
    keys: optional(
      checked(
        object({
          ca: string,
          cert: string,
          key: string,
          tlsAuth: optional(string),
          tlsCrypt: optional(string),
          tlsCryptV2: optional(string),
        }),
        (keys, at) => {
          if (keys.tlsAuth !== undefined && keys.tlsCrypt !== undefined)
            at.inside('tls_auth').report('Give tls_auth or tls_crypt, not both')
        },
      ),
    ),
    tunnel: optional(
      object({
        device: withDefault(deviceName, 'tun0'),
        ipv4: tunnelPrefix(4, 8, 29),
        ipv6: optional(tunnelPrefix(16, 32, 124)),
        mtu: withDefault(integerBetween(576, 9000), 1500),
        nat: withDefault(oneOf('nftables', 'none'), 'none'),
        clientToClient: withDefault(boolean, false),
        duplicateNames: withDefault(boolean, false),
        clients: withDefault(integerBetween(1, 65_536), 1024),
        knownOnly: withDefault(boolean, false),
        passwords: withDefault(boolean, false),
      }),
    ),
    push: section(
      object({
        routes: withDefault(list(prefix), []),
        dns: withDefault(list(addressText), []),
        domain: optional(pushedOption),
        redirectGateway: withDefault(boolean, false),
        options: withDefault(list(pushedOption), []),
      }),
    ),
    security: section(
      object({
        ciphers: checked(
          withDefault(list(oneOf(...DATA_CIPHERS)), DEFAULT_CIPHERS),
          (ciphers, at) => {
            if (ciphers.length === 0) at.report('Expected at least one cipher')
          },
        ),
        auth: withDefault(oneOf(...AUTH_DIGESTS), 'SHA256'),
        tlsVersion: withDefault(oneOf('1.2', '1.3'), '1.2'),
        renegotiate: withDefault(durationBetween(2_000, 86_400_000), 3_600_000),
        handshake: withDefault(durationBetween(5_000, 600_000), 60_000),
        forceCookie: withDefault(boolean, false),
      }),
    ),
    keepalive: section(
      object({
        ping: withDefault(durationBetween(1_000, 3_600_000), 10_000),
        restart: withDefault(durationBetween(2_000, 86_400_000), 60_000),
      }),
    ),
    logins: optional(
      object({
        tokenLifetime: withDefault(durationBetween(60_000, 2_592_000_000), 43_200_000),
        tokenRenewal: optional(durationBetween(1_000, 86_400_000)),
        tokenKey: optional(string),
        totpKey: optional(string),
      }),
    ),
    management: optional(
      object({ listen: managementAddress, password: optional(parsed(HASHED, parsePasswordHash)) }),
    ),
    store: optional(storeTable),
    observe: observeTable,
    sandbox: sandboxTable,
  }),
  (config, at) => {
    if (config.logins !== undefined && config.tunnel?.passwords === false)
      at.inside('logins').report('Is for passwords: set passwords = true in [tunnel]')
    if (config.simulate && config.client?.blockLeak === true)
      at.inside('client').inside('block_leak').report('Needs a tunnel device: set simulate = false')
    if (config.simulate && config.tunnel?.nat === 'nftables')
      at.inside('tunnel').inside('nat').report('Needs a tunnel device: set simulate = false')
    if (config.client !== undefined && config.workers !== undefined)
      at.inside('workers').report('Is for gateways, and [client] makes this a client')
    for (const name of GATEWAY_TABLES) {
      if (config.client === undefined && config[name] === undefined)
        at.inside(name).report('A gateway needs it; a client has the table [client] instead')
      if (config.client !== undefined && config[name] !== undefined)
        at.inside(name).report('Is for gateways, and [client] makes this a client')
    }
  },
)
