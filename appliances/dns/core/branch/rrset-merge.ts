// Two changes of one zone to one, RRset by RRset. What one side alone changed is taken; in an RRset that both changed,
// the records that each added and took away count, as long as both did not put something else in the place of the same
// record. A SOA is merged by its fields.
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { formatRdata, rdataNames } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { changeZone } from '../zone/zone-change.ts'
import { zoneDifference, type ZoneDifference } from '../zone/zone-difference.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'

/** What makes the merged zone out of either side. */
export type MergedChange = { readonly ours: ZoneDifference; readonly theirs: ZoneDifference }

/** The error is a sentence that names owner and type and says what either side has. Cost is that of the changes. */
export function mergeRRsets(base: Zone, ours: Zone, theirs: Zone): Result<MergedChange, string> {
  const ourChange = byRRset(zoneDifference(base, ours))
  const theirChange = byRRset(zoneDifference(base, theirs))
  const toOurs = { added: [] as Record[], removed: [] as Record[] }
  const toTheirs = { added: [] as Record[], removed: [] as Record[] }
  const owners = new Set<Name>()
  for (const [key, change] of theirChange) {
    if (!ourChange.has(key)) append(toOurs, change)
    owners.add(change.owner)
  }
  for (const [key, change] of ourChange) {
    const other = theirChange.get(key)
    if (other === undefined) {
      append(toTheirs, change)
      continue
    }
    const { owner, type } = change
    const views = each([base, ours, theirs], (zone) => viewOf(zone, owner, type))
    const merged = type === TYPE.SOA ? mergeSoa(views) : mergeView(views, type)
    if (!merged.ok) return err(conflictText(change, merged.error, views))
    append(toOurs, difference(change, views[1], merged.value))
    append(toTheirs, difference(change, views[2], merged.value))
  }
  const clash = findAliasClash({ ours, theirs, merged: changeZone(ours, toOurs) }, owners)
  return clash === undefined ? ok({ ours: toOurs, theirs: toTheirs }) : err(clash)
}

type Three<T> = readonly [base: T, ours: T, theirs: T]
function each<A, B>([base, ours, theirs]: Three<A>, map: (one: A) => B): Three<B> {
  return [map(base), map(ours), map(theirs)]
}

type Change = { readonly owner: Name; readonly type: number } & ZoneDifference
/** An RRset as a set: TTLs by octets of the data. */
type View = ReadonlyMap<string, number>

function byRRset({ added, removed }: ZoneDifference): ReadonlyMap<string, Change> {
  type Draft = { owner: Name; type: number; added: Record[]; removed: Record[] }
  const changes = new Map<string, Draft>()
  for (const [records, side] of [
    [added, 'added'],
    [removed, 'removed'],
  ] as const)
    for (const record of records) {
      const { owner, type } = record
      const key = `${type} ${owner}`
      const change = changes.get(key) ?? { owner, type, added: [], removed: [] }
      change[side].push(record)
      changes.set(key, change)
    }
  return changes
}

function append(
  to: { readonly added: Record[]; readonly removed: Record[] },
  { added, removed }: ZoneDifference,
): void {
  to.added.push(...added)
  to.removed.push(...removed)
}

function viewOf(zone: Zone, owner: Name, type: number): View {
  const node = zone.nodes.get(owner)
  const rrset = node && rrsetOf(node, type)
  return new Map(rrset?.rdatas.map((rdata) => [octetsOf(rdata), rrset.ttlSeconds]))
}

function difference(
  { owner, type }: { readonly owner: Name; readonly type: number },
  from: View,
  to: View,
): ZoneDifference {
  const recordsIn = (view: View, other: View): readonly Record[] =>
    [...view]
      .filter(([octets, ttl]) => other.get(octets) !== ttl)
      .map(([octets, ttlSeconds]) => ({
        owner,
        type,
        ttlSeconds,
        rdata: new Uint8Array(Buffer.from(octets, 'latin1')),
      }))
  return { added: recordsIn(to, from), removed: recordsIn(from, to) }
}

