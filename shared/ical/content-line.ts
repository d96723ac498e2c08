// Content lines (RFC 5545 section 3.1, RFC 6350 section 3.2): unfolding with line numbers, names, parameters (RFC 6868
// carets undone) and the value as it stands. Refused: a line without a name or a colon.
import { err, ok, type Result } from '../result/result.ts'

export type Param = {
  /** Upper case. */
  readonly name: string
  /** Without quotes, carets undone. */
  readonly values: readonly string[]
}

export type Property = {
  /** Upper case. */
  readonly name: string
  /** vCard only: `item1` of `item1.TEL`. */
  readonly group?: string
  readonly params: readonly Param[]
  /** As in the text, only unfolded: escapes are the value type's matter. */
  readonly value: string
  /** 1-based line where it begins; 0 when it was made and not read. */
  readonly line: number
}

/** What is wrong with a text, and on which of its lines (1-based). */
export type LineProblem = { readonly line: number; readonly message: string }

/** A longer line is no calendar's (an inline attachment of 10 MB still fits). */
export const LINE_LIMIT_CHARS: number = 16 * 1024 * 1024
export const PARAMS_LIMIT = 100

/** Where to go on, and which line it is. */
export type Place = { readonly at: number; readonly number: number }

/**
 * Calls `visit` with each unfolded line, the number of its first and where the next begins; empty lines are left out.
 * Stops on `false`.
 */
export function eachLine(
  text: string,
  visit: (line: string, number: number, next: number) => boolean | Place,
): void {
  let at = 0
  let number = 1
  while (at < text.length) {
    const first = number
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    number++
    let line = text.slice(at, text.charCodeAt(end - 1) === CR && end > at ? end - 1 : end)
    at = end + 1
    for (let next = text.charCodeAt(at); next === SPACE || next === TAB;) {
      end = text.indexOf('\n', at)
      if (end < 0) end = text.length
      number++
      line += text.slice(at + 1, text.charCodeAt(end - 1) === CR ? end - 1 : end)
      at = end + 1
      next = text.charCodeAt(at)
    }
    if (line === '') continue
    const more = visit(line, first, at)
    if (more === false) return
    if (more !== true) {
      at = more.at
      number = more.number
    }
  }
}

/** One unfolded line. `NAME;PARAM=a,"b":value` */
export function parseContentLine(text: string, line: number): Result<Property, LineProblem> {
  if (text.length > LINE_LIMIT_CHARS) return refuse(line, 'line is too long')
  let at = nameEnd(text, 0)
  let group: string | undefined
  if (text.charCodeAt(at) === DOT && at > 0) {
    group = text.slice(0, at)
    const start = at + 1
    at = nameEnd(text, start)
    if (at === start) return refuse(line, 'no property name behind the group')
  }
  const name = text.slice(group === undefined ? 0 : group.length + 1, at).toUpperCase()
  if (name === '') return refuse(line, `not a content line: ${excerpt(text)}`)
  const params: Param[] = []
  while (text.charCodeAt(at) === SEMICOLON) {
    const read = parseParam(text, at + 1)
    if (typeof read === 'string') return refuse(line, `${name}: ${read}`)
    if (params.length >= PARAMS_LIMIT) return refuse(line, `${name}: too many parameters`)
    params.push(read.param)
    at = read.end
  }
  if (text.charCodeAt(at) !== COLON) {
    return refuse(
      line,
      at < text.length ? `not a content line: ${excerpt(text)}` : `${name}: no ":"`,
    )
  }
  const value = text.slice(at + 1)
  return ok(
    group === undefined ? { name, params, value, line } : { name, group, params, value, line },
  )
}

/** First value of a parameter. */
export function paramOf(property: Property, name: string): string | undefined {
  for (const param of property.params) if (param.name === name) return param.values[0]
  return undefined
}

function parseParam(text: string, start: number): { param: Param; end: number } | string {
  let at = nameEnd(text, start)
  const name = text.slice(start, at).toUpperCase()
  if (name === '') return 'parameter without a name'
  // vCard 2.1 and many a client write `TEL;HOME:`; it means TYPE=HOME.
  if (text.charCodeAt(at) !== EQUALS) return { param: { name: 'TYPE', values: [name] }, end: at }
  const values: string[] = []
  do {
    at++
    let end: number
    if (text.charCodeAt(at) === QUOTE) {
      end = text.indexOf('"', at + 1)
      if (end < 0) return `parameter ${name}: quote without end`
      values.push(fromCarets(text.slice(at + 1, end)))
      end++
    } else {
      end = at
      while (end < text.length && !isParamEnd(text.charCodeAt(end))) end++
      values.push(fromCarets(text.slice(at, end)))
    }
    at = end
  } while (text.charCodeAt(at) === COMMA)
  return { param: { name, values }, end: at }
}

function isParamEnd(code: number): boolean {
  return code === COMMA || code === SEMICOLON || code === COLON
}

function nameEnd(text: string, start: number): number {
  let at = start
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isName =
      (code >= 0x41 && code <= 0x5a) ||
      (code >= 0x61 && code <= 0x7a) ||
      (code >= 0x30 && code <= 0x39) ||
      code === 0x2d ||
      code === 0x5f
    if (!isName) break
  }
  return at
}

/** RFC 6868. */
function fromCarets(text: string): string {
  if (!text.includes('^')) return text
  return text.replace(/\^(.)/g, (all, mark: string) => CARETS[mark] ?? all)
}

function refuse(line: number, message: string): Result<never, LineProblem> {
  return err({ line, message })
}

function excerpt(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}...` : text
  return JSON.stringify(short)
}

const CARETS: { readonly [mark: string]: string } = { n: '\n', '^': '^', "'": '"' }
const TAB = 0x09
const CR = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const DOT = 0x2e
const COLON = 0x3a
const SEMICOLON = 0x3b
const EQUALS = 0x3d
