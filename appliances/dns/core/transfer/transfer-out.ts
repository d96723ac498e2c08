// Gives zones to secondaries: AXFR (RFC 5936) and IXFR (RFC 1995), to holders of a key with the right `transfer` and to
// the addresses that the configuration allows. An IXFR that cannot be answered by differences is answered in full.
import { isNewerSerial, SOA_FIELD, soaNumber } from '../../../../shared/dns/soa.ts'
import { EXTENDED_ERROR } from '../../../../shared/dns/edns.ts'
import {
  decodeMessage,
  RCODE,
  type Message,
  type MessageRecord,
} from '../../../../shared/dns/message.ts'
import { canonicalName, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'
import type { ZoneTable } from '../answer/zone-answer.ts'
import { explainedAnswer } from '../../../../shared/dns-server/core/bare-answer.ts'
import { isStream, type Client } from '../../../../shared/dns-server/core/client.ts'
import { grantsFor, type Key } from '../../../../shared/tsig/key.ts'
import { outlineMessage } from '../../../../shared/dns-server/core/message-outline.ts'
import type { Request, RequestHandler } from '../request.ts'
import type { Zone } from '../zone/zone.ts'
import type { ZoneDifference } from '../zone/zone-difference.ts'
import { TransferPacker, TOO_LARGE } from './transfer-packer.ts'
import { differenceSequence, soaRecord, wholeZone } from './zone-sequence.ts'

/** What was of older serials. */
export interface ZoneHistory {
  /** What makes the zone of serial `from` into `zone`; undefined when that is not known, or longer than the zone. */
  difference(zone: Zone, from: number): Promise<ZoneDifference | undefined>
}

/** `full` is an AXFR, or an IXFR answered like one; `current` an IXFR that was told the newest SOA only. */
export type TransferKind = 'full' | 'incremental' | 'current'
export type TransferResult = 'done' | 'refused' | 'failed' | 'aborted'

export type TransferOptions = {
  /** Those that the client sees. */
  readonly zonesFor: (request: Request) => ZoneTable<Zone>
  readonly history: ZoneHistory
  /** Whether who did not sign may have zones, by the 4 or 16 octets of the address. */
  readonly allows: (octets: Uint8Array) => boolean
  /** Why nobody may have a zone, whatever rights they have; undefined for nearly all. */
  readonly whyKept: (zone: Zone) => string | undefined
  /** Lets others have their turn between two messages. */
  readonly pause: () => Promise<void>
  readonly ended: (transfer: {
    readonly zone: Name
    readonly kind: TransferKind | undefined
    readonly result: TransferResult
    readonly request: Request
    readonly messages: number
    /** Of a zone that nobody may have. */
    readonly why?: string
  }) => void
}

/** Transfers under way at once; each holds on to a version of its zone. */
export const TRANSFERS_LIMIT = 64

export class TransferServer {
  readonly #options: TransferOptions
  #running = 0

  constructor(options: TransferOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  readonly handle: RequestHandler = async function* (this: TransferServer, request: Request) {
    yield* this.#answer(request)
  }.bind(this)

  async *#answer(request: Request): AsyncGenerator<Uint8Array> {
    const query = readQuery(request.packet)
    if (query === undefined) {
      yield refuse(request, RCODE.FORMERR)
      return
    }
    const { qname } = query
    const zone = canonicalName(qname)
    const served = this.#options.zonesFor(request).get(zone)
    const rcode = this.#whyNot(request, query, { name: zone, served })
    if (rcode !== RCODE.NOERROR) {
      this.#options.ended({ zone, kind: undefined, result: 'refused', request, messages: 0 })
      yield refuse(request, rcode)
      return
    }
    const why = this.#options.whyKept(served!.zone!)
    if (why !== undefined) {
      this.#options.ended({ zone, kind: undefined, result: 'refused', request, messages: 0, why })
      yield refuse(request, RCODE.REFUSED, why)
      return
    }
    this.#running++
    try {
      yield* this.#transfer(request, query, served!.zone!)
    } finally {
      this.#running--
    }
  }

  #whyNot(
    request: Request,
    query: TransferQuery,
    asked: {
      readonly name: Name
      readonly served: { readonly zone: Zone | undefined } | undefined
    },
  ): number {
    const { key, client } = request
    // Zones go over TLS 1.3 or not over TLS (RFC 9103).
    if (query.qclass !== CLASS.IN || client.isOldTls === true) return RCODE.REFUSED
    const { name, served } = asked
    // Who may have nothing learns nothing of which zones there are.
    if (!mayHaveZone(client, key, name, this.#options.allows)) return RCODE.REFUSED
    if (served === undefined) return RCODE.NOTAUTH
    if (served.zone === undefined || soaRecord(served.zone) === undefined) return RCODE.SERVFAIL
    return this.#running < TRANSFERS_LIMIT ? RCODE.NOERROR : RCODE.SERVFAIL
  }

  async *#transfer(request: Request, query: TransferQuery, zone: Zone): AsyncGenerator<Uint8Array> {
    const soa = soaRecord(zone)!
    const { kind, records } = await this.#recordsFor(query, zone, soa)
    const isUdp = !isStream(request.client.transport)
    let packed = packing(query, request, records)
    let sentKind = kind
    let messages = 0
    let result: TransferResult = 'aborted'
    try {
      let next = packed.next()
      if (isUdp && next.done !== true && !next.value.isLast) {
        // Too long for a datagram: the SOA says that there is something newer (RFC 1995 §2).
        sentKind = 'current'
        packed = packing(query, request, [soa])
        next = packed.next()
      }
      for (; next.done !== true; next = packed.next()) {
        messages++
        yield next.value.message
        if (next.value.isLast) result = 'done'
        else await this.#options.pause()
      }
      if (result !== 'done') {
        result = 'failed'
        if (messages === 0) yield refuse(request, RCODE.SERVFAIL)
      }
    } finally {
      this.#options.ended({ zone: zone.origin, kind: sentKind, result, request, messages })
    }
  }

  async #recordsFor(
    { qtype, serial }: TransferQuery,
    zone: Zone,
    soa: Record,
  ): Promise<{ kind: TransferKind; records: Iterable<Record> }> {
    const full = { kind: 'full', records: wholeZone(zone, soa) } as const
    if (qtype === TYPE.AXFR || serial === undefined) return full
    const current = soaNumber(soa.rdata, SOA_FIELD.serial)
    // A client that is ahead of us has nothing to get here (RFC 1995 §2).
    if (!isNewerSerial(current, serial)) return { kind: 'current', records: [soa] }
    const difference = await this.#options.history.difference(zone, serial)
    const records = difference && differenceSequence(soa, difference)
    return records === undefined ? full : { kind: 'incremental', records }
  }
}

