// What is wrong in a zone that parses: RFC 1034 §3.6.2, 2181 §5, §10, 4592 §4, 6672 §2, 2782, 7505. An error is what
// makes BIND refuse the zone too, or what an RFC forbids outright; the rest is a warning, for a refused zone answers nobody.
// Of a text with broken entries only that is said which stays true when they are mended.
// After an edit only what changed, and what leaned on it, is looked at; the zone before counts as checked.
import { SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import { OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { HEADER_OCTETS, MESSAGE_LIMIT_OCTETS } from '../../../../shared/dns/message.ts'
import {
  canonicalName,
  formatName,
  isAtOrBelow,
  parentName,
  wildcardOf,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import { hashOfOwner, ITERATION_LIMIT } from '../../../../shared/dnssec/name-hash.ts'
import { checkZoneDigest } from '../dnssec/zone-digest.ts'
import { nameOf } from './name-table.ts'
import { PlainNodes } from './plain-nodes.ts'
import { isReferring } from './references.ts'
import { contentOf } from './rrset-lines.ts'
import type { ZoneChange } from './zone-build.ts'
import { hasDname } from './zone-node.ts'
import { findRecords, type PlacedRecord } from './zone-places.ts'
import { isWildcard, rrsetOf, visitTable, ZoneNode, type Zone, type ZoneRRset } from './zone.ts'

/** A hostile or hopeless file is not answered with a million lines. */
export const PROBLEM_LIMIT = 100
/** Above this many changed regions every target is looked at instead of asking each region. */
const REGION_LIMIT = 64

/** Problems in the order of the file, at most PROBLEM_LIMIT; errors come before warnings when there are more. */
export function checkZone(change: ZoneChange): readonly Problem[] {
  const check = new ZoneCheck(change)
  check.run()
  return check.problems()
}

type Finding = {
  readonly severity: Problem['severity']
  readonly record: Wanted | undefined
  readonly message: string
}

/** The line that a finding is about; which line that is will be looked up for those that are told. */
type Wanted = {
  readonly owner: Name
  readonly type: number
  readonly pick: (lines: readonly PlacedRecord[]) => PlacedRecord | undefined
}

class ZoneCheck {
  readonly #change: ZoneChange
  readonly #zone: Zone
  readonly #doubled: Name
  readonly #missing: ReadonlySet<number>
  readonly #found: Finding[] = []

  constructor(change: ZoneChange) {
    this.#change = change
    this.#zone = change.zone
    this.#missing = change.zone.text?.missing ?? NONE_MISSING
    this.#doubled = (change.zone.origin.slice(0, -1) + change.zone.origin) as Name
  }

  run(): void {
    const { touched, foreign } = this.#change
    for (const record of foreign) this.#checkForeign(record)
    this.#checkApex()
    if (touched === undefined) return this.#checkAll()
    for (const name of touched) {
      const node = this.#zone.nodes.get(name)
      if (node !== undefined) this.#checkNode(node)
      const hashed = this.#zone.hashed.get(name)
      if (hashed !== undefined) this.#checkHashed(hashed)
    }
    this.#checkDependents(touched)
  }

  #checkAll(): void {
    const plain = new PlainNodes(this.#zone)
    visitTable(this.#zone.nodes, (bytes, at) => {
      if (plain.isPlain(bytes, at)) return
      const found = this.#found.length
      this.#checkNode(new ZoneNode(nameOf(bytes, at), bytes, at))
      if (this.#found.length === found) plain.learn(bytes, at)
    })
    for (const [, node] of this.#zone.hashed.entries()) this.#checkHashed(node)
  }

  problems(): readonly Problem[] {
    const { text } = this.#zone
    const owners = new Set<Name>()
    for (const { record } of this.#found) if (record !== undefined) owners.add(record.owner)
    const places = text === undefined ? NO_PLACES : findRecords(text, owners)
    const file = text?.file ?? formatName(this.#zone.origin)
    const all = this.#found.map(({ severity, record, message }): Problem => {
      const lines = record && places.get(record.owner)?.filter((r) => r.type === record.type)
      const line = lines && record.pick(lines)
      const place = line === undefined ? { file } : { file: line.file, line: line.line }
      return { severity, ...place, message }
    })
    all.sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0))
    if (all.length <= PROBLEM_LIMIT) return all.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    const more = all.length - PROBLEM_LIMIT
    const kept: Problem[] = all.slice(0, PROBLEM_LIMIT)
    const severity = all[PROBLEM_LIMIT]!.severity
    return [...kept, { severity, file, message: `and ${more} more problems` }]
  }

  #error(record: Wanted | undefined, message: string): void {
    this.#found.push({ severity: 'error', record, message })
  }

  #warn(record: Wanted | undefined, message: string): void {
    this.#found.push({ severity: 'warning', record, message })
  }

  #checkForeign(record: Record): void {
    const owner = formatName(record.owner)
    const zone = formatName(this.#zone.origin)
    const wanted = {
      owner: canonicalName(record.owner),
      type: record.type,
      pick: saying(record.rdata),
    }
    this.#warn(wanted, `${owner} is not in the zone ${zone} and is left out`)
  }

  #checkApex(): void {
    const { apex, origin } = this.#zone
    const zone = formatName(origin)
    const soa = apex === undefined ? undefined : rrsetOf(apex, TYPE.SOA)
    if (soa === undefined) {
      if (!this.#mayMiss(TYPE.SOA)) this.#error(undefined, `No SOA record at ${zone}`)
    } else if (soa.rdatas.length > 1) this.#error(lastOf(origin, soa), `Two SOA records at ${zone}`)
    else if (this.#isTouched(origin)) this.#checkTimers(soa)
    if (apex === undefined) return
    if (rrsetOf(apex, TYPE.NS) === undefined && !this.#mayMiss(TYPE.NS))
      this.#error(undefined, `No NS record at ${zone}`)
    if (this.#zone.isSigned && this.#isTouched(origin)) this.#checkProofs(apex)
    if (this.#missing.size === 0 && this.#change.touched?.size !== 0) this.#checkDigest(apex)
  }

  /** RFC 8976 §4: what was taken for whole by whoever made the digest is no more, or never was. */
  #checkDigest(apex: ZoneNode): void {
    const verdict = checkZoneDigest(this.#zone)
    if (verdict !== 'bad' && verdict !== 'stale') return
    const place = firstOf(apex.name, rrsetOf(apex, TYPE.ZONEMD)!)
    if (verdict === 'bad') this.#error(place, 'The digest of ZONEMD is not that of the zone')
    else this.#warn(place, 'ZONEMD is for another serial: it says nothing of this zone')
  }

  /** Whether a client can be shown that a name is not there (RFC 4035 §2.3, RFC 5155 §7.1, RFC 9276 §3.2). */
  #checkProofs(apex: ZoneNode): void {
    if (this.#zone.chain !== undefined || this.#zone.order.size > 0) return
    const what =
      'The zone is signed, but has neither NSEC records nor NSEC3 records of its NSEC3PARAM'
    this.#warn(
      firstOf(apex.name, rrsetOf(apex, TYPE.DNSKEY)!),
      `${what} with at most ${ITERATION_LIMIT} iterations: clients cannot verify what is not there`,
    )
  }

  #checkTimers(soa: ZoneRRset): void {
    const rdata = soa.rdatas[0]!
    const refresh = soaNumber(rdata, SOA_FIELD.refresh)
    const retry = soaNumber(rdata, SOA_FIELD.retry)
    const expire = soaNumber(rdata, SOA_FIELD.expire)
    if (expire < refresh + retry) {
      const sum = `refresh ${refresh} + retry ${retry}`
      this.#warn(
        firstOf(this.#zone.origin, soa),
        `SOA expire ${expire} is less than ${sum}: secondaries may give up`,
      )
    }
  }

  #checkNode(node: ZoneNode): void {
    const isApex = node.name === this.#zone.origin
    const cut = this.#zone.cutAbove(node.name)
    for (const rrset of node.rrsets) {
      this.#checkRRset(node, rrset)
      if (rrset.type === TYPE.SOA && !isApex)
        this.#error(
          firstOf(node.name, rrset),
          `SOA record below the apex, at ${formatName(node.name)}`,
        )
    }
    this.#checkCname(node)
    this.#checkDname(node, isApex)
    this.#checkOwner(node)
    if (cut !== undefined) this.#checkOccluded(node, cut)
    if (cut === undefined || cut.name === node.name)
      for (const rrset of node.rrsets)
        if (isReferring(rrset.type)) this.#checkTargets(node, rrset, undefined)
  }

  #checkRRset(node: ZoneNode, rrset: ZoneRRset): void {
    if (answerOctets(rrset) > MESSAGE_LIMIT_OCTETS) {
      const owner = `${typeText(rrset.type)} records of ${formatName(node.name)}`
      this.#warn(
        firstOf(node.name, rrset),
        `The ${owner} do not fit into a message and cannot be answered`,
      )
    }
    if (!rrset.isUneven) return
    const { name } = node
    const { type } = rrset
    const ttls = rrset.lineTtls()
    const what = `${typeText(rrset.type)} records of ${formatName(node.name)}`
    const isMixed = ttls.some((some) => some.some((ttl) => ttl !== rrset.ttlSeconds))
    if (isMixed && this.#missing.size === 0 && type !== TYPE.RRSIG) {
      const message = `The ${what} have different TTLs; the lowest, ${rrset.ttlSeconds}, is used`
      this.#warn({ owner: name, type, pick: firstOdd }, message)
    }
    if (ttls.some((some) => some.length > 1))
      this.#warn({ owner: name, type, pick: firstRepeated }, `One of the ${what} is there twice`)
  }

  #checkCname(node: ZoneNode): void {
    const cname = rrsetOf(node, TYPE.CNAME)
    if (cname === undefined) return
    const owner = formatName(node.name)
    if (cname.rdatas.length > 1)
      this.#error(lastOf(node.name, cname), `More than one CNAME at ${owner}`)
    const other = node.rrsets.find((r) => !BESIDE_CNAME.has(r.type))
    if (other === undefined) return
    const types = node.rrsets.filter((r) => !BESIDE_CNAME.has(r.type)).map((r) => typeText(r.type))
    this.#error(firstOf(node.name, cname), `CNAME and other data at ${owner} (${types.join(', ')})`)
  }

  #checkDname(node: ZoneNode, isApex: boolean): void {
    const dname = rrsetOf(node, TYPE.DNAME)
    if (dname !== undefined) {
      const owner = formatName(node.name)
      if (dname.rdatas.length > 1)
        this.#error(lastOf(node.name, dname), `More than one DNAME at ${owner}`)
      if (!isApex && rrsetOf(node, TYPE.NS) !== undefined)
        this.#error(firstOf(node.name, dname), `DNAME and NS at ${owner}`)
      if (node.children > 0)
        this.#error(firstOf(node.name, dname), `DNAME at ${owner}, but there are names below it`)
      return
    }
    if (this.#change.touched === undefined || this.#zone.counts.dnames === 0) return
    const cut = this.#zone.cutAbove(node.name)
    if (cut !== undefined && hasDname(cut) && !this.#isTouched(cut.name))
      this.#error(
        firstRecord(node),
        `${formatName(node.name)} is below the DNAME at ${formatName(cut.name)}`,
      )
  }

  #checkOwner(node: ZoneNode): void {
    if (this.#isDoubled(node.name))
      this.#warn(
        firstRecord(node),
        `${formatName(node.name)} has the zone's name twice: is a final dot missing?`,
      )
    const host = node.rrsets.find((r) => HOST_TYPES.has(r.type))
    if (host !== undefined && !isHostName(node.name)) {
      const what = `${formatName(node.name)} is not a host name`
      this.#warn(firstOf(node.name, host), `${what}, but has ${typeText(host.type)}`)
    }
    if (!isWildcard(node.name)) return
    const owner = formatName(node.name)
    const ns = rrsetOf(node, TYPE.NS)
    if (ns !== undefined) this.#error(firstOf(node.name, ns), `NS at the wildcard ${owner}`)
    const dname = rrsetOf(node, TYPE.DNAME)
    if (dname !== undefined)
      this.#warn(firstOf(node.name, dname), `DNAME at the wildcard ${owner} means nothing certain`)
  }

  #checkHashed(node: ZoneNode): void {
    const nsec3 = rrsetOf(node, TYPE.NSEC3)
    if (nsec3 !== undefined && hashOfOwner(node.name, this.#zone.origin) === undefined)
      this.#error(
        firstOf(node.name, nsec3),
        `NSEC3 at ${formatName(node.name)}, which is no hash in this zone`,
      )
  }

  #checkOccluded(node: ZoneNode, cut: ZoneNode): void {
    if (!this.#zone.isDelegation(cut)) return
    const seen = cut.name === node.name ? AT_CUT : BELOW_CUT
    const hidden = node.rrsets.find((r) => !seen.has(r.type))
    if (hidden === undefined) return
    const what = `${typeText(hidden.type)} of ${formatName(node.name)}`
    const by = `the delegation of ${formatName(cut.name)}`
    this.#warn(firstOf(node.name, hidden), `${what} is hidden by ${by}`)
  }

  /**
   * With `only`, nothing but targets among these. A zone whose own servers cannot be found is lost; any other host
   * without an address is a mistake, but one that must not take the zone along.
   */
  #checkTargets(node: ZoneNode, rrset: ZoneRRset, only: ReadonlySet<Name> | undefined): void {
    const isOwnServer = rrset.type === TYPE.NS && node.name === this.#zone.origin
    for (const [i, { suffixes }] of rrset.names.entries()) {
      const target = suffixes[0] ?? ROOT
      // `.` says "no service here" in MX and SRV (RFC 7505, RFC 2782).
      if (target === ROOT || (only !== undefined && !only.has(target))) continue
      const why = this.#whyUnreachable(node, rrset, target)
      if (why === undefined) continue
      const pick = saying(rrset.rdatas[i]!)
      const record = { owner: node.name, type: rrset.type, pick }
      const what = `${typeText(rrset.type)} of ${formatName(node.name)} points to`
      const message = `${what} ${formatName(target)}${why}`
      if (isOwnServer) this.#error(record, message)
      else this.#warn(record, message)
    }
  }

  #whyUnreachable(node: ZoneNode, rrset: ZoneRRset, target: Name): string | undefined {
    if (!isAtOrBelow(target, this.#zone.origin))
      return looksLikeAddress(target, ROOT) ? ', an address and not the name of a host' : undefined
    const address = addressOf(this.#zone, target)
    if (address.kind === 'alias') return ', which is an alias'
    if (this.#mayMiss(TYPE.A) || this.#mayMiss(TYPE.AAAA)) return undefined
    if (address.kind === 'none') return `, which has no address${this.#hint(target)}`
    const isGlueless = address.kind === 'delegated' && address.cut === node.name
    return isGlueless && rrset.type === TYPE.NS
      ? ' inside the delegated zone, but there is no glue address for it'
      : undefined
  }

  #hint(target: Name): string {
    if (this.#isDoubled(target)) return ': is a final dot missing?'
    return looksLikeAddress(target, this.#zone.origin) ? ': a name is wanted, not an address' : ''
  }

  /** `www.example.org.example.org.` */
  #isDoubled(name: Name): boolean {
    return this.#zone.origin !== ROOT && isAtOrBelow(name, this.#doubled)
  }

  /** Looks at what leaned on the changed names: targets of NS, MX and SRV, and data below a new cut. */
  #checkDependents(touched: ReadonlySet<Name>): void {
    const { before } = this.#change
    if (before === undefined) return
    const zone = this.#zone
    const wildcards = zone.counts.wildcards + before.counts.wildcards > 0
    const suspects = new Set<Name>()
    const regions = new Set<Name>()
    const newCuts: Name[] = []
    for (const name of withAncestors(touched, zone.origin)) {
      const was = before.nodes.get(name)
      const is = zone.nodes.get(name)
      if (zone.references.get(name) !== undefined) suspects.add(name)
      if (wildcards && (was === undefined) !== (is === undefined)) regions.add(name)
      if (isWildcard(name)) regions.add(parentName(name)!)
      if (name === zone.origin || kindOfCut(was) === kindOfCut(is)) continue
      regions.add(name)
      if (is !== undefined && is.children > 0 && rrsetOf(is, TYPE.NS) !== undefined)
        newCuts.push(name)
    }
    if (regions.size > 0)
      for (const [key] of zone.references.entries()) {
        const target = key as Name
        if (regions.size > REGION_LIMIT || isBelowAny(target, regions)) suspects.add(target)
      }
    const bad = new Set<Name>()
    for (const target of suspects) if (addressOf(zone, target).kind !== 'address') bad.add(target)
    if (bad.size === 0 && newCuts.length === 0) return
    for (const [, node] of zone.nodes.entries()) {
      if (touched.has(node.name)) continue
      if (bad.size > 0 && node.rrsets.some((r) => isReferring(r.type))) {
        const cut = zone.cutAbove(node.name)
        if (cut === undefined || cut.name === node.name)
          for (const rrset of node.rrsets)
            if (isReferring(rrset.type)) this.#checkTargets(node, rrset, bad)
      }
      const cut = newCuts.find((c) => isAtOrBelow(node.name, c))
      if (cut !== undefined) this.#checkOccluded(node, zone.nodes.get(cut)!)
    }
  }

  /** Whether a broken entry may be a record of this type. */
  #mayMiss(type: number): boolean {
    return this.#missing.has(type) || this.#missing.has(TYPE.ANY)
  }

  #isTouched(name: Name): boolean {
    return this.#change.touched?.has(name) ?? true
  }
}

