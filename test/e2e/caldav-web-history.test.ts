// History and contacts in the web page of cairn-caldav, in a headless Chromium.
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { openBrowser, type BrowserPage } from '../support/browser.ts'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'

/** Where to put pictures to look at. */
const PICTURES = process.env['CAIRN_PICTURES']
const WAIT_MS = 20_000
const WORK = '/calendars/alice/work'
const BOOK = '/addressbooks/alice/friends'

async function started(): Promise<RunningCaldav> {
  const server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\ncolor = "#C62828"\n',
      'calendars/bob/team/calendar.toml': 'displayname = "Team"\nshare = { alice = "read" }\n',
      'calendars/bob/team/t.ics': eventText('t', 'Of the team'),
      'addressbooks/alice/friends/addressbook.toml': 'displayname = "Friends"\n',
    },
  })
  onTestFinished(() => server.running.stop())
  return server
}

async function signedIn(server: RunningCaldav): Promise<BrowserPage> {
  const page = await openBrowser(`${server.origin}/`, 'UTC')
  await page.resize(1200, 800, 'light')
  await page.until(`document.querySelector('.sign-in') !== null`)
  await page.evaluate(
    `document.querySelector('[name=user]').value = 'alice'; document.querySelector('[name=password]').value = 'alice'; document.querySelector('.sign-in .primary').click()`,
  )
  await page.until(`document.querySelector('.month') !== null`)
  return page
}

/** A button in the uppermost dialog, or in the page when none is open. */
const inFront = `[...document.querySelectorAll('dialog'), document.body].find((each, i, all) => i === Math.max(0, all.length - 2))`
const button = (text: string): string =>
  `[...${inFront}.querySelectorAll('button')].find((each) => each.textContent === ${JSON.stringify(text)})`
const click = async (page: BrowserPage, text: string): Promise<void> => {
  await page.until(`${button(text)} !== undefined`)
  await page.evaluate(`${button(text)}.click()`)
}
const shows = async (page: BrowserPage, text: string): Promise<void> =>
  await page.until(`${inFront}.innerText.includes(${JSON.stringify(text)})`)
const fill = async (page: BrowserPage, label: string, value: string): Promise<void> => {
  await page.evaluate(
    `(() => { const field = [...${inFront}.querySelectorAll('label')].findLast((each) => each.firstChild.textContent === ${JSON.stringify(label)}).querySelector('input, select, textarea'); field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event('input')); field.dispatchEvent(new Event('change')) })()`,
  )
}
const picture = async (page: BrowserPage, name: string): Promise<void> => {
  if (PICTURES !== undefined) await page.screenshot(join(PICTURES, `${name}.png`))
}
const today = (uid: string, title: string, more = ''): string =>
  eventText(uid, title, more).replaceAll(
    '20260105',
    new Date().toISOString().slice(0, 10).replaceAll('-', ''),
  )
const noScroll = async (page: BrowserPage): Promise<void> => {
  expect(
    await page.evaluate(
      `document.documentElement.scrollWidth <= innerWidth && ${inFront}.scrollWidth <= innerWidth`,
    ),
  ).toBe(true)
}

peerTest('chromium', 'a person looks at the history and brings things back', async () => {
  const server = await started()
  const put = async (path: string, body: string, user = 'alice'): Promise<void> => {
    expect((await server.ask('PUT', path, { body, user })).status).toBeLessThan(300)
  }
  await put(`${WORK}/dentist.ics`, today('dentist', 'Dentist'))
  await put(`${WORK}/dentist.ics`, today('dentist', 'Doctor', 'LOCATION:Main street'))
  await put(`${WORK}/gone.ics`, today('gone', 'Gone'))
  await server.ask('DELETE', `${WORK}/gone.ics`)
  const page = await signedIn(server)

  // One event, back to what it was.
  await page.until(`document.querySelector('[title$="Doctor"]') !== null`)
  await page.evaluate(`document.querySelector('[title$="Doctor"]').click()`)
  await page.until(`document.querySelector('dialog form') !== null`)
  await click(page, 'History')
  await shows(page, 'title Dentist → Doctor; place Main street added')
  await page.evaluate(`${inFront}.querySelectorAll('details')[0].open = true`)
  await picture(page, 'versions-light')
  await click(page, 'Restore this version')
  await page.until(`document.querySelector('[title$="Dentist"]') !== null`)
  expect((await server.ask('GET', `${WORK}/dentist.ics`)).text).toBe(today('dentist', 'Dentist'))

  // What was deleted.
  await click(page, 'History')
  await shows(page, 'Added “Gone”')
  await picture(page, 'history-light')
  await page.resize(390, 760, 'dark')
  await noScroll(page)
  await picture(page, 'history-phone-dark')
  await click(page, 'Deleted')
  await shows(page, 'Deleted ')
  await picture(page, 'deleted-phone-dark')
  await click(page, 'Restore')
  await shows(page, 'It is back')
  expect((await server.ask('GET', `${WORK}/gone.ics`)).status).toBe(200)

  // A whole calendar: the state after the first change, looked at and then confirmed.
  await page.resize(1200, 800, 'dark')
  await click(page, 'Changes')
  await page.until(`${inFront}.querySelectorAll('.history > li').length >= 5`)
  await page.evaluate(
    `[...${inFront}.querySelectorAll('.history > li')].find((each) => each.innerText.includes('Added “Dentist”')).querySelector('button').click()`,
  )
  await shows(page, 'This would change: 1 taken away')
  await shows(page, 'Is taken away: “Gone”')
  await picture(page, 'preview-dark')
  expect((await server.ask('GET', `${WORK}/gone.ics`)).status).toBe(200)
  await click(page, 'Restore Work')
  await shows(page, 'Deleted “Gone”')
  expect((await server.ask('GET', `${WORK}/gone.ics`)).status).toBe(404)
  await click(page, 'Go back to a time')
  await click(page, 'What would change?')
  await shows(page, 'nothing would change')

  // Of others only what one may see, and nothing to restore where one may only look.
  await fill(page, 'Calendar', '/calendars/alice/bob~team/')
  await shows(page, 'Of the team')
  expect(await page.evaluate(`${button('Go back to this…')} === undefined`)).toBe(true)

  // A whole calendar that was deleted.
  await server.ask('DELETE', `${WORK}/`)
  await click(page, 'Deleted')
  await page.until(
    `[...${inFront}.querySelectorAll('li')].some((each) => each.innerText.startsWith('work'))`,
  )
  await click(page, 'Restore')
  await shows(page, 'It is back')
  await click(page, 'Close')
  await page.until(`document.querySelector('[title$="Dentist"]') !== null`)
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})

