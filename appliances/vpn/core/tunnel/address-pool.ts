// Addresses for clients, from one IPv4 and one IPv6 prefix with the same offset in both (subnet topology). Who had an
// address gets it again as long as nobody else needs it.
import { formatAddress } from '../../../../shared/net/address.ts'
import type { Prefix } from '../../../../shared/net/prefix.ts'

/** OpenVPN begins IPv6 leases at this host number, unless the prefix is too small for it. */
const FIRST_IPV6_HOST = 0x1000
const SMALL_IPV6_BITS = 112
/** The gateway is the first host. */
const GATEWAY_HOST = 1
/** Addresses that are kept in mind for those who left. */
const REMEMBERED_LIMIT = 65_536

export type Lease = { readonly ipv4: Uint8Array; readonly ipv6: Uint8Array | undefined }

export class AddressPool {
  readonly #ipv4: Prefix
  readonly #ipv6: Prefix | undefined
  readonly #size: number
  readonly #ownerOf = new Map<number, string>()
  readonly #lastOf = new Map<string, number>()
  readonly #rememberedAt = new Map<number, string>()
  readonly #reserved = new Set<number>()
  #next = 0

  constructor(ipv4: Prefix, ipv6: Prefix | undefined) {
    this.#ipv4 = ipv4
    this.#ipv6 = ipv6
    // Without the network, the gateway and the broadcast address.
    this.#size = Math.max(0, 2 ** (32 - ipv4.bits) - 3)
  }

  get gateway(): Lease {
    return {
      ipv4: hostOf(this.#ipv4, GATEWAY_HOST),
      ipv6: this.#ipv6 && hostOf(this.#ipv6, GATEWAY_HOST),
    }
  }

  /** Free for nobody: given to one client by hand. Those outside the prefix are no concern of the pool. */
  reserve(ipv4: Uint8Array): void {
    const offset = this.#offsetOf(ipv4)
    if (offset !== undefined) this.#reserved.add(offset)
  }

  /** Had once, and to be given again. Whether it is one of this pool's. */
  remember(owner: string, ipv4: Uint8Array): boolean {
    const offset = this.#offsetOf(ipv4)
    if (offset !== undefined) this.#keepInMind(owner, offset)
    return offset !== undefined
  }

  /** Who had what last, the one who took it last at the end. */
  *remembered(): Iterable<{ readonly owner: string; readonly ipv4: Uint8Array }> {
    for (const [owner, offset] of this.#lastOf)
      yield { owner, ipv4: hostOf(this.#ipv4, 2 + offset) }
  }

  /** Undefined when all are taken. */
  take(owner: string): Lease | undefined {
    const last = this.#lastOf.get(owner)
    const offset = last !== undefined && this.#isFree(last) ? last : this.#free()
    if (offset === undefined) return undefined
    this.#ownerOf.set(offset, owner)
    this.#keepInMind(owner, offset)
    return this.#lease(offset)
  }

  release({ ipv4 }: Lease): void {
    const offset = this.#offsetOf(ipv4)
    if (offset !== undefined) this.#ownerOf.delete(offset)
  }

  #lease(offset: number): Lease {
    const ipv6 = this.#ipv6
    const first = ipv6 === undefined || ipv6.bits >= SMALL_IPV6_BITS ? 2 : FIRST_IPV6_HOST
    return {
      ipv4: hostOf(this.#ipv4, 2 + offset),
      ipv6: ipv6 && hostOf(ipv6, first + offset),
    }
  }

  #isFree(offset: number): boolean {
    return !this.#ownerOf.has(offset) && !this.#reserved.has(offset)
  }

  /** One that nobody had, if there is any: the others may want theirs back. */
  #free(): number | undefined {
    let second: number | undefined
    for (let i = 0; i < this.#size; i++) {
      const offset = (this.#next + i) % this.#size
      if (!this.#isFree(offset)) continue
      if (!this.#rememberedAt.has(offset)) {
        this.#next = (offset + 1) % this.#size
        return offset
      }
      second ??= offset
    }
    return second
  }

  #keepInMind(owner: string, offset: number): void {
    const other = this.#rememberedAt.get(offset)
    if (other !== undefined) this.#lastOf.delete(other)
    this.#forget(owner)
    this.#lastOf.set(owner, offset)
    this.#rememberedAt.set(offset, owner)
    if (this.#lastOf.size > REMEMBERED_LIMIT) this.#forget(this.#lastOf.keys().next().value!)
  }

  #forget(owner: string): void {
    const offset = this.#lastOf.get(owner)
    if (offset !== undefined) this.#rememberedAt.delete(offset)
    this.#lastOf.delete(owner)
  }

  #offsetOf(ipv4: Uint8Array): number | undefined {
    if (ipv4.length !== 4) return undefined
    const base = wordOf(this.#ipv4.octets)
    const offset = wordOf(ipv4) - base - 2
    return offset >= 0 && offset < this.#size ? offset : undefined
  }
}

export function formatLease({ ipv4, ipv6 }: Lease): string {
  return ipv6 === undefined ? formatAddress(ipv4) : `${formatAddress(ipv4)} ${formatAddress(ipv6)}`
}

/** The `n`th address of a prefix. */
function hostOf(prefix: Prefix, n: number): Uint8Array {
  const octets = prefix.octets.slice()
  let carry = n
  for (let i = octets.length - 1; i >= 0 && carry > 0; i--) {
    carry += octets[i]!
    octets[i] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
  return octets
}

function wordOf(octets: Uint8Array): number {
  return ((octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!) >>> 0
}
