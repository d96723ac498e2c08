// The last lines of something that managers may ask for again.

export class History {
  readonly #limit: number
  readonly #lines: string[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > this.#limit) this.#lines.shift()
  }

  /** The newest `count`, at least one, in order. */
  last(count: number): readonly string[] {
    return this.#lines.slice(-count)
  }
}
