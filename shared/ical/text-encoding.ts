// Octets to text: UTF-8 only, with the fold that stands inside a character (RFC 5545 section 3.1 lets one) moved behind it.
import { isUtf8 } from 'node:buffer'
import { err, ok, type Result } from '../result/result.ts'
import type { LineProblem } from './content-line.ts'

export function decodeText(bytes: Uint8Array): Result<string, LineProblem> {
  if (isUtf8(bytes)) return ok(toText(bytes))
  const moved = moveFolds(bytes)
  if (isUtf8(moved)) return ok(toText(moved))
  return err({ line: lineOfFault(bytes), message: 'not UTF-8' })
}

/** A copy for keeping: a piece of a text keeps all of that text in memory. */
export function detached(piece: string): string {
  return piece.length < PIECE_CHARS ? piece : Buffer.from(piece, 'utf8').toString('utf8')
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** Continuation octets right behind a fold go in front of it, so that lines keep their numbers. */
function moveFolds(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length;) {
    const fold = foldLength(bytes, at)
    let end = at + fold
    if (fold > 0)
      while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) out[length++] = bytes[end++]!
    for (let i = 0; i < Math.max(fold, 1); i++) out[length++] = bytes[at + i]!
    at = Math.max(end, at + 1)
  }
  return out
}

/** Octets of CRLF and white space, or LF and white space, at `at`; 0 when there is no fold. */
function foldLength(bytes: Uint8Array, at: number): number {
  const newline = bytes[at] === CR ? at + 1 : at
  if (bytes[newline] !== LF) return 0
  const space = bytes[newline + 1]
  return space === SPACE || space === TAB ? newline + 2 - at : 0
}

function lineOfFault(bytes: Uint8Array): number {
  let line = 1
  let start = 0
  for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
    if (!isUtf8(bytes.subarray(start, end))) return line
    line++
    start = end + 1
  }
  return line
}

/** Shorter ones are copied by the engine itself. */
const PIECE_CHARS = 13
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
