// Service parameters of SVCB and HTTPS records (RFC 9460 §2.1, §7, §8, appendix A; dohpath RFC 9461 §5, ohttp RFC 9540 §4).
// Text may name keys in any order; wire form has them sorted, each once.
import {
  fixed,
  formatIpv4,
  formatIpv6,
  writeBase64,
  writeIpv4,
  writeIpv6,
  type Field,
} from './rdata-fields.ts'
import {
  formatString,
  octetText,
  readU16,
  tokenOctets,
  type RdataTokens,
  type RdataWriter,
} from './rdata-text.ts'

export const SVCB_KEY = {
  MANDATORY: 0,
  ALPN: 1,
  NO_DEFAULT_ALPN: 2,
  PORT: 3,
  IPV4HINT: 4,
  ECH: 5,
  IPV6HINT: 6,
  DOHPATH: 7,
  OHTTP: 8,
} as const

export const svcParams: Field = {
  parse(tokens, out) {
    const values = new Map<number, Uint8Array>()
    while (tokens.hasMore && tokens.fault === undefined) parseParam(tokens, values, out)
    if (tokens.fault !== undefined) return
    for (const [key, value] of [...values].sort(([a], [b]) => a - b)) {
      out.u16(key)
      out.u16(value.length)
      out.bytes(value)
    }
    const fault = clash(values)
    if (fault !== undefined) tokens.fail(fault)
  },
  next(bytes, at) {
    const values = new Map<number, Uint8Array>()
    let last = -1
    while (at < bytes.length) {
      if (at + 4 > bytes.length) return -1
      const key = readU16(bytes, at)
      const start = at + 4
      at = start + readU16(bytes, at + 2)
      if (key <= last || key === INVALID_KEY || at > bytes.length) return -1
      const value = bytes.subarray(start, at)
      if (KINDS[key]?.isValid(value) === false) return -1
      values.set(key, value)
      last = key
    }
    return clash(values) === undefined ? at : -1
  },
  format(bytes, at, end) {
    const texts: string[] = []
    while (at < end) {
      const key = readU16(bytes, at)
      const start = at + 4
      at = start + readU16(bytes, at + 2)
      const value = bytes.subarray(start, at)
      const text = (KINDS[key] ?? opaque).format(value)
      texts.push(text === '' ? keyText(key) : `${keyText(key)}=${text}`)
    }
    return texts.join(' ')
  },
}

/** How one key's value is written; octets are one character each. */
type Kind = {
  readonly parse: (octets: string, tokens: RdataTokens, out: RdataWriter) => void
  readonly isValid: (value: Uint8Array) => boolean
  /** '' for a key without a value. */
  readonly format: (value: Uint8Array) => string
}

function parseParam(tokens: RdataTokens, values: Map<number, Uint8Array>, out: RdataWriter): void {
  const token = tokens.next()
  const equals = token.indexOf('=')
  const name = equals < 0 ? token : token.slice(0, equals)
  const key = keyNumber(name)
  if (key === undefined) return tokens.fail(`Unknown service parameter ${name}`)
  if (values.has(key)) return tokens.fail(`${name} is given twice`)
  const octets = equals < 0 ? '' : tokenOctets(token.slice(equals + 1), tokens)
  const start = out.at
  const kind = KINDS[key]
  if (octets === '' && kind?.isValid(NOTHING) === false) return tokens.fail(`${name} needs a value`)
  if (kind === undefined) out.latin1(octets)
  else kind.parse(octets, tokens, out)
  if (out.overflowed) tokens.fail(`${name} is longer than the record may be`)
  const value = out.take(start)
  if (kind?.isValid(value) === false) tokens.fail(`Bad value in ${token}`)
  values.set(key, value)
}

/** What one key says of the others. */
function clash(values: ReadonlyMap<number, Uint8Array>): string | undefined {
  const mandatory = values.get(SVCB_KEY.MANDATORY) ?? NOTHING
  for (let at = 0; at < mandatory.length; at += 2) {
    const key = readU16(mandatory, at)
    if (!values.has(key)) return `${keyText(key)} is mandatory but not given`
  }
  if (values.has(SVCB_KEY.NO_DEFAULT_ALPN) && !values.has(SVCB_KEY.ALPN))
    return 'no-default-alpn needs alpn beside it'
  return undefined
}

function keyText(key: number): string {
  return KEY_TEXTS.get(key) ?? `key${key}`
}

function keyNumber(text: string): number | undefined {
  const known = KEY_NUMBERS.get(text)
  if (known !== undefined) return known
  const digits = /^key(0|[1-9][0-9]{0,4})$/.exec(text)?.[1]
  return digits === undefined || Number(digits) >= INVALID_KEY ? undefined : Number(digits)
}

