// Counts what each client address holds, so that one of them cannot take everything.
import { isIpv6, isLoopback } from './endpoint.ts'

export class PerClient {
  readonly #limit: number
  readonly #held = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when the client has its share already. Every `enter` is followed by one `leave`, also after false. */
  enter(address: string): boolean {
    const client = clientOf(address)
    const held = (this.#held.get(client) ?? 0) + 1
    this.#held.set(client, held)
    return held <= this.#limit || isLoopback(address)
  }

  leave(address: string): void {
    const client = clientOf(address)
    const held = (this.#held.get(client) ?? 0) - 1
    if (held > 0) this.#held.set(client, held)
    else this.#held.delete(client)
  }

  /** Clients that hold something. */
  get size(): number {
    return this.#held.size
  }
}

/** One IPv6 customer has at least a /64 to call from. */
export function clientOf(address: string): string {
  if (!isIpv6(address) || address.includes('%')) return address
  const full = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  if (full.startsWith('::ffff:')) return full
  const [head = '', tail = ''] = full.split('::')
  const groups = head === '' ? [] : head.split(':')
  const tailCount = tail === '' ? 0 : tail.split(':').length
  while (groups.length < 8 - tailCount) groups.push('0')
  return groups.slice(0, 4).join(':')
}
