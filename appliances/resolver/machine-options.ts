// What the configuration says, as the machine takes it.
import { randomBytes } from 'node:crypto'
import { ROOT } from '../../shared/dns/name.ts'
import { SIP_KEY_OCTETS } from '../../shared/bytes/sip-hash.ts'
import { parseAddress } from '../../shared/net/address.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import type { ResolverConfig } from './config.ts'
import type { Delegation } from './core/iterate/delegation.ts'
import { hintsOf, rootHints } from './core/iterate/root-hints.ts'
import type { Upstream } from './core/iterate/upstream.ts'
import { DEFAULT_LIMITS, type ResolverOptions } from './core/options.ts'
import type { ForwardConfig, StubConfig } from './upstream-tables.ts'

/** `elsewhereOctets`: of the cache's size, what finished answers take. */
export function machineOptions(config: ResolverConfig, elsewhereOctets = 0): ResolverOptions {
  const { upstream, cache, limits } = config
  const neverAsked = new PrefixSet(upstream.neverAsk)
  return {
    delegations: delegationsOf(config),
    minimisation: upstream.minimisation,
    ipv4: upstream.ipv4,
    ipv6: upstream.ipv6,
    port: upstream.port,
    isForbidden: (address) => {
      const octets = parseAddress(address)
      return octets === undefined || neverAsked.has(octets)
    },
    cookieSecret: randomBytes(SIP_KEY_OCTETS),
    ttl: {
      lowestSeconds: Math.floor(cache.lowestTtl / 1000),
      highestSeconds: Math.floor(cache.highestTtl / 1000),
      highestNegativeSeconds: Math.floor(cache.negativeTtl / 1000),
    },
    limits: {
      ...DEFAULT_LIMITS,
      queries: limits.queries,
      questions: limits.questions,
      deadlineMs: limits.time,
      cacheOctets: cache.size - elsewhereOctets,
      staleSeconds: cache.stale.enabled ? Math.floor(cache.stale.keep / 1000) : 0,
    },
    prefetch: cache.prefetch,
    aggressiveNsec: config.dnssec.aggressive,
    stale: { isServed: cache.stale.enabled, clientMs: cache.stale.wait },
  }
}

/** Ports of [upstream], [[stub]], [[forward]] and [root] that are connected to, for the sandbox. */
export function upstreamPorts({ upstream, stub, forward, root }: ResolverConfig): number[] {
  const given = [...stub, ...forward].flatMap(({ servers }) => servers)
  const ports = [...given, ...(root.hints ?? [])].map(({ port }) => port)
  return [...new Set([upstream.port, ...ports])]
}

function delegationsOf({ upstream, root, stub, forward }: ResolverConfig): Delegation[] {
  const hints =
    root.hints === undefined
      ? rootHints(upstream.port)
      : hintsOf([{ name: ROOT, upstreams: root.hints.map((each) => plain(each)) }])
  return [
    hints,
    ...stub.map((table) => configured('stub', table, table.servers.map(plain))),
    ...forward.map((table): Delegation => {
      const { order, fallback, servers } = table
      const upstreams = servers.map((server) => forwarder(table, server))
      const base = configured('forward', table, upstreams)
      return { ...base, inOrder: order === 'given', fallsBack: fallback }
    }),
  ]
}

function configured(
  kind: 'stub' | 'forward',
  { zone }: StubConfig,
  upstreams: readonly Upstream[],
): Delegation {
  const servers = [{ name: zone, upstreams }]
  return { zone, kind, servers, expiresMs: Infinity, fallsBack: false, inOrder: false }
}

function forwarder({ tls, https }: ForwardConfig, { host: address, port }: Endpoint): Upstream {
  if (https !== undefined) {
    const path = `${https.pathname}${https.search}`
    return { address, port, protocol: 'https', tlsName: https.hostname, path }
  }
  if (tls === undefined) return { address, port, protocol: 'plain' }
  return { address, port, protocol: 'tls', ...(tls !== ANY_NAME && { tlsName: tls }) }
}

function plain({ host, port }: Endpoint): Upstream {
  return { address: host, port, protocol: 'plain' }
}

/** In the configuration: any certificate will do. */
const ANY_NAME = '*'
