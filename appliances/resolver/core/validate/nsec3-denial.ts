// Denial by NSEC3 (RFC 5155 §8): every name is hashed, and so are those above it, until one is found that exists.
import type { RRset } from '../rrset.ts'
import { parentName, wildcardOf, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import {
  HASH_OCTETS,
  hashOfOwner,
  hashParametersOf,
  NameHash,
  type HashParameters,
} from '../../../../shared/dnssec/name-hash.ts'
import { bitmapHas } from '../../../../shared/dnssec/type-bitmap.ts'
import type { CheckBudget } from './check-limits.ts'

import type { Denial, NoDs, Proved } from './denial.ts'

/** The chain the records belong to (the first one's, where they are of several); undefined when none is of a known form. */
export function chainOf(zone: Name, sets: readonly RRset[]): HashParameters | undefined {
  for (const { owner, rdatas } of sets)
    for (const rdata of rdatas)
      if (recordOf(zone, owner, rdata) !== undefined) return hashParametersOf(rdata)
  return undefined
}

export class Nsec3Denial implements Denial {
  readonly #zone: Name
  readonly #hash: NameHash
  readonly #budget: CheckBudget
  readonly #records: readonly Nsec3[]
  readonly #hashes = new Map<Name, string | undefined>()

  /** `sets`: NSEC3 RRsets of `zone`, of rdata that was checked, that were made from no wildcard. */
  constructor(zone: Name, sets: readonly RRset[], parameters: HashParameters, budget: CheckBudget) {
    this.#zone = zone
    this.#hash = new NameHash(parameters)
    this.#budget = budget
    this.#records = sets.flatMap(({ owner, rdatas }) =>
      rdatas.flatMap((rdata) => {
        const record = recordOf(zone, owner, rdata)
        return record !== undefined && this.#hash.isOf(rdata) ? [record] : []
      }),
    )
  }

  noData(qname: Name, qtype: number): Proved | undefined {
    const match = this.#match(qname)
    if (match !== undefined) return lacksType(match, qname, qtype) ? 'proved' : undefined
    const found = this.#encloser(qname)
    if (found === undefined) return undefined
    const { encloser, cover } = found
    if (cover === undefined) return undefined
    const wildcard = this.#match(wildcardOf(encloser))
    if (wildcard !== undefined && !lacksType(wildcard, qname, qtype)) return undefined
    // §8.6: a delegation without DS may hide in a span that opts out, and with it anything below.
    if (isOptOut(cover)) return 'opted-out'
    return wildcard === undefined ? undefined : 'proved'
  }

  noName(qname: Name): Proved | undefined {
    const found = this.#encloser(qname)
    if (found?.cover === undefined) return undefined
    if (this.#cover(wildcardOf(found.encloser)) === undefined) return undefined
    return isOptOut(found.cover) ? 'opted-out' : 'proved'
  }

  nothingCloser(qname: Name, encloser: Name): Proved | undefined {
    const cover = this.#cover(nextCloser(qname, encloser))
    if (cover === undefined) return undefined
    return isOptOut(cover) ? 'opted-out' : 'proved'
  }

  noDs(name: Name): NoDs | undefined {
    const match = this.#match(name)
    if (match !== undefined) {
      if (has(match, TYPE.DS) || has(match, TYPE.SOA)) return undefined
      return has(match, TYPE.NS) ? 'unsigned' : 'no-cut'
    }
    const cover = this.#encloser(name)?.cover
    if (cover === undefined) return undefined
    return isOptOut(cover) ? 'unsigned' : 'no-name'
  }

  /** The closest name above `qname` that exists, and what covers the next closer (§8.3). */
  #encloser(qname: Name): { encloser: Name; cover: Nsec3 | undefined } | undefined {
    let below = qname
    while (below !== this.#zone) {
      const encloser = parentName(below)
      if (encloser === undefined) return undefined
      const match = this.#match(encloser)
      if (match !== undefined) {
        // Behind a cut or a DNAME nothing can be denied by this zone.
        if (has(match, TYPE.DNAME) || (has(match, TYPE.NS) && !has(match, TYPE.SOA)))
          return undefined
        return { encloser, cover: this.#cover(below) }
      }
      below = encloser
    }
    return undefined
  }

  #match(name: Name): Nsec3 | undefined {
    const hash = this.#hashOf(name)
    return hash === undefined ? undefined : this.#records.find(({ owner }) => owner === hash)
  }

  #cover(name: Name): Nsec3 | undefined {
    const hash = this.#hashOf(name)
    if (hash === undefined) return undefined
    return this.#records.find(({ owner, next }) =>
      owner < next ? owner < hash && hash < next : owner < hash || hash < next,
    )
  }

  /** Undefined when too much has been hashed already. */
  #hashOf(name: Name): string | undefined {
    if (!this.#hashes.has(name))
      this.#hashes.set(name, this.#budget.mayHash() ? this.#hash.of(name) : undefined)
    return this.#hashes.get(name)
  }
}

/** Hashes as strings of twenty octets. */
type Nsec3 = {
  readonly owner: string
  readonly next: string
  readonly rdata: Uint8Array
  readonly bitmapAt: number
}

/** Records of unknown hashes or flags are as good as not there (§8.1, §8.2). */
function recordOf(zone: Name, owner: Name, rdata: Uint8Array): Nsec3 | undefined {
  const parameters = hashParametersOf(rdata)
  const hash = hashOfOwner(owner, zone)
  if (parameters === undefined || hash === undefined || (rdata[1]! & ~OPT_OUT) !== 0)
    return undefined
  const nextAt = SALT_AT + parameters.salt.length + 1
  const bitmapAt = nextAt + HASH_OCTETS
  if (rdata[nextAt - 1] !== HASH_OCTETS) return undefined
  const next = Buffer.from(rdata.subarray(nextAt, bitmapAt)).toString('latin1')
  return { owner: hash, next, rdata, bitmapAt }
}

function has({ rdata, bitmapAt }: Nsec3, type: number): boolean {
  return bitmapHas(rdata, bitmapAt, type)
}

function isOptOut({ rdata }: Nsec3): boolean {
  return (rdata[1]! & OPT_OUT) !== 0
}

/** As for NSEC: RFC 6840 §4. */
function lacksType(match: Nsec3, qname: Name, qtype: number): boolean {
  if (has(match, qtype) || has(match, TYPE.CNAME)) return false
  if (qtype === TYPE.DS) return !has(match, TYPE.SOA) || parentName(qname) === undefined
  return !has(match, TYPE.NS) || has(match, TYPE.SOA)
}

/** The name one label below `encloser` on the way to `qname`. */
function nextCloser(qname: Name, encloser: Name): Name {
  let name = qname
  for (let up = parentName(name); up !== undefined && up !== encloser; up = parentName(name))
    name = up
  return name
}

const OPT_OUT = 1
const SALT_AT = 5
