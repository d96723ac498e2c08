// Hashes of names for the NSEC3 chains of an image. Those of names that are asked about again and again are kept: existing
// ones and wildcards; never one that a client made up.
import { NameHash, type HashParameters } from '../../../../shared/dnssec/name-hash.ts'
import type { ImageReader } from './image-reader.ts'
import { ZONE } from './layout.ts'
import type { NameKey } from './name-key.ts'

/** Names that are kept with each hash, a power of two. */
const KEPT_NAMES = 1024
/** Parameters are nearly always those of RFC 9276. */
const HASHES_LIMIT = 64
/** Zones whose hash is known without a look at their parameters. */
const ZONES_LIMIT = 4096

/** One for all zones that hash alike, so that what is kept outlives a change of its zone. */
export class NameHashes {
  readonly #hashes = new Map<string, KeptHashes>()
  /** By offset: a zone's block never changes. */
  readonly #ofZones = new Map<number, KeptHashes>()

  /** For the chain of the zone at `zone`; of one reader always. */
  of(reader: ImageReader, zone: number): KeptHashes {
    const known = this.#ofZones.get(zone)
    if (known !== undefined) return known
    const parameters = parametersAt(reader, zone)
    const key = `${parameters.iterations} ${Buffer.from(parameters.salt).toString('hex')}`
    let hash = this.#hashes.get(key)
    if (hash === undefined) {
      if (this.#hashes.size >= HASHES_LIMIT) this.#hashes.clear()
      hash = new KeptHashes(parameters)
      this.#hashes.set(key, hash)
    }
    if (this.#ofZones.size >= ZONES_LIMIT) this.#ofZones.clear()
    this.#ofZones.set(zone, hash)
    return hash
  }
}

export class KeptHashes {
  readonly names: NameHash
  readonly #kept: (Kept | undefined)[] = Array.from({ length: KEPT_NAMES }, () => undefined)

  constructor(parameters: HashParameters) {
    this.names = new NameHash(parameters)
  }

  /** Of the ancestor that starts with label `i`. */
  of(name: NameKey, i: number): string {
    return this.names.ofOctets(name.octets, name.starts[i]!, name.length)
  }

  kept(name: NameKey, i: number): string {
    const slot = name.hashes[i]! & (KEPT_NAMES - 1)
    const known = this.#kept[slot]
    if (known !== undefined && isSame(known.octets, name, i)) return known.digest
    const digest = this.of(name, i)
    this.#kept[slot] = { octets: name.octets.slice(name.starts[i]!, name.length), digest }
    return digest
  }
}

type Kept = { readonly octets: Uint8Array; readonly digest: string }

function isSame(octets: Uint8Array, name: NameKey, i: number): boolean {
  const start = name.starts[i]!
  if (octets.length !== name.length - start) return false
  for (let at = 0; at < octets.length; at++)
    if (octets[at] !== name.octets[start + at]) return false
  return true
}

function parametersAt({ words, octets }: ImageReader, zone: number): HashParameters {
  const salt = zone + ZONE.name + octets[zone + ZONE.nameLength]!
  return {
    iterations: words[(zone + ZONE.iterations) >> 2]!,
    salt: octets.slice(salt, salt + octets[zone + ZONE.saltLength]!),
  }
}
