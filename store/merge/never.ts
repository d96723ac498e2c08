// For content nothing may be put together from: what changed on both sides is a conflict.
import type { Merge } from '../api.ts'

export const mergeNever: Merge = () => ({ kind: 'conflict', reason: 'changed on both sides' })
