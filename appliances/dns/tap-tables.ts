// The [query_log] and [dnstap] tables: who asked what, for someone else to read.
import {
  object,
  oneOf,
  parsed,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { sample } from '../../shared/config/sample.ts'
import { parseEndpoint } from '../../shared/net/endpoint.ts'

export type QueryLogConfig = {
  /** `stdout`, or a file. */
  readonly to: string
  readonly format: 'text' | 'json'
  /** One query in so many. */
  readonly sample: number
}

export type DnstapConfig = {
  /** `unix:PATH`, `tcp:ADDRESS:PORT`, or a file. */
  readonly to: string
  readonly sample: number
}

export const queryLogTable: Decoder<QueryLogConfig> = object({
  to: string,
  format: withDefault(oneOf('text', 'json'), 'text'),
  sample,
})

export const dnstapTable: Decoder<DnstapConfig> = object({
  to: parsed('a file, "unix:PATH" or "tcp:ADDRESS:PORT"', (text) => {
    if (text.startsWith('unix:')) return text.length > 'unix:'.length ? text : undefined
    if (!text.startsWith('tcp:')) return text === '' ? undefined : text
    return parseEndpoint(text.slice('tcp:'.length)) === undefined ? undefined : text
  }),
  sample,
})
