// The zones of a running name server, ours or anybody's: read by AXFR and changed by UPDATE over TCP or TLS, with TSIG.
import { randomInt } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { systemClock } from '../../../shared/clock/clock.ts'
import { extendedErrorsOf } from '../../../shared/dns/edns.ts'
import { decodeMessage, RCODE } from '../../../shared/dns/message.ts'
import { canonicalName, formatName, isAtOrBelow, type Name } from '../../../shared/dns/name.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import { formatEndpoint, isIpv6, type Endpoint } from '../../../shared/net/endpoint.ts'
import { Fatal, type Result } from '../../../shared/result/result.ts'
import type { Key } from '../../../shared/tsig/key.ts'
import { parseKeyWords } from '../core/keys/key-words.ts'
import type { RecordChange } from '../core/text/edit-plan.ts'
import { soaQuery, transferQuery } from '../../../shared/dns-transfer/core/transfer-query.ts'
import { TransferReader, type Received } from '../../../shared/dns-transfer/core/transfer-reader.ts'
import { updateRequests } from '../core/update/update-request.ts'
import { zoneOfRecords } from '../core/zone/zone-change.ts'
import type { Zone } from '../core/zone/zone.ts'
import { PeerClient, type Peer } from '../../../shared/dns-transfer/peer-client.ts'
import { Misuse } from './zone-words.ts'

const DNS_PORT = 53
const TLS_PORT = 853

export type ServerOptions = {
  readonly server: string
  /** A file, or the words themselves. */
  readonly key?: string | undefined
  /** The name in the server's certificate. */
  readonly tls?: string | undefined
}

export class ZoneServer {
  readonly text: string
  readonly #client: PeerClient
  readonly #peer: Peer
  readonly #key: Key | undefined
  readonly #signal = new AbortController().signal

  constructor({ server, key, tls }: ServerOptions) {
    const endpoint = endpointOf(server, tls === undefined ? DNS_PORT : TLS_PORT)
    this.text = formatEndpoint(endpoint)
    this.#key = key === undefined ? undefined : keyOf(key)
    this.#peer = {
      endpoint,
      ...(this.#key && { key: this.#key.name }),
      ...(tls !== undefined && { tls: { name: tls } }),
    }
    const ours = this.#key
    this.#client = new PeerClient({
      ring: { find: (name) => (name === ours?.name ? ours : undefined), all: () => [] },
      policy: { truncated: false, sha1: true },
      clock: systemClock,
    })
  }

  /** The zone that `name` is in, as the server has it. */
  async zoneOf(name: Name): Promise<Zone> {
    const origin = await this.#originOf(name)
    const zone = await this.transfer(origin)
    if (zone === undefined) throw new Fatal(`${this.text} does not have ${formatName(origin)}`)
    return zone
  }

  /** Undefined for a zone that the server does not have. */
  async transfer(origin: Name): Promise<Zone | undefined> {
    const id = randomInt(0x10000)
    const reader = new TransferReader({ id, zone: origin, qtype: TYPE.AXFR, serial: undefined })
    let read: ReturnType<TransferReader['take']> | undefined
    const done = await this.#client.converse(
      this.#peer,
      transferQuery(id, origin, undefined),
      (message) => {
        read = reader.take(message)
        return read.ok && read.value === undefined ? 'more' : 'done'
      },
      this.#signal,
    )
    this.#mustWork(done)
    const result: Result<Received | undefined, unknown> | undefined = read
    if (result?.ok === true && result.value?.kind === 'full')
      return zoneOfRecords(origin, [result.value.soa, ...result.value.records])
    const error = read?.ok === false ? read.error : undefined
    if (error?.kind !== 'rcode') {
      const why = error?.kind === 'malformed' ? error.why : (error?.kind ?? 'no zone came')
      throw new Fatal(`${this.text}: the transfer of ${formatName(origin)} failed: ${why}`)
    }
    if (error.rcode === RCODE.NOTAUTH || error.rcode === RCODE.NXDOMAIN) return undefined
    throw new Fatal(this.#refusal(error.rcode, `the transfer of ${formatName(origin)}`, 'transfer'))
  }

  /** All of it, or in parts when it is more than a message holds; gives the number of parts. */
  async update(zone: Zone, change: RecordChange): Promise<number> {
    const requests = updateRequests(zone, change, () => randomInt(0x10000))
    for (const [i, request] of requests.entries()) {
      // By TCP: a datagram that is sent again could find its own work done and be refused for it.
      const answer = this.#mustWork(await this.#client.ask(this.#peer, request, this.#signal, []))
      const rcode = answer[3]! & 0xf
      if (rcode === RCODE.NOERROR) continue
      const made = i === 0 ? 'Nothing was changed' : `${i} of ${requests.length} parts were made`
      const what = `an update of ${formatName(zone.origin)}`
      throw new Fatal(`${this.#refusal(rcode, what, 'update', reasonIn(answer))}. ${made}`)
    }
    return requests.length
  }

  /** The SOA in an answer about the name, or in the one that says there is nothing, names the zone. */
  async #originOf(name: Name): Promise<Name> {
    const answer = this.#mustWork(
      await this.#client.ask(this.#peer, soaQuery(randomInt(0x10000), name), this.#signal),
    )
    const decoded = decodeMessage(answer)
    if (!decoded.ok) throw new Fatal(`${this.text}: an answer that cannot be read`)
    const { rcode, answers, authorities } = decoded.value
    const soa = [...answers, ...authorities].find(
      ({ type, owner }) => type === TYPE.SOA && isAtOrBelow(name, canonicalName(owner)),
    )
    if (soa !== undefined) return canonicalName(soa.owner)
    const why = rcode === RCODE.NOERROR ? 'it names no zone' : rcodeName(rcode)
    throw new Fatal(`${this.text} has no zone for ${formatName(name)}: ${why}`)
  }

  #mustWork<T>(done: Result<T, string>): T {
    if (done.ok) return done.value
    const { error } = done
    const key = this.#key && formatName(this.#key.name)
    for (const [start, hint] of HINTS)
      if (error.startsWith(start)) throw new Fatal(`${this.text}: ${error}: ${hint(key ?? '')}`)
    throw new Fatal(`${this.text}: ${error}`)
  }

  /** `reason` in the server's own words, if it gave one. */
  #refusal(rcode: number, what: string, right: string, reason?: string): string {
    const key = this.#key && formatName(this.#key.name)
    const who = key === undefined ? 'without a key (give one with --key)' : `with the key ${key}`
    const hint = reason ?? REFUSALS[rcode]?.(right)
    return `${this.text}: ${rcodeName(rcode)} for ${what} ${who}${hint === undefined ? '' : `: ${hint}`}`
  }
}

