// The recurrence examples of RFC 5545 section 3.8.5.3 and RFC 7529: rule, DTSTART, and the instances they give.
import { describe, expect, test } from 'vitest'
import { occurrencesOf } from '../../../../shared/ical/recur-occurrences.ts'
import { parseRule } from '../../../../shared/ical/recur-rule.ts'
import { formatTime, parseTime } from '../../../../shared/ical/time-value.ts'

/** `1997-09 2 3 4` is days of a month; `T` before a time of day holds for what follows. */
const EXAMPLES: readonly (readonly [rule: string, dtstart: string, instances: string])[] = [
  ['FREQ=DAILY;COUNT=10', '19970902T090000', '1997-09 2 3 4 5 6 7 8 9 10 11'],
  ['FREQ=DAILY;UNTIL=19970906T000000', '19970902T090000', '1997-09 2 3 4 5'],
  [
    'FREQ=DAILY;INTERVAL=2',
    '19970902T090000',
    '1997-09 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 1997-10 2 ...',
  ],
  ['FREQ=DAILY;INTERVAL=10;COUNT=5', '19970902T090000', '1997-09 2 12 22 1997-10 2 12'],
  [
    'FREQ=YEARLY;UNTIL=19990101T140000;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA',
    '19980101T090000',
    '1998-01 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 1999-01 1',
  ],
  ['FREQ=DAILY;UNTIL=19980105T140000;BYMONTH=1', '19980101T090000', '1998-01 1 2 3 4 5'],
  ['FREQ=WEEKLY;COUNT=10', '19970902T090000', '1997-09 2 9 16 23 30 1997-10 7 14 21 28 1997-11 4'],
  ['FREQ=WEEKLY;UNTIL=19971007T000000', '19970902T090000', '1997-09 2 9 16 23 30'],
  [
    'FREQ=WEEKLY;INTERVAL=2;WKST=SU',
    '19970902T090000',
    '1997-09 2 16 30 1997-10 14 28 1997-11 11 25 ...',
  ],
  [
    'FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH',
    '19970902T090000',
    '1997-09 2 4 9 11 16 18 23 25 30 1997-10 2',
  ],
  [
    'FREQ=WEEKLY;INTERVAL=2;UNTIL=19971001T000000;WKST=SU;BYDAY=MO,WE,FR',
    '19970901T090000',
    '1997-09 1 3 5 15 17 19 29',
  ],
  [
    'FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH',
    '19970902T090000',
    '1997-09 2 4 16 18 30 1997-10 2 14 16',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYDAY=1FR',
    '19970905T090000',
    '1997-09 5 1997-10 3 1997-11 7 1997-12 5 1998-01 2 1998-02 6 1998-03 6 1998-04 3 1998-05 1 1998-06 5',
  ],
  [
    'FREQ=MONTHLY;UNTIL=19971224T000000;BYDAY=1FR',
    '19970905T090000',
    '1997-09 5 1997-10 3 1997-11 7 1997-12 5',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU',
    '19970907T090000',
    '1997-09 7 28 1997-11 2 30 1998-01 4 25 1998-03 1 29 1998-05 3 31',
  ],
  [
    'FREQ=MONTHLY;COUNT=6;BYDAY=-2MO',
    '19970922T090000',
    '1997-09 22 1997-10 20 1997-11 17 1997-12 22 1998-01 19 1998-02 16',
  ],
  [
    'FREQ=MONTHLY;BYMONTHDAY=-3',
    '19970928T090000',
    '1997-09 28 1997-10 29 1997-11 28 1997-12 29 1998-01 29 1998-02 26 ...',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15',
    '19970902T090000',
    '1997-09 2 15 1997-10 2 15 1997-11 2 15 1997-12 2 15 1998-01 2 15',
  ],
  [
    'FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1',
    '19970930T090000',
    '1997-09 30 1997-10 1 31 1997-11 1 30 1997-12 1 31 1998-01 1 31 1998-02 1',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15',
    '19970910T090000',
    '1997-09 10 11 12 13 14 15 1999-03 10 11 12 13',
  ],
  [
    'FREQ=MONTHLY;INTERVAL=2;BYDAY=TU',
    '19970902T090000',
    '1997-09 2 9 16 23 30 1997-11 4 11 18 25 1998-01 6 13 20 27 ...',
  ],
  [
    'FREQ=YEARLY;COUNT=10;BYMONTH=6,7',
    '19970610T090000',
    '1997-06 10 1997-07 10 1998-06 10 1998-07 10 1999-06 10 1999-07 10 2000-06 10 2000-07 10 2001-06 10 2001-07 10',
  ],
  [
    'FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3',
    '19970310T090000',
    '1997-03 10 1999-01 10 1999-02 10 1999-03 10 2001-01 10 2001-02 10 2001-03 10 2003-01 10 2003-02 10 2003-03 10',
  ],
  [
    'FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200',
    '19970101T090000',
    '1997-01 1 1997-04 10 1997-07 19 2000-01 1 2000-04 9 2000-07 18 2003-01 1 2003-04 10 2003-07 19 2006-01 1',
  ],
  ['FREQ=YEARLY;BYDAY=20MO', '19970519T090000', '1997-05 19 1998-05 18 1999-05 17 ...'],
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', '19970512T090000', '1997-05 12 1998-05 11 1999-05 17 ...'],
  [
    'FREQ=YEARLY;BYMONTH=3;BYDAY=TH',
    '19970313T090000',
    '1997-03 13 20 27 1998-03 5 12 19 26 1999-03 4 11 18 25 ...',
  ],
  [
    'FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8',
    '19970605T090000',
    '1997-06 5 12 19 26 1997-07 3 10 17 24 31 1997-08 7 14 21 28 1998-06 4 11 18 25 ...',
  ],
  [
    'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
    '19970902T090000',
    '1998-02 13 1998-03 13 1998-11 13 1999-08 13 2000-10 13 ...',
  ],
  [
    'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13',
    '19970913T090000',
    '1997-09 13 1997-10 11 1997-11 8 1997-12 13 1998-01 10 1998-02 7 1998-03 7 ...',
  ],
  [
    'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
    '19961105T090000',
    '1996-11 5 2000-11 7 2004-11 2 ...',
  ],
  [
    'FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3',
    '19970904T090000',
    '1997-09 4 1997-10 7 1997-11 6',
  ],
  [
    'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2',
    '19970929T090000',
    '1997-09 29 1997-10 30 1997-11 27 1997-12 30 1998-01 29 1998-02 26 1998-03 30 ...',
  ],
  [
    'FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000',
    '19970902T090000',
    '1997-09 2 T12:00 2 T15:00 2',
  ],
  [
    'FREQ=MINUTELY;INTERVAL=15;COUNT=6',
    '19970902T090000',
    '1997-09 2 T09:15 2 T09:30 2 T09:45 2 T10:00 2 T10:15 2',
  ],
  ['FREQ=MINUTELY;INTERVAL=90;COUNT=4', '19970902T090000', '1997-09 2 T10:30 2 T12:00 2 T13:30 2'],
  [
    'FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40',
    '19970902T090000',
    '1997-09 2 T09:20 2 T09:40 2 T10:00 2 T10:20 2 T10:40 2 T09:00 3 ...',
  ],
  [
    'FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10',
    '19970902T090000',
    '1997-09 2 T09:20 2 T09:40 2 T10:00 2 T10:20 2 T10:40 2 T09:00 3 ...',
  ],
  ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO', '19970805T090000', '1997-08 5 10 19 24'],
  ['FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU', '19970805T090000', '1997-08 5 17 19 31'],
  [
    'FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5',
    '20070115T090000',
    '2007-01 15 30 2007-02 15 2007-03 15 30',
  ],
]

