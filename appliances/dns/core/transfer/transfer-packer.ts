// Packs records into the messages of a transfer (RFC 5936 §2.2): each as full as its limit allows, names compressed.
import { OPT, OPT_OCTETS } from '../../../../shared/dns/edns.ts'
import { FLAG, HEADER_OCTETS } from '../../../../shared/dns/message.ts'
import { MessageWriter, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import { decodeName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { CLASS, TYPE } from '../../../../shared/dns/record-types.ts'

/** What we take by UDP, as the OPT record of an answer announces it. */
const ANNOUNCED_OCTETS = 1232

/** A record that does not fit a message of its own: there is no way to send it. */
export const TOO_LARGE = 'too-large'

export type TransferQuestion = {
  readonly id: number
  /** As the client spelled it. */
  readonly qname: Name
  readonly qtype: number
  /** The flag word of the query. */
  readonly flags: number
  /** An OPT record is answered by one, in the first message. */
  readonly hasEdns: boolean
}

export class TransferPacker {
  readonly #question: TransferQuestion
  readonly #limitOctets: number
  readonly #writer = new MessageWriter()
  readonly #out: Uint8Array
  #owner: SuffixedName = { name: ROOT, suffixes: [] }
  #count = 0
  #messages = 0

  constructor(question: TransferQuestion, limitOctets: number) {
    this.#question = question
    this.#limitOctets = limitOctets
    this.#out = new Uint8Array(limitOctets)
    this.#open()
  }

  /** When there is no room left for the record, it opens the next message, and this one is given back, full. */
  add(record: Record): Uint8Array | typeof TOO_LARGE | undefined {
    if (this.#write(record)) return undefined
    if (this.#count === 0) return TOO_LARGE
    const full = this.#close()
    this.#open()
    return this.#write(record) ? full : TOO_LARGE
  }

  /** The last message. */
  finish(): Uint8Array {
    return this.#close()
  }

  #open(): void {
    const writer = this.#writer
    const { qname, qtype } = this.#question
    writer.start(this.#out, this.#limitOctets)
    writer.at = HEADER_OCTETS
    this.#count = 0
    if (this.#messages > 0) return
    if (this.#question.hasEdns) writer.reserve(OPT_OCTETS)
    writer.name(spelled(qname))
    writer.u16(qtype)
    writer.u16(CLASS.IN)
  }

  #close(): Uint8Array {
    const writer = this.#writer
    const isFirst = this.#messages === 0
    const hasOpt = isFirst && this.#question.hasEdns
    if (hasOpt) {
      writer.u8(0)
      writer.u16(OPT)
      writer.u16(ANNOUNCED_OCTETS)
      writer.u32(0)
      writer.u16(0)
    }
    const { id, flags } = this.#question
    writer.patch16(0, id)
    writer.patch16(2, FLAG.QR | FLAG.AA | (flags & FLAG.RD))
    writer.patch16(4, isFirst ? 1 : 0)
    writer.patch16(6, this.#count)
    writer.patch16(8, 0)
    writer.patch16(10, hasOpt ? 1 : 0)
    this.#messages++
    return this.#out.slice(0, writer.at)
  }

  #write({ owner, type, ttlSeconds, rdata }: Record): boolean {
    const writer = this.#writer
    const start = writer.at
    if (owner !== this.#owner.name) this.#owner = spelled(owner)
    writer.name(this.#owner)
    writer.u16(type)
    writer.u16(CLASS.IN)
    writer.u32(ttlSeconds)
    const before = COMPRESSED[type]
    if (before === undefined) {
      writer.u16(rdata.length)
      writer.bytes(rdata)
    } else this.#writeNames(rdata, before, type === TYPE.SOA ? 2 : 1)
    if (writer.overflowed) {
      writer.rewind(start)
      return false
    }
    this.#count++
    return true
  }

  /** Rdata of `before` octets, names, and whatever follows. */
  #writeNames(rdata: Uint8Array, before: number, names: number): void {
    const writer = this.#writer
    const lengthAt = writer.at
    writer.u16(0)
    writer.bytes(rdata.subarray(0, before))
    let at = before
    for (let left = names; left > 0; left--) {
      const name = decodeName(rdata, at)
      // Rdata of a zone was checked when it came in.
      if (!name.ok) break
      writer.name(spelled(name.value.name))
      at = name.value.next
    }
    writer.bytes(rdata.subarray(at))
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }
}

/**
 * For compression that keeps the case of every name, as a transfer must (RFC 5936 §3.4): a pointer leads only to a name
 * of the same spelling.
 */
function spelled(name: Name): SuffixedName {
  const suffixes: Name[] = []
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at))
    suffixes.push(name.slice(at) as Name)
  return { name, suffixes }
}

/** Octets before the name in the types whose names a sender may compress (RFC 3597 §4) and that zones have. */
const COMPRESSED: { readonly [type: number]: number | undefined } = {
  [TYPE.NS]: 0,
  [TYPE.CNAME]: 0,
  [TYPE.SOA]: 0,
  [TYPE.PTR]: 0,
  [TYPE.MX]: 2,
}
