// A request's body as one buffer, inflated when it came gzipped, and never more of it than the caller allows.
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { err, ok, type Result } from '../result/result.ts'

/** `malformed`: broken gzip data, or a Content-Encoding that is not gzip. */
export type BodyError = 'too-large' | 'aborted' | 'malformed'

/**
 * `limitBytes` holds for the bytes on the wire and for what they inflate to. After an error the rest of the request
 * is discarded unread, so that an answer can still be sent.
 */
export function readBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Result<Buffer, BodyError>> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  const isGzip = encoding === 'gzip' || encoding === 'x-gzip'
  if (!isGzip && encoding !== 'identity') return refuse(request, 'malformed')
  if (Number(request.headers['content-length'] ?? 0) > limitBytes)
    return refuse(request, 'too-large')
  if (request.destroyed && !request.complete) return refuse(request, 'aborted')
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let wireBytes = 0
    let bodyBytes = 0
    const gunzip = isGzip ? createGunzip() : undefined
    const finish = (result: Result<Buffer, BodyError>): void => {
      request.off('data', receive).off('end', end).off('close', aborted).off('error', aborted)
      request.resume()
      gunzip?.destroy()
      resolve(result)
    }
    const aborted = (): void => finish(err('aborted'))
    const keep = (chunk: Buffer): void => {
      bodyBytes += chunk.length
      if (bodyBytes > limitBytes) finish(err('too-large'))
      else chunks.push(chunk)
    }
    const receive = (chunk: Buffer): void => {
      wireBytes += chunk.length
      if (wireBytes > limitBytes) finish(err('too-large'))
      else if (gunzip === undefined) keep(chunk)
      else if (!gunzip.write(chunk)) request.pause()
    }
    const whole = (): void => finish(ok(Buffer.concat(chunks, bodyBytes)))
    const end = (): void => {
      // From here on only the inflater has something to say; the connection may close when it likes.
      request.off('close', aborted)
      if (gunzip === undefined) whole()
      else gunzip.end()
    }
    gunzip
      ?.on('data', keep)
      .on('drain', () => request.resume())
      .on('end', whole)
      .on('error', () => finish(err('malformed')))
    request.on('data', receive).on('end', end).on('close', aborted).on('error', aborted)
  })
}

function refuse(request: IncomingMessage, error: BodyError): Promise<Result<Buffer, BodyError>> {
  request.resume()
  return Promise.resolve(err(error))
}
