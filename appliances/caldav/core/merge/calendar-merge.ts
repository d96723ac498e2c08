// The merge of two edits of one `.ics` file: where the lines merge and say the same, that is the result; else the
// components and properties are merged and written anew. What is no calendar object any more is a conflict.
import { objectOf, readCalendar } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { formatComponent } from '../../../../shared/ical/format.ts'
import { checkCalendarObject } from '../../../../shared/ical/object-check.ts'
import type { Merge, MergeRules } from '../../../../store/index.ts'
import { ZONE_BOOK } from '../calendar/zone-lookup.ts'
import { ComponentMerge, isSame } from './component-merge.ts'

/** `byLines` is the store's merge of texts. */
export function calendarMergeRules(byLines: Merge): MergeRules {
  return [{ pattern: 'calendars/*/*/*.ics', merge: calendarMerge(byLines) }]
}

function calendarMerge(byLines: Merge): Merge {
  return (versions) => {
    const ours = read(versions.ours)
    const theirs = read(versions.theirs)
    if (ours === undefined) return conflict('ours is no calendar object')
    if (theirs === undefined) return conflict('theirs is no calendar object')
    const base = versions.base && read(versions.base)
    if (uidOf(ours) !== uidOf(theirs)) return conflict('two objects with different UIDs')
    const merge = new ComponentMerge()
    const merged = merge.merge({ base, ours, theirs })
    if (merge.conflicts.length > 0) {
      return conflict(`${merge.conflicts.join(', ')} changed on both sides`)
    }
    if (!isStorable(merged)) return conflict('the changes of both sides do not fit together')
    const lines = byLines(versions)
    const sameByLines = lines.kind === 'merged' ? read(lines.bytes) : undefined
    if (lines.kind === 'merged' && sameByLines && isSame(sameByLines, merged)) return lines
    const bytes = Buffer.from(formatComponent(merged), 'utf8')
    const decided =
      merge.decided.length === 0 ? '' : `; the newer ${merge.decided.join(', ')} taken`
    return { kind: 'merged', bytes, note: `${versions.path}: merged by property${decided}` }
  }
}

function read(bytes: Uint8Array): Component | undefined {
  const calendar = readCalendar(bytes)
  return calendar.ok && objectOf(calendar.value).ok ? calendar.value : undefined
}

function uidOf(calendar: Component): string | undefined {
  const object = objectOf(calendar)
  return object.ok ? object.value.uid : undefined
}

function isStorable(calendar: Component): boolean {
  const object = objectOf(calendar)
  return object.ok && checkCalendarObject(object.value, ZONE_BOOK).length === 0
}

function conflict(reason: string): ReturnType<Merge> {
  return { kind: 'conflict', reason }
}
