// The file that a signed zone is kept in, written whole beside the one in use, which it replaces when it is complete.
import { closeSync, openSync, writeSync } from 'node:fs'
import { encodeZone } from '../core/dnssec/kept-zone.ts'
import type { Zone } from '../core/zone/zone.ts'

/** Gives its length. What of it a power cut takes is signed again. */
export function writeKeptZone(path: string, zone: Zone): number {
  const fd = openSync(path, 'w', 0o600)
  let octets = 0
  try {
    for (const piece of encodeZone(zone)) {
      for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at)
      octets += piece.length
    }
  } finally {
    closeSync(fd)
  }
  return octets
}
