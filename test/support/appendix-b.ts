// The calendar of RFC 4791's appendix B, told anew: the objects that its examples of reports are about.
import { lines, vcalendar } from './calendars.ts'

/** A daily event of five with two instances moved by two hours. */
const DAILY = (['', '20060104T', '20060106T'] as const).map((day, i) =>
  lines(`
    BEGIN:VEVENT
    UID:00959BC664CA650E933C892C@example.com
    DTSTAMP:20060206T001121Z
    DTSTART;TZID=US/Eastern:${day === '' ? '20060102T120000' : `${day}140000`}
    DURATION:PT1H
    ${day === '' ? 'RRULE:FREQ=DAILY;COUNT=5' : `RECURRENCE-ID;TZID=US/Eastern:${day}120000`}
    SUMMARY:Event #2${' bis'.repeat(i)}
    END:VEVENT`),
)

export const APPENDIX_B: { readonly [file: string]: string } = {
  'abcd1.ics': event(
    '74855313FA803DA593CD579A',
    'DTSTART;TZID=US/Eastern:20060102T120000\nDURATION:PT1H\nSUMMARY:Event #1',
  ),
  'abcd2.ics': vcalendar(DAILY.join('')),
  'abcd3.ics': event(
    'DC6C50A017428C5216A2F1CD',
    `ATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:cyrus@example.com
     ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@example.com
     DTSTART;TZID=US/Eastern:20060104T100000
     DURATION:PT1H
     LAST-MODIFIED:20060206T001330Z
     ORGANIZER:mailto:cyrus@example.com
     SEQUENCE:1
     STATUS:TENTATIVE
     SUMMARY:Event #3
     X-ABC-GUID:E1CX5Dr-0007ym-Hz@example.com`,
  ),
  'abcd4.ics': todo(
    'DDDEEB7915FA61233B861457',
    `DUE;VALUE=DATE:20060106
     STATUS:NEEDS-ACTION
     SUMMARY:Task #1
     ${alarm('-PT10M')}`,
  ),
  'abcd5.ics': todo(
    'E10BA47467C5C69BB74E8720',
    `DTSTART;TZID=US/Eastern:20060106T060000
     DUE;TZID=US/Eastern:20060107T060000
     STATUS:NEEDS-ACTION
     SUMMARY:Task #2
     ${alarm('-PT10M')}`,
  ),
  'abcd6.ics': todo(
    'E10BA47467C5C69BB74E8722',
    'COMPLETED:20051223T122322Z\nDUE;VALUE=DATE:20051222\nSTATUS:COMPLETED\nSUMMARY:Task #3',
  ),
  'abcd7.ics': todo(
    'E10BA47467C5C69BB74E8725',
    'DUE;VALUE=DATE:20060101\nSTATUS:CANCELLED\nSUMMARY:Task #4',
  ),
  'abcd8.ics': vcalendar(
    lines(`
      BEGIN:VFREEBUSY
      ORGANIZER;CN="Bernard Desruisseaux":mailto:bernard@example.com
      UID:76ef34-54a3d2@example.com
      DTSTAMP:20050530T123421Z
      DTSTART:20060101T000000Z
      DTEND:20060108T000000Z
      FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20060102T100000Z/20060102T120000Z
      FREEBUSY:20060103T100000Z/20060103T120000Z
      FREEBUSY:20060104T100000Z/20060104T120000Z
      FREEBUSY:20060105T100000Z/20060105T120000Z
      END:VFREEBUSY`),
  ),
}

function event(uid: string, inside: string): string {
  return vcalendar(
    `BEGIN:VEVENT\nUID:${uid}@example.com\nDTSTAMP:20060206T001102Z\n${inside}\nEND:VEVENT`,
  )
}

function todo(uid: string, inside: string): string {
  return vcalendar(
    `BEGIN:VTODO\nUID:${uid}@example.com\nDTSTAMP:20060205T235335Z\n${inside}\nEND:VTODO`,
  )
}

function alarm(trigger: string): string {
  return `BEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=START:${trigger}\nEND:VALARM`
}
