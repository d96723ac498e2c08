// Reads the messages of a transfer as they come (RFC 5936 §2.2, RFC 1995 §4): a whole zone, difference sequences, or
// the SOA that says there is nothing new. A primary may be hostile: all of it is bounded, and checked before it is used.
import { SOA_FIELD, isNewerSerial, soaNumber } from '../../dns/soa.ts'
import { decodeRecord, FLAG, HEADER_OCTETS, OPCODE, RCODE } from '../../dns/message.ts'
import { canonicalName, decodeName, isAtOrBelow, type Name } from '../../dns/name.ts'
import { checkRdata } from '../../dns/rdata.ts'
import type { Record } from '../../dns/record.ts'
import { CLASS, isMetaType, TYPE } from '../../dns/record-types.ts'
import { err, ok, type Result } from '../../result/result.ts'

export type TransferLimits = {
  readonly records: number
  readonly octets: number
}

export const TRANSFER_LIMITS: TransferLimits = { records: 5_000_000, octets: 1024 * 1024 * 1024 }

/** From one serial to the next; the SOA records are not among the others. */
export type TransferStep = {
  readonly before: Record
  readonly after: Record
  readonly removed: readonly Record[]
  readonly added: readonly Record[]
}

export type Received =
  /** `records` without the SOA. */
  | { readonly kind: 'full'; readonly soa: Record; readonly records: readonly Record[] }
  | { readonly kind: 'incremental'; readonly soa: Record; readonly steps: readonly TransferStep[] }
  /** Nothing newer than what we have. */
  | { readonly kind: 'current'; readonly soa: Record }

export type TransferError =
  | { readonly kind: 'rcode'; readonly rcode: number }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'too-large'; readonly what: 'records' | 'octets' }

export type TransferQuestion = {
  readonly id: number
  /** Canonical. */
  readonly zone: Name
  readonly qtype: number
  /** Of an IXFR: the serial that we have. */
  readonly serial: number | undefined
}

type Progress = Result<Received | undefined, TransferError>

export class TransferReader {
  readonly #question: TransferQuestion
  readonly #limits: TransferLimits
  #octets = 0
  #messages = 0
  #records = 0
  #soa: Record | undefined
  /** Of a whole zone; undefined until it is known not to be differences. */
  #whole: Record[] | undefined
  #steps: { before: Record; after: Record | undefined; removed: Record[]; added: Record[] }[] = []
  #received: Received | undefined

  constructor(question: TransferQuestion, limits: TransferLimits = TRANSFER_LIMITS) {
    this.#question = question
    this.#limits = limits
  }

