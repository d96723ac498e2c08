// Who sent a packet, and over what.

export type Transport = 'udp' | 'tcp' | 'tls' | 'https'

/** Objects of it are made for each packet or used again for the next: keep a copy, never the object. */
export interface Client {
  readonly transport: Transport
  /** 4 octets, or 16; an IPv4 address mapped into IPv6 is given as IPv4. */
  readonly octets: Uint8Array
  /** Textual, without brackets or zone index. */
  readonly address: string
  readonly port: number
  /** Over TLS before 1.3, which is enough for queries and for nothing else (RFC 9103). */
  readonly isOldTls?: boolean
}

/** Whether nobody in between can read along. */
export function isEncrypted(transport: Transport): boolean {
  return transport === 'tls' || transport === 'https'
}

/** Whether messages up to 65,535 octets pass, and the address is proven. */
export function isStream(transport: Transport): boolean {
  return transport !== 'udp'
}
