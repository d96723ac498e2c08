// What a secondary asks a primary: the serial of a zone, and the zone or what changed in it (RFC 1034 §4.3.5, RFC 1995). Errors
// are words for the log.
import { randomInt } from 'node:crypto'
import type { Name } from '../dns/name.ts'
import { TYPE } from '../dns/record-types.ts'
import { err, ok, type Result } from '../result/result.ts'
import { answeredSerial, rcodeWord, soaQuery, transferQuery } from './core/transfer-query.ts'
import {
  TransferReader,
  type Received,
  type TransferError,
  type TransferLimits,
} from './core/transfer-reader.ts'
import type { Peer, PeerClient, PeerFault } from './peer-client.ts'

/** `zone` is canonical. */
export async function fetchSerial(
  client: PeerClient,
  peer: Peer,
  zone: Name,
  signal: AbortSignal,
): Promise<Result<number, PeerFault>> {
  const answer = await client.ask(peer, soaQuery(randomInt(ID_LIMIT), zone), signal)
  return answer.ok ? answeredSerial(zone, answer.value) : answer
}

/** Differences from `serial`, or all of it without. `zone` is canonical. */
export async function fetchZone(
  client: PeerClient,
  peer: Peer,
  {
    zone,
    serial,
    limits,
  }: {
    readonly zone: Name
    readonly serial: number | undefined
    readonly limits?: TransferLimits
  },
  signal: AbortSignal,
): Promise<Result<Received, PeerFault>> {
  const id = randomInt(ID_LIMIT)
  const qtype = serial === undefined ? TYPE.AXFR : TYPE.IXFR
  const reader = new TransferReader({ id, zone, qtype, serial }, limits)
  const answer: { received: Result<Received | undefined, TransferError> } = {
    received: ok(undefined),
  }
  const done = await client.converse(
    peer,
    transferQuery(id, zone, serial),
    (message) => {
      const taken = reader.take(message)
      answer.received = taken
      return taken.ok && taken.value === undefined ? 'more' : 'done'
    },
    signal,
  )
  const { received } = answer
  if (!received.ok) return err(errorWord(received.error))
  if (!done.ok) return done
  return received.value === undefined ? err('ended-early') : ok(received.value)
}

function errorWord(error: TransferError): string {
  if (error.kind === 'rcode') return rcodeWord(error.rcode)
  return error.kind === 'malformed' ? `malformed: ${error.why}` : `too-large ${error.what}`
}

const ID_LIMIT = 65_536
