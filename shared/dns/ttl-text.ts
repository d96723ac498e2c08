// Times in zone files: plain seconds, or BIND's units as in `1h30m` and `2W`.

/** RFC 2181 §8: a TTL has 31 bits. */
export const TTL_LIMIT_SECONDS = 0x7fff_ffff

/** Seconds; undefined when `text` is no time or does not fit 32 bits. `1h30` is no time: 30 what? */
export function parseTtl(text: string): number | undefined {
  let total = 0
  let number = 0
  let digits = 0
  let hasUnit = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= ZERO && code <= NINE) {
      number = number * 10 + code - ZERO
      if (++digits > DIGITS_LIMIT) return undefined
      continue
    }
    const unit = UNITS[text.charAt(i).toLowerCase()]
    if (unit === undefined || digits === 0) return undefined
    total += number * unit
    number = digits = 0
    hasUnit = true
  }
  if (digits > 0 === hasUnit) return undefined
  total += number
  return total <= 0xffff_ffff ? total : undefined
}

const ZERO = 0x30
const NINE = 0x39
const DIGITS_LIMIT = 10
const UNITS: { readonly [letter: string]: number | undefined } = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
}
