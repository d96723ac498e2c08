// Why a pack was not taken, in one line for the person who pushed.
import type { PackError } from '../pack/parse.ts'
import type { PackLimits } from '../pack/scan.ts'

/** The one text per error that a person with a git client reads. */
export function packErrorText(error: PackError, limits: PackLimits): string {
  switch (error.kind) {
    case 'pack-truncated':
      return 'the pack ends too early'
    case 'pack-bad-magic':
      return 'that is no pack'
    case 'pack-bad-version':
      return `pack version ${error.version} is not known`
    case 'pack-bad-checksum':
      return 'the checksum of the pack is wrong'
    case 'pack-trailing-bytes':
      return 'there are bytes behind the pack'
    case 'pack-too-many-objects':
      return `${error.count} objects, at most ${limits.objects} are taken`
    case 'pack-inflates-too-large':
      return `the pack inflates to more than ${limits.inflatedBytes} bytes`
    case 'pack-object-too-large':
      return `an object of ${error.size} bytes, at most ${limits.objectBytes} are taken`
    case 'pack-bad-entry':
      return `the pack is broken at byte ${error.at}: ${error.why}`
    case 'pack-bad-delta':
      return `a delta is broken at byte ${error.at}: ${error.why}`
    case 'pack-delta-too-deep':
      return `deltas on deltas, at most ${limits.deltaDepth} deep are taken`
    case 'pack-missing-base':
      return `the base ${error.oid} of a delta is not here`
    case 'pack-duplicate':
      return `object ${error.oid} is there twice`
  }
}
