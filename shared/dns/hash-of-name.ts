// A hash of canonical names, the same of a name and of its octets.
import type { Name } from './name.ts'

/** Of a canonical name; from its end on, so that the names above come by on the way. */
export function hashOfName(name: Name): number {
  let hash = HASH_START
  for (let i = name.length - 1; i >= 0; i--)
    hash = Math.imul(hash ^ name.charCodeAt(i), HASH_FACTOR)
  return mix(hash)
}

/** The same of `length` octets. */
export function hashOfOctets(bytes: Uint8Array, at: number, length: number): number {
  let hash = HASH_START
  for (let i = at + length - 1; i >= at; i--) hash = Math.imul(hash ^ bytes[i]!, HASH_FACTOR)
  return mix(hash)
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const HASH_START = 0x811c9dc5 | 0
const HASH_FACTOR = 0x01000193
