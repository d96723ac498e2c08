// The copies in one view, and why they are there: the configuration says so, a key names its primary, or a catalog lists
// them.
import { ROOT, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import { formatEndpoint } from '../../shared/net/endpoint.ts'
import { DEFAULT_VIEW } from './core/branch/zone-files.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'
import { CatalogMembers, type MemberPrimaries } from './catalog-members.ts'
import { viewCalled } from './keys-table.ts'
import type { Peer } from '../../shared/dns-transfer/peer-client.ts'
import { SecondaryZones, type SecondaryZonesParts } from './secondary-zones.ts'
import { peersOf } from '../../shared/dns-transfer/primaries-table.ts'
import type { SecondaryConfig } from './transfer-table.ts'

const DNS_PORT = 53

export type ViewCopiesParts = SecondaryZonesParts & {
  /** Those of all views. */
  readonly configured: readonly SecondaryConfig[]
  /** Catalogs of our own in this view. */
  readonly catalogs: ReadonlySet<Name>
  readonly ring: KeyRing
  readonly log: Log
}

export class ViewCopies {
  readonly zones: SecondaryZones
  readonly members: CatalogMembers
  readonly #parts: ViewCopiesParts
  readonly #configured: ReadonlyMap<Name, readonly Peer[]>
  #byKeys: ReadonlySet<Name> = new Set()

  constructor(parts: ViewCopiesParts) {
    const { catalogs, branch, view, isOwn, log } = parts
    const ours = parts.configured.filter((one) => viewCalled(one.view) === view.name)
    this.#parts = parts
    this.#configured = new Map(ours.map(({ zone, primaries }) => [zone, peersOf(primaries)]))
    this.zones = new SecondaryZones(parts)
    this.members = new CatalogMembers({
      catalogs: new Map(
        ours.filter(({ catalog }) => catalog).map((one) => [one.zone, memberPeers(one)]),
      ),
      secondaries: this.zones,
      branch,
      view,
      isConfigured: (zone) =>
        this.#configured.has(zone) || this.#byKeys.has(zone) || catalogs.has(zone),
      isOwn,
      log,
    })
  }

  /** `addresses` are our own, from which nothing is copied. */
  start(addresses: ReadonlySet<string>): void {
    for (const [zone, peers] of this.#configured) this.zones.follow(zone, peers)
    this.followKeys(addresses)
    this.members.start()
  }

  /** Keys whose name or configuration says where the primary is make copies of the zones they are for. */
  followKeys(addresses: ReadonlySet<string>): void {
    const { view, ring, catalogs, isOwn } = this.#parts
    const found = new Map<Name, Peer[]>()
    for (const { name, primary: host, grants, view: seen = DEFAULT_VIEW } of ring.all()) {
      if (host === undefined || seen !== view.name) continue
      if (addresses.has(formatEndpoint({ host, port: DNS_PORT }))) continue
      for (const { right, zone } of grants) {
        if (right === 'notify' || zone === ROOT || isOwn(zone) || this.#configured.has(zone))
          continue
        if (this.members.has(zone) || catalogs.has(zone)) continue
        const peer = { endpoint: { host, port: DNS_PORT }, key: name }
        found.set(zone, [...(found.get(zone) ?? []), peer])
      }
    }
    for (const zone of this.#byKeys) if (!found.has(zone)) void this.zones.forget([zone])
    for (const [zone, peers] of found) this.zones.follow(zone, peers)
    this.#byKeys = new Set(found.keys())
  }

  async stop(): Promise<void> {
    await this.members.stop()
    await this.zones.stop()
  }
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
