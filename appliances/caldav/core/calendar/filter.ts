// What a calendar-query asks (RFC 4791 sections 7.8, 9.6, 9.7): decoded from XML elsewhere, evaluated here.

/** Seconds since 1970; an open side is -Infinity or Infinity. The end is exclusive. */
export type TimeRange = { readonly start: number; readonly end: number }

/** RFC 4790; i;unicode-casemap is RFC 5051. */
export type Collation = 'i;ascii-casemap' | 'i;octet' | 'i;unicode-casemap'

/** Section 9.7.5; `match` other than contains comes from CardDAV (RFC 6352 section 10.5.4). */
export type TextMatch = {
  readonly text: string
  readonly collation: Collation
  readonly match: 'contains' | 'equals' | 'starts-with' | 'ends-with'
  readonly negate: boolean
}

/** Section 9.7.3; without `textMatch` and `isNotDefined` the parameter has to be there. */
export type ParamFilter = {
  /** Upper case. */
  readonly name: string
  readonly isNotDefined: boolean
  readonly textMatch?: TextMatch
}

/** Section 9.7.2. */
export type PropFilter = {
  /** Upper case. */
  readonly name: string
  readonly isNotDefined: boolean
  readonly timeRange?: TimeRange
  readonly textMatch?: TextMatch
  readonly params: readonly ParamFilter[]
}

/** Section 9.7.1: all of what it holds must be true of one component of that name. The outermost names VCALENDAR. */
export type CompFilter = {
  /** Upper case. */
  readonly name: string
  readonly isNotDefined: boolean
  readonly timeRange?: TimeRange
  readonly props: readonly PropFilter[]
  readonly comps: readonly CompFilter[]
}

/** Section 9.6.1: which parts of a component are wanted. */
export type CompSelection = {
  /** Upper case. */
  readonly name: string
  /** `all`: allprop; a name may have `novalue="yes"`. Names are upper case. */
  readonly props: 'all' | readonly { readonly name: string; readonly noValue: boolean }[]
  readonly comps: 'all' | readonly CompSelection[]
}

/** The calendar-data element of a request (section 9.6); at most one of `expand` and `limitRecurrenceSet`. */
export type CalendarDataRequest = {
  readonly comp?: CompSelection
  readonly expand?: TimeRange
  readonly limitRecurrenceSet?: TimeRange
  readonly limitFreeBusySet?: TimeRange
}
