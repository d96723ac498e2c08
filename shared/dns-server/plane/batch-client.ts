// The sender of one packet of a batch; one object for all of them, and nothing worked out that nobody asks for.
import { formatAddress } from '../../net/address.ts'
import type { UdpBatch } from '../../native/udp-batch.ts'
import type { Client } from '../core/client.ts'

export class BatchClient implements Client {
  readonly transport = 'udp'
  readonly #batch: UdpBatch
  #nth = 0
  #isIpv6 = false
  #octets: Uint8Array | undefined

  constructor(batch: UdpBatch) {
    this.#batch = batch
  }

  point(nth: number, isIpv6: boolean): void {
    this.#nth = nth
    this.#isIpv6 = isIpv6
    this.#octets = undefined
  }

  get octets(): Uint8Array {
    if (this.#octets !== undefined) return this.#octets
    const at = this.#batch.addressAt(this.#nth, this.#isIpv6)
    // A socket of one family sees no mapped addresses.
    return (this.#octets = this.#batch.memory.subarray(at, at + (this.#isIpv6 ? 16 : 4)))
  }

  get address(): string {
    return formatAddress(this.octets)
  }

  get port(): number {
    const at = this.#batch.portAt(this.#nth)
    return (this.#batch.memory[at]! << 8) | this.#batch.memory[at + 1]!
  }
}
