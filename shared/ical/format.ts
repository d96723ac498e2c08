// Components as text: content lines folded at 75 octets with CRLF (RFC 5545 section 3.1), parameters quoted where they
// must be and with RFC 6868's carets where quotes do not help.
import type { Component } from './component.ts'
import type { Param, Property } from './content-line.ts'

/** Octets of a line without its CRLF. */
const LINE_OCTETS = 75

export function formatComponent(component: Component): string {
  const lines: string[] = []
  append(component, lines)
  return lines.join('')
}

/** Folded, with CRLF behind every line. */
export function formatProperty({ group, name, params, value }: Property): string {
  let line = group === undefined ? name : `${group}.${name}`
  for (const param of params) line += `;${formatParam(param)}`
  return fold(`${line}:${value}`)
}

function foldAscii(line: string): string {
  let folded = line.slice(0, LINE_OCTETS)
  for (let at = LINE_OCTETS; at < line.length; at += LINE_OCTETS - 1)
    folded += `\r\n ${line.slice(at, at + LINE_OCTETS - 1)}`
  return `${folded}\r\n`
}

function append(component: Component, lines: string[]): void {
  lines.push(`BEGIN:${component.name}\r\n`)
  for (const property of component.properties) lines.push(formatProperty(property))
  for (const child of component.components) append(child, lines)
  lines.push(`END:${component.name}\r\n`)
}

function formatParam({ name, values }: Param): string {
  return `${name}=${values.map(formatParamValue).join(',')}`
}

function formatParamValue(value: string): string {
  if (PLAIN.test(value)) return value
  return `"${value.replace(/[\^\n"]/g, (mark) => CARETS[mark]!)}"`
}

/** Never inside a character. */
function fold(line: string): string {
  const isAscii = ASCII.test(line)
  if (isAscii && line.length <= LINE_OCTETS) {
    return `${line}\r\n`
  }
  if (isAscii) return foldAscii(line)
  const parts: string[] = []
  let start = 0
  let octets = 0
  for (let at = 0; at < line.length;) {
    const code = line.codePointAt(at)!
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (octets + width > LINE_OCTETS) {
      parts.push(line.slice(start, at))
      start = at
      // The space that a continuation begins with.
      octets = 1
    }
    octets += width
    at += code < 0x10000 ? 1 : 2
  }
  parts.push(line.slice(start))
  return `${parts.join('\r\n ')}\r\n`
}

const CARETS: { readonly [mark: string]: string } = { '^': '^^', '\n': '^n', '"': "^'" }
/** Carets must be doubled even where nothing needs quotes. */
const PLAIN = /^[^\0-\x1f\x7f":;,^]*$/
const ASCII = /^[\0-\x7f]*$/
