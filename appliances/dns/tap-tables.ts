// The [query_log] and [dnstap] tables: who asked what, for someone else to read.
import {
  object,
  oneOf,
  parsed,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
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

const SAMPLE_LIMIT = 1_000_000

const sample = withDefault(
  parsed('one in so many, such as "1/100"', (text) => {
    const [, digits] = /^1\/(\d{1,7})$/.exec(text) ?? []
    const oneIn = Number(digits)
    return oneIn >= 1 && oneIn <= SAMPLE_LIMIT ? oneIn : undefined
  }),
  1,
)

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
