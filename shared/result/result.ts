// A value or a typed refusal: what a core returns when its input may be wrong.
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error }
}

/** An assertion of ours failed: a fault in Cairn, never a peer's doing. Exit code 70. */
export class Bug extends Error {
  override name = 'Bug'
}

/** Cannot start or go on because of the configuration, the content or the machine. Exit code 78. */
export class Fatal extends Error {
  override name = 'Fatal'
}
