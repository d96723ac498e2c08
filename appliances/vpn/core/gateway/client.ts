// One client of the gateway: its session, what it was given, and its part of the tunnel.
import type { DataCipher } from '../data/data-cipher.ts'
import type { Traffic } from '../data/traffic.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Lease } from '../tunnel/address-pool.ts'
import type { Keepalive } from '../tunnel/ping.ts'
import type { Prefix } from '../../../../shared/net/prefix.ts'
import type { Decision } from './gateway.ts'
import type { Remote } from './remote.ts'

/** What the TLS session proved. */
export type Identity = {
  readonly commonName: string
  /** Of the certificate: upper-case hex without leading zeros. */
  readonly serial: string
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string
}

/** What a client is let in with, beside what all get. */
export type ClientSettings = {
  readonly user: string
  readonly push: readonly string[]
  /** Takes the place of an address of the pool. */
  readonly lease?: Lease
  /** Networks behind it. */
  readonly networks: readonly Prefix[]
}

export type Client = {
  /** Its peer id in data packets. */
  readonly id: number
  remote: Remote
  readonly session: ServerSession
  readonly sinceMs: number
  identity: Identity | undefined
  /** A question that it has not answered yet. */
  asked: { readonly answered: (answer: string) => Decision; readonly untilMs: number } | undefined
  settings: ClientSettings | undefined
  lease: Lease | undefined
  isPooled: boolean
  cipher: DataCipher | undefined
  /** Which thread has its keys. */
  owner: number
  /** Once it has addresses. */
  traffic: Traffic | undefined
  /** The same, once it is in the tunnel. */
  data: Traffic | undefined
  keepalive: Keepalive | undefined
  renegotiateAtMs: number
  isGone: boolean
}
