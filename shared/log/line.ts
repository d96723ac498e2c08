// One event as one line: text for people, JSON for collectors, RFC 5424 for syslog. No value can begin a new line.
import type { Fields, Level } from './log.ts'

export type LogEvent = {
  readonly level: Level
  readonly event: string
  readonly fields: Fields
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

/** Who speaks, for syslog: the machine, the appliance, and its process. */
export type Speaker = { readonly hostname: string; readonly appname: string; readonly pid: number }

/** Longer values are cut: a line should fit a terminal's patience and a datagram. */
export const VALUE_LIMIT = 1_000

/** RFC 5426 asks receivers for 480 and suggests 2048; what is longer is cut there. */
export const SYSLOG_LIMIT_BYTES = 2_048

/** `2026-01-01T00:00:00.000Z warn  zone-refused zone=example.org line=17` */
export function formatTextLine(e: LogEvent): string {
  return `${time(e)} ${e.level.padEnd(5)} ${formatEvent(e.event, e.fields)}`
}

/** `zone-refused zone=example.org line=17` */
export function formatEvent(event: string, fields: Fields): string {
  return `${event}${present(fields)
    .map(([name, value]) => ` ${name}=${quoteIfNeeded(value)}`)
    .join('')}`
}

/** Keys `time`, `level`, `event`, then the fields; a field of one of those names gets a `_` in front. */
export function formatJsonLine(e: LogEvent): string {
  const line: { [name: string]: unknown } = { time: time(e), level: e.level, event: e.event }
  for (const [name, value] of present(e.fields)) line[name in line ? `_${name}` : name] = value
  return escapeControls(JSON.stringify(line))
}

/** Facility daemon (3). The event is the MSGID and opens the message; fields are text, as on the terminal. */
export function formatSyslogMessage(e: LogEvent, speaker: Speaker): Buffer {
  const priority = 3 * 8 + SEVERITY[e.level]
  const { hostname, appname, pid } = speaker
  const names = [headerName(hostname, 255), headerName(appname, 48), String(pid)].join(' ')
  const header = `<${priority}>1 ${time(e)} ${names} ${headerName(e.event, 32)} -`
  const message = Buffer.from(`${header} ${formatEvent(e.event, e.fields)}`)
  if (message.length <= SYSLOG_LIMIT_BYTES) return message
  // Not in the middle of a UTF-8 character.
  let end = SYSLOG_LIMIT_BYTES
  while (((message[end] ?? 0) & 0xc0) === 0x80) end--
  return message.subarray(0, end)
}

function present(fields: Fields): [string, string | number | boolean][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? cut(value) : value]],
  )
}

function cut(text: string): string {
  return text.length > VALUE_LIMIT ? `${text.slice(0, VALUE_LIMIT).toWellFormed()}…` : text
}

function quoteIfNeeded(value: string | number | boolean): string {
  const text = String(value)
  return /^[!#-<>-\u007e]+$/.test(text) ? text : escapeControls(JSON.stringify(text))
}

/** What JSON leaves as it is and a terminal might obey or break a line at. */
function escapeControls(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function time(e: LogEvent): string {
  return new Date(e.wallMs).toISOString()
}

/** RFC 5424 §6: printable ASCII of bounded length, `-` for nothing. */
function headerName(text: string, limit: number): string {
  return text.replaceAll(/[^!-~]/g, '_').slice(0, limit) || '-'
}

const SEVERITY: { readonly [level in Level]: number } = { debug: 7, info: 6, warn: 4, error: 3 }
