// Everything between this server and others that have the same zones: transfers out and in, NOTIFY both ways.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { formatEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import type { Store } from '../../store/index.ts'
import type { BranchZones } from './core/branch/branch-zones.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import type { View, Views } from './core/views.ts'
import type { Zone } from './core/zone/zone.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'
import type { Request, RequestHandler } from './core/request.ts'
import { notifyHandler } from './core/transfer/notify-in.ts'
import type { DnsConfig } from './config.ts'
import { CatalogZones } from './catalog-zones.ts'
import { viewCalled } from './keys-table.ts'
import { Notifications } from './notifications.ts'
import { PeerClient } from '../../shared/dns-transfer/peer-client.ts'
import { RefreshTurns, type SecondaryZones } from './secondary-zones.ts'
import { ViewCopies } from './view-copies.ts'
import { serveTransfers } from './zone-transfers.ts'

/** The branch that copies are kept in. */
export const SECONDARY_BRANCH = 'secondary'
/** The branch of our own catalogs. */
const CATALOG_BRANCH = 'catalogs'

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
  /** See `serveTransfers`. */
  readonly isCompact: (zone: Zone) => boolean
  /** Zones of our own that others are not told of: with compact denial, even before they are signed. */
  readonly compact: ReadonlySet<Name>
  readonly store: Store
  /** Author of this server's own commits. */
  readonly author: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}): Neighbours {
  const { config, ring, views, zones, isCompact, compact, store, author, clock, log, metrics } =
    parts
  const client = new PeerClient({ ring, policy: config.tsig, clock })
  const isOwn = (view: View, origin: Name): boolean =>
    zones()?.of(view.name).get(origin) !== undefined
  const kept = store.keptBranch(SECONDARY_BRANCH)
  const listed = store.keptBranch(CATALOG_BRANCH)
  const turns = new RefreshTurns()
  const counter = metrics.counter('cairn_dns_transfers_in', 'Zone transfers we asked for')
  const inViews = Array.from(views, (view) => {
    const ours = config.catalog.filter((one) => viewCalled(one.view) === view.name)
    return {
      view,
      copies: new ViewCopies({
        configured: config.secondary,
        catalogs: new Set(ours.map(({ zone }) => zone)),
        client,
        branch: kept,
        view,
        isOwn: (origin) => isOwn(view, origin),
        turns,
        counter,
        ring,
        clock,
        log,
      }),
      catalogs: new CatalogZones({
        catalogs: ours,
        branch: listed,
        view,
        listed: [...new Set([view, views.default])].map(({ publication }) => publication),
        isOwn: (origin) => isOwn(view, origin) || isOwn(views.default, origin),
        isShadowed: (origin) => isOwn(view, origin),
        isHeldBack: (origin) => compact.has(origin),
        author,
        clock,
        log,
      }),
    }
  })
  const copies = inViews.map((one) => one.copies)
  const catalogs = inViews.map((one) => one.catalogs)
  measureCopies(copies, metrics)
  const main = store.branch()
  const snapshot = (at: Parameters<Store['snapshot']>[0]): ReturnType<Store['snapshot']> =>
    store.snapshot(at)
  const transfers = serveTransfers({
    config: config.transfer,
    views,
    branches: [
      {
        served: (zone) => findServed([...(zones() ?? [])], zone, (set) => set.get(zone.origin)),
        source: { log: () => main.log(), snapshot, author },
      },
      {
        served: (zone) => findServed(copies, zone, (one) => one.zones.served(zone.origin)),
        source: { log: () => kept.log(), snapshot, author },
      },
      {
        served: (zone) => findServed(catalogs, zone, (one) => one.served(zone.origin)),
        source: { log: () => listed.log(), snapshot, author },
      },
    ],
    isCompact,
    log,
    metrics,
  })
  /** The copies that a NOTIFY can be about: those of the view that its key names, else of all. */
  const meant = ({ key }: Request): readonly SecondaryZones[] =>
    inViews
      .filter(({ view }) => key?.view === undefined || key.view === view.name)
      .map((one) => one.copies.zones)
  const notifies = metrics.counter('cairn_dns_notify_in', 'NOTIFY messages received, by result')
  const notify = notifyHandler({
    isPrimary(zone, request) {
      const found = meant(request)
        .map((one) => one.isPrimary(zone, request.client.address))
        .filter((is) => is !== undefined)
      return found.length === 0 ? undefined : found.includes(true)
    },
    refresh(zone, request, serial) {
      for (const one of meant(request)) one.notify(zone, request.client.address, serial)
    },
    isOwn: (zone) => [...views].some((view) => isOwn(view, zone)),
    pull: config.store.remote === undefined ? undefined : () => void store.sync(),
    received(zone, result, { client: { address } }) {
      notifies.inc({ result })
      const fields = { zone: zone && formatName(zone), client: address, result }
      if (result === 'refresh' || result === 'pull') log.info('notify-in', fields)
      else log.debug('notify-in', fields)
    },
  })
  const told = new Notifications({
    rules: config.notify,
    isHeldBack: (view, origin) => compact.has(origin) && isOwn(view, origin),
    ring,
    client,
    views,
    clock,
    log,
    metrics,
  })
  let ours: ReadonlySet<string> = new Set()
  return {
    handlers: { transfer: transfers.handle, notify },
    start(addresses) {
      ours = new Set(addresses.map(formatEndpoint))
      for (const one of inViews) {
        one.catalogs.start()
        one.copies.start(ours)
      }
      told.start(addresses)
    },
    keysChanged() {
      for (const one of copies) one.followKeys(ours)
    },
    refresh() {
      for (const one of copies) one.zones.refresh()
    },
    status: () => ({
      secondary: copies.flatMap((one) => one.zones.status()),
      catalogs: {
        own: catalogs.flatMap((one) => one.status()),
        followed: copies.flatMap((one) => one.members.status()),
      },
      notify: told.status(),
    }),
    async stop() {
      transfers.stop()
      told.stop()
      await Promise.all([...copies, ...catalogs].map((one) => one.stop()))
    },
  }
}

function measureCopies(copies: readonly ViewCopies[], metrics: Metrics): void {
  const sum = (of: (one: ViewCopies) => number) => (): number =>
    copies.reduce((total, one) => total + of(one), 0)
  metrics.gauge(
    'cairn_dns_secondary_zones',
    'Zones that are copies',
    sum((one) => one.zones.size),
  )
  metrics.gauge(
    'cairn_dns_secondary_expired',
    'Copies too old to be answered from',
    sum((one) => one.zones.expired),
  )
  metrics.gauge('cairn_dns_secondary_age_seconds', 'Since the stalest copy was fresh', () =>
    Math.max(...copies.map((one) => one.zones.ageSeconds)),
  )
  metrics.gauge(
    'cairn_dns_catalog_members',
    'Zones that are copied because a catalog lists them',
    sum((one) => one.members.size),
  )
}

/** Where the zone is as `places` have it, whatever view it is in; undefined when it is served otherwise. */
function findServed<T>(
  places: readonly T[],
  zone: Zone,
  at: (place: T) => ServedZone | undefined,
): ServedZone | undefined {
  for (const place of places) {
    const served = at(place)
    if (served?.zone === zone) return served
  }
  return undefined
}
