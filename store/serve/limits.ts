// What one client may cost a served repository: stated here, tested, and turned into the listener's own bounds.
import type { PackLimits } from '../pack/scan.ts'
import { FETCH_LIMITS, type FetchLimits } from '../wire/fetch-answer.ts'

export type GitLimits = {
  /** A push, as it comes over the wire and after gunzip. */
  readonly pushBytes: number
  /** The question of a fetch: wants and haves, no objects. */
  readonly askBytes: number
  readonly hookBytes: number
  /** Pushes held in memory at once; one more is told to come again. */
  readonly pushes: number
  readonly pack: PackLimits
  readonly fetch: FetchLimits
}

export const GIT_LIMITS: GitLimits = {
  pushBytes: 64_000_000,
  askBytes: 16_000_000,
  hookBytes: 1_000_000,
  pushes: 8,
  pack: {
    objects: 1_000_000,
    inflatedBytes: 1_000_000_000,
    deltaDepth: 4_096,
    objectBytes: 64_000_000,
  },
  fetch: FETCH_LIMITS,
}
