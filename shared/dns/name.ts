// Domain names in wire form (RFC 1035 §3.1) held as latin1 strings: `\x03www\x07example\x03org\x00`.
// A string makes names cheap map keys and one-call copies into packets; every octet 0–255 is kept.
import { err, ok, type Result } from '../result/result.ts'

declare const nameBrand: unique symbol
/** One length octet before each label, closed by the empty root label; at most 255 octets. */
export type Name = string & { readonly [nameBrand]: true }

export const ROOT = '\0' as Name
const NAME_LIMIT_OCTETS = 255
const LABEL_LIMIT_OCTETS = 63
const DOT = 0x2e
const BACKSLASH = 0x5c
/** Where `parseName` puts a name together; one label may stand beyond the limit before it is refused. */
const SCRATCH = Buffer.alloc(2 * NAME_LIMIT_OCTETS + 2)

/** Parses presentation form (`\.`, `\DDD` escapes, RFC 1035 §5.1). A name without final dot is completed by `origin`. */
export function parseName(text: string, origin: Name = ROOT): Result<Name, string> {
  if (text === '@') return ok(origin)
  if (text === '.') return ok(ROOT)
  if (text === '') return err('empty name')
  let at = 1
  let lengthAt = 0
  for (let i = 0; i < text.length; i++) {
    let octet = text.charCodeAt(i)
    if (octet === DOT) {
      const length = at - lengthAt - 1
      if (length === 0) return err(`empty label in "${text}"`)
      if (length > LABEL_LIMIT_OCTETS) return err(`label longer than 63 octets in "${text}"`)
      SCRATCH[lengthAt] = length
      lengthAt = at++
      continue
    }
    if (octet === BACKSLASH) {
      const digits = text.slice(i + 1, i + 4)
      if (/^[0-9]/.test(digits)) {
        if (!/^[0-9]{3}$/.test(digits) || Number(digits) > 255)
          return err(`bad escape in "${text}"`)
        octet = Number(digits)
        i += 3
      } else if (i + 1 < text.length) {
        octet = text.charCodeAt(++i)
        if (octet > 255) return err(`bad escape in "${text}"`)
      } else return err(`"${text}" ends in a backslash`)
    } else if (octet > 126 || octet < 33) {
      return err(
        `octet outside printable ASCII in "${text}" (write it as \\DDD, or the name in punycode)`,
      )
    }
    if (at > NAME_LIMIT_OCTETS) return err(`name longer than 255 octets: "${text}"`)
    SCRATCH[at++] = octet
  }
  const length = at - lengthAt - 1
  if (length > LABEL_LIMIT_OCTETS) return err(`label longer than 63 octets in "${text}"`)
  SCRATCH[lengthAt] = length
  // An empty last label is what stands behind a final dot: then the name is absolute.
  const tail = length === 0 ? ROOT : origin
  if (length === 0) at = lengthAt
  if (at + tail.length > NAME_LIMIT_OCTETS) return err(`name longer than 255 octets: "${text}"`)
  // Through octets, since a name put together from pieces is a rope that every reader has to flatten first.
  for (let i = 0; i < tail.length; i++) SCRATCH[at++] = tail.charCodeAt(i)
  return ok(SCRATCH.toString('latin1', 0, at) as Name)
}

/** Absolute presentation form with a final dot; specials escaped so that `parseName` gives the same octets back. */
export function formatName(name: Name): string {
  if (name === ROOT) return '.'
  let text = ''
  for (let at = 0; name.charCodeAt(at) !== 0;) {
    const end = at + 1 + name.charCodeAt(at)
    for (let i = at + 1; i < end; i++) text += formatOctet(name.charCodeAt(i))
    text += '.'
    at = end
  }
  return text
}

/** Lower-cased (ASCII only, RFC 4343): the form used as a map key. */
export function canonicalName(name: Name): Name {
  // No length octet (1–63) is a letter, so folding the whole string never touches one.
  return /[A-Z]/.test(name)
    ? (name.replace(/[A-Z]+/g, (upper) => upper.toLowerCase()) as Name)
    : name
}

/** The name without its first label; the root has no parent. */
export function parentName(name: Name): Name | undefined {
  return name === ROOT ? undefined : (name.slice(1 + name.charCodeAt(0)) as Name)
}

/** Whether `name` is `ancestor` or below it. Both canonical. */
export function isAtOrBelow(name: Name, ancestor: Name): boolean {
  if (!name.endsWith(ancestor)) return false
  const stop = name.length - ancestor.length
  let at = 0
  while (at < stop) at += 1 + name.charCodeAt(at)
  return at === stop
}

/** Number of labels, the root not counted; a leading `*` counts. */
export function labelCount(name: Name): number {
  let count = 0
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at)) count++
  return count
}

/** `*` put before a name. */
export function wildcardOf(name: Name): Name {
  return `\x01*${name}` as Name
}

/**
 * Reads a possibly compressed name (RFC 1035 §4.1.4) at `at` of `message`; pointers must point backwards, so
 * the work is bounded. `next` is the offset behind the name in the message.
 */
export function decodeName(
  message: Uint8Array,
  at: number,
): Result<{ name: Name; next: number }, 'truncated' | 'bad-label' | 'bad-pointer' | 'too-long'> {
  let wire = ''
  let next = -1
  let lowest = at
  for (;;) {
    const length = message[at]
    if (length === undefined) return err('truncated')
    if (length === 0) break
    if (length >= 0xc0) {
      const low = message[at + 1]
      if (low === undefined) return err('truncated')
      if (next < 0) next = at + 2
      const target = ((length & 0x3f) << 8) | low
      if (target >= lowest) return err('bad-pointer')
      lowest = at = target
      continue
    }
    if (length > LABEL_LIMIT_OCTETS) return err('bad-label')
    if (at + 1 + length > message.length) return err('truncated')
    for (let i = at; i <= at + length; i++) wire += String.fromCharCode(message[i]!)
    if (wire.length >= NAME_LIMIT_OCTETS) return err('too-long')
    at += 1 + length
  }
  return ok({ name: (wire + ROOT) as Name, next: next < 0 ? at + 1 : next })
}

/** Offset behind the possibly compressed name at `at`, or -1 for a broken one; pointers are not followed. */
export function skipName(message: Uint8Array, at: number): number {
  for (let length = 0; length <= NAME_LIMIT_OCTETS;) {
    const label = message[at]
    if (label === undefined) return -1
    if (label === 0) return at + 1
    if (label >= 0xc0) return at + 2
    if (label > LABEL_LIMIT_OCTETS) return -1
    at += label + 1
    length += label + 1
  }
  return -1
}

function formatOctet(octet: number): string {
  if (octet < 33 || octet > 126) return `\\${String(octet).padStart(3, '0')}`
  const char = String.fromCharCode(octet)
  return '.\\"();@$'.includes(char) ? `\\${char}` : char
}
