// Answers in a packet worker: from the image, each client the zones of its view.
import { workerCookies } from '../../../shared/dns-server/cookie-options.ts'
import type { AnswerTally } from '../../../shared/dns-server/core/answer-tally.ts'
import type { Client } from '../../../shared/dns-server/core/client.ts'
import type { CookieOptions } from '../../../shared/dns-server/core/edns-options.ts'
import type { PacketAnswerer } from '../../../shared/dns-server/plane/packet-loop.ts'
import { PrefixSet, type Prefix } from '../../../shared/net/prefix.ts'
import { machineTime } from '../../../shared/dns-server/plane/machine-time.ts'
import { answerLimiter, type SharedRateLimit } from '../answer-limits.ts'
import type { NameserverOptions } from '../core/answer/nameserver.ts'
import { ImageResponder } from '../core/image/image-responder.ts'

export type AnswerSettings = {
  readonly udpLimitOctets: number
  readonly version?: string
  readonly identity?: string
  readonly isCookieRequired: boolean
  /** Clients of each view but everybody's; the first that a client is in counts. */
  readonly views: readonly (readonly Prefix[])[]
}

export type ImageGiven = {
  readonly image: SharedArrayBuffer
  /** The newest first; none without cookies. */
  readonly cookieSecrets: readonly Uint8Array[] | undefined
  readonly settings: AnswerSettings
  readonly limit: SharedRateLimit | undefined
}

export type ImageNews =
  | { readonly kind: 'image'; readonly image: SharedArrayBuffer }
  | { readonly kind: 'secrets'; readonly secrets: readonly Uint8Array[] }

export class ImageAnswerer implements PacketAnswerer<ImageNews> {
  readonly #counts: AnswerTally
  readonly #options: NameserverOptions
  readonly #cookies: CookieOptions | undefined
  readonly #viewOf: ((octets: Uint8Array) => number) | undefined
  #responder: ImageResponder

  constructor({ image, cookieSecrets, settings, limit }: ImageGiven, counts: AnswerTally) {
    this.#counts = counts
    const { isCookieRequired, views } = settings
    if (views.length > 0) this.#viewOf = viewsByAddress(views)
    this.#cookies = workerCookies(cookieSecrets, isCookieRequired)
    this.#options = {
      udpLimitOctets: settings.udpLimitOctets,
      ...(settings.version !== undefined && { version: settings.version }),
      ...(settings.identity !== undefined && { identity: settings.identity }),
      defers: true,
      ...(this.#cookies && { cookies: this.#cookies }),
      ...(limit && { limiter: answerLimiter(limit, machineTime(limit.leadMs)) }),
    }
    this.#responder = this.#responderOf(image)
  }

  respond(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
    outOctets: number,
  ): number {
    return this.#responder.respond(packet, start, end, client, out, to, outOctets)
  }

  hear(news: ImageNews): void {
    if (news.kind === 'image') this.#responder = this.#responderOf(news.image)
    else this.#cookies?.server.roll(news.secrets)
  }

  #responderOf(image: SharedArrayBuffer): ImageResponder {
    return new ImageResponder(image, this.#options, this.#counts, this.#viewOf)
  }
}

/** Views count from 1; 0 is everybody's. */
function viewsByAddress(views: AnswerSettings['views']): (octets: Uint8Array) => number {
  const clients = views.map((prefixes) => new PrefixSet(prefixes))
  return (octets) => 1 + clients.findIndex((set) => set.has(octets))
}
