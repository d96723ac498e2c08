// The machine's time in every thread: each has a start of its own, the system's clock below has one for all.

/** Milliseconds from a start that all threads share. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The machine's time where it is `leadMs` ahead of `sharedMs`. */
export function machineTime(leadMs: number): () => number {
  const startMs = leadMs + sharedMs() - performance.now()
  return () => startMs + performance.now()
}
