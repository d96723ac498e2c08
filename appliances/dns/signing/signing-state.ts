// What is remembered of a zone that is signed: its serials, and how far the rolls of its keys are. On the disk before it
// counts.
import type { Name } from '../../../shared/dns/name.ts'
import type { KeyFolder, ZoneState } from '../key-folder.ts'

export class SigningState {
  readonly #folder: KeyFolder
  readonly #origin: Name
  #value: ZoneState

  constructor(folder: KeyFolder, origin: Name) {
    this.#folder = folder
    this.#origin = origin
    this.#value = folder.state(origin)
  }

  get value(): ZoneState {
    return this.#value
  }

  write(change: Partial<ZoneState>): void {
    const value = { ...this.#value, ...change }
    if (JSON.stringify(value) === JSON.stringify(this.#value)) return
    this.#folder.writeState(this.#origin, value)
    this.#value = value
  }
}
