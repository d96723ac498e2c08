// One client of the gateway: its session, what it was given, and its part of the tunnel.
import type { DataChannel } from '../data/data-channel.ts'
import type { DataCipher } from '../data/data-cipher.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Lease } from '../tunnel/address-pool.ts'
import type { Keepalive } from '../tunnel/ping.ts'
import type { Prefix } from '../../../../shared/net/prefix.ts'
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
  settings: ClientSettings | undefined
  lease: Lease | undefined
  isPooled: boolean
  cipher: DataCipher | undefined
  data: DataChannel | undefined
  keepalive: Keepalive | undefined
  renegotiateAtMs: number
  isGone: boolean
}
