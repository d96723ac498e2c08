// Where trust begins and where it is not wanted: anchors as DS or DNSKEY records (RFC 4033 §2) in a text of one record a
// line, and negative trust anchors (RFC 7646), names below which nothing is checked.
import { canonicalName, parentName, parseName, type Name } from '../../../../shared/dns/name.ts'
import { parseRdata } from '../../../../shared/dns/rdata.ts'
import { classNumber, TYPE, typeNumber } from '../../../../shared/dns/record-types.ts'
import { dsRdata } from '../../../../shared/dnssec/dnskey.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'

/** By zone, rdata of DS records that name its keys. */
export type Anchors = ReadonlyMap<Name, readonly Uint8Array[]>

export type TrustSetup = { readonly anchors: Anchors; readonly negative: ReadonlySet<Name> }

/** What is known of a name before anyone is asked. */
export type TrustStart =
  | { readonly kind: 'anchor'; readonly zone: Name; readonly ds: readonly Uint8Array[] }
  | { readonly kind: 'negative'; readonly name: Name }
  | { readonly kind: 'none' }

/** The closest anchor, positive or negative, at or above `name` (canonical). */
export function trustStart(setup: TrustSetup, name: Name): TrustStart {
  for (let at: Name | undefined = name; at !== undefined; at = parentName(at)) {
    if (setup.negative.has(at)) return { kind: 'negative', name: at }
    const ds = setup.anchors.get(at)
    if (ds !== undefined) return { kind: 'anchor', zone: at, ds }
  }
  return { kind: 'none' }
}

/** `;` begins a comment; TTL and class may be left out. Keys stand for their SHA-256 digest. */
export function parseAnchors(
  text: string,
  file: string,
): { anchors: Anchors; problems: Problem[] } {
  const anchors = new Map<Name, Uint8Array[]>()
  const problems: Problem[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const words = line.replace(/;.*/, '').trim().split(/\s+/)
    if (words[0] === '') continue
    const parsed = parseAnchor(words)
    if (typeof parsed === 'string') problems.push(problem(parsed, { file, line: i + 1 }))
    else anchors.set(parsed.zone, [...(anchors.get(parsed.zone) ?? []), parsed.ds])
  }
  return { anchors, problems }
}

/** KSK-2017 (20326) and KSK-2024 (38696), as IANA publishes them: https://data.iana.org/root-anchors/root-anchors.xml */
export const ROOT_ANCHORS = `
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
`

function parseAnchor(words: readonly string[]): { zone: Name; ds: Uint8Array } | string {
  const zone = parseName(words[0]!)
  if (!zone.ok) return zone.error
  let at = 1
  while (/^[0-9]+$/.test(words[at] ?? '') || classNumber(words[at] ?? '') !== undefined) at++
  const type = typeNumber(words[at] ?? '')
  if (type !== TYPE.DS && type !== TYPE.DNSKEY)
    return `Expected a DS or DNSKEY record, found ${words[at] ?? 'the end of the line'}`
  const rdata = parseRdata(type, words.slice(at + 1), zone.value)
  if (!rdata.ok) return rdata.error
  const name = canonicalName(zone.value)
  return { zone: name, ds: type === TYPE.DS ? rdata.value : dsRdata(name, rdata.value) }
}
