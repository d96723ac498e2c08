// A zone in the history of a clone: who changed which records when, and what lies between two revisions.
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { Fatal } from '../../../shared/result/result.ts'
import {
  lookAtClone,
  type CloneLook,
  type LogEntry,
  type Oid,
  type Snapshot,
} from '../../../store/index.ts'
import { loadZones, type ServedZone, type ZoneSet } from '../core/branch/zone-set.ts'
import { zoneOfRecords } from '../core/zone/zone-change.ts'
import { zoneDifference } from '../core/zone/zone-difference.ts'
import type { Zone } from '../core/zone/zone.ts'
import { printChange, type Terminal } from './zone-output.ts'

export type HistoryOptions = {
  readonly dir: string
  readonly view: string | undefined
  readonly terminal: Terminal
}

/** The changes of a zone, newest first; `limit` of them. */
export function printLog(origin: Name, limit: number, options: HistoryOptions): void {
  const { terminal, view } = options
  const look = lookAt(options.dir)
  const head = look.find('HEAD')
  if (head === undefined) throw new Fatal(`${options.dir} has no commit yet`)
  let left = limit
  const sets = new Map<Oid, ZoneSet>()
  const setAt = (at: Oid): ZoneSet | undefined => {
    const known = sets.get(at)
    if (known !== undefined) return known
    const snapshot = look.snapshot(at)
    if (snapshot === undefined) return undefined
    // What a neighbour in the history has too is not read again.
    const [previous] = [...sets.values()].slice(-1)
    const { zones } = loadZones(snapshot, previous, view)
    if (sets.size > RECENT_LIMIT) sets.delete(sets.keys().next().value!)
    sets.set(at, zones)
    return zones
  }
  for (const entry of look.log(head)) {
    if (left === 0) return
    const here = setAt(entry.oid)?.get(origin)
    const parents = entry.parents.map((oid) => setAt(oid)?.get(origin))
    // A merge that takes one side's zone as it is has not changed it.
    if (parents.some((parent) => isSameFiles(look, entry, parent, here))) continue
    if (here === undefined && parents.every((parent) => parent === undefined)) continue
    if (left < limit) terminal.out('\n')
    left--
    terminal.out(`${headLine(entry)}\n`)
    const [before, after] = [zoneOf(origin, parents[0]), zoneOf(origin, here)]
    if (here !== undefined && here.zone === undefined) terminal.out('the zone has errors here\n')
    else printChange(terminal, before, after, zoneDifference(before, after))
  }
  if (left === limit) throw new Fatal(`No commit of ${options.dir} has ${formatName(origin)}`)
}

/** From one revision to the other: one zone, or all of them. */
export function printBetween(
  range: { readonly from: string; readonly to: string },
  origin: Name | undefined,
  options: HistoryOptions,
): void {
  const { terminal, view } = options
  const look = lookAt(options.dir)
  const at = (revision: string): Snapshot => {
    const oid = look.find(revision === '' ? 'HEAD' : revision)
    const snapshot = oid && look.snapshot(oid)
    if (snapshot !== undefined) return snapshot
    throw new Fatal(`No commit ${revision} in ${options.dir}; git log shows what there is`)
  }
  const before = loadZones(at(range.from), undefined, view).zones
  const after = loadZones(at(range.to), before, view).zones
  const origins = new Set([...before, ...after].map((served) => served.origin))
  let count = 0
  for (const one of origin === undefined ? origins : [origin]) {
    const [old, next] = [before.get(one), after.get(one)]
    if (old === undefined && next === undefined)
      throw new Fatal(`Neither revision has ${formatName(one)}`)
    if (old === next) continue
    const [was, is] = [zoneOf(one, old), zoneOf(one, next)]
    const change = zoneDifference(was, is)
    if (change.added.length + change.removed.length === 0) continue
    if (origin === undefined) terminal.out(`${count > 0 ? '\n' : ''}${formatName(one)}\n`)
    count++
    printChange(terminal, was, is, change)
  }
}

function lookAt(dir: string): CloneLook {
  const look = lookAtClone(dir)
  if (look === undefined)
    throw new Fatal(`${dir} is no clone: git clone one, or give it with --dir`)
  return look
}

/** One without records where there is none, or none that could be read. */
function zoneOf(origin: Name, served: ServedZone | undefined): Zone {
  return served?.zone ?? zoneOfRecords(origin, [])
}

function isSameFiles(
  look: CloneLook,
  { oid, parents }: LogEntry,
  parent: ServedZone | undefined,
  here: ServedZone | undefined,
): boolean {
  if (parent === here) return true
  if (parent === undefined || here === undefined || parents.length > 1) return false
  const [before, after] = [look.snapshot(parents[0]!), look.snapshot(oid)]
  return [here.paths[0]!, ...here.includes].every(
    (path) => before?.entry(path)?.oid === after?.entry(path)?.oid,
  )
}

/** `1a2b3c4 2026-11-25 14:03 UTC alice: Add www` */
function headLine({ oid, author, timeSeconds, message }: LogEntry): string {
  const time = new Date(timeSeconds * 1000).toISOString().slice(0, 16).replace('T', ' ')
  return `${oid.slice(0, 7)} ${time} UTC ${author.name}: ${message.split('\n')[0]!}`
}

const RECENT_LIMIT = 8
