// Which client an address inside the tunnel belongs to: its own addresses, and networks behind it.
import { PrefixMap, type Prefix } from '../../../../shared/net/prefix.ts'

export class ClientRoutes<T> {
  readonly #hosts = new Map<string, T>()
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

  /** The longest match; undefined when it is nobody's. */
  ownerOf(address: Uint8Array): T | undefined {
    return this.#hosts.get(keyOf(address)) ?? this.#byPrefix.get(address)
  }
}

function keyOf(address: Uint8Array): string {
  return Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')
}
