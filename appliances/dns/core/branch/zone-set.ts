// All zones of a branch, or of one view in it, at one commit. The next set is made from the last one and the paths that differ: a zone whose
// files did not change is the same object in both.
import type { Snapshot } from '../../../../store/api.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { hasErrors, type Problem } from '../../../../shared/result/problem.ts'
import { VersionedMap } from '../zone/versioned-map.ts'
import { buildZone, loadedZone, updateZone } from '../zone/zone-build.ts'
import { checkZone } from '../zone/zone-check.ts'
import {
  comparePaths,
  DEFAULT_VIEW,
  includePath,
  looksLikeZone,
  zoneFileName,
  zoneFolder,
} from './zone-files.ts'
import { ZoneLoader } from '../zone/zone-load.ts'
import type { RecordSink } from '../../../../shared/zone-text/record-sink.ts'
import type { Zone } from '../zone/zone.ts'
import { parseZoneText, type ZoneText } from '../../../../shared/zone-text/zone-text.ts'

export type ServedZone = {
  /** Canonical. */
  readonly origin: Name
  /** Files that claim to be this zone; the first one is. */
  readonly paths: readonly string[]
  /** Undefined when the file has errors: queries for it are answered SERVFAIL. */
  readonly zone: Zone | undefined
  /** Files whose change changes the zone. */
  readonly includes: readonly string[]
}

export class ZoneSet {
  readonly snapshot: Snapshot
  /** Whose zones they are. */
  readonly view: string
  readonly #zones: VersionedMap<ServedZone>
  /** Origins of zones that include a file, by its path. */
  readonly #includers: VersionedMap<ReadonlySet<Name>>

  constructor(
    snapshot: Snapshot,
    view: string,
    zones: VersionedMap<ServedZone>,
    includers: VersionedMap<ReadonlySet<Name>>,
  ) {
    this.snapshot = snapshot
    this.view = view
    this.#zones = zones
    this.#includers = includers
  }

  get size(): number {
    return this.#zones.size
  }

  /** By canonical origin. */
  get(origin: Name): ServedZone | undefined {
    return this.#zones.get(origin)
  }

  includersOf(path: string): ReadonlySet<Name> {
    return this.#includers.get(path) ?? NO_ORIGINS
  }

