// The [observe] table: where metrics, health and the log go.
import type { Level } from '../log/log.ts'
import type { Endpoint } from '../net/endpoint.ts'
import {
  durationBetween,
  endpoint,
  object,
  oneOf,
  optional,
  section,
  urlWith,
  withDefault,
  type Decoder,
} from './decode.ts'

type LogConfig = {
  /** `auto`: text on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'text' | 'json'
  readonly level: Level
  /** `udp://host:514`: a copy of each line as an RFC 5424 message. */
  readonly syslog?: URL
}

export type ObserveConfig = {
  /** /metrics, /healthz, /status over plain HTTP. */
  readonly listen?: Endpoint
  /** `udp://host:port` or `tcp://host:port`: the metrics as line protocol. */
  readonly influx?: URL
  /** Milliseconds between pushes. */
  readonly influxInterval: number
  readonly log: LogConfig
}

export const observeTable: Decoder<ObserveConfig> = section(
  object({
    listen: optional(endpoint),
    influx: optional(urlWith('udp', 'tcp')),
    influxInterval: withDefault(durationBetween(1_000, 3_600_000), 10_000),
    log: section(
      object({
        format: withDefault(oneOf('auto', 'text', 'json'), 'auto'),
        level: withDefault(oneOf('debug', 'info', 'warn', 'error'), 'info'),
        syslog: optional(urlWith('udp')),
      }),
    ),
  }),
)
