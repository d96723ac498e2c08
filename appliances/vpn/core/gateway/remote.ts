// Where packets come from and answers go: an address and port over UDP, or a connection.

export interface Remote {
  /** Tells remotes apart, and people where it is: `udp 192.0.2.1:40000`. */
  readonly name: string
  /** 4 or 16. */
  readonly octets: Uint8Array
  /** Its packets come in order, and its address is proven. */
  readonly isStream: boolean
  send(packet: Uint8Array): void
}
