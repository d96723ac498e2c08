// Git's deltas (gitformat-pack "Deltified representation"): copy and insert instructions that turn a base into a target.
import { err, ok, type Result } from '../../shared/result/result.ts'

export type DeltaError =
  | { readonly kind: 'delta-truncated' }
  | { readonly kind: 'delta-base-size'; readonly expected: number; readonly actual: number }
  | { readonly kind: 'delta-result-size'; readonly expected: number; readonly actual: number }
  | { readonly kind: 'delta-out-of-base' }
  | { readonly kind: 'delta-reserved-instruction' }
  | { readonly kind: 'delta-too-large'; readonly size: number }

/** One copy instruction reaches this far; one insert carries 127 bytes. */
const COPY_LIMIT_BYTES = 0xffffff
const INSERT_LIMIT_BYTES = 127

/** The sizes a delta states, and where its instructions begin. */
export function deltaSizes(
  delta: Uint8Array,
): Result<{ base: number; result: number; next: number }, DeltaError> {
  const base = readSize(delta, 0)
  const result = base && readSize(delta, base.next)
  if (base === undefined || result === undefined) return err({ kind: 'delta-truncated' })
  return ok({ base: base.size, result: result.size, next: result.next })
}

/** The target; refused when it would be larger than `limitBytes` or an instruction reaches outside. */
export function applyDelta(
  base: Uint8Array,
  delta: Uint8Array,
  limitBytes: number,
): Result<Uint8Array, DeltaError> {
  const sizes = deltaSizes(delta)
  if (!sizes.ok) return sizes
  const { base: baseSize, result: size } = sizes.value
  if (baseSize !== base.length) {
    return err({ kind: 'delta-base-size', expected: baseSize, actual: base.length })
  }
  if (size > limitBytes) return err({ kind: 'delta-too-large', size })
  const target = Buffer.allocUnsafe(size)
  let at = sizes.value.next
  let done = 0
  while (at < delta.length) {
    const op = delta[at++]!
    if (op === 0) return err({ kind: 'delta-reserved-instruction' })
    let from = delta
    let start = at
    let length = op
    if (op & 0x80) {
      from = base
      start = 0
      length = 0
      for (let i = 0; i < 4; i++) if (op & (1 << i)) start += delta[at++]! * 2 ** (8 * i)
      for (let i = 0; i < 3; i++) if (op & (16 << i)) length += delta[at++]! * 2 ** (8 * i)
      if (at > delta.length) return err({ kind: 'delta-truncated' })
      if (length === 0) length = 0x10000
      if (start + length > base.length) return err({ kind: 'delta-out-of-base' })
    } else {
      at += length
      if (at > delta.length) return err({ kind: 'delta-truncated' })
    }
    if (done + length > size) {
      return err({ kind: 'delta-result-size', expected: size, actual: done + length })
    }
    target.set(from.subarray(start, start + length), done)
    done += length
  }
  if (done !== size) return err({ kind: 'delta-result-size', expected: size, actual: done })
  return ok(target)
}

/** Writes a delta instruction by instruction; neighbouring copies are joined. */
export class DeltaBuilder {
  readonly #baseSize: number
  readonly #parts: Uint8Array[] = []
  #copyFrom = 0
  #copyLength = 0

  constructor(baseSize: number) {
    this.#baseSize = baseSize
  }

  copy(offset: number, length: number): void {
    if (length === 0) return
    if (this.#copyLength > 0 && this.#copyFrom + this.#copyLength === offset) {
      this.#copyLength += length
      return
    }
    this.#flushCopy()
    this.#copyFrom = offset
    this.#copyLength = length
  }

  insert(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#flushCopy()
    for (let at = 0; at < bytes.length; at += INSERT_LIMIT_BYTES) {
      const piece = bytes.subarray(at, at + INSERT_LIMIT_BYTES)
      this.#parts.push(Uint8Array.of(piece.length), piece)
    }
  }

  finish(resultSize: number): Uint8Array {
    this.#flushCopy()
    return Buffer.concat([sizeBytes(this.#baseSize), sizeBytes(resultSize), ...this.#parts])
  }

  #flushCopy(): void {
    while (this.#copyLength > 0) {
      const length = Math.min(this.#copyLength, COPY_LIMIT_BYTES)
      this.#parts.push(copyInstruction(this.#copyFrom, length))
      this.#copyFrom += length
      this.#copyLength -= length
    }
  }
}

function copyInstruction(offset: number, length: number): Uint8Array {
  const bytes = [0x80]
  for (let i = 0; i < 4; i++) {
    const byte = Math.floor(offset / 2 ** (8 * i)) & 0xff
    if (byte === 0) continue
    bytes[0]! |= 1 << i
    bytes.push(byte)
  }
  for (let i = 0; i < 3; i++) {
    // 0x10000 is what no length bytes at all mean.
    const byte = length === 0x10000 ? 0 : (length >> (8 * i)) & 0xff
    if (byte === 0) continue
    bytes[0]! |= 16 << i
    bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

function readSize(bytes: Uint8Array, at: number): { size: number; next: number } | undefined {
  let size = 0
  for (let shift = 0; shift <= 49; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined) return undefined
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { size, next: at }
  }
  return undefined
}

function sizeBytes(size: number): Uint8Array {
  const bytes: number[] = []
  for (; size >= 0x80; size = Math.floor(size / 128)) bytes.push((size & 0x7f) | 0x80)
  bytes.push(size)
  return Uint8Array.from(bytes)
}
