// What becomes of a recurrence rule whose first occurrence moves to another day: `FREQ=WEEKLY;BYDAY=MO,WE` a day later is
// `TU,TH`. Rules that name days in another way do not follow.

const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']

/** Undefined when it would name other days than the moved ones. */
export function shiftWeekdays(rule: string, days: number): string | undefined {
  if (days === 0) return rule
  const parts = rule.split(';').map((part) => part.split('=') as [string, string | undefined])
  const fixed = parts.filter(([name]) => /^BY(?!HOUR|MINUTE|SECOND)/i.test(name))
  if (fixed.length === 0) return rule
  const isWeekly = parts.some(
    ([name, value]) => name.toUpperCase() === 'FREQ' && value?.toUpperCase() === 'WEEKLY',
  )
  const [only] = fixed
  if (!isWeekly || fixed.length > 1 || only?.[0].toUpperCase() !== 'BYDAY') return undefined
  const moved = (only[1] ?? '').split(',').map((day) => {
    const at = WEEKDAYS.indexOf(day.trim().toUpperCase())
    return at < 0 ? undefined : WEEKDAYS[(((at + days) % 7) + 7) % 7]
  })
  if (moved.includes(undefined)) return undefined
  return parts
    .map(([name, value]) => (name === only[0] ? `${name}=${moved.join(',')}` : `${name}=${value}`))
    .join(';')
}
