// Splits what a manager sends into lines, each of bounded length.

/** Stock OpenVPN's own. */
const LINE_LIMIT = 1024

export class CommandLines {
  #pending = ''

  /** What came; `next` gives the lines. */
  add(octets: Uint8Array): void {
    this.#pending += Buffer.from(octets).toString('latin1')
  }

  /** The next line; undefined when it is not whole, 'too-long' when it never will be. */
  next(): { readonly line: string } | 'too-long' | undefined {
    const end = this.#pending.indexOf('\n')
    if ((end < 0 ? this.#pending.length : end) > LINE_LIMIT) return 'too-long'
    if (end < 0) return undefined
    const line = Buffer.from(this.#pending.slice(0, end), 'latin1').toString('utf8')
    this.#pending = this.#pending.slice(end + 1)
    return { line: line.replace(/\r$/, '') }
  }
}
