// What clients are told of names of the house, and of blocked names: that there is none, or the address that the list gives,
// and which list it was (RFC 8914 §4.16).
import { EXTENDED_ERROR } from '../../../../shared/dns/edns.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { Answer, Question } from '../answer.ts'
import type { RRset } from '../rrset.ts'
import type { ZonePolicy } from '../rpz/policed-source.ts'
import { localAnswer, type LocalAnswers } from '../serve/local-answers.ts'
import type { Policy } from './policy.ts'

/** Short, so that a name that is allowed again is soon seen. */
const TTL_SECONDS = 60

export class PolicyAnswers implements LocalAnswers {
  #policy: Policy
  #blocked = 0
  #pausedUntilMs = 0
  #changed: () => void = () => {}
  #zonePolicy: ZonePolicy = NO_ZONES

  constructor(policy: Policy) {
    this.#policy = policy
  }

  get policy(): Policy {
    return this.#policy
  }

  /** Questions that were answered here. */
  get blocked(): number {
    return this.#blocked
  }

  /** In the machine's time; 0 when nothing is paused. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs
  }

  /** Names are not blocked until then; names of the house are answered all the same. 0 ends it. */
  pause(untilMs: number): void {
    this.#pausedUntilMs = untilMs
    // What was let through meanwhile is not to be repeated.
    this.#changed()
  }

  /** For answers by policy zones; none hold during a pause. */
  zonePolicy(nowMs: number): ZonePolicy {
    return nowMs < this.#pausedUntilMs || this.#policy.zones.length === 0
      ? NO_ZONES
      : this.#zonePolicy
  }

  use(policy: Policy): void {
    this.#policy = policy
    this.#zonePolicy = {
      zones: policy.zones,
      allows: (name) => policy.allows(name),
      blockedByZone: () => void this.#blocked++,
    }
    this.#changed()
  }

  /** For who has made answers that another policy may not give. */
  watch(changed: () => void): void {
    this.#changed = changed
  }

  find(question: Question, nowMs: number): Answer | undefined {
    const { qname, qtype } = question
    const known = this.#policy.house.find(qname, qtype)
    if (known !== undefined)
      return localAnswer(question, {
        zone: qname,
        ...(known.length > 0 && { rrset: rrsetOf(qname, qtype, known) }),
        soa: rrsetOf(qname, TYPE.SOA, [SOA_RDATA]),
        ttlSeconds: TTL_SECONDS,
        nowMs,
      })
    if (nowMs < this.#pausedUntilMs) return undefined
    const block = this.#policy.find(qname)
    if (block === undefined) return undefined
    this.#blocked++
    const { name: zone, list, addresses } = block
    const octets = qtype === TYPE.A ? 4 : qtype === TYPE.AAAA ? 16 : 0
    const rdatas = addresses.filter((address) => address.length === octets)
    return localAnswer(question, {
      zone,
      ...(rdatas.length > 0 && { rrset: rrsetOf(qname, qtype, rdatas) }),
      soa: rrsetOf(zone, TYPE.SOA, [SOA_RDATA]),
      isDenied: addresses.length === 0,
      ttlSeconds: TTL_SECONDS,
      nowMs,
      extendedError: { code: EXTENDED_ERROR.BLOCKED, text: `blocked by ${list}` },
    })
  }
}

const NO_ZONES: ZonePolicy = { zones: [], allows: () => false, blockedByZone: () => {} }

function rrsetOf(owner: Name, type: number, rdatas: readonly Uint8Array[]): RRset {
  return { owner, type, ttlSeconds: TTL_SECONDS, rdatas, signatures: [] }
}

/** Of nobody, at a server that is none; the last number is how long a denial is kept (RFC 2308 §4). */
const SOA_RDATA = soaRdata([1, 3600, 1200, 604_800, TTL_SECONDS])

function soaRdata(numbers: readonly number[]): Uint8Array {
  const nobody = Buffer.from('\x06nobody\x07invalid\0', 'latin1')
  const words = Buffer.alloc(4 * numbers.length)
  for (const [i, number] of numbers.entries()) words.writeUInt32BE(number, 4 * i)
  return Buffer.concat([Buffer.of(0), nobody, words])
}
