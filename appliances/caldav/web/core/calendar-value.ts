// DATE and DATE-TIME values with their zone (RFC 5545 sections 3.3.4, 3.3.5) as wall times, and back in the form they had.
import { paramOf, type Property } from '../../../../shared/ical/content-line.ts'
import { isZone, utcOf, wallOf } from './wall-time.ts'

export type ValueForm =
  | { readonly kind: 'date' }
  | { readonly kind: 'utc' }
  /** Shown at that time wherever one is. */
  | { readonly kind: 'floating' }
  /** `zone` undefined: the platform does not know it, and only its VTIMEZONE says what it is. */
  | { readonly kind: 'zoned'; readonly tzid: string; readonly zone: string | undefined }

export type CalendarValue = {
  readonly form: ValueForm
  /** In the value's own zone. */
  readonly wallMs: number
}

/** Undefined for what is no time, a PERIOD for example. */
export function parseValue(text: string, tzid: string | undefined): CalendarValue | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text.trim())
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, utc] = match
  const wallMs = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  )
  if (hour === undefined) return { form: { kind: 'date' }, wallMs }
  if (utc === 'Z') return { form: { kind: 'utc' }, wallMs }
  if (tzid === undefined) return { form: { kind: 'floating' }, wallMs }
  const name = /^(?:\/[^/]+\/(?:.*\/)?)?([A-Za-z]+\/[A-Za-z_/+-]+[\w+-]*|UTC)$/.exec(tzid)?.[1]
  const zone = [tzid, name].find((each) => each !== undefined && isZone(each))
  return { form: { kind: 'zoned', tzid, zone }, wallMs }
}

export function valueOf(property: Property | undefined): CalendarValue | undefined {
  return property && parseValue(property.value, paramOf(property, 'TZID'))
}

/** `local`: the zone that days and floating times are seen in. */
export function utcMsOf({ form, wallMs }: CalendarValue, local: string): number {
  switch (form.kind) {
    case 'utc':
      return wallMs
    case 'zoned':
      return utcOf(wallMs, form.zone ?? local)
    default:
      return utcOf(wallMs, local)
  }
}

/** What a clock in `local` shows; a day is that day everywhere. */
export function seenIn(value: CalendarValue, local: string): number {
  const { form, wallMs } = value
  return form.kind === 'date' || form.kind === 'floating'
    ? wallMs
    : wallOf(utcMsOf(value, local), local)
}

/** The value of that form which is seen at `wallMs` in `local`. */
export function valueSeenAt(wallMs: number, form: ValueForm, local: string): CalendarValue {
  switch (form.kind) {
    case 'utc':
      return { form, wallMs: utcOf(wallMs, local) }
    case 'zoned':
      return { form, wallMs: wallOf(utcOf(wallMs, local), form.zone ?? local) }
    default:
      return { form, wallMs }
  }
}

export function formatValue({ form, wallMs }: CalendarValue): string {
  const digits = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+Z/g, '')
  if (form.kind === 'date') return digits.slice(0, 8)
  return form.kind === 'utc' ? `${digits}Z` : digits
}

/** A property of that value; other parameters it had are not kept. */
export function timeProperty(name: string, value: CalendarValue): Property {
  const { form } = value
  const params =
    form.kind === 'date'
      ? [{ name: 'VALUE', values: ['DATE'] }]
      : form.kind === 'zoned'
        ? [{ name: 'TZID', values: [form.tzid] }]
        : []
  return { name, params, value: formatValue(value), line: 0 }
}
