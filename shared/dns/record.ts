// Resource records as every DNS appliance holds them: rdata is uncompressed wire form.
import type { Name } from './name.ts'

export type Record = {
  /** Spelling as written; compare through `canonicalName`. */
  readonly owner: Name
  /** RR type number, see record-types.ts. */
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
}

/** All records of one owner and type: one TTL (RFC 2181 §5.2), no two equal rdata. */
export type RRset = {
  readonly owner: Name
  readonly type: number
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
}
