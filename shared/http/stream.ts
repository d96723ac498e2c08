// Long answers: sent as they are made, no faster than the client reads, gzipped when it may be (RFC 9110 §8.4).
import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { createGzip, gzip } from 'node:zlib'
import { reply } from './reply.ts'

/** Less is sent as it is: gzip would save no packet. */
export const GZIP_MIN_BYTES = 1_400
/** The quickest: XML still shrinks to a tenth. */
const GZIP_LEVEL = 1

const gzipWhole = promisify(gzip)

/** Whether the client takes gzip; what it says against it (`gzip;q=0`) counts. */
export function acceptsGzip(request: IncomingMessage): boolean {
  const header = request.headers['accept-encoding']
  if (header === undefined) return false
  return header.split(',').some((part) => {
    const [coding = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase())
    const isRefused = parameters.some((each) => /^q=0(\.0{0,3})?$/.test(each))
    return (coding === 'gzip' || coding === 'x-gzip' || coding === '*') && !isRefused
  })
}

/** Ends the response. A client that goes away ends the making too. */
export async function replyChunks(
  response: ServerResponse,
  status: number,
  chunks: Iterable<string>,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  // Its `close` has been: nothing would end the waiting for it below.
  if (response.destroyed) return
  const isGzip = acceptsGzip(response.req)
  const vary = [headers['vary'], 'Accept-Encoding'].filter((each) => each !== undefined).join(', ')
  const iterator = chunks[Symbol.iterator]()
  const first = iterator.next()
  const second = first.done === true ? first : iterator.next()
  if (second.done === true) {
    const body = Buffer.from(first.done === true ? '' : first.value)
    if (!isGzip || body.length < GZIP_MIN_BYTES)
      return reply(response, status, body, { ...headers, vary })
    const packed = await gzipWhole(body, { level: GZIP_LEVEL })
    return reply(response, status, packed, { ...headers, vary, 'content-encoding': 'gzip' })
  }
  const all = { 'x-content-type-options': 'nosniff', ...headers, vary }
  response.writeHead(status, isGzip ? { ...all, 'content-encoding': 'gzip' } : all)
  const out = isGzip ? createGzip({ level: GZIP_LEVEL }) : response
  if (out !== response) out.pipe(response)
  const gone = once(response, 'close')
  const parts = [first.value as string, second.value]
  for (
    let next: IteratorResult<string> = { value: parts[0]! + parts[1]! };
    next.done !== true;
    next = iterator.next()
  ) {
    if (response.destroyed) break
    if (!out.write(next.value)) await Promise.race([once(out, 'drain'), gone])
  }
  if (response.destroyed) out.destroy()
  else out.end()
  await gone
}