peerTest('chromium', 'a person finds, makes, changes and deletes contacts', async () => {
  const server = await started()
  const card = (uid: string, name: string, more: string): string =>
    `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${name}\r\nN:${name};;;;\r\n${more}X-KEPT:as\r\n  it was\r\nEND:VCARD\r\n`
  const put = async (uid: string, name: string, more = ''): Promise<void> => {
    const answer = await server.ask('PUT', `${BOOK}/${uid}.vcf`, { body: card(uid, name, more) })
    expect(answer.status).toBe(201)
  }
  await put(
    'ada',
    'Ada Lovelace',
    'TEL;TYPE=CELL:+44 123\r\nEMAIL:ada@example.org\r\nNOTE:Engines\r\n',
  )
  await put('bob', 'Bob Builder', 'ORG:Builders\r\n')
  const page = await signedIn(server)
  await click(page, 'Contacts')
  await shows(page, 'Ada Lovelace')
  await picture(page, 'contacts-light')

  await fill(page, 'Search', 'engines')
  await page.until(`document.querySelectorAll('.contact').length === 1`)
  await page.evaluate(`document.querySelector('.contact').click()`)
  await page.until(`document.querySelector('dialog') !== null`)
  await shows(page, '+44 123')
  expect(await page.evaluate(`${inFront}.querySelector('a').href`)).toBe('tel:+44123')
  await picture(page, 'contact-light')
  await click(page, 'Edit')
  await page.until(`document.querySelector('dialog form') !== null`)
  await page.resize(390, 760, 'dark')
  await noScroll(page)
  await picture(page, 'contact-edit-phone-dark')
  await fill(page, 'City', 'London')
  await click(page, 'Save')
  await page.until(`document.querySelector('dialog') === null`)
  await vi.waitFor(async () => {
    const { text } = await server.ask('GET', `${BOOK}/ada.vcf`)
    expect(text).toContain('ADR:;;;London;;;\r\n')
    expect(text).toContain('X-KEPT:as\r\n  it was\r\n')
  }, WAIT_MS)

  await fill(page, 'Search', '')
  await click(page, 'New contact')
  await fill(page, 'First name', 'Carl')
  await fill(page, 'Mail', 'carl@example.org')
  await click(page, 'Save')
  await shows(page, 'carl@example.org')
  await noScroll(page)
  await picture(page, 'contacts-phone-dark')
  expect((await server.ask('GET', `${BOOK}/`)).text).toContain('FN:Carl\r\n')

  await page.evaluate(
    `[...document.querySelectorAll('.contact')].find((each) => each.innerText.includes('Bob')).click()`,
  )
  await page.until(`document.querySelector('dialog') !== null`)
  await click(page, 'Delete')
  await shows(page, 'Bob Builder was deleted')
  expect((await server.ask('GET', `${BOOK}/bob.vcf`)).status).toBe(404)
  await click(page, 'Undo')
  await page.until(`document.querySelectorAll('.contact').length === 3`)
  expect((await server.ask('GET', `${BOOK}/bob.vcf`)).text).toBe(
    card('bob', 'Bob Builder', 'ORG:Builders\r\n'),
  )

  await click(page, 'History')
  await shows(page, 'address London added')
  await click(page, 'Close')
  await click(page, 'Calendar')
  await page.until(`document.querySelector('.agenda, .month') !== null`)
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})
