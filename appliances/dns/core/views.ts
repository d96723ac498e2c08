// What different clients see of the zones: each view has zones of its own over those of the default, and the first view
// that a client is in is what it sees. A key may say which one its holder means.
import type { Name } from '../../../shared/dns/name.ts'
import { PrefixSet, type Prefix } from '../../../shared/net/prefix.ts'
import type { ZoneTable } from './answer/zone-answer.ts'
import { DEFAULT_VIEW } from './branch/zone-files.ts'
import type { Key } from '../../../shared/tsig/key.ts'
import { Publication } from './publication.ts'
import type { Zone } from './zone/zone.ts'

export type View = {
  readonly name: string
  /** Its own zones. */
  readonly publication: Publication
  /** What its clients see: its own zones, and those of the default that it has no zone in the place of. */
  readonly table: ZoneTable<Zone>
}

export type ViewSettings = {
  readonly name: string
  readonly clients: readonly Prefix[]
}

export class Views {
  readonly default: View
  readonly #named: readonly (View & { readonly clients: PrefixSet })[]
  readonly #byName: ReadonlyMap<string, View>

  /** The first of `settings` that a client is in counts. */
  constructor(settings: readonly ViewSettings[]) {
    const publication = new Publication()
    this.default = { name: DEFAULT_VIEW, publication, table: publication }
    this.#named = settings.map(({ name, clients }) => viewOver(publication, name, clients))
    this.#byName = new Map([this.default, ...this.#named].map((view) => [view.name, view]))
  }

  /** Whether all clients see the same. */
  get isSingle(): boolean {
    return this.#named.length === 0
  }

  /** The default first. */
  [Symbol.iterator](): IterableIterator<View> {
    return this.#byName.values()
  }

  /** Undefined for one that is not configured. */
  named(name: string): View | undefined {
    return this.#byName.get(name)
  }

  /** By the 4 or 16 octets of an address. */
  ofAddress(octets: Uint8Array): View {
    for (let i = 0; i < this.#named.length; i++)
      if (this.#named[i]!.clients.has(octets)) return this.#named[i]!
    return this.default
  }

  /** What the holder of a key sees: as the key says, else by the address. */
  of(octets: Uint8Array, key: Pick<Key, 'view'> | undefined): View {
    const named = key?.view === undefined ? undefined : this.#byName.get(key.view)
    return named ?? this.ofAddress(octets)
  }
}

function viewOver(
  base: Publication,
  name: string,
  clients: readonly Prefix[],
): View & { readonly clients: PrefixSet } {
  const publication = new Publication()
  const table = { get: (origin: Name) => publication.get(origin) ?? base.get(origin) }
  return { name, publication, table, clients: new PrefixSet(clients) }
}
