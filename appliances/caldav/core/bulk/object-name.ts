// The name of a file for an object that is taken from another program's: by its UID, so that a second import of the same
// changes nothing.
import { createHash } from 'node:crypto'
import { fileNameOf } from '../xml/path.ts'

/** `extension` with its dot. */
export function objectName(uid: string, extension: string): string {
  const name = fileNameOf(`${uid}${extension}`, '')
  const isPlain = /^[A-Za-z0-9._@+=-]{1,120}$/.test(uid)
  return name !== undefined && isPlain ? name : hashedName(uid, extension)
}

/** One that no other UID has. */
export function hashedName(uid: string, extension: string): string {
  return `${createHash('sha256').update(uid).digest('hex').slice(0, HASH_DIGITS)}${extension}`
}

const HASH_DIGITS = 40