const SKIPS: readonly (readonly [rule: string, dtstart: string, instances: string])[] = [
  [
    'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=OMIT;COUNT=4',
    '20140131T000000',
    '2014-01 31 2014-03 31 2014-05 31 2014-07 31',
  ],
  [
    'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4',
    '20140131T000000',
    '2014-01 31 2014-02 28 2014-03 31 2014-04 30',
  ],
  [
    'RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=4',
    '20140131T000000',
    '2014-01 31 2014-03 1 31 2014-05 1',
  ],
  [
    'RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;COUNT=4',
    '20160229T000000',
    '2016-02 29 2017-03 1 2018-03 1 2019-03 1',
  ],
  [
    'RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD;COUNT=4',
    '20160229T000000',
    '2016-02 29 2017-02 28 2018-02 28 2019-02 28',
  ],
  [
    'RSCALE=GREGORIAN;FREQ=YEARLY;BYYEARDAY=366;SKIP=FORWARD;COUNT=3',
    '20161231T000000',
    '2016-12 31 2018-01 1 2019-01 1',
  ],
  ['FREQ=YEARLY;COUNT=3', '20160229T000000', '2016-02 29 2020-02 29 2024-02 29'],
]

describe('RFC 5545, section 3.8.5.3', () => {
  test.each(EXAMPLES)('%s', checkExample)
})

describe('RFC 7529, invalid dates', () => {
  test.each(SKIPS)('%s', checkExample)
})

describe('what both readings of a rule allow', () => {
  test.each([
    // As libical and ical.js, on which most clients are built.
    ['FREQ=YEARLY;BYMONTHDAY=29;COUNT=3', '20240229T000000', '2024-02 29 2028-02 29 2032-02 29'],
    [
      'FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR;COUNT=3',
      '20260101T000000',
      '2026-02 13 2026-03 13 2026-11 13',
    ],
    // INTERVAL counts from the year of DTSTART's week.
    [
      'FREQ=YEARLY;INTERVAL=3;BYWEEKNO=1;BYDAY=MO,TU;COUNT=3',
      '20241231T000000',
      '2024-12 31 2028-01 3 4',
    ],
    [
      'FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO;COUNT=2',
      '20230102T000000',
      '2023-01 2 2024-12 30',
    ],
  ] as const)('%s', checkExample)
})

function checkExample(rule: string, dtstart: string, instances: string): void {
  const parsed = parseRule(rule)
  if (!parsed.ok) throw new Error(parsed.error)
  const start = parseTime(dtstart)!
  const expected = spell(instances, dtstart.slice(9))
  const isOpen = instances.endsWith('...')
  const to = parsed.value.until?.local ?? Infinity
  const walk = occurrencesOf(parsed.value, start.local, false, { from: -Infinity, to })
  const found: string[] = []
  for (let next = walk.next(); next !== undefined; next = walk.next()) {
    found.push(formatTime({ ...start, local: next }))
    if (isOpen && found.length === expected.length) break
  }
  expect(found).toEqual(expected)
  expect(walk.isCut).toBe(false)
}

function spell(instances: string, startTime: string): string[] {
  let month = ''
  let time = startTime
  const times: string[] = []
  for (const word of instances.split(' ')) {
    if (word === '...') break
    if (word.includes('-')) month = word.replace('-', '')
    else if (word.startsWith('T')) time = `${word.slice(1).replace(':', '')}00`
    else times.push(`${month}${word.padStart(2, '0')}T${time}`)
  }
  return times
}
