// Ties the parts together: a push is checked by the keeper, the new head's zones are published to the name server,
// and the name server answers what the listeners receive.
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatPrefix, PrefixSet } from '../../shared/net/prefix.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { mergeText, openStore, type Snapshot } from '../../store/index.ts'
import type { DnsConfig } from './config.ts'
import { collectGarbage } from './collect-garbage.ts'
import { countAnswers } from './answer-counts.ts'
import { answerLimiter, sharedRateLimit } from './answer-limits.ts'
import { cookieOptions } from '../../shared/dns-server/cookie-options.ts'
import { openCertificates, reloadCertificates } from '../../shared/dns-server/certificates.ts'
import { CookieSecrets } from '../../shared/dns-server/cookie-secrets.ts'
import { GuardedZones } from './core/answer/guarded-zones.ts'
import { Nameserver } from './core/answer/nameserver.ts'
import { mayHaveZone } from './core/transfer/transfer-out.ts'
import { zoneMerge } from './core/branch/zone-merge.ts'
import { ZoneKeeper } from './core/branch/zone-keeper.ts'
import type { BranchZones } from './core/branch/branch-zones.ts'
import type { ZoneSet } from './core/branch/zone-set.ts'
import type { Published } from './core/publication.ts'
import { Views } from './core/views.ts'
import { JoinedKeys } from './core/keys/joined-keys.ts'
import { readKeys } from './keys-table.ts'
import { Dnssec } from './dnssec.ts'
import { compactZones } from './dnssec-table.ts'
import { listenDns, listenerUrls } from '../../shared/dns-server/listen.ts'
import { limitsOf } from '../../shared/dns-server/listen-table.ts'
import { openNeighbours } from './neighbours.ts'
import { openExchange } from './open-exchange.ts'
import { openUdp } from './open-udp.ts'
import { PeerClient } from '../../shared/dns-transfer/peer-client.ts'
import { openTaps } from './taps/taps.ts'
import { Updater } from './updater.ts'

const PERSON = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
/** Texts of zones that are worth a collection. */
const COLLECTED_OCTETS = 8 << 20
/** Zones that /status lists one by one. */
const STATUS_ZONES_LIMIT = 1000

export function keeperOf(config: DnsConfig): ZoneKeeper {
  return new ZoneKeeper({
    serial: config.serial,
    wallMs: () => systemClock.wallMs(),
    author: PERSON,
    views: config.view.map(({ name }) => name),
    compact: compactZones(config.dnssec),
  })
}

