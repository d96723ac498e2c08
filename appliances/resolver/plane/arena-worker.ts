// Answers in a packet worker: from the arena, what is there.
import { workerCookies } from '../../../shared/dns-server/cookie-options.ts'
import type { AnswerTally } from '../../../shared/dns-server/core/answer-tally.ts'
import type { Client } from '../../../shared/dns-server/core/client.ts'
import type { CookieOptions } from '../../../shared/dns-server/core/edns-options.ts'
import type { PacketAnswerer } from '../../../shared/dns-server/plane/packet-loop.ts'
import { PrefixSet, type Prefix } from '../../../shared/net/prefix.ts'
import { mayAnswer, type ClientLimit } from '../client-limit.ts'
import { ArenaAnswerer } from '../core/arena/arena-answerer.ts'
import { machineTime } from '../../../shared/dns-server/plane/machine-time.ts'

export type ArenaGiven = {
  readonly arena: SharedArrayBuffer
  /** Of the machine's time, before `sharedMs`. */
  readonly leadMs: number
  readonly udpLimitOctets: number
  readonly allow: readonly Prefix[]
  readonly limit: ClientLimit | undefined
  /** The newest first; none without cookies. */
  readonly cookieSecrets: readonly Uint8Array[] | undefined
  readonly isCookieRequired: boolean
}

/** New cookie secrets, the newest first. */
export type ArenaNews = { readonly secrets: readonly Uint8Array[] }

export class ArenaWorker implements PacketAnswerer<ArenaNews> {
  readonly #answerer: ArenaAnswerer
  readonly #cookies: CookieOptions | undefined

  constructor(given: ArenaGiven, counts: AnswerTally) {
    const { arena, udpLimitOctets, allow, limit, cookieSecrets, isCookieRequired } = given
    const nowMs = machineTime(given.leadMs)
    this.#cookies = workerCookies(cookieSecrets, isCookieRequired)
    this.#answerer = new ArenaAnswerer(
      arena,
      {
        udpLimitOctets,
        allowed: new PrefixSet(allow),
        ...(this.#cookies && { cookies: this.#cookies }),
        ...(limit && { mayAnswer: mayAnswer(limit, nowMs) }),
        nowMs,
      },
      {
        answered: (transport, rcode, qtype) => counts.answered(transport, rcode, qtype),
        limited: () => counts.limited('drop'),
      },
    )
  }

  respond(
    packet: Uint8Array,
    start: number,
    end: number,
    client: Client,
    out: Uint8Array,
    to: number,
  ): number {
    return this.#answerer.respond(packet, start, end, client, out, to)
  }

  hear({ secrets }: ArenaNews): void {
    this.#cookies?.server.roll(secrets)
  }
}
