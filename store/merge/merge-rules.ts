// Which merge function a path gets: the first rule whose pattern matches, else text by lines.
import type { Merge, MergeRules } from '../api.ts'
import { mergeText } from './text.ts'

export function mergeFor(rules: MergeRules, path: string): Merge {
  return rules.find(({ pattern }) => matchesPattern(pattern, path))?.merge ?? mergeText
}

/**
 * `*` stands for any characters within one part of the path, a part that is `**` for any number of parts, none included:
 * `zones/*` has `zones/example.org` but not `zones/a/b`, and `**` followed by
 * `*.ics` has `x.ics` as well as `a/b/x.ics`.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  return matchWild(pattern.split('/'), path.split('/'), '**', matchesPart)
}

function matchesPart(pattern: string, part: string): boolean {
  return matchWild(pattern.split(''), part.split(''), '*', (a, b) => a === b)
}

/** Wild stretches are tried shortest first, and only the last one is ever tried again: at most quadratic. */
function matchWild(
  pattern: readonly string[],
  items: readonly string[],
  wild: string,
  matches: (pattern: string, item: string) => boolean,
): boolean {
  let at = 0
  let item = 0
  let retryAt = -1
  let retryItem = 0
  while (item < items.length) {
    const step = pattern[at]
    if (step === wild) {
      retryAt = ++at
      retryItem = item
    } else if (step !== undefined && matches(step, items[item]!)) {
      at++
      item++
    } else if (retryAt < 0) return false
    else {
      at = retryAt
      item = ++retryItem
    }
  }
  while (pattern[at] === wild) at++
  return at === pattern.length
}
