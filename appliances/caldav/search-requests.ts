// Searches of the web page: many objects are looked at, so it goes in turns with all other requests, and a user has one at a
// time. What it answers is from one state of the branch.
import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../shared/clock/clock.ts'
import { textReply, type Reply } from './core/request.ts'
import { EventSearch, wordsOf } from './core/search/event-search.ts'
import type { View } from './core/view.ts'

/** Nobody else waits longer for it. */
const TURN_MS = 5

type SearchRequest = Pick<IncomingMessage, 'method' | 'url'> & {
  readonly socket: { readonly destroyed: boolean }
}

export class SearchRequests {
  readonly #clock: Clock
  /** By user, the one under way. */
  readonly #running = new Map<string, symbol>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `GET …/-/search?q=words`: JSON, see SearchAnswer. */
  async answer(request: SearchRequest, view: View): Promise<Reply> {
    if (request.method !== 'GET')
      return textReply(405, 'This method is not known here', { allow: 'GET' })
    const query = new URLSearchParams(request.url?.split('?')[1] ?? '').get('q') ?? ''
    const words = wordsOf(query)
    if (words === undefined) return textReply(400, 'Expected one to eight words to look for')
    const search = new EventSearch(words, view)
    const own = Symbol(query)
    this.#running.set(view.user.name, own)
    const isNewest = (): boolean => this.#running.get(view.user.name) === own
    let pauseMs = this.#clock.monotonicMs() + TURN_MS
    for (const _ of search.steps()) {
      if (this.#clock.monotonicMs() < pauseMs) continue
      await setImmediate()
      if (!isNewest() || request.socket.destroyed)
        return textReply(409, 'A newer search took the place of this one')
      pauseMs = this.#clock.monotonicMs() + TURN_MS
    }
    if (isNewest()) this.#running.delete(view.user.name)
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
    return { status: 200, headers, body: JSON.stringify(search.answer()) }
  }
}
