// The record a reader has just read, in place: nothing is allocated for it, and the next one overwrites it.
import { hashOfOctets } from '../dns/hash-of-name.ts'
import type { Name } from '../dns/name.ts'
import type { Record } from '../dns/record.ts'

const NAME_LIMIT_OCTETS = 255

export class ReadRecord {
  /** Wire form in the spelling of the text. */
  owner: Buffer = Buffer.alloc(NAME_LIMIT_OCTETS)
  readonly canonical: Buffer = Buffer.alloc(NAME_LIMIT_OCTETS)
  ownerOctets = 0
  ownerHash = 0
  /** Another number for each owner that is not simply the one before again; no two readers use the same. */
  ownerNumber = 0
  type = 0
  ttlSeconds = 0
  /** The first `rdataOctets` of it. */
  rdata: Uint8Array = NO_OCTETS
  rdataOctets = 0
  /** Of the entry's first line, counted from the first line of the chunk, which is 0. */
  line = 0

  setOwner(name: Name): void {
    this.settleOwner(this.owner.write(name, 'latin1'))
  }

  /** Behind a new name of `octets` in `owner`. */
  settleOwner(octets: number): void {
    const { owner, canonical } = this
    for (let i = 0; i < octets; i++) {
      const octet = owner[i]!
      canonical[i] = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
    }
    this.ownerOctets = octets
    this.ownerHash = hashOfOctets(canonical, 0, octets)
    this.ownerNumber = ++ownersRead
  }

  /** Whether the owner is spelled like this. */
  isOwnedBy(name: Name): boolean {
    if (name.length !== this.ownerOctets) return false
    for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== this.owner[i]) return false
    return true
  }

  setRdata(rdata: Uint8Array): void {
    this.rdata = rdata
    this.rdataOctets = rdata.length
  }

  take({ owner, type, ttlSeconds, rdata }: Record): void {
    if (!this.isOwnedBy(owner)) this.setOwner(owner)
    this.type = type
    this.ttlSeconds = ttlSeconds
    this.setRdata(rdata)
  }

  /** Its owner, made anew. */
  ownerName(): Name {
    return this.owner.toString('latin1', 0, this.ownerOctets) as Name
  }

  /** A record of its own. */
  copy(): Record {
    const rdata = new Uint8Array(this.rdata.subarray(0, this.rdataOctets))
    const { type, ttlSeconds } = this
    return { owner: this.ownerName(), type, ttlSeconds, rdata }
  }
}

/** Takes one record after another; what it keeps it copies. */
export interface RecordSink {
  add(record: ReadRecord): void
}

let ownersRead = 0

const NO_OCTETS = new Uint8Array(0)