type Address =
  | { readonly kind: 'address' | 'alias' | 'none' }
  | { readonly kind: 'delegated'; readonly cut: Name }

/** What someone who asks for an address of `target`, which is in the zone, would get. */
function addressOf(zone: Zone, target: Name): Address {
  const node = zone.nodes.get(target)
  const cut = zone.cutAbove(target)
  if (cut !== undefined && !zone.isDelegation(cut)) return { kind: 'alias' }
  if (cut !== undefined)
    return hasAddress(node) ? { kind: 'address' } : { kind: 'delegated', cut: cut.name }
  const answering = node ?? wildcardFor(zone, target)
  if (answering === undefined) return { kind: 'none' }
  if (hasAddress(answering)) return { kind: 'address' }
  return { kind: rrsetOf(answering, TYPE.CNAME) === undefined ? 'none' : 'alias' }
}

function wildcardFor(zone: Zone, missing: Name): ZoneNode | undefined {
  if (zone.counts.wildcards === 0) return undefined
  for (let at = parentName(missing); at !== undefined; at = parentName(at)) {
    if (zone.nodes.get(at) !== undefined) return zone.nodes.get(wildcardOf(at))
    if (at === zone.origin) return undefined
  }
  return undefined
}

function hasAddress(node: ZoneNode | undefined): boolean {
  return node?.rrsets.some((r) => r.type === TYPE.A || r.type === TYPE.AAAA) ?? false
}

