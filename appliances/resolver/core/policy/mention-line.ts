// Which line of a list says what the list says of a name: looked for in its text when someone asks, since a million lines have
// better uses of memory than their numbers.
import { formatName } from '../../../../shared/dns/name.ts'
import { parseListLine } from './list-line.ts'
import type { Mention } from './policy.ts'

/** Whether a line of the list is the one that is looked for; cheap for the many that are not. */
export function lineMatcher({
  list,
  isException,
  name,
  isExact,
}: Mention): (line: string) => boolean {
  const text = formatName(name).slice(0, -1)
  return (line) => {
    if (!line.toLowerCase().includes(text)) return false
    const parsed = parseListLine(line)
    if (!parsed.ok || parsed.value === undefined) return false
    const rule = parsed.value
    const lets = rule.isException || list.kind === 'allow'
    return lets === isException && rule.isExact === isExact && rule.names.includes(name)
  }
}
