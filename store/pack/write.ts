// Writes packs entry by entry: what is stored deflated goes in as it is, a base already written is named by distance.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { oidBytes, type Oid } from '../object/oid.ts'
import type { StoredEntry } from '../repository.ts'
import { encodeEntryHeader, encodeOfsDistance, PACK_TYPE } from './entry.ts'

export type PackRow = { readonly oid: Oid; readonly offset: number; readonly crc: number }

/** `header`, then `entry` exactly as often as the header said, then `trailer`. Chunks are for the caller to send in order. */
export class PackWriter {
  readonly rows: PackRow[] = []
  readonly #hash = createHash('sha1')
  readonly #offsets = new Map<Oid, number>()
  #at = 0
  #checksum: Buffer | undefined

  /** SHA-1 of all before it; there once `trailer` was called. */
  get checksum(): Uint8Array {
    return this.#checksum ?? Buffer.alloc(0)
  }

  header(count: number): Uint8Array {
    const bytes = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1')
    bytes.writeUInt32BE(count, 8)
    this.#hash.update(bytes)
    this.#at = bytes.length
    return bytes
  }

  /** OFS_DELTA when the base stands in this pack already, else REF_DELTA: a thin pack, unless it comes later. */
  entry(entry: StoredEntry): Uint8Array[] {
    const offset = this.#at
    const head = this.#head(entry, offset)
    const { deflated } = entry
    this.#hash.update(head)
    this.#hash.update(deflated)
    this.#offsets.set(entry.oid, offset)
    this.rows.push({ oid: entry.oid, offset, crc: crc32(deflated, crc32(head)) })
    this.#at += head.length + deflated.length
    return [head, deflated]
  }

  trailer(): Uint8Array {
    this.#checksum = this.#hash.digest()
    return this.#checksum
  }

  #head(entry: StoredEntry, offset: number): Uint8Array {
    if (entry.base === undefined) return encodeEntryHeader(PACK_TYPE[entry.type], entry.size)
    const base = this.#offsets.get(entry.base)
    if (base === undefined) {
      return Buffer.concat([
        encodeEntryHeader(PACK_TYPE.REF_DELTA, entry.size),
        oidBytes(entry.base),
      ])
    }
    const distance = encodeOfsDistance(offset - base)
    return Buffer.concat([encodeEntryHeader(PACK_TYPE.OFS_DELTA, entry.size), distance])
  }
}

/** A whole pack at once, for small ones. */
export function writePack(entries: readonly StoredEntry[]): {
  chunks: Uint8Array[]
  rows: readonly PackRow[]
  checksum: Uint8Array
} {
  const writer = new PackWriter()
  const chunks = [writer.header(entries.length)]
  for (const entry of entries) chunks.push(...writer.entry(entry))
  chunks.push(writer.trailer())
  return { chunks, rows: writer.rows, checksum: writer.checksum }
}
