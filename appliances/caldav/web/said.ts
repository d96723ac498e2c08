// Wall times in the words of the browser's language.

type When = { readonly start: number; readonly isAllDay: boolean }

export function said(wallMs: number, format: Intl.DateTimeFormatOptions): string {
  return new Date(wallMs).toLocaleString(navigator.language, { timeZone: 'UTC', ...format })
}

/** When an event begins. */
export function whenOf({ start, isAllDay }: When): string {
  const day = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const
  return said(start, { ...day, ...(isAllDay ? {} : TIME) })
}

export function timeOf(wallMs: number): string {
  return said(wallMs, TIME)
}

const TIME = { hour: '2-digit', minute: '2-digit' } as const
