// The files of the branch that secondary zones are kept in: `zones/<origin>` or `views/<view>/zones/<origin>`, and when
// each was last known to be fresh.
import {
  canonicalName,
  formatName,
  parseName,
  ROOT,
  type Name,
} from '../../../../shared/dns/name.ts'
import { inView, zoneFolder } from '../branch/zone-files.ts'

export function refreshedPath(view: string): string {
  return inView(view, 'refreshed')
}

export function keptPath(view: string, origin: Name): string {
  // A slash is a fine octet of a name and none of a file's.
  const file = origin === ROOT ? '@' : formatName(origin).slice(0, -1).replaceAll('/', '\\047')
  return `${zoneFolder(view)}/${file}`
}

/** Milliseconds since 1970 by canonical origin, from lines `example.org. 2026-01-31T12:00:00.000Z`. */
export function parseRefreshed(text: string): Map<Name, number> {
  const times = new Map<Name, number>()
  for (const line of text.split('\n')) {
    const [zone = '', time = ''] = line.split(' ')
    const name = parseName(zone)
    const ms = Date.parse(time)
    if (name.ok && Number.isFinite(ms)) times.set(canonicalName(name.value), ms)
  }
  return times
}

export function formatRefreshed(times: ReadonlyMap<Name, number>): string {
  const lines = Array.from(times, ([origin, ms]) => `${formatName(origin)} ${isoTime(ms)}\n`)
  return lines.sort().join('')
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
