// How long a remote may take: two clocks on one request, and who gave up first.
import type { Clock } from '../../shared/clock/clock.ts'
import type { RemoteError, RemoteLimits } from './transport.ts'

/** `signal` aborts after too long a silence, too long a whole, or when the caller gives up; `error` then says which. */
export class Patience {
  readonly #abort = new AbortController()
  readonly #limits: RemoteLimits
  readonly #clock: Clock
  readonly #caller: AbortSignal
  readonly #whole: { cancel(): void }
  readonly #stop: () => void
  #silence: { cancel(): void }
  error: RemoteError | undefined

  constructor(limits: RemoteLimits, clock: Clock, caller: AbortSignal) {
    this.#limits = limits
    this.#clock = clock
    this.#caller = caller
    this.#stop = () => this.#giveUp({ kind: 'stopped' })
    caller.addEventListener('abort', this.#stop)
    this.#whole = clock.after(limits.requestMs, () =>
      this.#giveUp({ kind: 'timeout', why: `not done after ${limits.requestMs / 1000} s` }),
    )
    this.#silence = this.#listen()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Something came: silence begins anew. */
  heard(): void {
    this.#silence.cancel()
    this.#silence = this.#listen()
  }

  end(): void {
    this.#silence.cancel()
    this.#whole.cancel()
    this.#caller.removeEventListener('abort', this.#stop)
    // Ends a response that was not read to its end; nothing to end otherwise.
    this.#abort.abort()
  }

  #listen(): { cancel(): void } {
    const { idleMs } = this.#limits
    return this.#clock.after(idleMs, () =>
      this.#giveUp({ kind: 'timeout', why: `silent for ${idleMs / 1000} s` }),
    )
  }

  #giveUp(error: RemoteError): void {
    this.error ??= error
    this.#abort.abort()
  }
}