function kindOfCut(node: ZoneNode | undefined): number {
  if (node === undefined) return 0
  const ns = rrsetOf(node, TYPE.NS) === undefined ? 0 : 1
  return ns + (rrsetOf(node, TYPE.DNAME) === undefined ? 0 : 2)
}

function* withAncestors(names: ReadonlySet<Name>, origin: Name): Iterable<Name> {
  const seen = new Set<Name>()
  for (const name of names)
    for (let at: Name | undefined = name; at !== undefined; at = parentName(at)) {
      if (seen.has(at) || !isAtOrBelow(at, origin)) break
      seen.add(at)
      yield at
    }
}

function isBelowAny(name: Name, regions: ReadonlySet<Name>): boolean {
  for (const region of regions) if (isAtOrBelow(name, region)) return true
  return false
}

function firstRecord(node: ZoneNode): Wanted | undefined {
  const [rrset] = node.rrsets
  return rrset && firstOf(node.name, rrset)
}

function firstOf(owner: Name, { type }: ZoneRRset): Wanted {
  return { owner, type, pick: (lines) => lines[0] }
}

function lastOf(owner: Name, { type }: ZoneRRset): Wanted {
  return { owner, type, pick: (lines) => lines.at(-1) }
}

function saying(rdata: Uint8Array): Wanted['pick'] {
  return (lines) => lines.find((line) => Buffer.compare(line.rdata, rdata) === 0)
}

