// Short answers in one call.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Plain text with a newline at its end. */
export function replyText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  reply(response, status, `${text}\n`, { 'content-type': 'text/plain; charset=utf-8', ...headers })
}

export function replyJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const text = `${JSON.stringify(value, undefined, 2)}\n`
  reply(response, status, text, { 'content-type': 'application/json; charset=utf-8', ...headers })
}

/** Leaves the body out of an answer to HEAD, but not its length. */
export function reply(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: OutgoingHttpHeaders,
): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    'content-length': length,
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
