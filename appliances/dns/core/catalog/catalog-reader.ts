// What a catalog zone lists (RFC 9432): members with their groups and changes of ownership. A catalog that breaks a rule
// says nothing at all (§5.1); records that mean nothing here are passed over, TTLs too.
import {
  canonicalName,
  decodeName,
  formatName,
  parentName,
  type Name,
} from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { rrsetOf, type Zone, type ZoneNode } from '../zone/zone.ts'

export type CatalogMember = {
  /** The label that stands for the member; another one means another zone of the same name (§5.6). */
  readonly id: string
  /** In no particular order (§4.3.2). */
  readonly groups: readonly string[]
  /** The catalog that may take the member over (§4.3.1). */
  readonly heir: Name | undefined
}

/** Members by their canonical origin. */
export type CatalogListing = ReadonlyMap<Name, CatalogMember>

/** Of one catalog; one with more is refused whole. */
export const MEMBERS_LIMIT = 100_000
/** Of one member. */
const GROUPS_LIMIT = 16
/** The schema that is known (§4.2.1). */
const VERSION = '2'

/** The error is a sentence. */
export function readCatalog(
  catalog: Zone,
  membersLimit: number = MEMBERS_LIMIT,
): Result<CatalogListing, string> {
  const { origin } = catalog
  const version = catalog.nodes.get(`\x07version${origin}` as Name)
  const schemas = (version && textsOf(version)) ?? []
  if (schemas.length !== 1) return err(`${schemas.length} version records instead of one`)
  if (schemas[0] !== VERSION) return err(`Version "${schemas[0]}" instead of "${VERSION}"`)
  const base = `\x05zones${origin}` as Name
  const members = new Map<Name, CatalogMember>()
  for (const [key, node] of catalog.nodes.entries()) {
    const name = key as Name
    if (parentName(name) !== base) continue
    const target = onlyTarget(node)
    if (!target.ok) return err(`${formatName(name)} has ${target.error} PTR records`)
    if (target.value === undefined) continue
    const zone = target.value
    if (members.has(zone)) return err(`${formatName(zone)} is a member twice`)
    if (members.size === membersLimit) return err(`More than ${membersLimit} members`)
    const groups = catalog.nodes.get(`\x05group${name}` as Name)
    const coo = catalog.nodes.get(`\x03coo${name}` as Name)
    const heir = coo === undefined ? ok(undefined) : onlyTarget(coo)
    if (!heir.ok) return err(`coo.${formatName(name)} has ${heir.error} PTR records`)
    members.set(zone, {
      id: name.slice(1, 1 + name.charCodeAt(0)),
      groups: ((groups && textsOf(groups)) ?? []).slice(0, GROUPS_LIMIT).sort(),
      heir: heir.value,
    })
  }
  return ok(members)
}

/** Undefined without a PTR record; the error is how many there are. */
function onlyTarget(node: ZoneNode): Result<Name | undefined, number> {
  const rdatas = rrsetOf(node, TYPE.PTR)?.rdatas ?? []
  if (rdatas.length > 1) return err(rdatas.length)
  const decoded = rdatas[0] && decodeName(rdatas[0], 0)
  return ok(decoded?.ok === true ? canonicalName(decoded.value.name) : undefined)
}

/** One for each record, its strings joined. */
function textsOf(node: ZoneNode): string[] {
  return (rrsetOf(node, TYPE.TXT)?.rdatas ?? []).map((rdata) => {
    let text = ''
    for (let at = 0; at < rdata.length; at += 1 + rdata[at]!)
      text += Buffer.from(rdata.subarray(at + 1, at + 1 + rdata[at]!)).toString('latin1')
    return text
  })
}
