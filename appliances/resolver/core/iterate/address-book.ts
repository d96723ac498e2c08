// Where the servers of one delegation are: glue, what the cache holds, and what has to be looked up for it.
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { World } from '../world.ts'
import { ADDRESSES_LIMIT, type Delegation, type ZoneServer } from './delegation.ts'
import { addressesOf } from './response.ts'
import type { Upstream } from './upstream.ts'

/** Servers whose addresses are looked up at a time. */
const AT_ONCE = 2

export interface AddressSeeker {
  lookUpAddress(name: Name, qtype: number, nowMs: number): boolean
}

export class AddressBook {
  readonly #cut: Delegation
  readonly #world: World
  readonly #lookedUp = new Set<Name>()
  #given: readonly Upstream[] = []
  #seen = 0

  constructor(cut: Delegation, world: World) {
    this.#cut = cut
    this.#world = world
  }

  upstreams(nowMs: number): readonly Upstream[] {
    const { options } = this.#world
    const isConfigured = this.#cut.kind === 'stub' || this.#cut.kind === 'forward'
    const all = this.#cut.servers.flatMap((server) =>
      server.upstreams.length > 0 ? server.upstreams : this.#cached(server.name, nowMs),
    )
    this.#given = isConfigured
      ? all
      : all.filter(({ address }) => (address.includes(':') ? options.ipv6 : options.ipv4))
    this.#seen = this.#given.length
    return this.#given
  }

  /** Whether the cache has addresses that `upstreams` did not give. */
  hasNews(nowMs: number): boolean {
    const before = this.#seen
    return this.upstreams(nowMs).length > before
  }

  /** Looks for servers nobody looked for yet; false when there are none left, or none may be looked up. */
  lookUp(seeker: AddressSeeker, nowMs: number): boolean {
    const { options, random } = this.#world
    const left = this.#cut.servers.filter((server) => this.#isUnknown(server))
    let begun = 0
    while (begun < AT_ONCE && left.length > 0) {
      if (this.#lookedUp.size >= options.limits.serverLookupsAtCut) break
      const [server] = left.splice(random.below(left.length), 1)
      this.#lookedUp.add(server!.name)
      let isBegun = false
      if (options.ipv4 && seeker.lookUpAddress(server!.name, TYPE.A, nowMs)) isBegun = true
      if (options.ipv6 && seeker.lookUpAddress(server!.name, TYPE.AAAA, nowMs)) isBegun = true
      if (isBegun) begun++
    }
    return begun > 0
  }

  #isUnknown({ name, upstreams }: ZoneServer): boolean {
    return upstreams.length === 0 && !this.#lookedUp.has(name)
  }

  #cached(name: Name, nowMs: number): Upstream[] {
    const { cache, options } = this.#world
    const found: Upstream[] = []
    for (const type of [TYPE.A, TYPE.AAAA]) {
      const link = cache.find(name, type, nowMs)
      // A server's name must not be an alias (RFC 2181 §10.3), and what is bogus leads nowhere.
      if (link?.kind !== 'data' || link.security === 'bogus') continue
      for (const address of addressesOf(link.rrsets[0]))
        if (!options.isForbidden(address))
          found.push({ address, port: options.port, protocol: 'plain' })
    }
    return found.slice(0, ADDRESSES_LIMIT)
  }
}
