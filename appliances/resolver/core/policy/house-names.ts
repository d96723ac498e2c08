// Names of the house: hosts files whose names are answered here with their addresses, and the addresses with their names.
import { canonicalName, parseName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { reverseName } from '../../../../shared/dns/reverse-name.ts'
import { parseAddress } from '../../../../shared/net/address.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'

const NAMES_LIMIT = 100_000
const RECORDS_LIMIT = 16
const SHOWN_LIMIT = 60

export class HouseNames {
  /** By canonical name: addresses, or for a reverse name the names, as rdata by type. */
  readonly #records = new Map<Name, Map<number, Uint8Array[]>>()

  get size(): number {
    return this.#records.size
  }

  /** `address name name`, as hosts(5); the sentence says what is wrong. */
  addLine(text: string): Result<void, string> {
    const [first = '', ...others] = text.replace(/#.*/, '').trim().split(/\s+/)
    if (first === '') return ok(undefined)
    const address = parseAddress(first)
    if (address === undefined) return err(`Expected an address before the names: ${shown(first)}`)
    if (others.length === 0) return err(`An address without a name: ${shown(first)}`)
    const names: Name[] = []
    for (const other of others) {
      const name = /^[A-Za-z0-9_.-]+$/.test(other) ? parseName(other) : err('')
      if (!name.ok || name.value === ROOT) return err(`Is no name: ${shown(other)}`)
      names.push(name.value)
    }
    for (const name of names)
      if (!this.#put(canonicalName(name), address.length === 4 ? TYPE.A : TYPE.AAAA, address))
        return err(`More than ${RECORDS_LIMIT} addresses of one name`)
    // The first name is the official one (hosts(5)); an address in several lines keeps the first.
    const reverse = reverseName(address)
    if (!this.#records.has(reverse)) this.#put(reverse, TYPE.PTR, Buffer.from(names[0]!, 'latin1'))
    return this.size <= NAMES_LIMIT ? ok(undefined) : err(`More than ${NAMES_LIMIT} names`)
  }

  /** Undefined for a name that is not of the house; empty when it has nothing of this type. `name` is canonical. */
  find(name: Name, type: number): readonly Uint8Array[] | undefined {
    const records = this.#records.get(name)
    return records === undefined ? undefined : (records.get(type) ?? [])
  }

  /** `name` is canonical. */
  holds(name: Name): boolean {
    return this.#records.has(name)
  }

  #put(owner: Name, type: number, rdata: Uint8Array): boolean {
    const records = this.#records.get(owner) ?? new Map<number, Uint8Array[]>()
    this.#records.set(owner, records)
    const rdatas = records.get(type) ?? []
    records.set(type, rdatas)
    if (rdatas.some((other) => Buffer.compare(other, rdata) === 0)) return true
    rdatas.push(rdata)
    return rdatas.length <= RECORDS_LIMIT
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_LIMIT ? `${text.slice(0, SHOWN_LIMIT)}…` : text)
}
