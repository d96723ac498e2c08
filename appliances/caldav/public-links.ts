// GET of a public link: no account, but a token that nobody guesses; bounded in visits of one client and in work at once.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../shared/clock/clock.ts'
import type { Library } from './core/library/library.ts'
import { linkToken } from './core/publish/link-request.ts'
import { publishedReply } from './core/publish/published-calendar.ts'
import { VisitLimit } from './core/publish/visit-limit.ts'
import { textReply, type Reply } from './core/request.ts'

/** Calendars that are being written out. */
const AT_ONCE = 8
const BUSY_SECONDS = 5

export class PublicLinks {
  readonly #clock: Clock
  readonly #visits = new VisitLimit()
  #underWay = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `file` is the last segment of the URL. */
  reply(
    file: string,
    address: string,
    library: Library,
    request: IncomingMessage,
    response: ServerResponse,
  ): Reply {
    const waitMs = this.#visits.waitMs(address, this.#clock.monotonicMs())
    if (waitMs > 0)
      return textReply(429, 'Too often; wait a little', {
        'retry-after': String(Math.ceil(waitMs / 1000)),
      })
    const [, secret] = LINK.exec(file) ?? []
    const found = secret === undefined ? undefined : library.published(linkToken(secret))
    if (found === undefined) return textReply(404, 'Nothing is here')
    const ifNoneMatch = request.headers['if-none-match']
    const { collection, link } = found
    const reply = publishedReply(collection, link.show, library, ifNoneMatch)
    if (reply.status !== 200 || request.method === 'HEAD') return reply
    if (this.#underWay >= AT_ONCE)
      return textReply(503, 'Busy; come again', { 'retry-after': String(BUSY_SECONDS) })
    this.#underWay++
    response.once('close', () => this.#underWay--)
    return reply
  }
}

/** 32 octets in base64url. */
const LINK = /^([\w-]{43})(?:\.ics)?$/