function endpointOf(text: string, usualPort: number): Endpoint {
  const match = /^(?:\[([^\][]+)\]|([^:\][]+))(?::(\d{1,5}))?$/.exec(text)
  if (match === null && isIpv6(text)) return { host: text, port: usualPort }
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? usualPort)
  if (host === undefined || port > 65_535)
    throw new Misuse(
      `--server: expected an address such as 192.0.2.1, [2001:db8::1]:5300 or ns.example.org, found ${text}`,
    )
  return { host, port }
}

function keyOf(words: string): Key {
  const isFile = statSync(words, { throwIfNoEntry: false })?.isFile() === true
  const key = parseKeyWords(isFile ? readFileSync(words, 'utf8') : words)
  if (key.ok) return key.value
  // What was given may be the secret: it is not repeated.
  throw new Misuse(isFile ? `--key ${words}: ${key.error}` : `--key: ${key.error}`)
}

/** The words of an extended error (RFC 8914). */
function reasonIn(answer: Uint8Array): string | undefined {
  const decoded = decodeMessage(answer)
  const edns = decoded.ok ? decoded.value.edns : undefined
  return edns && extendedErrorsOf(edns).find(({ text }) => text !== '')?.text
}

function rcodeName(rcode: number): string {
  return Object.entries(RCODE).find(([, code]) => code === rcode)?.[0] ?? `rcode ${rcode}`
}

const HINTS: readonly (readonly [start: string, hint: (key: string) => string])[] = [
  ['tsig-refused 17', (key) => `the server does not know the key ${key}`],
  ['tsig-refused 16', (key) => `the secret or the algorithm of ${key} is another one there`],
  ['tsig-refused 18', () => 'the clocks of the two machines differ by minutes'],
  ['tsig', () => 'the answer is not signed as it should be'],
  ['ECONNREFUSED', () => 'nothing listens there by TCP; is the port right?'],
  ['connect-timeout', () => 'nothing answers; is a firewall between?'],
  ['closed', () => 'the server closed the connection without an answer'],
]

const CHANGED = (): string => 'somebody changed these records meanwhile; look at them and try again'

const REFUSALS: { readonly [rcode: number]: (right: string) => string } = {
  [RCODE.REFUSED]: (right) =>
    `it may not, or the zone would be broken; the log of the server says which, and the key needs the right "${right}"`,
  [RCODE.NOTAUTH]: () => 'the server is not the primary of the zone',
  [RCODE.NXRRSET]: CHANGED,
  [RCODE.YXRRSET]: CHANGED,
  [RCODE.SERVFAIL]: () => 'the server cannot write now; its log says why',
}
