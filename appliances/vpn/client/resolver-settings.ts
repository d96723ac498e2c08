// The file with the machine's resolvers, while the tunnel has some: written in place, and as it was before when this stops.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Log } from '../../../shared/log/log.ts'
import { resolverFile, resolverFileBefore } from '../core/client/resolver-file.ts'
import type { TunnelDns } from '../core/resolved/link-calls.ts'

/** Who answers this machine's questions, as far as a tunnel changes it. */
export interface Resolvers {
  readonly isSet: boolean
  set(device: string, dns: TunnelDns): Promise<void> | void
  /** As it was before the tunnel. */
  restore(): Promise<void> | void
}

const LIMIT_CHARACTERS = 65_536

export class ResolverSettings implements Resolvers {
  readonly #file: string
  readonly #log: Log
  #isSet = false

  /** Puts right what a client before this one left. */
  constructor(file: string, log: Log) {
    this.#file = file
    this.#log = log
    this.restore()
  }

  set(_device: string, { servers, domains }: TunnelDns): void {
    if (servers.length === 0) return this.restore()
    const before = this.#read()
    if (before !== undefined && before.length > LIMIT_CHARACTERS)
      return this.#log.error('resolvers', { file: this.#file, why: 'the file is too large' })
    this.#write(resolverFile(servers, domains, before))
    this.#isSet = true
  }

  restore(): void {
    const text = this.#read()
    if (text === undefined) return
    const before = resolverFileBefore(text)
    // An empty one where there was none: the sandbox lets files be written, not taken away.
    if (before !== text) this.#write(before ?? '')
    this.#isSet = false
  }

  get isSet(): boolean {
    return this.#isSet
  }

  #read(): string | undefined {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : undefined
  }

  #write(text: string): void {
    try {
      writeFileSync(this.#file, text)
    } catch (cause) {
      const { code = 'unknown error' } = cause as NodeJS.ErrnoException
      this.#log.error('resolvers', { file: this.#file, why: `cannot be written (${code})` })
    }
  }
}
