// Catalog zones of our own (RFC 9432), those of a view: which of our zones secondaries are to have. Each version is a
// commit of a branch for all catalogs, and served when it is durable, so that its serial never goes back.
import type { Clock } from '../../shared/clock/clock.ts'
import { formatName, isAtOrBelow, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Branch } from '../../store/index.ts'
import type { CatalogConfig } from './catalog-table.ts'
import { catalogChange, type ListedMember } from './core/catalog/catalog-records.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import { DEFAULT_VIEW } from './core/branch/zone-files.ts'
import type { Publication, Published } from './core/publication.ts'
import type { View } from './core/views.ts'
import { keptPath } from './core/transfer/kept-files.ts'
import { keepReceived, readKept } from './core/transfer/received-zone.ts'
import type { Zone } from './core/zone/zone.ts'

export type CatalogZonesParts = {
  readonly catalogs: readonly CatalogConfig[]
  /** Where they are kept; nobody else writes there. */
  readonly branch: Branch
  readonly view: View
  /** Where the zones are that it may list: those its clients see. */
  readonly listed: readonly Publication[]
  /** Whether it is a zone of our own, as the view sees them. */
  readonly isOwn: (zone: Name) => boolean
  /** Whether the view has a zone of its own of that name. */
  readonly isShadowed: (zone: Name) => boolean
  /** Whether nobody gets it by transfer. */
  readonly isHeldBack: (zone: Name) => boolean
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
  #unsubscribes: readonly (() => void)[] = []

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
    const { listed } = this.#parts
    if (this.#catalogs.size === 0) return
    for (const catalog of this.#catalogs.values()) this.#open(catalog)
    const all = listed.flatMap((one) => Array.from(one.entries(), ([origin]) => origin))
    for (const catalog of this.#catalogs.values()) {
      this.#look(catalog, all)
      this.#keepLater(catalog)
    }
    this.#unsubscribes = listed.map((one) =>
      one.subscribe((published) => this.#published(published)),
    )
  }

  /** Undefined for what is no catalog of ours. */
  served(origin: Name): ServedZone | undefined {
    const zone = this.#catalogs.get(origin)?.zone
    return zone && { origin, paths: [this.#path(origin)], zone, includes: [] }
  }

  status(): readonly unknown[] {
    return Array.from(this.#catalogs, ([origin, { members, zone }]) => ({
      ...this.#fields(origin),
      serial: zone?.serial,
      members: members.size,
    }))
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    await this.#work
  }

  #published(published: readonly Published[]): void {
    const origins = published.map(({ origin }) => origin)
    for (const catalog of this.#catalogs.values())
      if (this.#look(catalog, origins)) this.#keepLater(catalog)
  }

  /** Gives whether there are other members now. A zone that is broken stays one: its copies serve on. */
  #look({ config, members }: OwnCatalog, origins: readonly Name[]): boolean {
    const { isOwn, isHeldBack } = this.#parts
    let isChanged = false
    for (const origin of origins) {
      const isOffered = isOwn(origin) && !isHeldBack(origin)
      const isMember = isOffered && config.zones.some((top) => isAtOrBelow(origin, top))
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
    const file = this.#path(origin)
    const content = branch.head.get(file)
    if (content === undefined) return
    const source = { origin, file, before: undefined }
    const read = readKept(source, Buffer.from(content).toString('latin1'))
    if (read.ok) this.#serve(catalog, read.value.zone)
    else log.error('catalog-unreadable', { ...this.#fields(origin), why: read.error })
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
    const fields = this.#fields(origin)
    const file = this.#path(origin)
    const kept = keepReceived({ origin, file, before }, change)
    if (!kept.ok) {
      log.error('catalog-not-kept', { ...fields, why: kept.error })
      return
    }
    const { zone, text } = kept.value
    const info = {
      message: `${formatName(origin)} ${zone.serial}: ${members.size} members`,
      author: { name: author, email: `${author}@localhost` },
    }
    const done = await branch.commit(info, (edit) => {
      edit.set(file, Buffer.from(text, 'latin1'))
    })
    if (!done.ok) {
      log.error('catalog-not-kept', { ...fields, why: done.error.kind })
      return
    }
    log.info('catalog-changed', { ...fields, serial: zone.serial, members: members.size })
    this.#serve(catalog, zone)
  }

  #serve(catalog: OwnCatalog, zone: Zone): void {
    const { view, isShadowed, log } = this.#parts
    const { publication } = view
    const { origin } = zone
    catalog.zone = zone
    if (isShadowed(origin)) {
      log.error('catalog-shadowed', { ...this.#fields(origin), why: 'the branch has a zone' })
      return
    }
    const before = publication.get(origin)?.zone
    publication.publish([{ origin, before, after: zone, isBroken: false }])
    zone.own()
  }

  #path(origin: Name): string {
    return keptPath(this.#parts.view.name, origin)
  }

  /** A catalog in the words of the log. */
  #fields(catalog: Name): { readonly catalog: string; readonly view?: string } {
    const { name } = this.#parts.view
    return { catalog: formatName(catalog), ...(name !== DEFAULT_VIEW && { view: name }) }
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
