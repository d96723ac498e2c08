// The `status` command's three formats, field by field as stock OpenVPN 2.6 prints them: exporters parse exactly this.
import { fieldText, secondsOf, type ClientReport } from './client-report.ts'

export type StatusFormat = 1 | 2 | 3

export type StatusFacts = {
  /** Who speaks: `OpenVPN 2.6.0 ...`. */
  readonly title: string
  readonly clients: readonly ClientReport[]
  readonly nowMs: number
  /** `2026-11-26 02:03:53`, in the machine's zone. */
  readonly timeText: (ms: number) => string
}

/** Lines without their ends; `END` is the last. */
export function statusReport(format: StatusFormat, facts: StatusFacts): readonly string[] {
  return format === 1 ? listReport(facts) : tableReport(format === 2 ? ',' : '\t', facts)
}

function listReport({ clients, nowMs, timeText }: StatusFacts): readonly string[] {
  return [
    'OpenVPN CLIENT LIST',
    `Updated,${timeText(nowMs)}`,
    'Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since',
    ...clients.map((client) => {
      const { commonName, realAddress, received, sent, sinceMs } = client
      return [fieldText(commonName), realAddress, received, sent, timeText(sinceMs)].join(',')
    }),
    'ROUTING TABLE',
    'Virtual Address,Common Name,Real Address,Last Ref',
    ...clients.flatMap((client) =>
      routesOf(client).map((route) =>
        [route, fieldText(client.commonName), client.realAddress, timeText(lastRefMs(client))].join(
          ',',
        ),
      ),
    ),
    'GLOBAL STATS',
    'Max bcast/mcast queue length,0',
    'END',
  ]
}

function tableReport(separator: string, facts: StatusFacts): readonly string[] {
  const { title, clients, nowMs, timeText } = facts
  const rows: (readonly (string | number)[])[] = [
    ['TITLE', title],
    ['TIME', timeText(nowMs), secondsOf(nowMs)],
    ['HEADER', 'CLIENT_LIST', ...CLIENT_COLUMNS],
    ...clients.map((client) => [
      'CLIENT_LIST',
      fieldText(client.commonName),
      client.realAddress,
      client.ipv4,
      client.ipv6 ?? '',
      client.received,
      client.sent,
      timeText(client.sinceMs),
      secondsOf(client.sinceMs),
      client.user === '' ? 'UNDEF' : fieldText(client.user),
      client.id,
      client.id,
      client.cipher,
    ]),
    ['HEADER', 'ROUTING_TABLE', ...ROUTE_COLUMNS],
    ...clients.flatMap((client) =>
      routesOf(client).map((route) => [
        'ROUTING_TABLE',
        route,
        fieldText(client.commonName),
        client.realAddress,
        timeText(lastRefMs(client)),
        secondsOf(lastRefMs(client)),
      ]),
    ),
    ['GLOBAL_STATS', 'Max bcast/mcast queue length', 0],
    ['GLOBAL_STATS', 'dco_enabled', 0],
    ['END'],
  ]
  return rows.map((row) => row.join(separator))
}

function routesOf({ ipv4, ipv6, networks }: ClientReport): readonly string[] {
  return [...(ipv6 === undefined ? [] : [ipv6]), ...networks, ipv4]
}

function lastRefMs({ seenMs, sinceMs }: ClientReport): number {
  return Math.max(seenMs, sinceMs)
}

const CLIENT_COLUMNS = [
  'Common Name',
  'Real Address',
  'Virtual Address',
  'Virtual IPv6 Address',
  'Bytes Received',
  'Bytes Sent',
  'Connected Since',
  'Connected Since (time_t)',
  'Username',
  'Client ID',
  'Peer ID',
  'Data Channel Cipher',
]
const ROUTE_COLUMNS = [
  'Virtual Address',
  'Common Name',
  'Real Address',
  'Last Ref',
  'Last Ref (time_t)',
]
