// What every listener asks of the server, and the bounds they keep.
import type { Log } from '../log/log.ts'
import type { PrefixSet } from '../net/prefix.ts'
import type { Client } from './core/client.ts'

/** Writes an answer to `out` and returns its length; 0 means none, DEFERRED that the packet goes to `defer`. */
export type Handle = (packet: Uint8Array, client: Client, out: Uint8Array) => number

/** A fault of ours that one packet finds must not end the service for all others: it is logged, and gets no answer. */
export function guardedHandle(handle: Handle, log: Log): Handle {
  return (packet, client, out) => {
    try {
      return handle(packet, client, out)
    } catch (cause) {
      const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      log.error('answer-fault', { packet: Buffer.from(packet).toString('hex'), why })
      return 0
    }
  }
}

export type DnsLimits = {
  /** Largest UDP answer `handle` writes. */
  readonly udpOctets: number
  /** A connection without a complete message for so long is closed (RFC 7766 §6.2.3). */
  readonly tcpIdleMs: number
  /** Of TCP, TLS and HTTPS together. */
  readonly tcpConnections: number
  /** Of one address, so that one client cannot take them all. */
  readonly tcpConnectionsPerClient: number
  /** Queries of one connection; then it is closed. */
  readonly tcpQueries: number
  /** Who speaks for others behind a PROXY header, and must. */
  readonly proxies: PrefixSet
}
