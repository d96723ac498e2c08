// The position of a LOC record (RFC 1876): degrees, minutes and seconds, altitude and precision in metres.
import { readU32, type RdataTokens } from './rdata-text.ts'
import { fixed, type Field } from './rdata-fields.ts'

/** Version 0 in all its 16 octets; other versions have no text form and pass as they are. */
export const location: Field = {
  parse(tokens, out) {
    out.u8(0)
    const latitude = parseAngle(tokens, { limitDegrees: 90, positive: 'N', negative: 'S' })
    const longitude = parseAngle(tokens, { limitDegrees: 180, positive: 'E', negative: 'W' })
    const altitude = parseMetres(tokens, tokens.next())
    if (altitude < -ALTITUDE_BASE_CM || altitude + ALTITUDE_BASE_CM > 0xffff_ffff)
      tokens.fail('Altitude outside -100000.00 to 42849672.95 m')
    for (const preset of [0x12, 0x16, 0x13])
      out.u8(tokens.hasMore ? parsePrecision(tokens) : preset)
    out.u32(EQUATOR + latitude)
    out.u32(EQUATOR + longitude)
    out.u32(altitude + ALTITUDE_BASE_CM)
  },
  next(bytes, at) {
    if (at < bytes.length && bytes[at] !== 0) return bytes.length
    const end = fixed(16)(bytes, at)
    if (end < 0) return -1
    for (const precision of bytes.subarray(at + 1, at + 4))
      if (precision >>> 4 > 9 || (precision & 15) > 9) return -1
    if (Math.abs(readU32(bytes, at + 4) - EQUATOR) > 90 * DEGREE) return -1
    return Math.abs(readU32(bytes, at + 8) - EQUATOR) > 180 * DEGREE ? -1 : end
  },
  format(bytes, at) {
    if (bytes[at] !== 0) return undefined
    const precisions = [...bytes.subarray(at + 1, at + 4)]
    // Nothing times a power of ten is nothing: only one of these octets comes back from text.
    if (precisions.some((p) => p >>> 4 === 0 && p !== 0)) return undefined
    const latitude = formatAngle(readU32(bytes, at + 4) - EQUATOR, 'N', 'S')
    const longitude = formatAngle(readU32(bytes, at + 8) - EQUATOR, 'E', 'W')
    const altitude = formatMetres(readU32(bytes, at + 12) - ALTITUDE_BASE_CM)
    const sizes = precisions.map((p) => formatMetres((p >>> 4) * 10 ** (p & 15)))
    return [latitude, longitude, altitude, ...sizes].join(' ')
  },
}

type Axis = {
  readonly limitDegrees: number
  readonly positive: string
  readonly negative: string
}

/** Thousandths of a second of arc, north and east positive. */
function parseAngle(tokens: RdataTokens, axis: Axis): number {
  let total = 0
  for (const { unit, limit, pattern } of ANGLE_PARTS) {
    const token = tokens.next()
    const direction = token.toUpperCase()
    if (unit !== DEGREE && (direction === axis.positive || direction === axis.negative))
      return signed(total, direction, axis)
    const value = pattern.test(token) ? Number(token) : Infinity
    if (value >= (unit === DEGREE ? axis.limitDegrees + 1 : limit)) {
      tokens.fail(`Expected degrees, minutes and seconds, found ${token}`)
      return 0
    }
    total += Math.round(value * unit)
  }
  const direction = tokens.next().toUpperCase()
  if (direction !== axis.positive && direction !== axis.negative)
    tokens.fail(`Expected ${axis.positive} or ${axis.negative}, found ${direction}`)
  if (total > axis.limitDegrees * DEGREE) tokens.fail(`Angle beyond ${axis.limitDegrees} degrees`)
  return signed(total, direction, axis)
}

function signed(total: number, direction: string, axis: Axis): number {
  return direction === axis.negative ? -total : total
}

function formatAngle(angle: number, positive: string, negative: string): string {
  const size = Math.abs(angle)
  const degrees = Math.floor(size / DEGREE)
  const minutes = Math.floor(size / MINUTE) % 60
  const seconds = (size % MINUTE) / SECOND
  return `${degrees} ${minutes} ${seconds.toFixed(3)} ${angle < 0 ? negative : positive}`
}

/** Centimetres. */
function parseMetres(tokens: RdataTokens, token: string): number {
  const match = /^(-?)([0-9]{1,8})(?:\.([0-9]{1,2}))?m?$/i.exec(token)
  if (match === null) {
    tokens.fail(`Expected metres such as 12.50m, found ${token}`)
    return 0
  }
  const size = Number(match[2]) * 100 + Number((match[3] ?? '').padEnd(2, '0'))
  return match[1] === '-' ? -size : size
}

function formatMetres(centimetres: number): string {
  return `${(centimetres / 100).toFixed(2)}m`
}

/** One digit and a power of ten, in centimetres; further digits are lost. */
function parsePrecision(tokens: RdataTokens): number {
  let mantissa = parseMetres(tokens, tokens.next())
  if (mantissa < 0 || mantissa > PRECISION_LIMIT_CM)
    tokens.fail('Precision outside 0.00 to 90000000.00 m')
  let exponent = 0
  for (; mantissa > 9 && exponent < 9; exponent++) mantissa = Math.floor(mantissa / 10)
  return (mantissa << 4) | exponent
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const DEGREE = 60 * MINUTE
const EQUATOR = 0x8000_0000
const ALTITUDE_BASE_CM = 10_000_000
const PRECISION_LIMIT_CM = 9_000_000_000
const ANGLE_PARTS: readonly {
  readonly unit: number
  readonly limit: number
  readonly pattern: RegExp
}[] = [
  { unit: DEGREE, limit: 0, pattern: /^[0-9]{1,3}$/ },
  { unit: MINUTE, limit: 60, pattern: /^[0-9]{1,2}$/ },
  { unit: SECOND, limit: 60, pattern: /^[0-9]{1,2}(?:\.[0-9]{1,3})?$/ },
]
