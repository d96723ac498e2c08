// What a push is told of views: those that the configuration has not, files where nobody looks, zones that others see signed.
import type { Snapshot } from '../../../../store/api.ts'
import type { Problem } from '../../../../shared/result/problem.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { differingZones, type BranchZones } from './branch-zones.ts'
import { DEFAULT_VIEW, VIEWS_FOLDER } from './zone-files.ts'

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

/** Warnings for zones of views that changed, and whose name is `signed` here for all others: a view's are served as they are. */
export function unsignedZones(
  after: BranchZones,
  before: BranchZones,
  signed: ReadonlySet<Name>,
): readonly Problem[] {
  return differingZones(before, after).flatMap(({ view, origin }) => {
    const served = after.of(view).get(origin)
    if (view === DEFAULT_VIEW || served?.zone === undefined || served.zone.isSigned) return []
    if (!signed.has(origin)) return []
    const message = `${formatName(origin)} is signed for all but this view: who validates here will refuse it`
    return [{ severity: 'warning', file: served.paths[0]!, message }]
  })
}
