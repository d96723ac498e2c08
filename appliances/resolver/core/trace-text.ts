// The way to an answer as people read it: one line for each event, indented by how deep it lies.
import { RCODE } from '../../../shared/dns/message.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { formatRdata } from '../../../shared/dns/rdata.ts'
import { typeText } from '../../../shared/dns/record-types.ts'
import type { Answer } from './answer.ts'
import type { Findings } from './iterate/response.ts'
import { upstreamKey } from './iterate/upstream.ts'
import { expiresMs, type Link } from './link.ts'
import type { RRset } from './rrset.ts'
import type { TraceEvent } from './trace.ts'

/** Without a line break at the end; an event may take several lines. */
export function formatTraceEvent(depth: number, event: TraceEvent): string {
  const indent = '  '.repeat(depth)
  return linesOf(event)
    .map((line) => `${indent}${line}`)
    .join('\n')
}

/** The records of an answer as a zone file has them, then what has to be known about them. */
export function formatAnswer(answer: Answer): string {
  const records = answer.links.flatMap(({ rrsets }) => rrsets.flatMap(formatRRset))
  const errors = answer.extendedErrors.map(
    ({ code, text }) => `; error ${code}${text === '' ? '' : `: ${text}`}`,
  )
  const stale = answer.isStale ? ', stale' : ''
  return [
    ...records,
    `; ${rcodeText(answer.rcode)}, ${SECURITY[answer.security]}${stale}`,
    ...errors,
  ].join('\n')
}

/** A link as the cache has it: a comment that says what it is, then its records; each line with its break. */
export function formatKept(link: Link, nowMs: number): string {
  const { qname, qtype, kind, security, from } = link
  const said = from === undefined ? '' : `, from ${upstreamKey(from)}`
  const evidence = link.isFromReferral ? ', evidence only' : ''
  const about = `; ${question(qname, qtype)}: ${KINDS[kind]}, ${SECURITY[security]}, ${lasts(link, nowMs)}${said}${evidence}`
  return [about, ...link.rrsets.flatMap(formatRRset)].map((line) => `${line}\n`).join('')
}

function linesOf(event: TraceEvent): string[] {
  switch (event.kind) {
    case 'asked':
      return [`${WHY[event.why]} ${question(event.qname, event.qtype)}`]
    case 'joined':
      return [`${question(event.qname, event.qtype)} is being looked up already`]
    case 'cached':
      return [`  in the cache: ${linkText(event.link)}, ${lasts(event.link, event.nowMs)}`]
    case 'sent': {
      const { zone, upstream, qname, qtype } = event
      return [`  ${formatName(zone)} at ${upstreamKey(upstream)}: ${question(qname, qtype)}?`]
    }
    case 'found':
      return [`    ${findingsText(event.findings, event.rcode)} (${milliseconds(event.rttMs)})`]
    case 'refused':
      return [`    ${rcodeText(event.rcode)} (${milliseconds(event.rttMs)})`]
    case 'unanswered':
      return [`    ${UNANSWERED[event.why]}`]
    case 'checked': {
      const { link } = event
      const why = link.extendedError?.text
      return [
        `  ${SECURITY[link.security]}: ${question(link.qname, link.qtype)}${why ? `, ${why}` : ''}`,
      ]
    }
    case 'answered':
      return [`  => ${rcodeText(event.answer.rcode)}`]
  }
}

function findingsText(findings: Findings, rcode: number): string {
  if (findings.kind === 'lame') return `of no use: ${findings.why}`
  if (findings.kind === 'links') return findings.links.map(linkText).join('; ') || rcodeText(rcode)
  const { zone, servers, ds } = findings.referral
  const names = servers.map(({ name, addresses }) =>
    addresses.length === 0 ? formatName(name) : `${formatName(name)} (${addresses.join(' ')})`,
  )
  const signed = ds === undefined ? '' : ds.kind === 'data' ? ', signed' : ', proven unsigned'
  return `delegates ${formatName(zone)} to ${names.join(', ')}${signed}`
}

function linkText(link: Link): string {
  if (link.kind === 'nxdomain') return `${formatName(link.qname)} does not exist`
  if (link.kind === 'nodata') return `there is no ${question(link.qname, link.qtype)}`
  return link.rrsets.flatMap(formatRRset).join('; ')
}

function formatRRset({ owner, type, ttlSeconds, rdatas }: RRset): string[] {
  const start = `${formatName(owner)} ${ttlSeconds} ${typeText(type)}`
  return rdatas.map((rdata) => `${start} ${formatRdata(type, rdata)}`)
}

function question(qname: Name, qtype: number): string {
  return `${formatName(qname)} ${typeText(qtype)}`
}

function lasts(link: Link, nowMs: number): string {
  return `for ${Math.max(0, Math.floor((expiresMs(link) - nowMs) / 1000))} s more`
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

export function rcodeText(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`
}

const RCODE_NAMES = new Map<number, string>(
  Object.entries(RCODE).map(([name, code]) => [code, name]),
)

const KINDS = {
  data: 'data',
  alias: 'an alias',
  nodata: 'no such type',
  nxdomain: 'no such name',
} as const

const WHY = {
  client: 'looking for',
  address: 'where is',
  evidence: 'for the chain of trust:',
  priming: 'who serves the root:',
  prefetch: 'again, before it expires:',
} as const

const SECURITY = {
  unchecked: 'not validated',
  secure: 'secure',
  insecure: 'insecure',
  bogus: 'bogus',
  indeterminate: 'indeterminate',
} as const

const UNANSWERED = {
  timeout: 'no answer in time',
  unreachable: 'cannot be reached',
  garbage: 'sends no DNS message that fits',
  'refuses-edns': 'refuses EDNS',
  'no-budget': 'not asked: the question has used up its share',
} as const
