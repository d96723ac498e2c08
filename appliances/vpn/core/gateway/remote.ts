// Where packets come from and answers go: an address and port over UDP, or a connection.

/** Where a UDP packet came from, for other threads. */
export type UdpAddress = {
  /** Which of our ports. */
  readonly port: number
  /** The client as a struct sockaddr. */
  readonly sockaddr: Uint8Array
  /** Which address of ours it was sent to, as `UdpSocket.send` wants it. */
  readonly control: Uint8Array
}

export interface Remote {
  /** Of those that other threads can send to as well. */
  readonly address?: UdpAddress
  /** Tells remotes apart, and people where it is: `udp 192.0.2.1:40000`. */
  readonly name: string
  /** 4 or 16. */
  readonly octets: Uint8Array
  /** Its packets come in order, and its address is proven. */
  readonly isStream: boolean
  /** Where a packet of up to so many octets can be put together; `send` takes it from its start, before there is room for another. */
  room(octets: number): Uint8Array
  send(packet: Uint8Array): void
}
