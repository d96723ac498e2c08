// The calendar that CalDAV servers are measured with: events over three years, most at an hour in a zone with its
// definition, a tenth whole days, a tenth weekly for a year; and the requests that ask for them.

const ZONE = `BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
`
const FIRST_DAY = Date.UTC(2024, 0, 1)
const DAYS = 1096
const DAY_MS = 86_400_000
/** Spreads numbers that follow each other over all days. */
const STRIDE = 7919

export function eventFile(n: number): string {
  return `e${n}.ics`
}

/** About 1 KiB. */
export function eventText(n: number, revision = 0): string {
  const day = new Date(FIRST_DAY + ((n * STRIDE) % DAYS) * DAY_MS)
  const date = day.toISOString().slice(0, 10).replaceAll('-', '')
  const hour = String(8 + (n % 10)).padStart(2, '0')
  const isDay = n % 10 === 0
  const times = isDay
    ? `DTSTART;VALUE=DATE:${date}`
    : `DTSTART;TZID=Europe/Berlin:${date}T${hour}0000\nDTEND;TZID=Europe/Berlin:${date}T${hour}4500`
  const rule = n % 10 === 1 ? 'RRULE:FREQ=WEEKLY;COUNT=52\n' : ''
  return `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//bench//EN
${isDay ? '' : ZONE}BEGIN:VEVENT
UID:bench-${n}@example.org
DTSTAMP:20240101T000000Z
SEQUENCE:${revision}
${times}
${rule}SUMMARY:Event number ${n}
LOCATION:Room ${n % 17}
DESCRIPTION:What is to be said of it\\, in about as many words as people use
  for such a thing. ${n}
CATEGORIES:WORK,TEAM${n % 5}
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR
`.replaceAll('\n', '\r\n')
}

const NAMESPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'

export const LISTING: string = `<propfind ${NAMESPACES}><prop><getetag/><getcontenttype/><resourcetype/></prop></propfind>`

export const CTAG: string = `<propfind ${NAMESPACES} xmlns:S="http://calendarserver.org/ns/"><prop><S:getctag/><sync-token/></prop></propfind>`

/** A month of 2025, with the data; 0 to 10. */
export function monthQuery(month: number, isExpanded: boolean): string {
  const digits = (n: number): string => String(n).padStart(2, '0')
  const range = `start="2025${digits(month + 1)}01T000000Z" end="2025${digits(month + 2)}01T000000Z"`
  const data = isExpanded
    ? `<C:calendar-data><C:expand ${range}/></C:calendar-data>`
    : '<C:calendar-data/>'
  return query(`<getetag/>${data}`, `<C:time-range ${range}/>`)
}

export const TEXT_QUERY: string = query(
  '<getetag/>',
  '<C:prop-filter name="SUMMARY"><C:text-match>number 77</C:text-match></C:prop-filter>',
)

export function syncReport(token: string): string {
  return `<sync-collection ${NAMESPACES}><sync-token>${token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
}

export function multigetReport(hrefs: readonly string[]): string {
  const list = hrefs.map((href) => `<href>${href}</href>`).join('')
  return `<C:calendar-multiget ${NAMESPACES}><prop><getetag/><C:calendar-data/></prop>${list}</C:calendar-multiget>`
}

function query(props: string, filter: string): string {
  return `<C:calendar-query ${NAMESPACES}><prop>${props}</prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">${filter}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
}
