// Many objects of a file taken into a calendar by requests, and by the web page with its files.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { click, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { runCaldav, eventText, type Answer, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

const WORK = '/calendars/alice/work/'

async function started(): Promise<RunningCaldav> {
  const server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\ncomponents = ["VEVENT"]\n',
      'calendars/alice/work/clash.ics': eventText('clash', 'Mine'),
      'calendars/bob/team/calendar.toml': 'share = { alice = "read" }\n',
    },
  })
  onTestFinished(() => server.running.stop())
  return server
}

const zone = (id: string): string =>
  `BEGIN:VTIMEZONE\r\nTZID:${id}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`
const event = (uid: string, more: string): string =>
  `BEGIN:VEVENT\r\n${uid === '' ? '' : `UID:${uid}\r\n`}DTSTAMP:20260101T000000Z\r\n${more}SUMMARY:The ${uid}\r\nEND:VEVENT\r\n`
const START = 'DTSTART:20260105T090000Z\r\n'

/** Line 1 is BEGIN:VCALENDAR, 2 to 4 what is said of all, then a zone of 8 lines; an event is of 6 or more. */
const FILE = [
  'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//other//EN\r\nMETHOD:PUBLISH\r\n',
  zone('Odd/Zone'),
  event('good', 'DTSTART;TZID=Odd/Zone:20260105T090000\r\n'),
  event('bad', 'DTSTART:20260230T090000Z\r\n'),
  event('clash', START),
  event('', START),
  event('with/slash and space', START),
  event('series', `${START}RRULE:FREQ=DAILY\r\n`),
  event('series', `${START.replace('05', '07')}RECURRENCE-ID:20260107T090000Z\r\n`),
  'BEGIN:VTODO\r\nUID:task\r\nDTSTAMP:20260101T000000Z\r\nEND:VTODO\r\n',
  'END:VCALENDAR\r\n',
].join('')
const lineOf = (text: string): number => FILE.slice(0, FILE.indexOf(text)).split('\n').length

function post(server: RunningCaldav, body: string, user = 'alice', at = WORK): Promise<Answer> {
  return server.ask('POST', at, { user, headers: { 'content-type': 'text/calendar' }, body })
}

const answers = ({ text }: Answer): string[] =>
  text
    .split('<d:response>')
    .slice(1)
    .map((each) => {
      const [, status = ''] = /HTTP\/1.1 (\d+)/.exec(each) ?? []
      const [, why = ''] = /<d:responsedescription>(.*?)</.exec(each) ?? []
      return why === '' ? status : `${status} ${why}`
    })

describe('a file posted to a calendar', () => {
  test('is taken as far as it can be, in one commit, and the rest told of with its lines', async () => {
    const server = await started()
    const answer = await post(server, FILE)
    expect(answer.status).toBe(207)
    expect(answers(answer)).toEqual([
      '201',
      expect.stringMatching(`^403 line ${lineOf('DTSTART:20260230')}: `),
      `403 line ${lineOf('BEGIN:VEVENT\r\nUID:clash')}: Its UID is there already, in clash.ics, and says something else`,
      `403 line ${lineOf('BEGIN:VEVENT\r\nDTSTAMP')}: It has no UID`,
      '201',
      '201',
      `403 line ${lineOf('BEGIN:VTODO')}: This calendar takes VEVENT`,
    ])
    const good = await server.ask('GET', `${WORK}good.ics`)
    expect(good.text).toContain(zone('Odd/Zone'))
    expect(good.text).not.toContain('METHOD')
    expect((await server.ask('GET', `${WORK}series.ics`)).text).toContain('RECURRENCE-ID')
    expect((await server.ask('GET', `${WORK}clash.ics`)).text).toBe(eventText('clash', 'Mine'))
    const again = await post(server, FILE)
    expect(answers(again).map((each) => each.slice(0, 3))).toEqual([
      '200',
      '403',
      '403',
      '403',
      '200',
      '200',
      '403',
    ])
  })

  test('needs a calendar, the right to write to it, and not too much', async () => {
    const server = await started()
    const one = eventText('one', 'One')
    expect((await post(server, one, 'bob')).status).toBe(404)
    expect((await post(server, one, 'alice', '/calendars/alice/bob~team/')).status).toBe(403)
    expect((await post(server, one, 'alice', '/calendars/alice/')).status).toBe(405)
    expect((await post(server, '')).status).toBe(403)
    const many = Array.from({ length: 201 }, (_, i) => eventText(`u${i}`, 'U')).join('')
    expect((await post(server, many)).status).toBe(403)
    expect((await post(server, many.slice(0, many.lastIndexOf('BEGIN:VCALENDAR')))).status).toBe(
      207,
    )
  })

  test('tells nobody of meetings', async () => {
    const server = await started()
    const people = 'ORGANIZER:mailto:alice@example.org\r\nATTENDEE:mailto:bob@example.org'
    expect(answers(await post(server, eventText('m', 'Meeting', people)))).toEqual(['201'])
    const inbox = await server.ask('PROPFIND', '/inbox/bob/', {
      user: 'bob',
      headers: { depth: '1' },
    })
    expect(inbox.text).not.toContain('.ics')
  })
})

peerTest('chromium', 'a person imports a file and saves a calendar as one', async () => {
  const server = await started()
  const page = await signedIn(server)
  const folder = tempDir('files')
  const file = join(folder, 'old.ics')
  const many = Array.from({ length: 450 }, (_, i) => event(`many${i}`, START)).join('')
  writeFileSync(file, FILE.replace('END:VCALENDAR', `${many}END:VCALENDAR`))
  await page.evaluate(click('Manage calendars'))
  await page.until(hasDialog('Calendars'))
  await page.evaluate(click('Import into Work'))
  await page.until(hasDialog('Import'))
  await page.choose('[type=file]', file)
  await page.evaluate(click('Import'))
  await page.until(
    `document.querySelector('dialog form [role=status]').textContent === '453 taken, 4 refused:'`,
  )
  const told = await page.evaluate(`document.querySelector('.refusals').textContent`)
  expect(told).toContain(`“The bad”: line ${lineOf('DTSTART:20260230')}: `)
  await picture(page, 'import-light')
  await page.resize(390, 760, 'dark')
  await picture(page, 'import-phone-dark')
  await page.evaluate(click('Import'))
  await page.until(
    `document.querySelector('dialog form [role=status]').textContent === '0 taken, 453 were there already, 4 refused:'`,
  )
  await page.evaluate(click('Close'))
  await page.until(hasDialog('Calendars'))
  await picture(page, 'calendars-phone-dark')
  await page.saveTo(folder)
  await page.evaluate(click('Export Work'))
  const saved = join(folder, 'Work.ics')
  await expect.poll(() => existsSync(saved), { timeout: 20_000 }).toBe(true)
  expect(readFileSync(saved, 'utf8').match(/BEGIN:VEVENT/g)).toHaveLength(455)
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})
