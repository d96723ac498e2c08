// The client behind a socket of Node's; its octets are worked out when someone asks for them.
import { parseAddress } from '../net/address.ts'
import type { Client, Transport } from './core/client.ts'

export class SocketClient implements Client {
  readonly transport: Transport
  readonly address: string
  readonly port: number
  /** Known when the handshake is done. */
  isOldTls = false
  #octets: Uint8Array | undefined

  /** `address` as Node gives it: an IPv4 address may be mapped into IPv6, and a zone index may follow. */
  constructor(transport: Transport, address: string, port: number) {
    this.transport = transport
    this.address = address.startsWith(MAPPED)
      ? address.slice(MAPPED.length)
      : address.split('%')[0]!
    this.port = port
  }

  get octets(): Uint8Array {
    return (this.#octets ??= parseAddress(this.address) ?? NOWHERE)
  }
}

const MAPPED = '::ffff:'
/** Of a socket that is gone already. */
const NOWHERE = new Uint8Array(4)
