// Templates of `$GENERATE`, BIND's way to write many like records in one line: `$`, `${offset,width,base}`, `$$`, `\$`.
import { err, ok, type Result } from '../result/result.ts'

/** Records that one statement may make. */
export const GENERATE_LIMIT = 65_536
const NUMBER_LIMIT = 0x7fff_ffff
const WIDTH_LIMIT = 255

export type GenerateRange = { readonly start: number; readonly stop: number; readonly step: number }

/** `1-10` or `1-10/2`. */
export function parseRange(text: string): Result<GenerateRange, string> {
  const match = /^([0-9]{1,10})-([0-9]{1,10})(?:\/([0-9]{1,10}))?$/.exec(text)
  if (match === null) return err(`Expected a range such as 1-10 or 1-10/2, found ${text}`)
  const [start, stop, step] = [Number(match[1]), Number(match[2]), Number(match[3] ?? '1')]
  if (stop > NUMBER_LIMIT || step > NUMBER_LIMIT || start > stop || step === 0)
    return err(`Bad range ${text}`)
  if (Math.floor((stop - start) / step) >= GENERATE_LIMIT)
    return err(`Range ${text} makes more than ${GENERATE_LIMIT} records`)
  return ok({ start, stop, step })
}

/** Literal text and places for the number, in turn. */
export type Template = readonly (string | Place)[]
type Place = { readonly offset: number; readonly width: number; readonly base: Base }
type Base = 'd' | 'o' | 'x' | 'X' | 'n' | 'N'

export function parseTemplate(text: string): Result<Template, string> {
  const parts: (string | Place)[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    if (text[at] !== '$' || text[at - 1] === '\\') continue
    parts.push(text.slice(from, at))
    if (text[at + 1] === '$') {
      parts.push('\\$')
      from = ++at + 1
      continue
    }
    if (text[at + 1] !== '{') {
      parts.push({ offset: 0, width: 0, base: 'd' })
      from = at + 1
      continue
    }
    const match = PLACE.exec(text.slice(at, at + PLACE_LIMIT))
    if (match === null || Number(match[2] ?? '0') > WIDTH_LIMIT)
      return err(`Expected \${offset,width,base} in ${text}`)
    const base = (match[3] ?? 'd') as Base
    parts.push({ offset: Number(match[1]), width: Number(match[2] ?? '0'), base })
    from = at + match[0].length
    at = from - 1
  }
  parts.push(text.slice(from))
  return ok(parts)
}

export function fillTemplate(template: Template, number: number): string {
  let text = ''
  for (const part of template) text += typeof part === 'string' ? part : formatPlace(part, number)
  return text
}

function formatPlace({ offset, width, base }: Place, number: number): string {
  const value = number + offset
  switch (base) {
    case 'd': {
      const sign = value < 0 ? '-' : ''
      return sign + String(Math.abs(value)).padStart(width - sign.length, '0')
    }
    case 'o':
      return (value >>> 0).toString(8).padStart(width, '0')
    case 'x':
      return (value >>> 0).toString(16).padStart(width, '0')
    case 'X':
      return (value >>> 0).toString(16).toUpperCase().padStart(width, '0')
    case 'n':
      return nibbles(value, width)
    case 'N':
      return nibbles(value, width).toUpperCase()
  }
}

/** Hexadecimal digits with dots between, the lowest first, as names below ip6.arpa have them. */
function nibbles(value: number, width: number): string {
  // The width counts the dots too.
  const digits = (value >>> 0).toString(16).padStart(Math.ceil(width / 2), '0')
  const text = digits.split('').toReversed().join('.')
  return width > text.length ? `${text}.` : text
}

const PLACE = /^\$\{([+-]?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?\}/
const PLACE_LIMIT = 32
