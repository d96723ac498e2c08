// Search over all events of a user: what finds them, in which order, who may, and in the page.
import { describe, expect, onTestFinished, test } from 'vitest'
import { click, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'

const PAGE = { headers: { 'x-cairn-page': '1' } }

async function started(files: { readonly [path: string]: string }): Promise<RunningCaldav> {
  const server = await runCaldav({ files })
  onTestFinished(() => server.running.stop())
  return server
}

async function found(server: RunningCaldav, query: string, user = 'alice'): Promise<string[]> {
  const path = `/-/search?q=${encodeURIComponent(query)}`
  const answer = await server.ask('GET', path, { user, ...PAGE })
  expect(answer.status).toBe(200)
  const { hits } = JSON.parse(answer.text) as { hits: { href: string }[] }
  return hits.map(({ href }) => href.split('/').at(-1)!.replace('.ics', ''))
}

function at(uid: string, day: string, more = ''): string {
  return eventText(uid, `Lunch ${uid}`, more).replaceAll('20260105', day)
}

const FILES = {
  'calendars/alice/work/dentist.ics': eventText(
    'dentist',
    'Zahnärztin\\, Dr. Ölmann',
    'LOCATION:Große Straße 1\r\nDESCRIPTION:Bring the\\nyellow\r\n  card; path C:\\\\new',
  ),
  'calendars/alice/work/meeting.ics': eventText(
    'meeting',
    'Review',
    'ORGANIZER:mailto:zoe@example.com\r\nATTENDEE;CN="Yolanda Quux":mailto:yq@example.com',
  ),
  'calendars/alice/home/task.ics': eventText('task', 'Yellow task')
    .replaceAll('VEVENT', 'VTODO')
    .replace(/DTEND.*\r\n/, ''),
  'calendars/alice/home/series.ics': eventText('series', 'Choir', 'RRULE:FREQ=WEEKLY'),
  'calendars/bob/own/secret.ics': eventText('secret', 'Yellow secret'),
  'calendars/bob/team/calendar.toml': 'share = { alice = "read" }\n',
  'calendars/bob/team/shared.ics': eventText('shared', 'Blue', 'DESCRIPTION:yellow'),
}

describe('a search', () => {
  test.each([
    ['zahnÄRZTIN', ['dentist']],
    ['dr. ölmann,', []],
    ['Zahnärztin, dr', ['dentist']],
    ['grosse STRASSE', ['dentist']],
    ['yellow card', ['dentist']],
    ['yellow', ['dentist', 'shared']],
    ['c:\\new', ['dentist']],
    ['yolanda', ['meeting']],
    ['yq@example', ['meeting']],
    ['zoe review', ['meeting']],
    ['mailto', []],
    ['begin:vevent', []],
    ['choir', ['series']],
    ['nothing of it', []],
  ])('for %j finds %j', async (query, expected) => {
    const server = await started(FILES)
    expect((await found(server, query)).sort()).toEqual([...expected].sort())
  })

  test('has the next first, then those that are over, the last one first', async () => {
    const server = await started({
      'calendars/alice/work/old.ics': at('old', '20100105'),
      'calendars/alice/work/far.ics': at('far', '21000105'),
      'calendars/alice/work/older.ics': at('older', '20000105'),
      'calendars/alice/work/near.ics': at('near', '20990105'),
      'calendars/alice/work/now.ics': at('now', '20200105', 'RRULE:FREQ=DAILY'),
    })
    expect(await found(server, 'lunch')).toEqual(['now', 'near', 'far', 'old', 'older'])
  })

  test('gives a hundred, and the number of the others', async () => {
    const many = Array.from({ length: 130 }, (_, i) => `many${i}`)
    const server = await started(
      Object.fromEntries(
        many.map((uid) => [`calendars/alice/work/${uid}.ics`, at(uid, '20300105')]),
      ),
    )
    const answer = await server.ask('GET', '/-/search?q=lunch', PAGE)
    const { hits, more } = JSON.parse(answer.text) as { hits: unknown[]; more: number }
    expect([hits.length, more]).toEqual([100, 30])
  })

  test('is for the page, and for one to eight words', async () => {
    const server = await started(FILES)
    expect((await server.ask('GET', '/-/search?q=yellow')).status).toBe(403)
    expect((await server.ask('GET', '/-/search?q=yellow', { ...PAGE, user: '' })).status).toBe(401)
    for (const query of ['', '%20', 'a+'.repeat(9), 'a'.repeat(201)])
      expect((await server.ask('GET', `/-/search?q=${query}`, PAGE)).status).toBe(400)
    expect((await server.ask('DELETE', '/-/search?q=a', PAGE)).status).toBe(405)
  })
})

peerTest('chromium', 'a person searches, and opens what was found', async () => {
  const server = await started(FILES)
  const page = await signedIn(server)
  await page.evaluate(
    `document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }))`,
  )
  await page.until(hasDialog('Search'))
  const type = (text: string): string =>
    `(() => { const field = document.querySelector('[type=search]'); field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event('input')) })()`
  await page.evaluate(type('yellow'))
  await page.until(`document.querySelectorAll('.found li').length === 2`)
  await picture(page, 'search-light')
  await page.resize(390, 760, 'dark')
  await picture(page, 'search-phone-dark')
  expect(await page.evaluate('document.documentElement.scrollWidth <= 390')).toBe(true)
  await page.evaluate(
    `[...document.querySelectorAll('.found .event')].find((each) => each.textContent.includes('Zahn')).click()`,
  )
  await page.until(hasDialog('Event'))
  await page.evaluate(
    `document.querySelectorAll('dialog').values().toArray().at(-1).querySelector('input').value = 'Dentist'`,
  )
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('.found strong')?.textContent === 'Dentist'`)
  await page.evaluate(click('Show the day of Dentist'))
  await page.until(`document.querySelector('.week [title$="Dentist"]') !== null`)
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})
