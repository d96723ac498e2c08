// One list, compiled: names it blocks with what is answered instead, and names it lets through.
import type { Name } from '../../../../shared/dns/name.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { parseListLine } from './list-line.ts'
import { eachLine } from './list-lines.ts'
import { NameTable } from './name-table.ts'
import { STEP_LINES, type Steps } from './steps.ts'

export type ListKind = 'block' | 'allow'

export type ListLimits = {
  readonly names: number
  /** Lines that are reported; what follows is not looked at. */
  readonly problems: number
}

export const LIST_LIMITS: ListLimits = { names: 10_000_000, problems: 20 }
/** Of one name. */
const ADDRESSES_LIMIT = 16

export type ListedName = {
  /** Where in the name that was asked the listed one begins. */
  readonly at: number
  /** Whether the name is meant alone, as in a hosts file. */
  readonly isExact: boolean
}

/** Without addresses there is no such name. */
export type ListBlock = ListedName & { readonly addresses: readonly Uint8Array[] }

export type ListSource = {
  readonly kind: ListKind
  /** What clients are told. */
  readonly name: string
  readonly file: string
  readonly text: Uint8Array
}

/** A list with all its lines. `seed` as NameTable has it. */
export function* listSteps(
  { kind, name, file, text }: ListSource,
  seed: number,
): Steps<PolicyList> {
  const list = new PolicyList(kind, name, seed, LIST_LIMITS, file)
  for (const [content, line] of eachLine(text)) {
    if (!list.addLine(content, { file, line })) break
    if (line % STEP_LINES === 0) yield
  }
  list.trim()
  return list
}

/** Filled line by line, and then only asked. */
export class PolicyList {
  /** What clients are told. */
  readonly name: string
  readonly kind: ListKind
  /** Where its lines are. */
  readonly file: string
  readonly #limits: ListLimits
  readonly #allowed: Names
  readonly #blocked: Names
  readonly #verdicts: (readonly Uint8Array[])[] = []
  readonly #verdictIds = new Map<string, number>()
  readonly #problems: Problem[] = []

  constructor(
    kind: ListKind,
    name: string,
    seed: number,
    limits: ListLimits = LIST_LIMITS,
    file: string = name,
  ) {
    this.kind = kind
    this.name = name
    this.file = file
    this.#limits = limits
    this.#allowed = new Names(seed)
    this.#blocked = new Names(seed)
  }

  get size(): number {
    return this.#allowed.size + this.#blocked.size
  }

  /** What it holds in memory. */
  get octets(): number {
    return this.#allowed.octets + this.#blocked.octets
  }

  get problems(): readonly Problem[] {
    return this.#problems
  }

  /** False when no more is wanted. */
  addLine(line: string, place: { file: string; line: number }): boolean {
    const parsed = parseListLine(line)
    if (!parsed.ok) return this.#refuse(parsed.error, place)
    const rule = parsed.value
    if (rule === undefined) return true
    for (const name of rule.names) {
      if (this.kind === 'allow' || rule.isException) this.#allowed.put(name, rule.isExact, 0)
      else if (!this.#block(name, rule.isExact, rule.address))
        return this.#refuse(`More than ${ADDRESSES_LIMIT} addresses of one name`, place)
    }
    if (this.size <= this.#limits.names) return true
    this.#refuse(`More than ${this.#limits.names} names in one list`, place)
    return false
  }

  /** After the last line. */
  trim(): void {
    this.#allowed.trim()
    this.#blocked.trim()
  }

  /** `name` is canonical, here and below. */
  allows(name: Name): boolean {
    return this.#allowed.nearest(name) >= 0
  }

  /** What of it lets `name` through, in the list's own words. */
  exception(name: Name): ListedName | undefined {
    return this.#allowed.listed(name)
  }

  block(name: Name): ListBlock | undefined {
    const listed = this.#blocked.listed(name)
    if (listed === undefined) return undefined
    const id = this.#blocked.own(name.slice(listed.at) as Name, listed.isExact)
    return { ...listed, addresses: this.#verdicts[id]! }
  }

  #refuse(message: string, place: { file: string; line: number }): boolean {
    this.#problems.push(problem(message, place))
    return this.#problems.length < this.#limits.problems
  }

  /** False when a name has too many addresses. */
  #block(name: Name, isExact: boolean, address: Uint8Array | undefined): boolean {
    const known = this.#blocked.own(name, isExact)
    if (known < 0) {
      this.#blocked.put(name, isExact, this.#verdictId(address === undefined ? [] : [address]))
      return true
    }
    const addresses = this.#verdicts[known]!
    // A name may have several addresses; what says "no such name" first stays so.
    if (address === undefined || addresses.length === 0) return true
    if (addresses.some((other) => Buffer.compare(other, address) === 0)) return true
    if (addresses.length === ADDRESSES_LIMIT) return false
    this.#blocked.put(name, isExact, this.#verdictId([...addresses, address]))
    return true
  }

  #verdictId(addresses: readonly Uint8Array[]): number {
    const key = addresses.join(' ')
    let id = this.#verdictIds.get(key)
    if (id === undefined) {
      id = this.#verdicts.length
      this.#verdicts.push(addresses)
      this.#verdictIds.set(key, id)
    }
    return id
  }
}

/** Names that are meant alone, and names that are meant with all below them. */
class Names {
  readonly #exact: NameTable
  readonly #trees: NameTable

  constructor(seed: number) {
    this.#exact = new NameTable(seed)
    this.#trees = new NameTable(seed)
  }

  get size(): number {
    return this.#exact.size + this.#trees.size
  }

  get octets(): number {
    return this.#exact.octets + this.#trees.octets
  }

  put(name: Name, isExact: boolean, value: number): void {
    ;(isExact ? this.#exact : this.#trees).set(name, value)
  }

  own(name: Name, isExact: boolean): number {
    return (isExact ? this.#exact : this.#trees).get(name)
  }

  /** Where in `name` the name begins that it is here by, or -1. */
  nearest(name: Name): number {
    return this.#exact.get(name) >= 0 ? 0 : this.#trees.nearest(name)
  }

  listed(name: Name): ListedName | undefined {
    const at = this.nearest(name)
    return at < 0 ? undefined : { at, isExact: at === 0 && this.own(name, true) >= 0 }
  }

  trim(): void {
    this.#exact.trim()
    this.#trees.trim()
  }
}
