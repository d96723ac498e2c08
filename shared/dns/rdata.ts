// Record data between presentation form and wire form, for every type (RFC 1035 §5.1, RFC 3597 §5 and each type's own).
// Wire form is uncompressed throughout.
import { err, ok, type Result } from '../result/result.ts'
import { hexText, nameAt } from './rdata-fields.ts'
import { shapeOf, type Shape } from './rdata-shapes.ts'
import { RDATA_LIMIT_OCTETS, RdataTokens, RdataWriter } from './rdata-text.ts'
import { typeText } from './record-types.ts'
import type { Name } from './name.ts'

/**
 * `tokens` are the words of the data as they stand in a zone file, with quotes and escapes; relative names end in
 * `origin`. The generic form (`\# 4 C0000201`) is taken for every type and checked for the known ones.
 * The error is a sentence that names type and field.
 */
export function parseRdata(
  type: number,
  tokens: readonly string[],
  origin: Name,
): Result<Uint8Array, string> {
  if (tokens[0] === '\\#') return parseGeneric(type, tokens)
  const shape = shapeOf(type)
  if (shape === undefined)
    return err(`${typeText(type)} has no text form here: write it as \\# length hexadecimal`)
  const reader = new RdataTokens(tokens, origin)
  WRITER.at = 0
  for (const [label, field] of shape.fields) {
    reader.label = label
    field.parse(reader, WRITER)
    if (reader.fault !== undefined) return err(`${typeText(type)} ${reader.fault}`)
  }
  reader.finish()
  if (reader.fault !== undefined) return err(`${typeText(type)}: ${reader.fault}`)
  if (WRITER.overflowed)
    return err(`${typeText(type)} data longer than ${RDATA_LIMIT_OCTETS} octets`)
  const rdata = WRITER.take(0)
  const fault = shape.check?.(rdata)
  return fault === undefined ? ok(rdata) : err(`${typeText(type)}: ${fault}`)
}

/** Text that `parseRdata` gives the same octets for; the generic form where there is no other. Never throws. */
export function formatRdata(type: number, rdata: Uint8Array): string {
  const shape = shapeOf(type)
  if (shape === undefined || faultOf(shape, rdata) !== undefined) return formatGeneric(rdata)
  const texts: string[] = []
  let at = 0
  for (const [, field] of shape.fields) {
    const end = field.next(rdata, at)
    const text = field.format(rdata, at, end)
    if (text === undefined) return formatGeneric(rdata)
    if (text !== '') texts.push(text)
    at = end
  }
  return texts.join(' ')
}

/** `\# 4 C0000201`, which every server reads for every type. */
export function formatGeneric(rdata: Uint8Array): string {
  return rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${hexText(rdata, 0, rdata.length)}`
}

/** Why `rdata` is no data of `type`; undefined when it is, and for types of unknown form. */
export function checkRdata(type: number, rdata: Uint8Array): string | undefined {
  if (rdata.length > RDATA_LIMIT_OCTETS) return `Longer than ${RDATA_LIMIT_OCTETS} octets`
  const shape = shapeOf(type)
  const fault = shape === undefined ? undefined : faultOf(shape, rdata)
  return fault === undefined ? undefined : `${typeText(type)}: ${fault}`
}

export type RdataName = {
  readonly name: Name
  /** Of its first octet in the rdata; the name takes `name.length` octets there. */
  readonly offset: number
  /** Whether a message may compress it (RFC 3597 §4: the types of RFC 1035 alone). */
  readonly compressible: boolean
}

/** The names in `rdata` in their order; none for broken rdata and for types of unknown form. */
export function rdataNames(type: number, rdata: Uint8Array): readonly RdataName[] {
  const names: RdataName[] = []
  let at = 0
  for (const [, field] of shapeOf(type)?.fields ?? []) {
    const end = field.next(rdata, at)
    if (end < 0) return []
    if (field.name !== undefined) {
      const compressible = field.name === 'compressible'
      names.push({ name: nameAt(rdata, at, end), offset: at, compressible })
    }
    at = end
  }
  return names
}

function faultOf(shape: Shape, rdata: Uint8Array): string | undefined {
  let at = 0
  for (const [label, field] of shape.fields) {
    at = field.next(rdata, at)
    if (at < 0) return `Bad ${label}`
  }
  return at < rdata.length ? `${rdata.length - at} octets too many` : shape.check?.(rdata)
}

function parseGeneric(type: number, tokens: readonly string[]): Result<Uint8Array, string> {
  const [, length = '', ...digits] = tokens
  const hex = digits.join('')
  if (!/^[0-9]{1,5}$/.test(length)) return err(`Expected the length behind \\#, found ${length}`)
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex))
    return err('Expected pairs of hexadecimal digits behind \\#')
  if (hex.length !== 2 * Number(length))
    return err(`${hex.length / 2} octets where \\# says ${length}`)
  if (Number(length) > RDATA_LIMIT_OCTETS) return err(`Longer than ${RDATA_LIMIT_OCTETS} octets`)
  const rdata = new Uint8Array(Buffer.from(hex, 'hex'))
  const fault = checkRdata(type, rdata)
  return fault === undefined ? ok(rdata) : err(fault)
}

/** One for all, since parsing never waits in the middle. */
const WRITER = new RdataWriter()
