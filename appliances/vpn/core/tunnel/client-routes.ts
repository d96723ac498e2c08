// Which client an address inside the tunnel belongs to: its own addresses, and networks behind it.
import { PrefixMap, type Prefix } from '../../../../shared/net/prefix.ts'

export class ClientRoutes<T> {
  readonly #hosts = new Map<number | string, T>()
  #networks: (readonly [Prefix, T])[] = []
  #byPrefix = new PrefixMap<T>([])

  /** False when another has that address: then nothing changed. */
  addHost(address: Uint8Array, owner: T): boolean {
    const key = keyOf(address)
    const other = this.#hosts.get(key)
    if (other !== undefined && other !== owner) return false
    this.#hosts.set(key, owner)
    return true
  }

  addNetwork(prefix: Prefix, owner: T): void {
    this.#networks.push([prefix, owner])
    this.#byPrefix = new PrefixMap(this.#networks)
  }

  remove(owner: T): void {
    for (const [key, other] of this.#hosts) if (other === owner) this.#hosts.delete(key)
    const kept = this.#networks.filter(([, other]) => other !== owner)
    if (kept.length === this.#networks.length) return
    this.#networks = kept
    this.#byPrefix = new PrefixMap(kept)
  }

  /** Of the longest match for the address where a whole IP packet comes from; undefined when it is nobody's. */
  senderOf(packet: Uint8Array): T | undefined {
    return isIpv4(packet) ? this.#ownerAt(packet, 12, 4) : this.#ownerAt(packet, 8, 16)
  }

  /** As `senderOf`, for where it goes to. */
  receiverOf(packet: Uint8Array): T | undefined {
    return isIpv4(packet) ? this.#ownerAt(packet, 16, 4) : this.#ownerAt(packet, 24, 16)
  }

  #ownerAt(packet: Uint8Array, at: number, octets: 4 | 16): T | undefined {
    const key = octets === 4 ? numberAt(packet, at) : keyOf(packet.subarray(at, at + octets))
    const owner = this.#hosts.get(key)
    if (owner !== undefined || this.#networks.length === 0) return owner
    return this.#byPrefix.get(packet.subarray(at, at + octets))
  }
}

/** A number for an IPv4 address: each packet is looked up. */
function keyOf(address: Uint8Array): number | string {
  if (address.length === 4) return numberAt(address, 0)
  return Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')
}

function numberAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!
}

function isIpv4(packet: Uint8Array): boolean {
  return packet[0]! >>> 4 === 4
}
