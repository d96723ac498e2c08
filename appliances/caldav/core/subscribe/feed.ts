// A calendar that is kept elsewhere, as one file (`[subscription]` in calendar.toml): taken apart into an object for each UID,
// and what of it is new, changed or gone put into the tree. What cannot be read of it is left out, and counted.
import { hasErrors } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import type { Edit } from '../../../../store/index.ts'
import { splitCalendar } from '../bulk/calendar-parts.ts'
import { objectName } from '../bulk/object-name.ts'
import { readObject } from '../library/object-facts.ts'
import { SETTINGS_FILES, type Settings } from '../library/settings.ts'

/** Of one calendar. */
export const FEED_OBJECTS_LIMIT = 20_000

export type Feed = {
  /** Texts by the name of their file. */
  readonly files: ReadonlyMap<string, string>
  /** Objects that cannot be read, are too large, or of a kind that the calendar does not take. */
  readonly left: number
}

export type FeedChange = { readonly added: number; readonly changed: number; readonly gone: number }

/** Or why it is none: then what is there stays. */
export function readFeed(
  text: string,
  { components }: Pick<Settings, 'components'>,
  objectBytes: number,
): Result<Feed, string> {
  if (!/^\uFEFF?\s*BEGIN:VCALENDAR\s/i.test(text)) return err('It is no calendar')
  if (!/END:VCALENDAR\s*$/i.test(text)) return err('It is cut off')
  const objects = splitCalendar(text)
  if (objects.length > FEED_OBJECTS_LIMIT) return err(`More than ${FEED_OBJECTS_LIMIT} objects`)
  const files = new Map<string, string>()
  let left = 0
  for (const object of objects) {
    const bytes = Buffer.from(object.text)
    const { facts, problems } = readObject('calendar', bytes, '')
    const isTaken =
      facts !== undefined &&
      !hasErrors(problems) &&
      bytes.length <= objectBytes &&
      components?.includes(facts.component) !== false
    if (isTaken) files.set(objectName(facts.uid, '.ics'), object.text)
    else left++
  }
  return ok({ files, left })
}

/** `path` is the calendar's. An object of which only the stamps differ is the same: many servers stamp at every request. */
export function applyFeed(edit: Edit, path: string, { files }: Feed): FeedChange {
  let [added, changed, gone] = [0, 0, 0]
  for (const entry of edit.list(path)) {
    const name = entry.path.slice(path.length + 1)
    if (name === SETTINGS_FILES.calendar || files.has(name)) continue
    edit.delete(`${path}/${name}`)
    gone++
  }
  for (const [name, text] of files) {
    const before = edit.get(`${path}/${name}`)
    if (before !== undefined && unstamped(Buffer.from(before).toString('utf8')) === unstamped(text))
      continue
    edit.set(`${path}/${name}`, text)
    if (before === undefined) added++
    else changed++
  }
  return { added, changed, gone }
}

function unstamped(text: string): string {
  return text.replaceAll(STAMP, '')
}

const STAMP = /^DTSTAMP[;:].*(?:\r\n[ \t].*)*\r\n/gm
