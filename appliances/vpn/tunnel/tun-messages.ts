// What a tunnel thread is given, and what it tells.

export type TunWorkerStart = {
  readonly fd: number
  /** One 32-bit number: not 0 asks it to end. */
  readonly stop: SharedArrayBuffer
}

/** Packets one behind the other. */
export type TunBatch = { readonly octets: Uint8Array; readonly lengths: readonly number[] }
