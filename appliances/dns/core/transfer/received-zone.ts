// From what a primary sent to the zone that is kept and served: its text, and whether it is a zone at all.
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { hasErrors, formatProblem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { checkZoneDigest } from '../dnssec/zone-digest.ts'
import { editZoneText } from '../text/zone-text-edit.ts'
import { parseZoneText } from '../../../../shared/zone-text/zone-text.ts'
import { buildZone, updateZone } from '../zone/zone-build.ts'
import { rrsetOf, type Zone, type ZoneNode } from '../zone/zone.ts'
import type { ZoneDifference } from '../zone/zone-difference.ts'
import { condense } from './difference-journal.ts'
import type { Received } from '../../../../shared/dns-transfer/core/transfer-reader.ts'
import { formatZoneDocument } from './zone-document.ts'

export type KeptZone = { readonly zone: Zone; readonly text: string }

export type KeptSource = {
  readonly origin: Name
  /** Path of its text. */
  readonly file: string
  /** What we have. */
  readonly before: Zone | undefined
}

/** The zone that `received` makes of what we have; the error is a sentence. */
export function keepReceived(
  source: KeptSource,
  received: Exclude<Received, { kind: 'current' }>,
): Result<KeptZone, string> {
  const text = textOf(source, received)
  return text.ok ? readKept(source, text.value) : text
}

/** The zone of a kept text; the error is a sentence. */
export function readKept(source: KeptSource, text: string): Result<KeptZone, string> {
  const { origin, file, before } = source
  const previous = before?.text
  const parsed = parseZoneText({ text, file, origin, ...(previous && { previous }) })
  const broken = parsed.problems.find(({ severity }) => severity === 'error')
  if (hasErrors(parsed.problems)) return err(formatProblem(broken!))
  const change = before === undefined ? buildZone(origin, parsed) : updateZone(before, parsed)
  const { zone, touched } = change
  const why = whyNoZone(zone, touched) ?? whyNotWhole(zone)
  return why === undefined ? ok({ zone, text }) : err(why)
}

/** All steps as one, the SOA records with them. */
export function receivedDifference(
  received: Extract<Received, { kind: 'incremental' }>,
): ZoneDifference {
  return condense(
    received.steps.map(({ before, after, removed, added }) => ({
      removed: [before, ...removed],
      added: [after, ...added],
    })),
  )
}

function textOf(
  { origin, before }: KeptSource,
  received: Exclude<Received, { kind: 'current' }>,
): Result<string, string> {
  if (received.kind === 'full')
    return ok(formatZoneDocument(origin, received.soa, received.records, COMMENT))
  const text = before?.text
  if (text === undefined) return err('Differences to a zone that we do not have')
  // Refuses to remove what is not there: then the differences are to another zone than ours.
  const edited = editZoneText(text, receivedDifference(received))
  if (!edited.ok) return err(`Differences that do not apply: ${edited.error.message}`)
  return ok((edited.value.get(text.file) ?? text.part.text).toString('latin1'))
}

/** What no server could answer from. Whether a zone is wise is its primary's business. */
function whyNoZone(zone: Zone, touched: ReadonlySet<Name> | undefined): string | undefined {
  if (zone.soa === undefined) return 'No SOA record'
  if (zone.soa.rdatas.length > 1) return 'Several SOA records'
  if (rrsetOf(zone.apex!, TYPE.NS) === undefined) return 'No NS record at the apex'
  if (touched !== undefined) {
    for (const name of touched) {
      const node = zone.nodes.get(name)
      const why = node === undefined ? undefined : whyNoNode(node)
      if (why !== undefined) return why
    }
    return undefined
  }
  for (const [, node] of zone.nodes.entries()) {
    const why = whyNoNode(node)
    if (why !== undefined) return why
  }
  return undefined
}

/** A digest that does not verify says that something was lost or put in on the way (RFC 8976 §4). */
function whyNotWhole(zone: Zone): string | undefined {
  const verdict = checkZoneDigest(zone)
  if (verdict === 'bad') return 'The digest of its ZONEMD is not that of the zone'
  return verdict === 'stale' ? 'Its ZONEMD is for another serial' : undefined
}

function whyNoNode(node: ZoneNode): string | undefined {
  if (node.rrsets.length < 2) return undefined
  const cname = rrsetOf(node, TYPE.CNAME)
  if (cname === undefined) return undefined
  const other = node.rrsets.find(({ type }) => !BESIDE_CNAME.has(type))
  return other && `CNAME and other data (${typeText(other.type)}) at ${formatName(node.name)}`
}

const BESIDE_CNAME: ReadonlySet<number> = new Set([
  TYPE.CNAME,
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.KEY,
  TYPE.SIG,
  TYPE.NXT,
])

const COMMENT = 'A copy of a primary server: changes are overwritten by the next transfer.'
