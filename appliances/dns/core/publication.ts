// The zones as they are served now: what the files say, what was signed, what expired; and who hears of a change.
import type { Name } from '../../../shared/dns/name.ts'
import type { Zone } from './zone/zone.ts'

/** One zone's new face. */
export type Published = {
  /** Canonical. */
  readonly origin: Name
  /** As it was served until now; undefined when it was not. */
  readonly before: Zone | undefined
  /** Undefined: gone, or (`isBroken`) there but not to be answered from. */
  readonly after: Zone | undefined
  readonly isBroken: boolean
  /** Nobody waits for it: the zone may be answered as it was for a moment more. */
  readonly mayLag?: boolean
}

/** Is told of a change in the turn in which it is served; the list is one commit's worth. */
export type PublishedListener = (published: readonly Published[]) => void

/** Zones by canonical origin; what the name server reads. */
export class Publication {
  readonly #zones = new Map<Name, { readonly zone: Zone | undefined }>()
  readonly #listeners = new Set<PublishedListener>()

  get size(): number {
    return this.#zones.size
  }

  /** `zone` is undefined when there is a zone that cannot be answered from (SERVFAIL). */
  get(origin: Name): { readonly zone: Zone | undefined } | undefined {
    return this.#zones.get(origin)
  }

  entries(): IterableIterator<[Name, { readonly zone: Zone | undefined }]> {
    return this.#zones.entries()
  }

  /** Swaps all of them, then tells the listeners in the order in which they came. */
  publish(published: readonly Published[]): void {
    if (published.length === 0) return
    for (const { origin, after, isBroken } of published) {
      if (after === undefined && !isBroken) this.#zones.delete(origin)
      else this.#zones.set(origin, { zone: after })
    }
    for (const listener of this.#listeners) listener(published)
  }

  /** Returns the way out. */
  subscribe(listener: PublishedListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
