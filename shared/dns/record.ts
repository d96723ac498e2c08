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
