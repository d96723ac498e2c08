// What every DNS server's configuration says of its listeners: `listen`, [tcp], and of [answers] what all of them have.
import {
  checked,
  durationBetween,
  endpoint,
  integerBetween,
  list,
  optional,
  parsed,
  withDefault,
  type Decoder,
  type Optional,
} from '../config/decode.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { PrefixSet, type Prefix } from '../net/prefix.ts'
import { TEXT_LIMIT_OCTETS } from './core/chaos-text.ts'
import type { DnsLimits } from './handle.ts'
import { DEFAULT_DNS_LIMITS } from './listen.ts'

export type AnswersConfig = {
  /** Largest UDP answer, in octets. */
  readonly udpOctets: number
  /** For `version.bind CH TXT`. */
  readonly version?: string
  /** For `id.server CH TXT` and NSID. */
  readonly identity?: string
}

export type TcpConfig = {
  /** Milliseconds without a complete query. */
  readonly idle: number
  readonly connections: number
  readonly connectionsPerClient: number
}

/** Below what RFC 6891 lets everyone send; above it fragments are certain. */
const UDP_OCTETS = { lowest: 512, highest: 4096 } as const

const serverText = parsed(`a text of at most ${TEXT_LIMIT_OCTETS} octets`, (text) =>
  text !== '' && Buffer.byteLength(text) <= TEXT_LIMIT_OCTETS ? text : undefined,
)

export const listenList: Decoder<readonly Endpoint[]> = checked(list(endpoint), (endpoints, at) => {
  if (endpoints.length === 0) at.report('Expected at least one "address:port"')
})

/** For `object`: an appliance puts keys of its own beside them. */
export const answersFields: {
  readonly udpOctets: Decoder<number>
  readonly version: Optional<string>
  readonly identity: Optional<string>
} = {
  udpOctets: withDefault(
    integerBetween(UDP_OCTETS.lowest, UDP_OCTETS.highest),
    DEFAULT_DNS_LIMITS.udpOctets,
  ),
  version: optional(serverText),
  identity: optional(serverText),
}

/** For `object`, as `answersFields`. */
export const tcpFields: {
  readonly idle: Decoder<number>
  readonly connections: Decoder<number>
  readonly connectionsPerClient: Decoder<number>
} = {
  idle: withDefault(durationBetween(1_000, 600_000), DEFAULT_DNS_LIMITS.tcpIdleMs),
  connections: withDefault(integerBetween(1, 100_000), DEFAULT_DNS_LIMITS.tcpConnections),
  connectionsPerClient: withDefault(
    integerBetween(1, 100_000),
    DEFAULT_DNS_LIMITS.tcpConnectionsPerClient,
  ),
}

export function limitsOf(config: {
  readonly answers: AnswersConfig
  readonly tcp: TcpConfig & { readonly queries?: number }
  readonly proxy: readonly Prefix[]
}): DnsLimits {
  const { answers, tcp, proxy } = config
  return {
    udpOctets: answers.udpOctets,
    tcpIdleMs: tcp.idle,
    tcpConnections: tcp.connections,
    tcpConnectionsPerClient: tcp.connectionsPerClient,
    tcpQueries: tcp.queries ?? Infinity,
    proxies: new PrefixSet(proxy),
  }
}
