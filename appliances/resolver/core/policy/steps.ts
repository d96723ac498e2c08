// Long work in small steps: whoever runs it may do something else in between, or not.

export type Steps<T> = Generator<undefined, T, undefined>

/** Lines or records of one step: one or two milliseconds. */
export const STEP_LINES = 512

export function atOnce<T>(steps: Steps<T>): T {
  for (let next = steps.next(); ; next = steps.next()) if (next.done === true) return next.value
}
