// The [tls] and [https] tables: where DNS is answered so that nobody in between can read along.
import {
  checked,
  endpoint,
  list,
  object,
  parsed,
  string,
  withDefault,
  type Decoder,
} from '../config/decode.ts'
import type { Endpoint } from '../net/endpoint.ts'

export type TlsConfig = {
  readonly listen: readonly Endpoint[]
  /** PEM files. */
  readonly cert: string
  readonly key: string
}

export type HttpsConfig = TlsConfig & {
  /** The one path that is answered. */
  readonly path: string
}

/** As it stands in a request: nothing that would have to be decoded. */
function httpPath(text: string): string | undefined {
  return /^\/[A-Za-z0-9._~/-]{0,200}$/.test(text) ? text : undefined
}

const someEndpoints = checked(list(endpoint), (endpoints, at) => {
  if (endpoints.length === 0) at.report('Expected at least one "address:port"')
})

const files = { listen: someEndpoints, cert: string, key: string }

export const tlsTable: Decoder<TlsConfig> = object(files)

export const httpsTable: Decoder<HttpsConfig> = object({
  ...files,
  path: withDefault(
    parsed('a path of plain characters that begins with "/"', httpPath),
    '/dns-query',
  ),
})