/** The error says what the sides do not agree on. */
function mergeView(views: Three<View>, type: number): Result<View, string> {
  const [base, ours, theirs] = views
  const same = ours.size === theirs.size && [...ours].every(([o, ttl]) => theirs.get(o) === ttl)
  if (same) return ok(ours)
  const isReplaced = [...base.keys()].some((octets) => !ours.has(octets) && !theirs.has(octets))
  const fresh = (view: View, other: View): readonly string[] =>
    [...view.keys()].filter((octets) => !base.has(octets) && !other.has(octets))
  const [ourFresh, theirFresh] = [fresh(ours, theirs), fresh(theirs, ours)]
  const isSingle = type === TYPE.CNAME || type === TYPE.DNAME
  if ((isReplaced || isSingle) && ourFresh.length > 0 && theirFresh.length > 0)
    return err('was changed on both sides')
  const ttl = mergeValue(each(views, ttlOf))
  if (!ttl.ok) return err('got another TTL on either side')
  const merged = new Map<string, number>()
  for (const octets of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    const stays = base.has(octets)
      ? ours.has(octets) && theirs.has(octets)
      : ours.has(octets) || theirs.has(octets)
    if (stays) merged.set(octets, ttl.value ?? 0)
  }
  return ok(merged)
}

/** One for all records; undefined for none. */
function ttlOf(view: View): number | undefined {
  return view.values().next().value
}

/** A side without the value leaves it to the other. */
function mergeValue<T>([base, ours, theirs]: Three<T>): Result<T, 'both'> {
  if (ours === undefined || theirs === undefined) return ok(ours ?? theirs)
  if (ours === theirs || base === theirs) return ok(ours)
  return base === ours ? ok(theirs) : err('both')
}

function mergeSoa(views: Three<View>): Result<View, string> {
  const ttl = mergeValue(each(views, ttlOf))
  if (!ttl.ok) return err('got another TTL on either side')
  const [base, ours, theirs] = each(views, soaFields)
  if (base === undefined || ours === undefined || theirs === undefined || ttl.value === undefined)
    return err('was changed on both sides')
  let merged = ''
  for (const [i, field] of SOA_FIELDS.entries()) {
    const value = mergeValue([base[i]!, ours[i]!, theirs[i]!])
    if (!value.ok) return err(`got another ${field} on either side`)
    merged += value.value
  }
  return ok(new Map([[merged, ttl.value]]))
}

/** The octets of each; undefined without exactly one SOA. */
function soaFields(view: View): readonly string[] | undefined {
  const [octets, more] = view.keys()
  if (octets === undefined || more !== undefined) return undefined
  const names = rdataNames(TYPE.SOA, Buffer.from(octets, 'latin1'))
  const fields = names.map(({ name }) => String(name))
  for (let at = fields.join('').length; at < octets.length; at += 4)
    fields.push(octets.slice(at, at + 4))
  return fields
}

/** A name that has become an alias on one side and got other data on the other (RFC 1034 §3.6.2). */
function findAliasClash(
  zones: { readonly ours: Zone; readonly theirs: Zone; readonly merged: Zone },
  owners: ReadonlySet<Name>,
): string | undefined {
  for (const owner of owners) {
    if (!isClash(zones.merged, owner)) continue
    if (isClash(zones.ours, owner) || isClash(zones.theirs, owner)) continue
    return `${formatName(owner)} is a CNAME on one side and has other data on the other`
  }
  return undefined
}

function isClash(zone: Zone, owner: Name): boolean {
  const rrsets = zone.nodes.get(owner)?.rrsets ?? []
  const others = rrsets.filter(({ type }) => !BESIDE_CNAME.has(type))
  return others.length > 1 && others.some(({ type }) => type === TYPE.CNAME)
}

function conflictText({ owner, type }: Change, why: string, views: Three<View>): string {
  const [, ours, theirs] = each(views, (view) => viewText(view, type))
  return `${formatName(owner)} ${typeText(type)} ${why}: ${ours} in ours, ${theirs} in theirs`
}

function viewText(view: View, type: number): string {
  if (view.size === 0) return 'nothing'
  const texts = [...view].map(
    ([octets, ttl]) => `${ttl} ${formatRdata(type, Buffer.from(octets, 'latin1'))}`,
  )
  const more = texts.length - SHOWN_LIMIT
  const text = texts.slice(0, SHOWN_LIMIT).join(' and ')
  const cut = text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}...` : text
  return more > 0 ? `${cut} and ${more} more` : cut
}

function octetsOf(rdata: Uint8Array): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
}

const SOA_FIELDS = ['mname', 'rname', 'serial', 'refresh', 'retry', 'expire', 'minimum']
const BESIDE_CNAME: ReadonlySet<number> = new Set([TYPE.RRSIG, TYPE.NSEC, TYPE.KEY])
/** Of each side, in a reason that a person reads. */
const SHOWN_LIMIT = 3
const TEXT_LIMIT = 160
