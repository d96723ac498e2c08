// Denial by NSEC (RFC 4035 §5.4; what must not be taken for a proof: RFC 6840 §4).
import type { RRset } from '../rrset.ts'
import {
  canonicalName,
  isAtOrBelow,
  parentName,
  wildcardOf,
  type Name,
} from '../../../../shared/dns/name.ts'
import { nameAt, nextName } from '../../../../shared/dns/rdata-fields.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { orderKey } from '../../../../shared/dnssec/canonical.ts'
import { bitmapHas } from '../../../../shared/dnssec/type-bitmap.ts'

import type { Denial, NoDs, Proved } from './denial.ts'

export class NsecDenial implements Denial {
  readonly #zone: Name
  readonly #records: readonly Nsec[]

  /** `sets`: NSEC RRsets of `zone`, of rdata that was checked, that were made from no wildcard. */
  constructor(zone: Name, sets: readonly RRset[]) {
    this.#zone = zone
    this.#records = sets.flatMap((set) => set.rdatas.map((rdata) => new Nsec(set.owner, rdata)))
  }

  noData(qname: Name, qtype: number): Proved | undefined {
    const match = this.#match(qname)
    if (match !== undefined) return lacksType(match, qname, qtype) ? 'proved' : undefined
    const cover = this.#cover(qname)
    if (cover === undefined) return undefined
    // An empty non-terminal: it exists, since the next name is below it.
    if (isAtOrBelow(cover.next, qname)) return 'proved'
    const wildcard = this.#match(wildcardOf(encloserOf(qname, cover)))
    return wildcard !== undefined && lacksType(wildcard, qname, qtype) ? 'proved' : undefined
  }

  noName(qname: Name): Proved | undefined {
    const cover = this.#cover(qname)
    if (cover === undefined || isAtOrBelow(cover.next, qname)) return undefined
    const wildcard = wildcardOf(encloserOf(qname, cover))
    const none = this.#cover(wildcard)
    return none !== undefined && !isAtOrBelow(none.next, wildcard) ? 'proved' : undefined
  }

  nothingCloser(qname: Name, encloser: Name): Proved | undefined {
    const cover = this.#cover(qname)
    if (cover === undefined || isAtOrBelow(cover.next, qname)) return undefined
    return encloserOf(qname, cover) === encloser ? 'proved' : undefined
  }

  noDs(name: Name): NoDs | undefined {
    const match = this.#match(name)
    if (match !== undefined) {
      // With a SOA it is the child's own, which knows nothing of its DS.
      if (match.has(TYPE.DS) || match.has(TYPE.SOA)) return undefined
      return match.has(TYPE.NS) ? 'unsigned' : 'no-cut'
    }
    const cover = this.#cover(name)
    if (cover === undefined) return undefined
    return isAtOrBelow(cover.next, name) ? 'no-cut' : 'no-name'
  }

  #match(name: Name): Nsec | undefined {
    return this.#records.find(({ owner }) => owner === name)
  }

  #cover(name: Name): Nsec | undefined {
    const key = orderKey(name)
    return this.#records.find(
      (nsec) =>
        nsec.key < key &&
        (key < nsec.nextKey || nsec.next === this.#zone) &&
        isAtOrBelow(nsec.next, this.#zone) &&
        !nsec.endsAbove(name),
    )
  }
}

/** The wildcard that would stand for `qname`, which lies between the owner of `set` and the next name. */
export function wildcardBeside(qname: Name, { owner, rdatas }: RRset): Name {
  return wildcardOf(encloserOf(qname, new Nsec(owner, rdatas[0]!)))
}

class Nsec {
  readonly owner: Name
  readonly next: Name
  readonly key: string
  readonly nextKey: string
  readonly #rdata: Uint8Array
  readonly #bitmapAt: number

  constructor(owner: Name, rdata: Uint8Array) {
    this.owner = owner
    this.#rdata = rdata
    this.#bitmapAt = nextName(rdata, 0)
    this.next = canonicalName(nameAt(rdata, 0, this.#bitmapAt))
    this.key = orderKey(owner)
    this.nextKey = orderKey(this.next)
  }

  has(type: number): boolean {
    return bitmapHas(this.#rdata, this.#bitmapAt, type)
  }

  /** Whether `name` lies below this one's owner in what is no part of its zone: behind a cut or a DNAME (RFC 6840 §4.1). */
  endsAbove(name: Name): boolean {
    if (name === this.owner || !isAtOrBelow(name, this.owner)) return false
    return this.has(TYPE.DNAME) || (this.has(TYPE.NS) && !this.has(TYPE.SOA))
  }
}

/** Whether the name of a record that matches is in its zone for this type, and has neither it nor an alias. */
function lacksType(match: Nsec, qname: Name, qtype: number): boolean {
  if (match.has(qtype) || match.has(TYPE.CNAME)) return false
  if (qtype === TYPE.DS) return !match.has(TYPE.SOA) || parentName(qname) === undefined
  return !match.has(TYPE.NS) || match.has(TYPE.SOA)
}

/** The closest name above `qname` that is known to exist by the record that covers it. */
function encloserOf(qname: Name, { owner, next }: Nsec): Name {
  let name: Name | undefined = parentName(qname)
  for (; name !== undefined; name = parentName(name))
    if (isAtOrBelow(owner, name) || isAtOrBelow(next, name)) return name
  return qname
}
