// Which zone is a member of which catalog, as the catalogs change (RFC 9432 §5): who was there first keeps a zone, unless
// its catalog names an heir. A catalog that is broken or gone for now changes nothing.
import type { Name } from '../../../../shared/dns/name.ts'
import type { CatalogListing, CatalogMember } from './catalog-reader.ts'

export type Member = {
  readonly catalog: Name
  readonly id: string
  readonly groups: readonly string[]
}

/** By canonical origin. */
export type Members = ReadonlyMap<Name, Member>

export type Clash = {
  readonly zone: Name
  readonly catalog: Name
  /** The catalog that has it; undefined: it is ours, or configured by itself. */
  readonly holder: Name | undefined
}

export type MembersChange = {
  readonly members: Members
  /** New, or with another catalog or other groups: whom to ask for them may be another. */
  readonly changed: readonly Name[]
  /** Another zone under the name of one that was there: what is kept of it counts no more. */
  readonly reset: readonly Name[]
  /** No members any more. */
  readonly removed: readonly Name[]
  readonly clashes: readonly Clash[]
}

export type CatalogWorld = {
  /** The last good listing of each catalog that is configured, by its origin; undefined before there was one. */
  readonly catalogs: ReadonlyMap<Name, CatalogListing | undefined>
  /** Whether the configuration has the zone otherwise. */
  readonly isConfigured: (zone: Name) => boolean
  /** Whether it is a zone of our own. */
  readonly isOwn: (zone: Name) => boolean
}

export function nextMembers(before: Members, world: CatalogWorld): MembersChange {
  const { catalogs, isConfigured, isOwn } = world
  const members = new Map<Name, Member>()
  const changed: Name[] = []
  const reset: Name[] = []
  const removed = new Set<Name>()
  const clashes: Clash[] = []
  const put = (zone: Name, catalog: Name, { id, groups }: CatalogMember): void => {
    const old = before.get(zone)
    members.set(zone, { catalog, id, groups })
    removed.delete(zone)
    if (old !== undefined && old.id !== id) reset.push(zone)
    else if (old?.catalog !== catalog || old.groups.join('\0') !== groups.join('\0'))
      changed.push(zone)
  }
  for (const [zone, member] of before) {
    // What the configuration itself says now is its own; what a forgotten catalog said, nobody's.
    if (isConfigured(zone) || !catalogs.has(member.catalog)) continue
    const listing = catalogs.get(member.catalog)
    const listed = listing?.get(zone)
    const heir = listed?.heir
    const inherited = heir === undefined ? undefined : catalogs.get(heir)?.get(zone)
    if (listing === undefined) members.set(zone, member)
    else if (listed === undefined) removed.add(zone)
    else if (inherited === undefined) put(zone, member.catalog, listed)
    else put(zone, heir!, inherited)
  }
  for (const [catalog, listing] of catalogs)
    for (const [zone, listed] of listing ?? []) {
      const holder = members.get(zone)?.catalog
      if (holder === catalog) continue
      if (holder !== undefined) {
        // Given away, and not yet forgotten by who gave it.
        if (listed.heir !== holder) clashes.push({ zone, catalog, holder })
      } else if (isConfigured(zone) || isOwn(zone)) clashes.push({ zone, catalog, holder })
      else put(zone, catalog, listed)
    }
  return { members, changed, reset, removed: [...removed], clashes }
}
