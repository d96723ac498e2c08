// The query log and dnstap: both look at a packet and its answer when it has been answered, one in so many.
import { randomBytes } from 'node:crypto'
import type { NetConnectOpts } from 'node:net'
import type { Clock } from '../../../shared/clock/clock.ts'
import type { Log } from '../../../shared/log/log.ts'
import type { Metrics } from '../../../shared/metrics/metrics.ts'
import type { Client } from '../../../shared/dns-server/core/client.ts'
import { DNSTAP_KIND, encodeDnstap } from '../core/tap/dnstap.ts'
import { CONTROL, controlFrame, dataFrame } from '../core/tap/frame-stream.ts'
import { QueryLines } from '../core/tap/query-line.ts'
import type { Handle } from '../../../shared/dns-server/handle.ts'
import type { DnstapConfig, QueryLogConfig } from '../tap-tables.ts'
import { FileSink, StdoutSink } from './file-sink.ts'
import type { Sink } from './sink.ts'
import { SocketSink } from './socket-sink.ts'

export type Taps = {
  /** The one given when nothing is tapped. */
  readonly handle: Handle
  /** SIGHUP: files that were moved away are made anew. */
  reopen(): void
  close(): Promise<void>
}

export type TapsWorld = {
  readonly identity: string
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

type Tap = {
  readonly oneIn: number
  readonly sink: Sink
  record(packet: Uint8Array, client: Client, answer: Uint8Array | undefined): void
}

export function openTaps(
  handle: Handle,
  config: { readonly queryLog?: QueryLogConfig; readonly dnstap?: DnstapConfig },
  world: TapsWorld,
): Taps {
  const taps: Tap[] = []
  if (config.queryLog !== undefined) taps.push(queryLog(config.queryLog, world))
  if (config.dnstap !== undefined) taps.push(dnstap(config.dnstap, world))
  const reopen = (): void => {
    for (const { sink } of taps) sink.reopen()
  }
  const close = async (): Promise<void> => {
    await Promise.all(taps.map(({ sink }) => sink.close()))
  }
  if (taps.length === 0) return { handle, reopen, close }
  let state = randomBytes(4).readUInt32LE() | 1
  const tapped: Handle = (packet, client, out) => {
    const length = handle(packet, client, out)
    // xorshift32: which ones are looked at has nothing to do with what they ask.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    for (const tap of taps)
      if ((state >>> 0) % tap.oneIn === 0)
        tap.record(packet, client, length > 0 ? out.subarray(0, length) : undefined)
    return length
  }
  return { handle: tapped, reopen, close }
}

function queryLog(config: QueryLogConfig, world: TapsWorld): Tap {
  const { clock, log } = world
  const lines = new QueryLines(config.format)
  const sink =
    config.to === 'stdout' ? new StdoutSink() : new FileSink(config.to, undefined, clock, log)
  const count = counting('query-log', world.metrics)
  return {
    oneIn: config.sample,
    sink,
    record(packet, client, answer) {
      const line = lines.line(packet, client, answer, clock.wallMs())
      if (line !== undefined) count(sink.write(Buffer.from(line)))
    },
  }
}

function dnstap(config: DnstapConfig, world: TapsWorld): Tap {
  const { clock, log } = world
  const frame = { head: controlFrame(CONTROL.START), tail: controlFrame(CONTROL.STOP) }
  const target = socketOf(config.to)
  const sink =
    target === undefined
      ? new FileSink(config.to, frame, clock, log)
      : new SocketSink(target, clock, log)
  const count = counting('dnstap', world.metrics)
  return {
    oneIn: config.sample,
    sink,
    record(packet, client, answer) {
      const wallMs = clock.wallMs()
      const query = { kind: DNSTAP_KIND.AUTH_QUERY, client, message: packet, wallMs }
      count(sink.write(dataFrame(encodeDnstap(query, world))))
      if (answer === undefined) return
      const response = { kind: DNSTAP_KIND.AUTH_RESPONSE, client, message: answer, wallMs }
      count(sink.write(dataFrame(encodeDnstap(response, world))))
    },
  }
}

/** `unix:PATH` or `tcp:ADDRESS:PORT`; undefined for a file. */
function socketOf(to: string): NetConnectOpts | undefined {
  if (to.startsWith('unix:')) return { path: to.slice('unix:'.length) }
  const [, host, port] = /^tcp:(.*):(\d+)$/.exec(to) ?? []
  if (host === undefined) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function counting(tap: string, metrics: Metrics): (isWritten: boolean) => void {
  const records = metrics.counter('cairn_dns_tap_records', 'Records of the query log and of dnstap')
  const dropped = metrics.counter(
    'cairn_dns_tap_dropped',
    'Records that their reader was too slow for',
  )
  const labels = { tap }
  return (isWritten) => (isWritten ? records : dropped).inc(labels)
}
