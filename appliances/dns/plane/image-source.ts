// What the packet workers of cairn-dns answer from: the image of the published zones of all views, written as they change.
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../../shared/clock/clock.ts'
import type { PlaneSource } from '../../../shared/dns-server/plane/packet-plane.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import type { Log } from '../../../shared/log/log.ts'
import { Bug } from '../../../shared/result/result.ts'
import type { SharedRateLimit } from '../answer-limits.ts'
import { ImageKeeper } from '../core/image/image-keeper.ts'
import type { ViewPublished } from '../core/image/image-writer.ts'
import type { Publication } from '../core/publication.ts'
import type { Zone } from '../core/zone/zone.ts'
import type { AnswerSettings, ImageGiven, ImageNews } from './image-answerer.ts'

/** How long packets wait for a large zone on its way into the image. */
const TURN_MS = 5

export type ImageOptions = {
  /** By number: everybody's first, then those of `settings.views`. */
  readonly publications: readonly Publication[]
  /** Zones that workers leave to the main thread. */
  readonly isElsewhere: (origin: Name) => boolean
  /** Zones with compact denial, whose answers are not all there ready: those are left to the main thread too. */
  readonly isCompact: (zone: Zone) => boolean
  readonly settings: AnswerSettings
  readonly cookieSecrets: () => readonly Uint8Array[] | undefined
  readonly limit: SharedRateLimit | undefined
  readonly clock: Clock
  readonly log: Log
  readonly fail: (error: Error) => void
}

export class ImageSource implements PlaneSource<ImageGiven, ImageNews> {
  readonly #options: ImageOptions
  readonly #image: ImageKeeper
  #tell: (news: ImageNews) => void = () => {}
  #unsubscribe: readonly (() => void)[] = []
  #isStopped = false

  constructor(options: ImageOptions) {
    this.#options = options
    this.#image = new ImageKeeper(randomBytes(4).readInt32LE(), options)
  }

  start(tell: (news: ImageNews) => void): void {
    const { publications } = this.#options
    this.#tell = tell
    const served: ViewPublished[] = []
    for (const [view, publication] of publications.entries())
      for (const [origin, { zone }] of publication.entries())
        served.push({ origin, view, before: undefined, after: zone, isBroken: zone === undefined })
    this.#image.load(served)
    this.#warn(served)
    this.#unsubscribe = publications.map((publication, view) =>
      publication.subscribe((published) =>
        this.#apply(published.map((each) => ({ ...each, view }))),
      ),
    )
  }

  given(): ImageGiven {
    const { settings, cookieSecrets, limit } = this.#options
    const image = this.#image.memory
    return { image, cookieSecrets: cookieSecrets(), settings, limit }
  }

  stop(): void {
    this.#isStopped = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  /** For /status. */
  get size(): { readonly octets: number; readonly garbageOctets: number } {
    const { octets, garbageOctets } = this.#image.size
    return { octets, garbageOctets }
  }

  /** The newest first; for `CookieSecrets.attach`. */
  roll(secrets: readonly Uint8Array[]): void {
    this.#tell({ kind: 'secrets', secrets })
  }

  #apply(published: readonly ViewPublished[]): void {
    const wasBusy = this.#image.isBusy
    if (!this.#change(() => this.#image.apply(published))) return
    this.#warn(published)
    if (!wasBusy && this.#image.isBusy) void this.#goOn().then(() => this.#warn(published))
  }

  /** Does what was too much at once, in turns between which packets are answered. Does not throw. */
  async #goOn(): Promise<void> {
    const { clock } = this.#options
    while (this.#image.isBusy) {
      await nextTurn()
      if (this.#isStopped) return
      const endsMs = clock.monotonicMs() + TURN_MS
      if (!this.#change(() => this.#image.work(() => clock.monotonicMs() >= endsMs))) return
    }
  }

  /** False when it failed. */
  #change(change: () => void): boolean {
    const { memory } = this.#image
    try {
      change()
    } catch (cause) {
      // Workers that answer from an image that is not what is published must not go on.
      this.#options.fail(cause instanceof Error ? cause : new Bug(String(cause)))
      return false
    }
    if (this.#image.memory !== memory) this.#tell({ kind: 'image', image: this.#image.memory })
    return true
  }

  #warn(published: readonly ViewPublished[]): void {
    const { log, isElsewhere } = this.#options
    for (const { origin, view } of published)
      if (this.#image.isLeft(origin, view) && !isElsewhere(origin))
        log.warn('zone-too-large', { zone: formatName(origin), why: 'one thread answers for it' })
  }
}
