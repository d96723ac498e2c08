// GET of a calendar elsewhere: by HTTPS, or HTTP on this machine; bounded in bytes, time and redirects (RFC 9110 §13, §15.4).
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isFeedUrl } from './core/library/settings.ts'

/** Of one calendar, unpacked. */
export const FEED_LIMIT_BYTES = 8_388_608
const FEED_MS = 30_000
const REDIRECTS_LIMIT = 5

/** What the server said of what it sent last. */
export type FeedStamps = { readonly etag?: string; readonly lastModified?: string }

export type Fetched = { readonly text: string; readonly stamps: FeedStamps } | 'not-modified'

/** The error is a short text, without the URL: there may be a secret in it. */
export async function fetchFeed(
  url: string,
  stamps: FeedStamps,
  signal: AbortSignal,
): Promise<Result<Fetched, string>> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(FEED_MS)])
  try {
    return await follow(url, stamps, bounded)
  } catch (cause) {
    if (bounded.aborted) return err(`No answer within ${FEED_MS / 1000} s`)
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    return err(inner instanceof Error ? inner.message : String(inner))
  }
}

async function follow(
  url: string,
  stamps: FeedStamps,
  signal: AbortSignal,
): Promise<Result<Fetched, string>> {
  let at = url
  for (let hops = 0; hops <= REDIRECTS_LIMIT; hops++) {
    const response = await fetch(at, {
      redirect: 'manual',
      signal,
      headers: {
        accept: 'text/calendar',
        'user-agent': 'cairn-caldav',
        ...(stamps.etag !== undefined && { 'if-none-match': stamps.etag }),
        ...(stamps.lastModified !== undefined && { 'if-modified-since': stamps.lastModified }),
      },
    })
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
    if (location === null) return await readAnswer(response)
    await response.body?.cancel()
    const next = URL.parse(location, at)?.href
    // What is on the Internet does not send us to a server of this machine.
    const isFine = next !== undefined && isFeedUrl(next) && !leavesTls(at, next)
    if (!isFine) return err('It redirects to what is no HTTPS address')
    at = next
  }
  return err(`More than ${REDIRECTS_LIMIT} redirects`)
}

async function readAnswer(response: Response): Promise<Result<Fetched, string>> {
  if (response.status === 304) return ok('not-modified')
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    return err(`The server answers ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.length
    // Leaving the loop ends the connection.
    if (bytes > FEED_LIMIT_BYTES) return err(`More than ${FEED_LIMIT_BYTES} bytes`)
    chunks.push(chunk)
  }
  const etag = response.headers.get('etag')
  const lastModified = response.headers.get('last-modified')
  const stamps = {
    ...(etag !== null && { etag }),
    ...(lastModified !== null && { lastModified }),
  }
  return ok({ text: Buffer.concat(chunks).toString('utf8'), stamps })
}

function leavesTls(from: string, to: string): boolean {
  return from.startsWith('https:') && !to.startsWith('https:')
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
