// Writes an answer as it is made: small pieces gathered, a slow client waited for, the event loop given its turns.
import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../shared/clock/clock.ts'

/** Pieces are gathered to at least this much before they are written. */
const GATHER_BYTES = 32 * 1024
/** The event loop has other clients: after so long it gets a turn. */
const SLICE_MS = 5

/**
 * Ends the response, with a Content-Length when the whole answer is small. Gives the bytes written; stops making the
 * answer when the client has gone. What `pieces` throws is thrown on.
 */
export async function streamResponse(
  response: ServerResponse,
  pieces: Iterable<Uint8Array>,
  clock: Clock,
): Promise<number> {
  let gathered: Uint8Array[] = []
  let gatheredBytes = 0
  let sentBytes = 0
  let turnMs = clock.monotonicMs()
  for (const piece of pieces) {
    if (response.destroyed) return sentBytes
    gathered.push(piece)
    gatheredBytes += piece.length
    if (gatheredBytes >= GATHER_BYTES) {
      sentBytes += gatheredBytes
      const room = response.write(Buffer.concat(gathered, gatheredBytes))
      gathered = []
      gatheredBytes = 0
      if (!room) await drained(response)
    }
    if (clock.monotonicMs() - turnMs < SLICE_MS) continue
    await turn()
    turnMs = clock.monotonicMs()
  }
  if (sentBytes === 0) response.setHeader('content-length', gatheredBytes)
  response.end(Buffer.concat(gathered, gatheredBytes))
  return sentBytes + gatheredBytes
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
    if (response.destroyed) done()
  })
}
