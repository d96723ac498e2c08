// The id of a large object that is an edit of another of the same size: hashing goes on from the last mark before the
// first byte that differs. A file replaced in a folder of 10,000 would otherwise cost 400 kB of SHA-1 with every commit.
import { createHash, type Hash } from 'node:crypto'
import type { ObjectType, Oid } from './oid.ts'

/** Distance of the marks: each is a hash state of its own, about as large as what it saves is quick to hash. */
const MARK_BYTES = 32_768
/** Smaller objects are hashed at once. */
export const RESUMABLE_MIN_BYTES: number = 4 * MARK_BYTES

export class ResumableHash {
  readonly oid: Oid
  readonly size: number
  /** `#marks[i]` is the state before byte `i * MARK_BYTES` of the content. */
  readonly #marks: readonly Hash[]

  /** Hashes from the last of the marks given to the end. */
  private constructor(bytes: Uint8Array, from: readonly Hash[]) {
    const marks = [...from]
    let state = marks.at(-1)!.copy()
    for (let at = (marks.length - 1) * MARK_BYTES; ; at += MARK_BYTES) {
      const end = Math.min(at + MARK_BYTES, bytes.length)
      state.update(bytes.subarray(at, end))
      if (end === bytes.length) break
      marks.push(state)
      state = state.copy()
    }
    // SHA-1 in hex is what an id is.
    this.oid = state.digest('hex') as Oid
    this.size = bytes.length
    this.#marks = marks
  }

  static of(type: ObjectType, bytes: Uint8Array): ResumableHash {
    return new ResumableHash(bytes, [createHash('sha1').update(`${type} ${bytes.length}\0`)])
  }

  /** For content of the same type and size whose first `sameBytes` are the same. */
  resume(bytes: Uint8Array, sameBytes: number): ResumableHash {
    // The state at the very end is no mark, so one that lies there is not asked for.
    const count = Math.min(Math.floor(sameBytes / MARK_BYTES) + 1, this.#marks.length)
    return new ResumableHash(bytes, this.#marks.slice(0, count))
  }
}
