// Copies in a view that are there because a catalog zone lists them (RFC 9432 §5): when a catalog of a primary changes, its members
// are followed and forgotten as it says. Who is a member is written beside the copies, so that a restart needs no catalog.
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import { Bug } from '../../shared/result/result.ts'
import type { Branch } from '../../store/index.ts'
import { readCatalog, type CatalogListing } from './core/catalog/catalog-reader.ts'
import { formatMembers, membersPath, parseMembers } from './core/catalog/member-file.ts'
import {
  nextMembers,
  type Clash,
  type Member,
  type Members,
  type MembersChange,
} from './core/catalog/membership.ts'
import { DEFAULT_VIEW } from './core/branch/zone-files.ts'
import type { Published } from './core/publication.ts'
import type { View } from './core/views.ts'
import type { Zone } from './core/zone/zone.ts'
import type { Peer } from '../../shared/dns-transfer/peer-client.ts'
import type { SecondaryZones } from './secondary-zones.ts'

/** Whom to ask for the members of a catalog. */
export type MemberPrimaries = {
  readonly usual: readonly Peer[]
  /** Of members in a group; the first of a member's groups that is named counts. */
  readonly byGroup: ReadonlyMap<string, readonly Peer[]>
}

export type CatalogMembersParts = {
  readonly catalogs: ReadonlyMap<Name, MemberPrimaries>
  readonly secondaries: SecondaryZones
  /** That of the secondaries. */
  readonly branch: Branch
  readonly view: View
  readonly isConfigured: (zone: Name) => boolean
  readonly isOwn: (zone: Name) => boolean
  readonly log: Log
}

export class CatalogMembers {
  readonly #parts: CatalogMembersParts
  readonly #listings = new Map<Name, CatalogListing | undefined>()
  /** Why the newest version of a catalog is not followed. */
  readonly #faults = new Map<Name, string>()
  #members: Members = new Map()
  #told: ReadonlySet<string> = new Set()
  #work: Promise<void> = Promise.resolve()
  #unsubscribe = (): void => {}

  constructor(parts: CatalogMembersParts) {
    this.#parts = parts
    for (const origin of parts.catalogs.keys()) this.#listings.set(origin, undefined)
  }

  get size(): number {
    return this.#members.size
  }

  has(zone: Name): boolean {
    return this.#members.has(zone)
  }

  /** Follows who was a member when the last run ended, and from now on what the catalogs say. */
  start(): void {
    const { catalogs, branch, view, isConfigured } = this.#parts
    const { publication } = view
    if (catalogs.size === 0) return
    const text = Buffer.from(branch.head.get(membersPath(view.name)) ?? []).toString('latin1')
    const all = parseMembers(text)
    const members = new Map<Name, Member>()
    for (const [zone, member] of all)
      if (catalogs.has(member.catalog) && !isConfigured(zone)) members.set(zone, member)
    this.#members = members
    for (const zone of members.keys()) this.#follow(zone)
    this.#unsubscribe = publication.subscribe((published) => this.#published(published))
    for (const origin of catalogs.keys()) {
      const zone = publication.get(origin)?.zone
      if (zone !== undefined) this.#read(zone)
    }
    this.#applyLater()
  }

  status(): readonly unknown[] {
    const counts = new Map<Name, number>()
    for (const { catalog } of this.#members.values())
      counts.set(catalog, (counts.get(catalog) ?? 0) + 1)
    return Array.from(this.#listings.keys(), (origin) => ({
      ...this.#fields(origin),
      members: counts.get(origin) ?? 0,
      fault: this.#faults.get(origin),
    }))
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    await this.#work
  }

  #published(published: readonly Published[]): void {
    let isNews = false
    for (const { origin, after } of published) {
      // One that expired, or is gone for now, says nothing new of its members.
      if (after === undefined || !this.#listings.has(origin)) continue
      isNews = this.#read(after) || isNews
    }
    if (isNews) this.#applyLater()
  }

  /** Gives whether there is something to go by. */
  #read(zone: Zone): boolean {
    const { log } = this.#parts
    const listing = readCatalog(zone)
    if (listing.ok) {
      this.#listings.set(zone.origin, listing.value)
      this.#faults.delete(zone.origin)
      return true
    }
    this.#faults.set(zone.origin, listing.error)
    const fields = this.#fields(zone.origin)
    log.error('catalog-broken', { ...fields, serial: zone.serial, why: listing.error })
    return false
  }

  /** One change after the other, since each waits for the disk. */
  #applyLater(): void {
    this.#work = this.#work.then(() => this.#apply())
  }

  async #apply(): Promise<void> {
    const { secondaries, view, isConfigured, isOwn } = this.#parts
    const world = { catalogs: this.#listings, isConfigured, isOwn }
    const change = nextMembers(this.#members, world)
    this.#tellClashes(change.clashes)
    const { members, changed, reset, removed } = change
    if (changed.length + reset.length + removed.length === 0) return
    const before = this.#members
    this.#members = members
    this.#tell(before, change)
    const message = `Catalogs: ${countText(before, change)}`
    const text = formatMembers(members)
    await secondaries.forget([...removed, ...reset], message, (edit) =>
      edit.set(membersPath(view.name), text),
    )
    for (const zone of [...changed, ...reset]) this.#follow(zone)
  }

  #follow(zone: Name): void {
    const { catalog, groups } = this.#members.get(zone)!
    const primaries = this.#parts.catalogs.get(catalog)
    if (primaries === undefined) throw new Bug(`No primaries for ${formatName(catalog)}`)
    const { usual, byGroup } = primaries
    const group = groups.find((name) => byGroup.has(name))
    this.#parts.secondaries.follow(
      zone,
      (group === undefined ? undefined : byGroup.get(group)) ?? usual,
    )
  }

  #tell(before: Members, { members, changed, reset, removed }: MembersChange): void {
    const { log } = this.#parts
    const say = (event: string, zone: Name, member: Member): void =>
      log.info(event, { zone: formatName(zone), ...this.#fields(member.catalog) })
    for (const zone of removed) say('member-removed', zone, before.get(zone)!)
    for (const zone of reset) say('member-reset', zone, members.get(zone)!)
    for (const zone of changed)
      say(before.has(zone) ? 'member-changed' : 'member-added', zone, members.get(zone)!)
  }

  #tellClashes(clashes: readonly Clash[]): void {
    const told = new Set<string>()
    for (const { zone, catalog, holder } of clashes) {
      const key = `${zone} ${catalog} ${holder ?? ''}`
      told.add(key)
      if (this.#told.has(key)) continue
      this.#parts.log.error('member-clash', {
        zone: formatName(zone),
        ...this.#fields(catalog),
        why: holder === undefined ? 'it is here already' : `${formatName(holder)} has it`,
      })
    }
    this.#told = told
  }

  /** A catalog in the words of the log. */
  #fields(catalog: Name): { readonly catalog: string; readonly view?: string } {
    const { name } = this.#parts.view
    return { catalog: formatName(catalog), ...(name !== DEFAULT_VIEW && { view: name }) }
  }
}

function countText(before: Members, { changed, reset, removed }: MembersChange): string {
  const added = changed.filter((zone) => !before.has(zone)).length
  const counts = [
    [added, 'added'],
    [changed.length - added, 'changed'],
    [reset.length, 'reset'],
    [removed.length, 'removed'],
  ] as const
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}