function firstOdd(lines: readonly PlacedRecord[]): PlacedRecord | undefined {
  return lines.find((line) => line.ttlSeconds !== lines[0]!.ttlSeconds)
}

function firstRepeated(lines: readonly PlacedRecord[]): PlacedRecord | undefined {
  const seen = new Set<string>()
  return lines.find(({ rdata }) => {
    const content = contentOf(rdata)
    return seen.has(content) || !seen.add(content)
  })
}

/** Of the largest question, and the records without compression of what is in them. */
function answerOctets(rrset: ZoneRRset): number {
  let octets = HEADER_OCTETS + QUESTION_LIMIT_OCTETS + OPT_OCTETS
  for (const rdata of rrset.rdatas) octets += RECORD_OCTETS + rdata.length
  return octets
}

/** Letters, digits and hyphens inside labels (RFC 1123 §2.1); a wildcard stands for any. */
function isHostName(name: Name): boolean {
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at)) {
    const label = name.slice(at + 1, at + 1 + name.charCodeAt(at))
    if (at === 0 && label === '*') continue
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(label)) return false
  }
  return true
}

/** Four numbers before `suffix`. */
function looksLikeAddress(name: Name, suffix: Name): boolean {
  if (!/^.[0-9]/s.test(name)) return false
  return /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}\.$/.test(
    formatName((name.slice(0, name.length - suffix.length) + ROOT) as Name),
  )
}

function rank(problem: Problem): number {
  return problem.severity === 'error' ? 0 : 1
}

const NONE_MISSING: ReadonlySet<number> = new Set()
const NO_PLACES: ReadonlyMap<Name, readonly PlacedRecord[]> = new Map()
/** Name, type and class. */
const QUESTION_LIMIT_OCTETS = 255 + 4
/** Pointer to the owner, type, class, ttl and rdlength. */
const RECORD_OCTETS = 12
/** Beside a CNAME only DNSSEC's own types may stand (RFC 2181 §10.1, RFC 4034 §3, §4). */
const BESIDE_CNAME: ReadonlySet<number> = new Set([TYPE.CNAME, TYPE.RRSIG, TYPE.NSEC])
const HOST_TYPES: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.MX])
const BELOW_CUT: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA])
const AT_CUT: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.DS,
  TYPE.NSEC,
  TYPE.RRSIG,
  TYPE.A,
  TYPE.AAAA,
])