  *[Symbol.iterator](): Iterator<ServedZone> {
    for (const [, served] of this.#zones.entries()) yield served
  }

  /** The same set at a snapshot that holds the same zones. */
  at(snapshot: Snapshot): ZoneSet {
    return new ZoneSet(snapshot, this.view, this.#zones, this.#includers)
  }

  with(snapshot: Snapshot, changed: ReadonlyMap<Name, ServedZone | undefined>): ZoneSet {
    const includers = new Map<string, ReadonlySet<Name> | undefined>()
    for (const [origin, served] of changed) {
      const before = this.get(origin)?.includes ?? []
      const after = served?.includes ?? []
      for (const path of new Set([...before, ...after])) {
        const origins = new Set(includers.get(path) ?? this.includersOf(path))
        if (after.includes(path)) origins.add(origin)
        else origins.delete(origin)
        includers.set(path, origins.size === 0 ? undefined : origins)
      }
    }
    return new ZoneSet(
      snapshot,
      this.view,
      this.#zones.with(new Map(changed)),
      includers.size === 0 ? this.#includers : this.#includers.with(includers),
    )
  }

  /** Makes this set, and the zones named, the fast ones to read. */
  own(origins: Iterable<Name>): void {
    this.#zones.own()
    this.#includers.own()
    for (const origin of origins) this.get(origin)?.zone?.own()
  }
}

export type LoadedZones = {
  readonly zones: ZoneSet
  /** Of what was read: everything without `previous`, else the changed zones. */
  readonly problems: readonly Problem[]
  /** Zones that were read anew, appeared or went. */
  readonly origins: readonly Name[]
}

/** `previous`, of the same view, saves reading what is the same in both snapshots. */
export function loadZones(
  snapshot: Snapshot,
  previous?: ZoneSet,
  view: string = DEFAULT_VIEW,
): LoadedZones {
  const base = previous ?? emptySet(snapshot, view)
  const paths = previous === undefined ? allPaths(snapshot, view) : changedPaths(snapshot, previous)
  const problems: Problem[] = []
  const affected = new Set<Name>()
  const claims = new Map<Name, Set<string>>()
  for (const path of paths) {
    for (const origin of base.includersOf(path)) affected.add(origin)
    const named = zoneFileName(path)
    if (named.kind === 'other' || named.view !== view) continue
    if (named.kind === 'misnamed' && snapshot.entry(path) !== undefined) {
      const message = `Not a zone, since its name is no domain name: ${named.why}`
      problems.push({ severity: 'warning', file: path, message })
    }
    if (named.kind !== 'zone') continue
    affected.add(named.origin)
    const known = claims.get(named.origin)
    if (known === undefined) claims.set(named.origin, new Set([path]))
    else known.add(path)
  }
  const changed = new Map<Name, ServedZone | undefined>()
  for (const origin of affected) {
    const before = base.get(origin)
    const loaded = loadZone(snapshot, origin, before, claims.get(origin) ?? new Set())
    problems.push(...loaded.problems)
    // A file at the root that is no zone: neither was it one before.
    if (before === undefined && loaded.served === undefined) continue
    changed.set(origin, loaded.served)
  }
  const zones = changed.size === 0 ? base.at(snapshot) : base.with(snapshot, changed)
  return { zones, problems, origins: [...changed.keys()] }
}

/** Origins whose files differ between two sets; a zone that came or went counts. */
export function differingOrigins(before: ZoneSet, after: ZoneSet): readonly Name[] {
  const origins = new Set<Name>()
  for (const path of changedPaths(after.snapshot, before)) {
    const named = zoneFileName(path)
    if (named.kind === 'zone' && named.view === after.view) origins.add(named.origin)
    for (const origin of before.includersOf(path)) origins.add(origin)
    for (const origin of after.includersOf(path)) origins.add(origin)
  }
  return [...origins].filter((origin) => before.get(origin) !== after.get(origin))
}

/** The zone of `served` as its files were at another commit; undefined when they had errors. */
export function zoneAt(snapshot: Snapshot, { origin, paths, zone }: ServedZone): Zone | undefined {
  const path = paths[0]!
  const bytes = snapshot.get(path)
  if (bytes === undefined) return undefined
  const { text } = readZone(snapshot, { path, text: bytes, origin, previous: zone?.text })
  if (hasErrors(text.problems)) return undefined
  return (zone === undefined ? buildZone(origin, text) : updateZone(zone, text)).zone
}

function loadZone(
  snapshot: Snapshot,
  origin: Name,
  before: ServedZone | undefined,
  changedPaths: ReadonlySet<string>,
): { served: ServedZone | undefined; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const texts = new Map<string, Uint8Array>()
  for (const path of new Set([...(before?.paths ?? []), ...changedPaths])) {
    const bytes = snapshot.get(path)
    if (bytes === undefined) continue
    // A zone that was one before stays one, so that a broken SOA is an error and not a silent farewell.
    const isKnown = before?.paths.includes(path) === true
    if (path.includes('/') || isKnown || looksLikeZone(latin1(bytes))) texts.set(path, bytes)
  }
  const paths = [...texts.keys()].sort(comparePaths)
  const path = paths[0]
  if (path === undefined) return { served: undefined, problems }
  for (const other of paths.slice(1)) {
    const message = `${formatName(origin)} is served from ${path}`
    const isFlat = !other.includes('/')
    problems.push({ severity: isFlat ? 'warning' : 'error', file: other, message })
  }
  const old = before?.paths[0] === path ? before.zone : undefined
  const octets = texts.get(path)!
  const known = old ?? before?.zone
  // What is read for the first time goes straight into the zone.
  const loader = known === undefined ? new ZoneLoader(origin, linesIn(octets)) : undefined
  const read = { path, text: octets, origin, previous: old?.text, sink: loader }
  const { text, includes } = readZone(snapshot, read)
  problems.push(...newProblems(text.problems, old?.text?.problems ?? []))
  const change = loader === undefined ? updateZone(known!, text) : loadedZone(loader, text)
  problems.push(...checkZone(change))
  const zone = hasErrors(problems) ? undefined : change.zone
  return { served: { origin, paths, zone, includes }, problems }
}

/** Errors, and the warnings that were not told of the text before: those may stand in other lines now. */
function newProblems(problems: readonly Problem[], told: readonly Problem[]): readonly Problem[] {
  const known = new Map<string, number>()
  for (const { message } of told) known.set(message, (known.get(message) ?? 0) + 1)
  return problems.filter(({ severity, message }) => {
    const times = known.get(message) ?? 0
    if (severity === 'error' || times === 0) return true
    known.set(message, times - 1)
    return false
  })
}

function readZone(
  snapshot: Snapshot,
  source: {
    path: string
    text: Uint8Array
    origin: Name
    previous: ZoneText | undefined
    sink?: RecordSink | undefined
  },
): { text: ZoneText; includes: readonly string[] } {
  const { path: file, text, origin, previous, sink } = source
  // A file that is missing today is waited for.
  const wanted = new Set<string>()
  const include = (name: string, from: string): { file: string; text: Uint8Array } | undefined => {
    const path = includePath(from, name)
    if (path === undefined) return undefined
    wanted.add(path)
    const bytes = snapshot.get(path)
    return bytes === undefined ? undefined : { file: path, text: bytes }
  }
  const parsed = parseZoneText({
    text,
    file,
    origin,
    include,
    ...(previous && { previous }),
    ...(sink && { sink }),
  })
  return { text: parsed, includes: [...wanted] }
}

/** Octets stay octets: a zone file has no encoding (RFC 1035 §5.1). */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** About how many there are. */
function linesIn(text: Uint8Array): number {
  const sample = text.subarray(0, SAMPLE_OCTETS)
  let lines = 1
  for (let at = sample.indexOf(NEWLINE); at >= 0; at = sample.indexOf(NEWLINE, at + 1)) lines++
  return sample.length === 0 ? 0 : (text.length / sample.length) * lines
}

function emptySet(snapshot: Snapshot, view: string): ZoneSet {
  return new ZoneSet(snapshot, view, VersionedMap.of(new Map()), VersionedMap.of(new Map()))
}

function allPaths(snapshot: Snapshot, view: string): readonly string[] {
  const flat = view === DEFAULT_VIEW ? snapshot.list() : []
  const entries = [...flat, ...snapshot.list(zoneFolder(view))]
  return entries.filter((entry) => entry.mode !== FOLDER_MODE).map((entry) => entry.path)
}

function changedPaths(snapshot: Snapshot, previous: ZoneSet): readonly string[] {
  return snapshot.diff(previous.snapshot).map((change) => change.path)
}

/** How large a zone will be is guessed from how long the first lines of its text are. */
const SAMPLE_OCTETS = 65_536
const NO_ORIGINS: ReadonlySet<Name> = new Set()
const NEWLINE = 0x0a
const FOLDER_MODE = 0o040000
