// Ties the parts together: the listeners give packets to the responder, which asks the engine, which asks the world.
import { randomBytes } from 'node:crypto'
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { openCertificates, reloadCertificates } from '../../shared/dns-server/certificates.ts'
import { cookieOptions } from '../../shared/dns-server/cookie-options.ts'
import { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import type { Handle } from '../../shared/dns-server/handle.ts'
import { listenDns, listenerUrls, type DnsListener } from '../../shared/dns-server/listen.ts'
import { limitsOf } from '../../shared/dns-server/listen-table.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import { openStore, type Store } from '../../store/index.ts'
import { countAnswers } from './answer-counts.ts'
import { loadCache, saveCache } from './cache-file.ts'
import { clientLimit, mayAnswer } from './client-limit.ts'
import type { ResolverConfig } from './config.ts'
import { AnchorKeeper } from './anchor-keeper.ts'
import { anchorPoints, checkPolicy, validatorOf } from './dnssec-table.ts'
import { Discovery, type Designation } from './core/serve/discovery.ts'
import { Dns64 } from './core/serve/dns64.ts'
import type { AnchorPoint } from './core/validate/anchor-point.ts'
import type { PolicyAnswers } from './core/policy/policy-answers.ts'
import { PolicedSource } from './core/rpz/policed-source.ts'
import { QueryLog } from './core/query-log.ts'
import type { LocalAnswers } from './core/serve/local-answers.ts'
import { LocalZones } from './core/serve/local-zones.ts'
import { Responder } from './core/serve/responder.ts'
import { Engine } from './engine.ts'
import { machineOptions } from './machine-options.ts'
import { openNativeDatagrams } from './native-datagrams.ts'
import { engineMetrics, engineStatus } from './engine-status.ts'
import { arenaOctets, openPlane, openPublisher, packetSystem } from './open-udp.ts'
import { isNotify, NotifyReceiver } from './notify-receiver.ts'
import { Operator } from './operator.ts'
import { PolicyKeeper } from './policy-keeper.ts'
import { keyRing } from './policy-table.ts'
import { policyMetrics, policyStatus } from './policy-status.ts'
import { openStatusPage, type StatusPage } from './status-page.ts'

const PERSON = { name: 'cairn-resolver', email: 'cairn-resolver@localhost' }
/** RFC 8767 §4. */
const STALE_TTL_SECONDS = 30

export async function serve(context: Context<ResolverConfig>): Promise<Running> {
  const { config, log, metrics, clock } = context
  const policy = await PolicyKeeper.open(config.policy)
  policyMetrics(policy.answers, metrics)
  const ring = keyRing(config.keys)
  const transfers = await policy.follow({ ring, clock, log })
  const notified = transfers && new NotifyReceiver(transfers, ring, clock)
  const store = await openPolicyStore(context, policy)
  const secrets = config.cookies.enabled
    ? new CookieSecrets(config.cookies.secretFile, clock)
    : undefined
  const slots = openCertificates(config, metrics, 'cairn_resolver')
  const points = anchorPoints(config.dnssec, Math.floor(clock.wallMs() / 1000))
  const validator = validatorOf(config.dnssec, points)
  const anchors = keeperOf(context, points)
  const system = await packetSystem(config, log)
  const elsewhereOctets = system === undefined ? 0 : arenaOctets(config)
  const options = machineOptions(config, elsewhereOctets)
  const datagrams = system && (await openNativeDatagrams(context.fail))
  const engine = new Engine(options, clock, validator, datagrams)
  const counts = countAnswers(metrics, clock)
  const publisher = system && openPublisher(config, engine)
  policy.answers.watch(() => publisher?.clear())
  const { file } = config.cache
  if (file !== undefined) loadCache(file, engine.resolver.cache, engine.nowMs(), log)
  engineMetrics(engine, metrics, () => counts.workersAnswered())
  const limit =
    config.limits.perClient > 0
      ? clientLimit(config.limits, randomBytes(4).readInt32LE())
      : undefined
  const { udpOctets, version, identity } = config.answers
  const queryLog = config.queryLog && new QueryLog(config.queryLog, randomBytes(4).readInt32LE())
  const source = config.dns64 === undefined ? engine : new Dns64(engine, config.dns64.prefix)
  const responder = new Responder(
    new PolicedSource(source, {
      policy: () => policy.answers.zonePolicy(engine.nowMs()),
      serversAbove: (name) => engine.resolver.serversAbove(name, engine.nowMs()),
      nowMs: engine.nowMs,
    }),
    {
      udpLimitOctets: udpOctets,
      allowed: new PrefixSet(config.access.allow),
      ...(version !== undefined && { version }),
      ...(identity !== undefined && { identity }),
      ...(secrets && { cookies: cookieOptions(config.cookies, secrets, clock) }),
      keepaliveMs: config.tcp.idle,
      ...(limit && { mayAnswer: mayAnswer(limit, engine.nowMs) }),
      locals: localAnswers(config, policy.answers),
      ...(publisher && { repeater: publisher }),
      ...(queryLog && {
        seen: (query, client) => queryLog.note(query, client.octets, engine.nowMs()),
      }),
      staleTtlSeconds: STALE_TTL_SECONDS,
      nowMs: engine.nowMs,
    },
    counts,
  )
  const handle: Handle = (packet, client, out) => {
    if (notified === undefined || !isNotify(packet)) return responder.handle(packet, client, out)
    const answer = notified.handle(packet, client)
    out.set(answer)
    return answer.length
  }
  const { defer } = responder
  const plane =
    publisher &&
    openPlane(config, {
      system: system!,
      publisher,
      engine,
      limit,
      secrets,
      handle,
      defer,
      counts,
      log,
      fail: context.fail,
    })
  const operator = new Operator({
    engine,
    policy,
    counts,
    cacheBytes: options.limits.cacheOctets,
    queryLog,
    clock,
    log,
  })
  let listener: DnsListener
  let page: StatusPage | undefined
  try {
    page = config.page && (await openStatusPage(config.page, { operator, clock, log }))
    listener = await listenDns({
      listen: config.listen,
      ...(config.tls && { tls: { listen: config.tls.listen, slot: slots.tls! } }),
      ...(config.https && { https: { ...config.https, slot: slots.https! } }),
      handle,
      defer,
      ...(plane && { udp: plane }),
      limits: limitsOf(config),
      clock,
      log,
    })
  } catch (cause) {
    operator.close()
    transfers?.close()
    await page?.close()
    engine.close()
    secrets?.close()
    await store?.close()
    throw cause
  }
  metrics.gauge('cairn_resolver_tcp_connections', 'Open connections of TCP, TLS and HTTPS', () =>
    listener.connections(),
  )
  if (validator !== undefined) anchors?.begin(engine, (trusted) => validator.trust(trusted))
  transfers?.start()
  const urls = [store?.url, page?.url].filter((url) => url !== undefined)
  return {
    addresses: [...listenerUrls(listener, config.https?.path), ...urls],
    status: () => ({
      ...engineStatus(engine),
      policy: policyStatus(policy.answers, transfers),
      ...(anchors && { anchors: anchors.status() }),
      ...(store && { store: store.status() }),
      udp: plane === undefined ? 'main thread' : 'packet workers',
      ...(plane && {
        workers: { threads: plane.workers, arenaBytes: elsewhereOctets, ...publisher.counts },
      }),
    }),
    async reload() {
      const read = secrets?.reload()
      if (read?.ok === false) log.error('cookie-secrets', { why: read.error })
      reloadCertificates(slots, log)
      page?.reload()
      await policy.reload(log)
      transfers?.refresh()
      store?.reload()
      await store?.sync()
    },
    async stop() {
      secrets?.close()
      anchors?.close()
      operator.close()
      transfers?.close()
      await page?.close()
      await listener.close()
      engine.close()
      if (file !== undefined) saveCache(file, engine.resolver.cache, engine.nowMs(), log)
      await store?.close()
      counts.flush()
    },
  }
}

/** Undefined when the configuration names no file for it. Throws `Fatal` when that cannot be written. */
function keeperOf(
  { config, log, metrics, clock }: Context<ResolverConfig>,
  points: readonly AnchorPoint[],
): AnchorKeeper | undefined {
  const { anchorState } = config.dnssec
  if (anchorState === undefined) return undefined
  const policy = checkPolicy(config.dnssec)
  return new AnchorKeeper(anchorState, points, { policy, log, metrics, clock })
}

/** Undefined when the configuration has none: then the policy is in files alone. */
async function openPolicyStore(
  { config, log, metrics, clock }: Context<ResolverConfig>,
  policy: PolicyKeeper,
): Promise<Store | undefined> {
  if (config.store === undefined) return undefined
  const { accept } = policy
  const store = await openStore(config.store, { log, metrics, clock, accept, committer: PERSON })
  const branch = store.branch()
  policy.publish(branch.head, log)
  branch.subscribe((head) => policy.publish(head, log))
  return store
}

function localAnswers(config: ResolverConfig, policy: PolicyAnswers): LocalAnswers[] {
  const elsewhere = [...config.stub, ...config.forward].map(({ zone }) => zone)
  const locals: LocalAnswers[] = [new Discovery(designationOf(config)), policy]
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
