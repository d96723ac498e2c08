// Why a question went unanswered, as clients are told (RFC 8914 §4).
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import type { ExtendedError } from '../../../../shared/dns/edns.ts'

const CODE = { OTHER: 0, CACHED_ERROR: 13, NO_REACHABLE_AUTHORITY: 22 } as const

export function noReachableAuthority(zone: Name): ExtendedError {
  const text = `no server of ${formatName(zone)} gave an answer of use`
  return { code: CODE.NO_REACHABLE_AUTHORITY, text }
}

export const TOO_MUCH_WORK: ExtendedError = {
  code: CODE.OTHER,
  text: 'the answer would take more questions than one is worth',
}

export const TOO_MANY_ALIASES: ExtendedError = {
  code: CODE.OTHER,
  text: 'a chain of aliases too long, or one that leads back to itself',
}

export const TOO_LATE: ExtendedError = {
  code: CODE.NO_REACHABLE_AUTHORITY,
  text: 'no answer in time',
}

export const TOO_BUSY: ExtendedError = { code: CODE.OTHER, text: 'too many questions at once' }

export function cachedError(errors: readonly ExtendedError[]): readonly ExtendedError[] {
  return [...errors, { code: CODE.CACHED_ERROR, text: '' }]
}
