// Words and names of a zone's text as octets, where nothing is escaped.
import { KINDS, WORD } from './zone-text-lexer.ts'

const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63

/** Behind the word at `at`, which is `at` itself when none is there. */
export function wordEnd(text: Uint8Array, at: number): number {
  let end = at
  while (end < text.length && KINDS[text[end]!] === WORD) end++
  return end
}

/**
 * Wire form of the name in `[start, end)` to `out` from `to` on, spelled as it is; the offset behind it, or -1 for a name
 * that is wrong, or too strange for here.
 */
export function writeName(
  text: Uint8Array,
  start: number,
  end: number,
  origin: Uint8Array,
  out: Uint8Array,
  to: number,
): number {
  let at = to + 1
  let lengthAt = to
  const first = text[start]!
  if (end - start === 1 && (first === AT_SIGN || first === DOT)) {
    if (first === DOT) out[to] = 0
    else for (let i = 0; i < origin.length; i++) out[to + i] = origin[i]!
    return first === DOT ? to + 1 : to + origin.length
  }
  if (end - start > NAME_LIMIT_OCTETS) return -1
  for (let i = start; i < end; i++) {
    const octet = text[i]!
    if (octet === DOT) {
      const length = at - lengthAt - 1
      if (length === 0 || length > LABEL_LIMIT_OCTETS) return -1
      out[lengthAt] = length
      lengthAt = at++
    } else if (octet > 126 || octet < 33) return -1
    else {
      if (at - to >= NAME_LIMIT_OCTETS) return -1
      out[at++] = octet
    }
  }
  const length = at - lengthAt - 1
  if (length > LABEL_LIMIT_OCTETS) return -1
  if (length === 0) {
    if (at - to > NAME_LIMIT_OCTETS) return -1
    out[lengthAt] = 0
    return at
  }
  out[lengthAt] = length
  if (at - to + origin.length > NAME_LIMIT_OCTETS) return -1
  for (let i = 0; i < origin.length; i++) out[at++] = origin[i]!
  return at
}

const DOT = 0x2e
const AT_SIGN = 0x40
