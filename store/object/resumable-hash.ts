// The id of a large object that is an edit of another of the same size: hashing goes on from before the first piece that
// differs. A file replaced in a folder of 10,000 would otherwise cost 400 kB of SHA-1 with every commit.
import { createHash, type Hash } from 'node:crypto'
import type { ObjectType, Oid } from './oid.ts'

/** Smaller objects are hashed at once. */
export const RESUMABLE_MIN_BYTES: number = 131_072

export class ResumableHash {
  readonly oid: Oid
  readonly size: number
  /** `#marks[i]` is the state before piece `i`: as large as some 20 kB are quick to hash. */
  readonly #marks: readonly Hash[]

  /** Hashes from the last of the marks given to the end. */
  private constructor(parts: readonly Uint8Array[], from: readonly Hash[], size: number) {
    const marks = [...from]
    let state = marks.at(-1)!.copy()
    for (let i = marks.length - 1; i < parts.length; i++) {
      state.update(parts[i]!)
      if (i === parts.length - 1) break
      marks.push(state)
      state = state.copy()
    }
    // SHA-1 in hex is what an id is.
    this.oid = state.digest('hex') as Oid
    this.size = size
    this.#marks = marks
  }

  static of(type: ObjectType, parts: readonly Uint8Array[]): ResumableHash {
    const size = parts.reduce((sum, { length }) => sum + length, 0)
    const start = createHash('sha1').update(`${type} ${size}\0`)
    return new ResumableHash(parts, [start], size)
  }

  /** For content of the same type and size whose first `sameParts` pieces are the same. */
  resume(parts: readonly Uint8Array[], sameParts: number): ResumableHash {
    return new ResumableHash(parts, this.#marks.slice(0, sameParts + 1), this.size)
  }
}
