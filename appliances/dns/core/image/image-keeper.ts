// An image that is never long at work: small changes go into it at once, and what takes longer (a large zone that is new
// or another one, memory that is full or full of garbage) is done in turns in a second image, which takes its place.
// Until then others answer for the zone; or it is answered as it was, where nobody waits for what it became.
import type { Name } from '../../../../shared/dns/name.ts'
import type { Zone } from '../zone/zone.ts'
import {
  ImageWriter,
  placeKey,
  roomFor,
  type ImageRoom,
  type ImageRules,
  type PlaceKey,
  type ViewPublished,
} from './image-writer.ts'

/** So many are written in some ten milliseconds. */
const NAMES_AT_ONCE = 2048
/** The second image catches up with so many zones in its last turn. */
const ZONES_AT_ONCE = 4

export class ImageKeeper {
  readonly #seed: number
  readonly #rules: ImageRules
  readonly #namesAtOnce: number
  #image: ImageWriter
  /** Zones that the image does not have as they are. */
  readonly #awaited = new Map<PlaceKey, Zone>()
  #work: Generator<void, ImageWriter> | undefined

  /** See `ImageWriter`. A zone of more than `namesAtOnce` names is written in turns. */
  constructor(seed: number, rules: ImageRules = {}, namesAtOnce: number = NAMES_AT_ONCE) {
    this.#seed = seed
    this.#rules = rules
    this.#namesAtOnce = namesAtOnce
    this.#image = new ImageWriter(seed, rules)
  }

  /** Another one after an `apply` or a `work` that had to move; see `ImageWriter`. */
  get memory(): SharedArrayBuffer {
    return this.#image.memory
  }

  get size(): { readonly octets: number; readonly garbageOctets: number } {
    return this.#image.size
  }

  /** Whether there is something left for `work`. */
  get isBusy(): boolean {
    return this.#work !== undefined
  }

  /** Whether the zone did not fit, or was not to. */
  isLeft(origin: Name, view = 0): boolean {
    return !this.#awaited.has(placeKey(origin, view)) && this.#image.isLeft(origin, view)
  }

  /** Writes everything at once, for an image that nobody reads yet. */
  load(published: readonly ViewPublished[]): void {
    this.#image.apply(published)
  }

  apply(published: readonly ViewPublished[]): void {
    const others = published.filter((each) => !this.#await(each))
    for (const large of this.#image.applySmall(others, this.#namesAtOnce)) {
      const { origin, view, after, mayLag } = large
      this.#awaited.set(placeKey(origin, view ?? 0), after!)
      if (mayLag !== true || !this.#image.has(origin, view)) this.#image.leave(after!, view)
    }
    if (this.#work !== undefined) return
    if (this.#awaited.size > 0 || this.#image.isCrowded) this.#work = this.#rebuilt()
  }

  /** Goes on with what is left until it is done or `isOver`, which is asked every some hundred names. */
  work(isOver: () => boolean): void {
    while (this.#work !== undefined && !isOver()) {
      const step = this.#work.next()
      if (step.done !== true) continue
      this.#image = step.value
      this.#awaited.clear()
      this.#work = undefined
    }
  }

  /** Whether this is another change of a zone that is on its way, which has what it needs then. */
  #await({ origin, view = 0, after }: ViewPublished): boolean {
    const key = placeKey(origin, view)
    if (!this.#awaited.has(key)) return false
    if (after === undefined) {
      this.#awaited.delete(key)
      return false
    }
    this.#awaited.set(key, after)
    this.#image.leave(after, view)
    return true
  }

  *#rebuilt(): Generator<void, ImageWriter> {
    const next = new ImageWriter(this.#seed, this.#rules, this.#roomForAll())
    for (;;) {
      const behind = this.#behind(next)
      const isShort = behind.length <= ZONES_AT_ONCE
      let names = 0
      let hasPaused = false
      for (const each of behind) {
        for (const { after, view } of next.applySmall([each], this.#namesAtOnce)) {
          yield* next.add(after!, view)
          hasPaused = true
        }
        names += each.after?.nodes.size ?? 0
        if (isShort || names < this.#namesAtOnce) continue
        yield
        hasPaused = true
        names = 0
      }
      if (!hasPaused) return next
    }
  }

  /** What the image and what is awaited say, and `next` does not yet. */
  #behind(next: ImageWriter): readonly ViewPublished[] {
    const behind: ViewPublished[] = []
    for (const { origin, view, zone } of this.#image.zones()) {
      const after = this.#awaited.get(placeKey(origin, view)) ?? zone
      if (next.holds(after, origin, view)) continue
      behind.push({ origin, view, before: undefined, after, isBroken: after === undefined })
    }
    for (const { origin, view } of next.zones())
      if (!this.#image.has(origin, view))
        behind.push({ origin, view, before: undefined, after: undefined, isBroken: false })
    return behind
  }

  #roomForAll(): ImageRoom {
    const rooms = [this.#image.room, ...Array.from(this.#awaited.values(), roomFor)]
    const sum = (of: keyof ImageRoom): number => rooms.reduce((all, room) => all + room[of], 0)
    return { octets: sum('octets'), names: sum('names'), zones: sum('zones') }
  }
}
