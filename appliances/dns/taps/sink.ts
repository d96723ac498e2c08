// Where taps write to. What a slow reader or a full disk cannot take in time is dropped and counted: answering never waits.

export interface Sink {
  /** False when it was dropped. */
  write(bytes: Uint8Array): boolean
  /** SIGHUP: a file that was moved away is made anew. */
  reopen(): void
  /** Hands over what is held, within a second. */
  close(): Promise<void>
}

/** Held for a sink that is slow. */
export const HELD_LIMIT_BYTES: number = 4 * 1024 * 1024
/** Until a sink that failed is tried again. */
export const RETRY_MS = 5000
/** What `close` gives a sink. */
export const CLOSE_MS = 1000
