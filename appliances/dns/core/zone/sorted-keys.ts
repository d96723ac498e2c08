// A sorted set of octet strings whose versions are all readable for ever: pages of flat octets, of which a change
// copies those it touches. Keys are latin1 strings; a million short ones take some 20 octets each.

/** A page is made with at most this many keys, and shares its space with a neighbour when it has less than a quarter. */
const PAGE_KEYS = 256
/** What offsets of 16 bits reach, less the longest key that may come on top. */
const PAGE_OCTETS = 0xffff - 1024
const SCARCE_KEYS = PAGE_KEYS / 4

type Page = {
  readonly octets: Buffer
  /** Where each key begins, and where the last one ends. */
  readonly starts: Uint16Array
}

/** The pages of a set behind each other, and how many starts each has. */
export type KeyParts = {
  readonly octets: Uint8Array
  readonly starts: Uint16Array
  readonly pages: Uint16Array
}

export class SortedKeys {
  static readonly NONE: SortedKeys = new SortedKeys([], 0)

  readonly size: number
  readonly #pages: readonly Page[]

  private constructor(pages: readonly Page[], size: number) {
    this.#pages = pages
    this.size = size
  }

  /** `keys` in any order, each once and of at most 1024 octets; the array is sorted in place. */
  static of(keys: string[]): SortedKeys {
    if (keys.length === 0) return SortedKeys.NONE
    // Without a comparator strings are compared by code units, which are the octets.
    return new SortedKeys(pagesOf(keys.sort()), keys.length)
  }

  /** A new version; this one stays as it is. To add what is there, or remove what is not, changes nothing. */
  with(changes: ReadonlyMap<string, boolean>): SortedKeys {
    if (changes.size === 0) return this
    const changed = new Map<number, string[]>()
    for (const key of [...changes.keys()].sort()) {
      const at = this.#pageOf(key)
      const keys = changed.get(at)
      if (keys === undefined) changed.set(at, [key])
      else keys.push(key)
    }
    const pages: Page[] = []
    let size = 0
    let pending: string[] | undefined
    for (let i = 0; i < Math.max(1, this.#pages.length); i++) {
      const page = this.#pages[i]
      const names = changed.get(i)
      if (names === undefined && pending === undefined) {
        pages.push(page!)
        size += page!.starts.length - 1
        continue
      }
      const keys = new Set(pending)
      if (page !== undefined)
        for (let k = 0; k < page.starts.length - 1; k++) keys.add(keyOf(page, k))
      for (const key of names ?? [])
        if (changes.get(key) === true) keys.add(key)
        else keys.delete(key)
      pending = [...keys].sort()
      if (pending.length < SCARCE_KEYS && i < this.#pages.length - 1) continue
      pages.push(...pagesOf(pending))
      size += pending.length
      pending = undefined
    }
    return size === 0 ? SortedKeys.NONE : new SortedKeys(pages, size)
  }

  /** The greatest key that is `key` or before it; undefined when all are behind it. */
  floor(key: string): string | undefined {
    const page = this.#pages[this.#pageOf(key)]
    if (page === undefined) return undefined
    const place = placeBehind(page, key)
    return place === 0 ? undefined : keyOf(page, place - 1)
  }

  /** The least key behind `key`; undefined when there is none. */
  above(key: string): string | undefined {
    const at = this.#pageOf(key)
    const page = this.#pages[at]
    if (page === undefined) return undefined
    const place = placeBehind(page, key)
    if (place < page.starts.length - 1) return keyOf(page, place)
    const next = this.#pages[at + 1]
    return next === undefined ? undefined : keyOf(next, 0)
  }

  /** The greatest key before `key`; undefined when there is none. */
  below(key: string): string | undefined {
    const at = this.#pageOf(key)
    const page = this.#pages[at]
    if (page === undefined) return undefined
    let place = placeBehind(page, key) - 1
    if (place >= 0 && keyOf(page, place) === key) place--
    if (place >= 0) return keyOf(page, place)
    const before = this.#pages[at - 1]
    return before === undefined ? undefined : keyOf(before, before.starts.length - 2)
  }

  first(): string | undefined {
    const page = this.#pages[0]
    return page === undefined ? undefined : keyOf(page, 0)
  }

  last(): string | undefined {
    const page = this.#pages.at(-1)
    return page === undefined ? undefined : keyOf(page, page.starts.length - 2)
  }

  /** All of it in three pieces of memory, to be sent to another thread. */
  parts(): KeyParts {
    let octets = 0
    for (const page of this.#pages) octets += page.octets.length
    const parts = {
      octets: new Uint8Array(octets),
      starts: new Uint16Array(this.size + this.#pages.length),
      pages: new Uint16Array(this.#pages.length),
    }
    let at = 0
    let startAt = 0
    for (const [i, page] of this.#pages.entries()) {
      parts.octets.set(page.octets, at)
      parts.starts.set(page.starts, startAt)
      parts.pages[i] = page.starts.length
      at += page.octets.length
      startAt += page.starts.length
    }
    return parts
  }

  /** Takes the pieces over. */
  static ofParts({ octets, starts, pages }: KeyParts): SortedKeys {
    if (pages.length === 0) return SortedKeys.NONE
    const whole = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
    const list: Page[] = []
    let at = 0
    let startAt = 0
    for (const count of pages) {
      const own = starts.subarray(startAt, startAt + count)
      const end = at + own[count - 1]!
      list.push({ octets: whole.subarray(at, end), starts: own })
      at = end
      startAt += count
    }
    return new SortedKeys(list, starts.length - pages.length)
  }

  /** In order. */
  *keys(): IterableIterator<string> {
    for (const page of this.#pages)
      for (let k = 0; k < page.starts.length - 1; k++) yield keyOf(page, k)
  }

  /** The last page that begins with `key` or before it; the first one when none does. */
  #pageOf(key: string): number {
    const pages = this.#pages
    let low = 0
    let high = pages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(pages[middle]!, 0, key)) high = middle
      else low = middle + 1
    }
    return Math.max(0, low - 1)
  }
}

function pagesOf(sorted: readonly string[]): Page[] {
  const pages: Page[] = []
  for (let from = 0; from < sorted.length;) {
    let to = from
    let octets = 0
    while (to < sorted.length && to - from < PAGE_KEYS && octets <= PAGE_OCTETS)
      octets += sorted[to++]!.length
    const page = { octets: Buffer.allocUnsafeSlow(octets), starts: new Uint16Array(to - from + 1) }
    let at = 0
    for (let i = from; i < to; i++) {
      at += page.octets.write(sorted[i]!, at, 'latin1')
      page.starts[i - from + 1] = at
    }
    pages.push(page)
    from = to
  }
  return pages
}

function keyOf({ octets, starts }: Page, index: number): string {
  return octets.toString('latin1', starts[index]!, starts[index + 1]!)
}

/** Index of the page's first key behind `key`; how many there are when none is. */
function placeBehind(page: Page, key: string): number {
  let low = 0
  let high = page.starts.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAfter(page, middle, key)) high = middle
    else low = middle + 1
  }
  return low
}

/** Whether the page's key stands behind `key`. */
function isAfter({ octets, starts }: Page, index: number, key: string): boolean {
  const start = starts[index]!
  const length = starts[index + 1]! - start
  const shared = Math.min(length, key.length)
  for (let i = 0; i < shared; i++) {
    const difference = octets[start + i]! - key.charCodeAt(i)
    if (difference !== 0) return difference > 0
  }
  return length > key.length
}
