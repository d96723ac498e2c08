// Catalog zones of our own (RFC 9432): which of our zones secondaries are to have. Each version is a commit of a branch
// of its own, and served when it is durable, so that its serial never goes back.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, isAtOrBelow, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Branch } from '../../store/index.ts'
import type { CatalogConfig } from './catalog-table.ts'
import { catalogChange, type ListedMember } from './core/catalog/catalog-records.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import type { Publication, Published } from './core/publication.ts'
import { keptPath } from './core/transfer/kept-files.ts'
import { keepReceived, readKept } from './core/transfer/received-zone.ts'
import type { Zone } from './core/zone/zone.ts'

export type CatalogZonesParts = {
  readonly catalogs: readonly CatalogConfig[]
  /** Where they are kept; nobody else writes there. */
  readonly branch: Branch
  readonly publication: Publication
  /** Whether it is a zone of our own. */
  readonly isOwn: (zone: Name) => boolean
  /** Author of this server's own commits. */
  readonly author: string
  readonly clock: Clock
  readonly log: Log
}

type OwnCatalog = {
  readonly config: CatalogConfig
  readonly members: Set<Name>
  zone: Zone | undefined
}

export class CatalogZones {
  readonly #parts: CatalogZonesParts
  readonly #catalogs: ReadonlyMap<Name, OwnCatalog>
  #work: Promise<void> = Promise.resolve()
  #unsubscribe = (): void => {}

  constructor(parts: CatalogZonesParts) {
    this.#parts = parts
    this.#catalogs = new Map(
      parts.catalogs.map((config) => [
        config.zone,
        { config, members: new Set(), zone: undefined },
      ]),
    )
  }

  /** Serves what the last run left, then what the zones that are served now make of it. */
  start(): void {
    const { publication } = this.#parts
    for (const catalog of this.#catalogs.values()) this.#open(catalog)
    const all = Array.from(publication.entries(), ([origin]) => origin)
    for (const catalog of this.#catalogs.values()) {
      this.#look(catalog, all)
      this.#keepLater(catalog)
    }
    this.#unsubscribe = publication.subscribe((published) => this.#published(published))
  }

  /** Undefined for what is no catalog of ours. */
  served(origin: Name): ServedZone | undefined {
    const zone = this.#catalogs.get(origin)?.zone
    return zone && { origin, paths: [keptPath(origin)], zone, includes: [] }
  }

  status(): unknown {
    return Array.from(this.#catalogs, ([origin, { members, zone }]) => ({
      catalog: formatName(origin),
      serial: zone?.serial,
      members: members.size,
    }))
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    await this.#work
  }

  #published(published: readonly Published[]): void {
    const origins = published.map(({ origin }) => origin)
    for (const catalog of this.#catalogs.values())
      if (this.#look(catalog, origins)) this.#keepLater(catalog)
  }

  /** Gives whether there are other members now. A zone that is broken stays one: its copies serve on. */
  #look({ config, members }: OwnCatalog, origins: readonly Name[]): boolean {
    const { isOwn } = this.#parts
    let isChanged = false
    for (const origin of origins) {
      const isMember = isOwn(origin) && config.zones.some((top) => isAtOrBelow(origin, top))
      if (isMember === members.has(origin)) continue
      isChanged = true
      if (isMember) members.add(origin)
      else members.delete(origin)
    }
    return isChanged
  }

  #open(catalog: OwnCatalog): void {
    const { branch, log } = this.#parts
    const origin = catalog.config.zone
    const content = branch.head.get(keptPath(origin))
    if (content === undefined) return
    const source = { origin, file: keptPath(origin), before: undefined }
    const read = readKept(source, Buffer.from(content).toString('latin1'))
    if (read.ok) this.#serve(catalog, read.value.zone)
    else log.error('catalog-unreadable', { catalog: formatName(origin), why: read.error })
  }

  #keepLater(catalog: OwnCatalog): void {
    this.#work = this.#work.then(() => this.#keep(catalog))
  }

  async #keep(catalog: OwnCatalog): Promise<void> {
    const { branch, author, clock, log } = this.#parts
    const { config, members, zone: before } = catalog
    const origin = config.zone
    const listed = Array.from(members, (zone) => listedMember(config, zone))
    const nowSeconds = Math.floor(clock.wallMs() / 1000)
    const change = catalogChange(origin, listed, before, nowSeconds)
    if (change === undefined) return
    const name = formatName(origin)
    const kept = keepReceived({ origin, file: keptPath(origin), before }, change)
    if (!kept.ok) {
      log.error('catalog-not-kept', { catalog: name, why: kept.error })
      return
    }
    const { zone, text } = kept.value
    const info = {
      message: `${name} ${zone.serial}: ${members.size} members`,
      author: { name: author, email: `${author}@localhost` },
    }
    const done = await branch.commit(info, (edit) => {
      edit.set(keptPath(origin), Buffer.from(text, 'latin1'))
    })
    if (!done.ok) {
      log.error('catalog-not-kept', { catalog: name, why: done.error.kind })
      return
    }
    log.info('catalog-changed', { catalog: name, serial: zone.serial, members: members.size })
    this.#serve(catalog, zone)
  }

  #serve(catalog: OwnCatalog, zone: Zone): void {
    const { publication, isOwn, log } = this.#parts
    const { origin } = zone
    catalog.zone = zone
    if (isOwn(origin)) {
      log.error('catalog-shadowed', { catalog: formatName(origin), why: 'the branch has a zone' })
      return
    }
    const before = publication.get(origin)?.zone
    publication.publish([{ origin, before, after: zone, isBroken: false }])
    zone.own()
  }
}

/** Octets as characters, as names and texts of a zone are. */
function octetsOf(word: string): string {
  return Buffer.from(word, 'utf8').toString('latin1')
}

function listedMember({ groups }: CatalogConfig, zone: Name): ListedMember {
  const own = Object.entries(groups).filter(([, tops]) =>
    tops.some((top) => isAtOrBelow(zone, top)),
  )
  return { zone, groups: own.map(([group]) => octetsOf(group)) }
}
