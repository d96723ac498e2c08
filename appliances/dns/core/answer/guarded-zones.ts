// Zones of which some are there for those alone who may have them whole: catalogs, which tell what else there is
// (RFC 9432 §7).
import type { Client } from '../../../../shared/dns-server/core/client.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import type { Key } from '../../../../shared/tsig/key.ts'
import type { Zone } from '../zone/zone.ts'
import type { ZoneTable } from './zone-answer.ts'

/** One object for all answers. */
export class GuardedZones implements ZoneTable<Zone> {
  readonly #guarded: ReadonlySet<Name>
  readonly #mayHave: (client: Client, key: Key | undefined, origin: Name) => boolean
  #zones: ZoneTable<Zone> | undefined
  #client: Client | undefined
  #key: Key | undefined

  constructor(
    guarded: ReadonlySet<Name>,
    mayHave: (client: Client, key: Key | undefined, origin: Name) => boolean,
  ) {
    this.#guarded = guarded
    this.#mayHave = mayHave
  }

  /** `zones` as this client sees them, until the next call. */
  of(zones: ZoneTable<Zone>, client: Client, key: Key | undefined): ZoneTable<Zone> {
    if (this.#guarded.size === 0) return zones
    this.#zones = zones
    this.#client = client
    this.#key = key
    return this
  }

  get(origin: Name): { readonly zone: Zone | undefined } | undefined {
    const served = this.#zones!.get(origin)
    if (served === undefined || !this.#guarded.has(origin)) return served
    return this.#mayHave(this.#client!, this.#key, origin) ? served : undefined
  }
}
