// What a push is told of views: those that the configuration has not, and files where nobody looks.
import type { Snapshot } from '../../../../store/api.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import { VIEWS_FOLDER } from './zone-files.ts'

/** Warnings for the files below `views/` in which `candidate` differs from `before`; one for each view. */
export function strayPaths(
  candidate: Snapshot,
  before: Snapshot,
  views: readonly string[],
): readonly Problem[] {
  const problems: Problem[] = []
  const told = new Set<string>()
  for (const { kind, path } of candidate.diff(before, VIEWS_FOLDER)) {
    if (kind === 'removed') continue
    const [, view = '', ...rest] = path.split('/')
    if (rest.at(-1)?.endsWith('_keys') === true) {
      const message = 'Keys count in zones/ and in the configuration alone'
      problems.push({ severity: 'warning', file: path, message })
    }
    if (views.includes(view) || told.has(view)) continue
    told.add(view)
    const message = `The configuration has no view "${view}": this is served to nobody`
    problems.push({ severity: 'warning', file: path, message })
  }
  return problems
}
