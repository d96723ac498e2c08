// Everything between this server and others that have the same zones: transfers out and in, NOTIFY both ways.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, ROOT, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { formatEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import type { Store } from '../../store/index.ts'
import type { BranchZones } from './core/branch/branch-zones.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import type { Views } from './core/views.ts'
import type { Zone } from './core/zone/zone.ts'
import type { KeyRing } from './core/keys/key.ts'
import type { RequestHandler } from './core/request.ts'
import { keptPath } from './core/transfer/kept-files.ts'
import { notifyHandler } from './core/transfer/notify-in.ts'
import type { DnsConfig } from './config.ts'
import { CatalogMembers, type MemberPrimaries } from './catalog-members.ts'
import { CatalogZones } from './catalog-zones.ts'
import { Notifications } from './notifications.ts'
import { PeerClient, type Peer } from './peer-client.ts'
import { SecondaryZones } from './secondary-zones.ts'
import { peersOf, type SecondaryConfig } from './transfer-table.ts'
import { serveTransfers } from './zone-transfers.ts'

/** The branch that copies are kept in. */
export const SECONDARY_BRANCH = 'secondary'
/** The branch of our own catalogs. */
const CATALOG_BRANCH = 'catalogs'

const DNS_PORT = 53

export type Neighbours = {
  readonly handlers: { readonly transfer: RequestHandler; readonly notify: RequestHandler }
  /** Begins to ask and to tell; `addresses` are our own. */
  start(addresses: readonly Endpoint[]): void
  /** The keys may be others now. */
  keysChanged(): void
  /** Looks at all primaries now. */
  refresh(): void
  status(): { readonly [part: string]: unknown }
  stop(): Promise<void>
}

export function openNeighbours(parts: {
  readonly config: DnsConfig
  readonly ring: KeyRing
  readonly views: Views
  /** The zones as the branch has them now. */
  readonly zones: () => BranchZones | undefined
  readonly store: Store
  /** Author of this server's own commits. */
  readonly author: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}): Neighbours {
  const { config, ring, views, zones, store, author, clock, log, metrics } = parts
  const { publication } = views.default
  const client = new PeerClient({ ring, policy: config.tsig, clock })
  const isOwn = (origin: Name): boolean => zones()?.default.get(origin) !== undefined
  const kept = store.keptBranch(SECONDARY_BRANCH)
  const secondaries = new SecondaryZones({
    client,
    branch: kept,
    publication,
    isOwn,
    clock,
    log,
    metrics,
  })
  const listed = store.keptBranch(CATALOG_BRANCH)
  const catalogs = new CatalogZones({
    catalogs: config.catalog,
    branch: listed,
    publication,
    isOwn,
    author,
    clock,
    log,
  })
  const main = store.branch()
  const snapshot = (at: Parameters<Store['snapshot']>[0]): ReturnType<Store['snapshot']> =>
    store.snapshot(at)
  const transfers = serveTransfers({
    config: config.transfer,
    views,
    branches: [
      {
        served: (zone) => findServed(zones(), zone),
        source: { log: () => main.log(), snapshot, author },
      },
      {
        served({ origin }) {
          const zone = secondaries.copyOf(origin)
          return zone && { origin, paths: [keptPath(origin)], zone, includes: [] }
        },
        source: { log: () => kept.log(), snapshot, author },
      },
      {
        served: ({ origin }) => catalogs.served(origin),
        source: { log: () => listed.log(), snapshot, author },
      },
    ],
    log,
    metrics,
  })
  const notifies = metrics.counter('cairn_dns_notify_in', 'NOTIFY messages received, by result')
  const notify = notifyHandler({
    isPrimary: (zone, address) => secondaries.isPrimary(zone, address),
    refresh: (zone, address, serial) => secondaries.notify(zone, address, serial),
    isOwn: (zone) => [...(zones() ?? [])].some((set) => set.get(zone) !== undefined),
    pull: config.store.remote === undefined ? undefined : () => void store.sync(),
    received(zone, result, { client: { address } }) {
      notifies.inc({ result })
      const fields = { zone: zone && formatName(zone), client: address, result }
      if (result === 'refresh' || result === 'pull') log.info('notify-in', fields)
      else log.debug('notify-in', fields)
    },
  })
  const told = new Notifications({ rules: config.notify, ring, client, views, clock, log, metrics })
  let ours: ReadonlySet<string> = new Set()
  let byKeys: ReadonlySet<Name> = new Set()
  const configured = new Map(
    config.secondary.map(({ zone, primaries }) => [zone, peersOf(primaries)]),
  )
  const members = new CatalogMembers({
    catalogs: new Map(
      config.secondary.filter(({ catalog }) => catalog).map((one) => [one.zone, memberPeers(one)]),
    ),
    secondaries,
    branch: kept,
    publication,
    isConfigured: (zone) => configured.has(zone) || byKeys.has(zone) || isCatalog.has(zone),
    isOwn,
    log,
    metrics,
  })
  const isCatalog = new Set(config.catalog.map(({ zone }) => zone))
  /** Keys whose name or configuration says where the primary is make copies of the zones they are for. */
  const followKeys = (): void => {
    const found = new Map<Name, Peer[]>()
    for (const { name, primary: host, grants } of ring.all()) {
      if (host === undefined || ours.has(formatEndpoint({ host, port: DNS_PORT }))) continue
      for (const { right, zone } of grants) {
        if (right === 'notify' || zone === ROOT || isOwn(zone) || configured.has(zone)) continue
        if (members.has(zone) || isCatalog.has(zone)) continue
        const peer = { endpoint: { host, port: DNS_PORT }, key: name }
        found.set(zone, [...(found.get(zone) ?? []), peer])
      }
    }
    for (const zone of byKeys) if (!found.has(zone)) void secondaries.forget([zone])
    for (const [zone, peers] of found) secondaries.follow(zone, peers)
    byKeys = new Set(found.keys())
  }
  return {
    handlers: { transfer: transfers.handle, notify },
    start(addresses) {
      ours = new Set(addresses.map(formatEndpoint))
      for (const [zone, peers] of configured) secondaries.follow(zone, peers)
      catalogs.start()
      followKeys()
      members.start()
      told.start(addresses)
    },
    keysChanged: followKeys,
    refresh: () => secondaries.refresh(),
    status: () => ({
      secondary: secondaries.status(),
      catalogs: { own: catalogs.status(), followed: members.status() },
      notify: told.status(),
    }),
    async stop() {
      transfers.stop()
      told.stop()
      await Promise.all([catalogs.stop(), members.stop()])
      await secondaries.stop()
    },
  }
}

/** The zone among those of the branch, whatever view it is in; undefined when it is not served as it is there. */
function findServed(zones: BranchZones | undefined, zone: Zone): ServedZone | undefined {
  for (const set of zones ?? []) {
    const served = set.get(zone.origin)
    if (served?.zone === zone) return served
  }
  return undefined
}

function memberPeers({ primaries, members, groups = {} }: SecondaryConfig): MemberPrimaries {
  // Groups of a catalog are octets, which is how a zone has them.
  const octets = (word: string): string => Buffer.from(word, 'utf8').toString('latin1')
  return {
    usual: peersOf(members ?? primaries),
    byGroup: new Map(
      Object.entries(groups).map(([group, peers]) => [octets(group), peersOf(peers)]),
    ),
  }
}
