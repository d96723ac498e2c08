// Object ids: SHA-1 over `type size\0content`, held as 40 lower-case hex digits.
import { createHash, hash } from 'node:crypto'

declare const oidBrand: unique symbol
export type Oid = string & { readonly [oidBrand]: true }

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

export type GitObject = { readonly type: ObjectType; readonly bytes: Uint8Array }

/** What `old` and `new` say in a ref update when the ref is absent. */
export const ZERO_OID = '0'.repeat(40) as Oid
const ONE_CALL_BYTES = 4096
/** Where a small object is put together with its header: a new buffer each time would stand among those that stay. */
const copied = Buffer.alloc(ONE_CALL_BYTES + 32)
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' as Oid

export function isOid(text: string): text is Oid {
  return /^[0-9a-f]{40}$/.test(text)
}

export function oidOf(type: ObjectType, bytes: Uint8Array): Oid {
  const header = `${type} ${bytes.length}\0`
  // One call is quickest for small objects; for large ones a copy would cost more than a hash object.
  if (bytes.length < ONE_CALL_BYTES) {
    const headerBytes = copied.write(header, 'latin1')
    copied.set(bytes, headerBytes)
    return hash('sha1', copied.subarray(0, headerBytes + bytes.length), 'hex') as Oid
  }
  return createHash('sha1').update(header).update(bytes).digest('hex') as Oid
}

/** Of an object that is in pieces. */
export function oidOfParts(type: ObjectType, parts: readonly Uint8Array[]): Oid {
  if (parts.length === 1) return oidOf(type, parts[0]!)
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const state = createHash('sha1').update(`${type} ${size}\0`)
  for (const part of parts) state.update(part)
  // SHA-1 in hex is what an id is.
  return state.digest('hex') as Oid
}

/** The 20 bytes at `at` as an id. */
export function oidAt(bytes: Uint8Array, at: number): Oid {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, 20).toString('hex') as Oid
}

export function oidBytes(oid: Oid): Uint8Array {
  return Buffer.from(oid, 'hex')
}
