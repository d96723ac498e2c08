// The lines of one rrset by what they say: the same said again is one record with two lines.

/** Collects the lines of one rrset by what they say. */
export class RRsetLines {
  readonly #lines: { readonly rdata: Uint8Array; readonly ttls: number[] }[] = []
  #byContent: Map<string, { readonly rdata: Uint8Array; readonly ttls: number[] }> | undefined
  #lineCount = 0
  #hasMixedTtls = false

  get isUneven(): boolean {
    return this.#hasMixedTtls || this.#lineCount > this.#lines.length
  }

  get size(): number {
    return this.#lines.length
  }

  list(): readonly { readonly rdata: Uint8Array; readonly ttls: readonly number[] }[] {
    return this.#lines
  }

  /** False when it says what another line said. */
  add(rdata: Uint8Array, ttlSeconds: number): boolean {
    this.#lineCount++
    this.#hasMixedTtls ||= this.#lines.length > 0 && ttlSeconds !== this.#lines[0]!.ttls[0]
    const same = this.#find(rdata)
    if (same !== undefined) {
      same.ttls.push(ttlSeconds)
      return false
    }
    const line = { rdata, ttls: [ttlSeconds] }
    this.#lines.push(line)
    this.#byContent?.set(contentOf(rdata), line)
    return true
  }

  #find(rdata: Uint8Array): { readonly ttls: number[] } | undefined {
    const lines = this.#lines
    if (lines.length <= SEARCH_LIMIT) return lines.find((line) => isSameContent(line.rdata, rdata))
    this.#byContent ??= new Map(lines.map((line) => [contentOf(line.rdata), line]))
    return this.#byContent.get(contentOf(rdata))
  }
}

function isSameContent(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export function contentOf(rdata: Uint8Array): string {
  return Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
}

/** More rdatas than this are found by a hash of what they say. */
const SEARCH_LIMIT = 8