/** Splits at commas that have no backslash before them (RFC 9460 appendix A.1). */
function splitList(octets: string): string[] {
  const items = ['']
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] === ',') items.push('')
    else {
      if (octets[i] === '\\' && i + 1 < octets.length) i++
      items[items.length - 1] += octets[i]!
    }
  }
  return items
}

function isAlpn(value: Uint8Array): boolean {
  let at = 0
  while (at < value.length) {
    if (value[at] === 0) return false
    at += 1 + value[at]!
  }
  return value.length > 0 && at === value.length
}

function isMandatory(value: Uint8Array): boolean {
  let last: number = SVCB_KEY.MANDATORY
  for (let at = 0; at + 2 <= value.length; at += 2) {
    const key = readU16(value, at)
    if (key <= last || key === INVALID_KEY) return false
    last = key
  }
  return value.length > 0 && value.length % 2 === 0
}

/** A path template with the variable that takes the query: `/dns-query{?dns}`. */
function isDohPath(value: Uint8Array): boolean {
  const path = octetText(value, 0, value.length)
  // One expression at a time: a pattern over the whole would try every pair of braces with every word.
  const expressions = path.startsWith('/') ? (path.match(/\{[^{}]*\}/g) ?? []) : []
  return expressions.some((expression) => /\bdns\b/.test(expression))
}

function addresses(octets: number, write: typeof writeIpv4, format: typeof formatIpv4): Kind {
  return {
    parse(text, tokens, out) {
      for (const item of text.split(','))
        if (!write(item, out)) tokens.fail(`Expected addresses with commas between, found ${text}`)
    },
    isValid: (value) => value.length > 0 && value.length % octets === 0,
    format(value) {
      const texts: string[] = []
      for (let at = 0; at < value.length; at += octets) texts.push(format(value, at))
      return texts.join(',')
    },
  }
}

const INVALID_KEY = 65_535
const NOTHING = new Uint8Array(0)

const opaque: Kind = {
  parse: (octets, _tokens, out) => out.latin1(octets),
  isValid: () => true,
  format: (value) => (value.length === 0 ? '' : formatString(value, 0, value.length)),
}

const empty: Kind = { ...opaque, isValid: (value) => value.length === 0 }

const KINDS: { readonly [key: number]: Kind | undefined } = {
  [SVCB_KEY.MANDATORY]: {
    parse(octets, tokens, out) {
      const keys = octets.split(',').map(keyNumber)
      if (keys.includes(undefined)) return tokens.fail(`Unknown service parameter in ${octets}`)
      for (const key of keys.map(Number).sort((a, b) => a - b)) out.u16(key)
    },
    isValid: isMandatory,
    format(value) {
      const texts: string[] = []
      for (let at = 0; at < value.length; at += 2) texts.push(keyText(readU16(value, at)))
      return texts.join(',')
    },
  },
  [SVCB_KEY.ALPN]: {
    parse(octets, tokens, out) {
      for (const item of splitList(octets)) {
        if (item === '' || item.length > 255) tokens.fail(`Bad protocol name in alpn ${octets}`)
        out.u8(item.length)
        out.latin1(item)
      }
    },
    isValid: isAlpn,
    format(value) {
      const items: string[] = []
      for (let at = 0; at < value.length; at += 1 + value[at]!)
        items.push(octetText(value, at + 1, at + 1 + value[at]!).replaceAll(/[\\,]/g, '\\$&'))
      const list = Buffer.from(items.join(','), 'latin1')
      return formatString(list, 0, list.length)
    },
  },
  [SVCB_KEY.NO_DEFAULT_ALPN]: empty,
  [SVCB_KEY.PORT]: {
    parse(octets, tokens, out) {
      if (!/^[0-9]{1,5}$/.test(octets) || Number(octets) > 0xffff)
        tokens.fail(`Expected a port number, found ${octets}`)
      else out.u16(Number(octets))
    },
    isValid: (value) => fixed(2)(value, 0) === value.length,
    format: (value) => String(readU16(value, 0)),
  },
  [SVCB_KEY.IPV4HINT]: addresses(4, writeIpv4, formatIpv4),
  [SVCB_KEY.ECH]: {
    parse: writeBase64,
    isValid: (value) => value.length > 0,
    format: (value) => Buffer.from(value).toString('base64'),
  },
  [SVCB_KEY.IPV6HINT]: addresses(16, writeIpv6, formatIpv6),
  [SVCB_KEY.DOHPATH]: { ...opaque, isValid: isDohPath },
  [SVCB_KEY.OHTTP]: empty,
}

const KEY_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries(SVCB_KEY).map(([name, key]) => [name.toLowerCase().replaceAll('_', '-'), key]),
)
const KEY_TEXTS: ReadonlyMap<number, string> = new Map(
  [...KEY_NUMBERS].map(([name, key]) => [key, name]),
)
