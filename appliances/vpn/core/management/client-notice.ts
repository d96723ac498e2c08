// Real-time notices about clients: a first line, its variables, and an end. A client's own words are made harmless.
import { lineText, secondsOf, type ClientReport } from './client-report.ts'

/** What a peer may name a variable: nothing that could pass for one of ours. */
const PEER_VARIABLE = /^(?:IV|UV)_[A-Za-z0-9_]{1,60}$/
const PEER_VARIABLES_LIMIT = 64

/** Lines without their ends. */
export function establishedNotice(
  client: ClientReport,
  timeText: (ms: number) => string,
): readonly string[] {
  return notice('ESTABLISHED', client, timeText, [])
}

export function disconnectedNotice(
  client: ClientReport,
  timeText: (ms: number) => string,
  nowMs: number,
): readonly string[] {
  return notice('DISCONNECT', client, timeText, [
    ['bytes_received', client.received],
    ['bytes_sent', client.sent],
    ['time_duration', Math.max(0, secondsOf(nowMs - client.sinceMs))],
  ])
}

export function bytecountNotice({ id, received, sent }: ClientReport): string {
  return `>BYTECOUNT_CLI:${id},${received},${sent}`
}

type Variable = readonly [name: string, value: string | number]

function notice(
  kind: 'ESTABLISHED' | 'DISCONNECT',
  client: ClientReport,
  timeText: (ms: number) => string,
  more: readonly Variable[],
): readonly string[] {
  const peer = [...client.peerInfo]
    .filter(([name]) => PEER_VARIABLE.test(name))
    .slice(0, PEER_VARIABLES_LIMIT)
  const variables: readonly Variable[] = [
    ['time_unix', secondsOf(client.sinceMs)],
    ['time_ascii', timeText(client.sinceMs)],
    ...addressVariables(client),
    ['common_name', client.commonName],
    ...(client.user === '' ? [] : [['username', client.user] as const]),
    ['tls_serial_hex_0', octetPairs(client.serial.toLowerCase())],
    ['tls_serial_0', BigInt(`0x${client.serial}`).toString()],
    ['tls_digest_sha256_0', octetPairs(client.fingerprint)],
    ...peer,
    ...more,
  ]
  return [
    `>CLIENT:${kind},${client.id}`,
    ...variables.map(([name, value]) => `>CLIENT:ENV,${name}=${lineText(String(value))}`),
    '>CLIENT:ENV,END',
  ]
}

function addressVariables({ realAddress, ipv4, ipv6 }: ClientReport): readonly Variable[] {
  const colon = realAddress.lastIndexOf(':')
  const host = realAddress.slice(0, colon).replaceAll(/[[\]]/g, '')
  return [
    ['ifconfig_pool_remote_ip', ipv4],
    ...(ipv6 === undefined ? [] : [['ifconfig_pool_remote_ip6', ipv6] as const]),
    [host.includes(':') ? 'trusted_ip6' : 'trusted_ip', host],
    ['trusted_port', realAddress.slice(colon + 1)],
  ]
}

/** `6b6a22` as `6b:6a:22`. */
function octetPairs(hex: string): string {
  return (hex.length % 2 === 0 ? hex : `0${hex}`).match(/../g)!.join(':')
}
