// Ties the parts together: the listeners give packets to the responder, which asks the engine, which asks the world.
import { randomBytes } from 'node:crypto'
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { openCertificates, reloadCertificates } from '../../shared/dns-server/certificates.ts'
import { cookieOptions } from '../../shared/dns-server/cookie-options.ts'
import { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import type { Client } from '../../shared/dns-server/core/client.ts'
import { RESPONSE_KIND, ResponseLimiter } from '../../shared/dns-server/core/response-limiter.ts'
import { listenDns, listenerUrls, type DnsListener } from '../../shared/dns-server/listen.ts'
import { limitsOf } from '../../shared/dns-server/listen-table.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import { answerCounts } from './answer-counts.ts'
import type { ResolverConfig } from './config.ts'
import { validatorOf } from './dnssec-table.ts'
import { Discovery, type Designation } from './core/serve/discovery.ts'
import { Dns64 } from './core/serve/dns64.ts'
import type { LocalAnswers } from './core/serve/local-answers.ts'
import { LocalZones } from './core/serve/local-zones.ts'
import { Responder } from './core/serve/responder.ts'
import { Engine } from './engine.ts'
import { machineOptions } from './machine-options.ts'
import { engineMetrics, engineStatus } from './engine-status.ts'

/** RFC 8767 §4. */
const STALE_TTL_SECONDS = 30
/** Of the rate limit; each is 16 octets. */
const CLIENTS_COUNTED = 65_536

export async function serve(context: Context<ResolverConfig>): Promise<Running> {
  const { config, log, metrics, clock } = context
  const secrets = config.cookies.enabled
    ? new CookieSecrets(config.cookies.secretFile, clock)
    : undefined
  const slots = openCertificates(config, metrics, 'cairn_resolver')
  const engine = new Engine(machineOptions(config), clock, validatorOf(config.dnssec))
  engineMetrics(engine, metrics)
  const counts = answerCounts(metrics)
  const limit = config.limits.perClient > 0 ? clientLimit(config) : undefined
  const { udpOctets, version, identity } = config.answers
  const responder = new Responder(
    config.dns64 === undefined ? engine : new Dns64(engine, config.dns64.prefix),
    {
      udpLimitOctets: udpOctets,
      allowed: new PrefixSet(config.access.allow),
      ...(version !== undefined && { version }),
      ...(identity !== undefined && { identity }),
      ...(secrets && { cookies: cookieOptions(config.cookies, secrets, clock) }),
      keepaliveMs: config.tcp.idle,
      ...(limit && { mayAnswer: (client) => limit(client, clock.monotonicMs()) }),
      locals: localAnswers(config),
      staleTtlSeconds: STALE_TTL_SECONDS,
      nowMs: engine.nowMs,
    },
    counts,
  )
  const limits = limitsOf(config)
  let listener: DnsListener
  try {
    listener = await listenDns({
      listen: config.listen,
      ...(config.tls && { tls: { listen: config.tls.listen, slot: slots.tls! } }),
      ...(config.https && { https: { ...config.https, slot: slots.https! } }),
      handle: (packet, client, out) => responder.handle(packet, client, out),
      defer: responder.defer,
      limits,
      clock,
      log,
    })
  } catch (cause) {
    engine.close()
    secrets?.close()
    throw cause
  }
  metrics.gauge('cairn_resolver_tcp_connections', 'Open connections of TCP, TLS and HTTPS', () =>
    listener.connections(),
  )
  return {
    addresses: listenerUrls(listener, config.https?.path),
    status: () => engineStatus(engine),
    async reload() {
      const read = secrets?.reload()
      if (read?.ok === false) log.error('cookie-secrets', { why: read.error })
      reloadCertificates(slots, log)
    },
    async stop() {
      secrets?.close()
      await listener.close()
      engine.close()
    },
  }
}

/** Whether a client may have one more answer; those that are exempt always may. */
function clientLimit({ limits }: ResolverConfig): (client: Client, nowMs: number) => boolean {
  const { perClient, exempt } = limits
  const limiter = new ResponseLimiter(
    {
      perSecond: [perClient, perClient, perClient, perClient],
      windowSeconds: 0,
      slip: 0,
      ipv4Bits: 32,
      ipv6Bits: 64,
      exempt: new PrefixSet(exempt),
      entries: CLIENTS_COUNTED,
    },
    randomBytes(4).readInt32LE(),
  )
  return ({ octets }, nowMs) => limiter.decide(octets, RESPONSE_KIND.POSITIVE, 0, nowMs) === 'send'
}

function localAnswers(config: ResolverConfig): LocalAnswers[] {
  const elsewhere = [...config.stub, ...config.forward].map(({ zone }) => zone)
  const locals: LocalAnswers[] = [new Discovery(designationOf(config))]
  if (config.answers.localZones)
    locals.push(new LocalZones(elsewhere.filter((zone) => zone !== '\0')))
  return locals
}

function designationOf({ discovery, tls, https }: ResolverConfig): Designation | undefined {
  const target = discovery.name
  if (target === undefined) return undefined
  const [tlsAt] = tls?.listen ?? []
  const [httpsAt] = https?.listen ?? []
  return {
    target,
    tlsPort: tlsAt?.port,
    https: httpsAt && { port: httpsAt.port, path: https!.path },
  }
}