/** Whether a client, with the key that it signed with, may have the zone whole; `allows` tells of who signs nothing. */
export function mayHaveZone(
  client: Client,
  key: Key | undefined,
  zone: Name,
  allows: (octets: Uint8Array) => boolean,
): boolean {
  return key === undefined ? allows(client.octets) : grantsFor(key, 'transfer', zone).length > 0
}

type TransferQuery = {
  readonly id: number
  readonly flags: number
  readonly qname: Name
  readonly qtype: number
  readonly qclass: number
  readonly hasEdns: boolean
  /** Of an IXFR: what the client has. */
  readonly serial: number | undefined
}

/** Undefined for what is no AXFR or IXFR query in form. */
function readQuery(packet: Uint8Array): TransferQuery | undefined {
  const decoded = decodeMessage(packet)
  if (!decoded.ok) return undefined
  const message: Message = decoded.value
  const [question, ...others] = message.questions
  if (question === undefined || others.length > 0) return undefined
  const { id, flags, authorities } = message
  const serial = question.qtype === TYPE.IXFR ? serialOf(question.qname, authorities) : undefined
  if (question.qtype === TYPE.IXFR && serial === undefined) return undefined
  return { id, flags, ...question, serial, hasEdns: message.edns !== undefined }
}

function serialOf(qname: Name, authorities: readonly MessageRecord[]): number | undefined {
  const zone = canonicalName(qname)
  const soa = authorities.find(
    ({ owner, type, rdata }) =>
      type === TYPE.SOA && canonicalName(owner) === zone && rdata.length > SOA_FIELD.serial,
  )
  return soa && soaNumber(soa.rdata, SOA_FIELD.serial)
}

/** Ends early, without a last message, when a record fits none. */
function* packing(
  query: TransferQuery,
  request: Request,
  records: Iterable<Record>,
): Generator<{ readonly message: Uint8Array; readonly isLast: boolean }, void> {
  const packer = new TransferPacker(query, request.limitOctets)
  for (const record of records) {
    const message = packer.add(record)
    if (message === TOO_LARGE) return
    if (message !== undefined) yield { message, isLast: false }
  }
  yield { message: packer.finish(), isLast: true }
}

function refuse(request: Request, rcode: number, why?: string): Uint8Array {
  const { packet, limitOctets } = request
  const error = why === undefined ? undefined : { code: EXTENDED_ERROR.PROHIBITED, text: why }
  return explainedAnswer(packet, outlineMessage(packet), rcode, { error, limitOctets })
}