export async function serve(context: Context<DnsConfig>): Promise<Running> {
  const { config, log, metrics, clock } = context
  const secrets = config.cookies.enabled
    ? new CookieSecrets(config.cookies.secretFile, clock)
    : undefined
  const slots = openCertificates(config, metrics, 'cairn_dns')
  const keeper = keeperOf(config)
  const ring = new JoinedKeys(readKeys(config.keys), () => keeper.keys)
  const store = await openStore(config.store, {
    log,
    metrics,
    clock,
    accept: keeper.accept,
    // Zones lie in zones/, in views, or at the root.
    merge: ['zones/**', 'views/*/zones/**', '*'].map((pattern) => ({
      pattern,
      merge: zoneMerge(mergeText, () => clock.wallMs()),
    })),
    committer: PERSON,
  })
  const branch = store.branch()
  const views = new Views(config.view)
  const { publication } = views.default
  const dnssec = new Dnssec(config.dnssec, {
    views,
    client: new PeerClient({ ring, policy: config.tsig, clock }),
    clock,
    log,
    metrics,
    fail: context.fail,
  })
  publishLogged(keeper, branch.head, { views, dnssec, log })
  const counts = countAnswers(metrics, clock)
  const limit = config.rateLimit.enabled
    ? sharedRateLimit(config.rateLimit, clock.monotonicMs())
    : undefined
  const guarded = catalogsOf(config)
  const transferable = new PrefixSet(config.transfer.allow)
  const guardedZones = new GuardedZones(guarded, (client, key, origin) =>
    mayHaveZone(client, key, origin, (octets) => transferable.has(octets)),
  )
  const server = new Nameserver(
    publication,
    {
      ...config.answers,
      udpLimitOctets: config.answers.udpOctets,
      defers: true,
      keepaliveMs: config.tcp.idle,
      online: dnssec.online,
      ...((!views.isSingle || guarded.size > 0) && {
        zonesFor: (client, key) => guardedZones.of(views.of(client.octets, key).table, client, key),
      }),
      ...(secrets && { cookies: cookieOptions(config.cookies, secrets, clock) }),
      ...(limit && { limiter: answerLimiter(limit, () => clock.monotonicMs()) }),
    },
    counts,
  )
  const neighbours = openNeighbours({
    config,
    ring,
    views,
    zones: () => keeper.zones,
    isCompact: (zone) => dnssec.online.covers(zone),
    compact: compactZones(config.dnssec),
    store,
    author: PERSON.name,
    clock,
    log,
    metrics,
  })
  const updater = new Updater({
    branch,
    keeper,
    views,
    unsigned: new PrefixSet(config.update.unsigned),
    clock,
    log,
    metrics,
  })
  const exchange = openExchange({
    server,
    ring,
    handlers: { ...neighbours.handlers, update: updater.handler },
    tsig: config.tsig,
    udpLimitOctets: config.answers.udpOctets,
    counts,
    clock,
    log,
    metrics,
  })
  const unsubscribe = branch.subscribe((head) => {
    publishLogged(keeper, head, { views, dnssec, log })
    neighbours.keysChanged()
  })
  metrics.gauge(
    'cairn_dns_zones',
    'Zones in the branch, the broken ones included',
    () => keeper.zones?.size ?? 0,
  )
  const taps = openTaps((packet, client, out) => server.handle(packet, client, out), config, {
    identity: config.answers.identity ?? '',
    version: config.answers.version ?? 'cairn-dns',
    clock,
    log,
    metrics,
  })
  const { defer } = exchange
  const limits = limitsOf(config)
  const udp = await openUdp(config, {
    views,
    handle: taps.handle,
    defer,
    isElsewhere: (origin) => guarded.has(origin),
    isCompact: (zone) => dnssec.isCompact(zone),
    limits,
    secrets,
    limit,
    counts,
    clock,
    log,
    fail: context.fail,
  })
  const listener = await listenDns({
    listen: config.listen,
    ...(config.tls && { tls: { listen: config.tls.listen, slot: slots.tls! } }),
    ...(config.https && { https: { ...config.https, slot: slots.https! } }),
    handle: taps.handle,
    defer,
    udp: udp.ports,
    limits,
    clock,
    log,
  }).catch(async (cause: unknown) => {
    await store.close()
    throw cause
  })
  metrics.gauge('cairn_dns_tcp_connections', 'Open connections of TCP, TLS and HTTPS', () =>
    listener.connections(),
  )
  const addresses = listenerUrls(listener, config.https?.path)
  neighbours.start(listener.addresses)
  return {
    addresses: store.url === undefined ? addresses : [...addresses, store.url],
    status: () => ({
      store: store.status(),
      udp: udp.status(),
      zones: zonesStatus(keeper.zones!.default),
      ...(!views.isSingle && { views: viewsStatus(keeper.zones!, config) }),
      dnssec: dnssec.status(),
      ...neighbours.status(),
    }),
    async reload() {
      const read = secrets?.reload()
      if (read?.ok === false) log.error('cookie-secrets', { why: read.error })
      reloadCertificates(slots, log)
      taps.reopen()
      store.reload()
      neighbours.refresh()
      await store.sync()
      await dnssec.tick()
    },
    async stop() {
      unsubscribe()
      secrets?.close()
      await Promise.all([listener.close(), neighbours.stop(), dnssec.stop()])
      await store.close()
      await taps.close()
      counts.flush()
    },
  }
}

/** Our own, and those that we follow. */
function catalogsOf({ catalog, secondary }: DnsConfig): ReadonlySet<Name> {
  const followed = secondary.filter((one) => one.catalog)
  return new Set([...catalog, ...followed].map(({ zone }) => zone))
}

/** What of a head could not be served is said in the log: nobody waits for an answer who could be told. */
function publishLogged(
  keeper: ZoneKeeper,
  head: Snapshot,
  to: { readonly views: Views; readonly dnssec: Dnssec; readonly log: Log },
): void {
  const { views, dnssec, log } = to
  const { zones, problems, changed, releasedOctets } = keeper.publish(head)
  if (releasedOctets > COLLECTED_OCTETS) setImmediate(collectGarbage)
  for (const problem of problems) {
    const fields = { problem: formatProblem(problem) }
    if (problem.severity === 'error') log.error('zone-problem', fields)
    else log.warn('zone-problem', fields)
  }
  for (const view of views) {
    const { name, publication } = view
    const published: Published[] = []
    const ours = changed.filter(({ view }) => view === name)
    for (const { origin } of ours) {
      const served = zones.of(name).get(origin)
      const after = dnssec.offer(view, origin, served?.zone)
      const isBroken = served !== undefined && after === undefined
      published.push({ origin, before: publication.get(origin)?.zone, after, isBroken })
      const fields = { zone: formatName(origin), ...(view !== views.default && { view: name }) }
      if (served === undefined) log.info('zone-gone', fields)
      else if (served.zone === undefined)
        log.error('zone-broken', { ...fields, file: served.paths[0] })
      else log.info('zone-published', { ...fields, serial: after?.serial })
    }
    publication.publish(published)
  }
}

function viewsStatus(zones: BranchZones, { view }: DnsConfig): unknown {
  return view.map(({ name, clients }) => ({
    view: name,
    clients: clients.map(formatPrefix),
    zones: zones.of(name).size,
  }))
}

function zonesStatus(zones: ZoneSet): unknown {
  const list: { zone: string; file: string | undefined; serial: number | string | undefined }[] = []
  for (const { origin, paths, zone } of zones) {
    if (list.length === STATUS_ZONES_LIMIT) break
    const serial = zone === undefined ? 'broken' : zone.serial
    list.push({ zone: formatName(origin), file: paths[0], serial })
  }
  return { count: zones.size, list }
}