  /** Undefined: more is to come. After a result or an error nothing more may be given. */
  take(message: Uint8Array): Progress {
    this.#octets += message.length
    if (this.#octets > this.#limits.octets) return err({ kind: 'too-large', what: 'octets' })
    const start = this.#readHeader(message)
    if (!start.ok) return start
    let at = start.value
    const count = u16(message, ANSWER_COUNT_AT)
    if (count === 0) return malformed('A message without records')
    for (let left = count; left > 0; left--) {
      const read = decodeRecord(message, at)
      if (!read.ok) return malformed(`A record that cannot be read: ${read.error.kind}`)
      at = read.value.next
      if (++this.#records > this.#limits.records) return err({ kind: 'too-large', what: 'records' })
      const { owner, type, class: rrclass, ttlSeconds, rdata } = read.value.record
      if (rrclass !== CLASS.IN) return malformed(`A record of class ${rrclass}`)
      const why = this.#next({ owner, type, ttlSeconds, rdata })
      if (why !== undefined) return malformed(why)
    }
    this.#messages++
    this.#mayBeCurrent(count)
    return ok(this.#received)
  }

  #readHeader(message: Uint8Array): Result<number, TransferError> {
    if (message.length < HEADER_OCTETS) return malformed('A message without header')
    const flags = u16(message, 2)
    if (u16(message, 0) !== this.#question.id) return malformed('Another id than that of the query')
    if ((flags & FLAG.QR) === 0) return malformed('A query instead of an answer')
    if (((flags >>> 11) & 0xf) !== OPCODE.QUERY) return malformed('Another opcode than QUERY')
    const rcode = flags & 0xf
    if (rcode !== RCODE.NOERROR) return err({ kind: 'rcode', rcode })
    if ((flags & FLAG.TC) !== 0) return malformed('A truncated message')
    const questions = u16(message, 4)
    if (questions > 1) return malformed('More than one question')
    if (questions === 0) return ok(HEADER_OCTETS)
    const name = decodeName(message, HEADER_OCTETS)
    if (!name.ok) return malformed(`A question that cannot be read: ${name.error}`)
    const at = name.value.next
    const { zone, qtype } = this.#question
    const isOurs = canonicalName(name.value.name) === zone && u16(message, at) === qtype
    return isOurs ? ok(at + 4) : malformed('The answer to another question')
  }

  /** Takes the next record in, or says what is wrong with it. */
  #next(record: Record): string | undefined {
    if (this.#received !== undefined) return 'Records behind the last one'
    const { owner, type, rdata } = record
    const name = canonicalName(owner)
    const { zone, qtype, serial } = this.#question
    const isSoa = type === TYPE.SOA
    if (isMetaType(type)) return `A record of type ${type}, which no zone has`
    const fault = checkRdata(type, rdata)
    if (fault !== undefined) return `Broken data: ${fault}`
    if (isSoa && name !== zone) return 'A SOA record below the apex'
    if (this.#soa === undefined) {
      if (!isSoa) return 'The first record is no SOA'
      this.#soa = record
      return undefined
    }
    if (this.#whole === undefined && this.#steps.length === 0) {
      const isDifference = qtype === TYPE.IXFR && isSoa && serialOf(record) === serial
      if (!isDifference) this.#whole = []
    }
    if (this.#whole !== undefined) {
      if (isSoa) return this.#endWhole(record, this.#whole)
      // Some servers send addresses of servers outside the zone along; they do not belong to it.
      if (isAtOrBelow(name, zone)) this.#whole.push(record)
      return undefined
    }
    return isSoa ? this.#turn(record) : this.#change(record, name)
  }

  #endWhole(soa: Record, records: Record[]): string | undefined {
    if (!sameRdata(soa, this.#soa!))
      return 'The SOA at the end is another one than at the beginning'
    this.#received = { kind: 'full', soa, records }
    return undefined
  }

  /** A SOA record among differences: an old one opens a step, the next one turns from removed to added. */
  #turn(soa: Record): string | undefined {
    const step = this.#steps.at(-1)
    const final = this.#soa!
    if (step !== undefined && step.after === undefined) {
      if (!isNewerSerial(serialOf(soa), serialOf(step.before)))
        return 'A difference whose serial is not newer'
      step.after = soa
      return undefined
    }
    if (step?.after !== undefined && serialOf(step.after) === serialOf(final)) {
      if (!sameRdata(soa, final)) return 'The SOA at the end is another one than at the beginning'
      const steps = this.#steps.map((s) => ({ ...s, after: s.after! }))
      this.#received = { kind: 'incremental', soa: final, steps }
      return undefined
    }
    const expected = step?.after === undefined ? this.#question.serial : serialOf(step.after)
    if (serialOf(soa) !== expected)
      return 'A difference that does not begin where the last one ended'
    this.#steps.push({ before: soa, after: undefined, removed: [], added: [] })
    return undefined
  }

  #change(record: Record, name: Name): string | undefined {
    const step = this.#steps.at(-1)
    if (step === undefined) return 'Records before the first difference'
    if (!isAtOrBelow(name, this.#question.zone)) return undefined
    if (step.after === undefined) step.removed.push(record)
    else step.added.push(record)
    return undefined
  }

  /** A first message of one SOA that is not newer is all there is (RFC 1995 §2). */
  #mayBeCurrent(count: number): void {
    const { qtype, serial } = this.#question
    const soa = this.#soa!
    if (qtype !== TYPE.IXFR || serial === undefined || this.#messages > 1 || count > 1) return
    if (!isNewerSerial(serialOf(soa), serial)) this.#received = { kind: 'current', soa }
  }
}

export function serialOf({ rdata }: Record): number {
  return soaNumber(rdata, SOA_FIELD.serial)
}

function sameRdata(a: Record, b: Record): boolean {
  return Buffer.compare(a.rdata, b.rdata) === 0
}

function malformed(why: string): { readonly ok: false; readonly error: TransferError } {
  return err({ kind: 'malformed', why })
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

const ANSWER_COUNT_AT = 6
