// TLS of one key id, as the control channel needs it: who speaks it is the shell's business.

/** RFC 5705: octets that only the two ends of a TLS session can make. */
export type Exporter = (label: string) => Uint8Array

export interface TlsEnd {
  /** Octets of the peer. */
  feed(octets: Uint8Array): void
  /** In a record of its own. */
  write(octets: Uint8Array): void
  close(): void
}

/** What TLS tells; nothing after `close`. */
export interface TlsEvents {
  /** Octets for the peer. */
  output(octets: Uint8Array): void
  /** The peer is who it has to be. */
  secured(exporter: Exporter): void
  /** Plain text of the peer. */
  text(octets: Uint8Array): void
  failed(reason: string): void
}
