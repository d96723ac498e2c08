// Which names are blocked, by which list, and what is answered instead. Names of the house come first; an allow list wins over
// every block list; of block lists the nearest name counts, a hosts file's before others, and of equal ones the first list.
import type { Name } from '../../../../shared/dns/name.ts'
import type { PolicyZone } from '../rpz/policy-zone.ts'
import { HouseNames } from './house-names.ts'
import type { ListBlock, ListedName, PolicyList } from './policy-list.ts'

export type Block = {
  /** The list that says so. */
  readonly list: string
  /** The name in the list: the one that was asked, or one above it. */
  readonly name: Name
  /** To be answered; without, there is no such name. */
  readonly addresses: readonly Uint8Array[]
}

/** What one list says of a name. */
export type Mention = {
  readonly list: PolicyList
  /** It lets the name through. */
  readonly isException: boolean
  /** The name in the list, and whether it is meant alone. */
  readonly name: Name
  readonly isExact: boolean
}

export class Policy {
  readonly house: HouseNames
  /** Response policy zones, the first of which counts. */
  readonly zones: readonly PolicyZone[]
  readonly #lists: readonly PolicyList[]
  readonly #blocks: readonly PolicyList[]

  constructor(
    lists: readonly PolicyList[],
    house: HouseNames = new HouseNames(),
    zones: readonly PolicyZone[] = [],
  ) {
    this.zones = zones
    this.#lists = lists
    this.#blocks = lists.filter(({ kind }) => kind === 'block')
    this.house = house
  }

  get size(): number {
    const sets = [...this.#lists, ...this.zones]
    return sets.reduce((sum, { size }) => sum + size, this.house.size)
  }

  /** What the lists hold in memory. */
  get octets(): number {
    return [...this.#lists, ...this.zones].reduce((sum, { octets }) => sum + octets, 0)
  }

  get lists(): readonly PolicyList[] {
    return this.#lists
  }

  /** Whether a list lets `name` through, which is canonical. */
  allows(name: Name): boolean {
    return this.#lists.some((list) => list.allows(name))
  }

  /** Every list that says something of `name`, which is canonical: those that let it through first. */
  mentions(name: Name): readonly Mention[] {
    const found: Mention[] = []
    for (const list of this.#lists) {
      const exception = list.exception(name)
      if (exception !== undefined) found.push(mentionOf(list, true, name, exception))
      const block = list.block(name)
      if (block !== undefined) found.push(mentionOf(list, false, name, block))
    }
    return found.sort((a, b) => Number(b.isException) - Number(a.isException))
  }

  /** `name` is canonical. */
  find(name: Name): Block | undefined {
    let found: ListBlock | undefined
    let by = ''
    for (const list of this.#blocks) {
      const block = list.block(name)
      if (block === undefined || (found !== undefined && !isBefore(block, found))) continue
      found = block
      by = list.name
    }
    if (found === undefined || this.allows(name)) return undefined
    return { list: by, name: name.slice(found.at) as Name, addresses: found.addresses }
  }
}

function mentionOf(
  list: PolicyList,
  isException: boolean,
  asked: Name,
  { at, isExact }: ListedName,
): Mention {
  return { list, isException, name: asked.slice(at) as Name, isExact }
}

function isBefore(block: ListBlock, other: ListBlock): boolean {
  return block.at < other.at || (block.at === other.at && block.isExact && !other.isExact)
}
