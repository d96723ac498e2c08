// Calendars that are kept elsewhere and files of events, in the web page and as it asks the server.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { click, field, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { vcalendar, vevent } from '../support/calendars.ts'
import { peerTest } from '../support/peers.ts'
import { runCaldav, type Answer, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

const WAIT = { timeout: 20_000, interval: 20 }

/** With a calendar of alice's that is kept at `feed`. */
async function started(
  config = '[subscriptions]',
): Promise<{ readonly server: RunningCaldav; readonly feed: { body: string } }> {
  const feed = { body: vcalendar(vevent('DTSTART;VALUE=DATE:20260105\nSUMMARY:Holiday')) }
  const feeds = createServer((_, response) => response.end(feed.body))
  await new Promise<void>((resolve) => feeds.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(feeds.address() as AddressInfo).port}/a.ics`
  const server = await runCaldav({
    config,
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\ncolor = "#C62828"\n',
      'calendars/alice/days/calendar.toml': `displayname = "Days"\n# kept\n[subscription]\nurl = "${url}"\n`,
    },
  })
  onTestFinished(async () => {
    await server.running.stop()
    feeds.closeAllConnections()
    feeds.close()
  })
  return { server, feed }
}

const ask = (
  { ask: send }: RunningCaldav,
  method: string,
  calendar: string,
  options: { readonly body?: object; readonly user?: string } = {},
): Promise<Answer> => {
  const { body, user = 'alice' } = options
  return send(method, `/-/subscriptions${calendar}`, {
    user,
    headers: { 'x-cairn-page': '1' },
    ...(body && { body: JSON.stringify(body) }),
  })
}

describe('subscriptions asked by the page', () => {
  test('are listed, fetched at once and changed; the rest of the file stays', async () => {
    const { server, feed } = await started()
    await vi.waitFor(
      async () => expect((await ask(server, 'GET', '')).text).toContain('"fetched":'),
      WAIT,
    )
    const listed = JSON.parse((await ask(server, 'GET', '')).text)
    expect(listed.subscriptions).toMatchObject([
      { calendar: 'days', every: 43_200, isUnderWay: false, leftOut: 0 },
    ])
    const { url } = listed.subscriptions[0]
    expect((await ask(server, 'PUT', '/days', { body: { url, every: 3_600 } })).status).toBe(204)
    feed.body = 'no calendar'
    const failed = await ask(server, 'POST', '/days')
    expect(JSON.parse(failed.text)).toMatchObject({ every: 3_600, error: 'It is no calendar' })
    expect((await server.ask('GET', '/calendars/alice/days/')).text).toContain('Holiday')
    expect((await ask(server, 'GET', '', { user: 'bob' })).text).toBe(
      '{"isEnabled":true,"subscriptions":[]}',
    )
  })

  test.each([
    ['over what has entries', '/work', { url: 'https://example.org/', every: 3_600 }, 409],
    ['of this machine', '/days', { url: 'http://127.0.0.1:1/', every: 3_600 }, 400],
    ['of this machine by TLS', '/days', { url: 'https://127.0.0.1/', every: 3_600 }, 400],
    ['too often', '/days', { url: 'https://example.org/', every: 1 }, 400],
    ['without an address', '/days', { every: 3_600 }, 400],
    ['of a calendar that is none', '/none', { url: 'https://example.org/', every: 3_600 }, 404],
    ['of what is deeper', '/days/x', { url: 'https://example.org/', every: 3_600 }, 404],
  ])('%s is refused', async (_, at, body, status) => {
    const { server } = await started()
    const text = vcalendar(vevent('DTSTART:20260105T090000Z'))
    await server.ask('PUT', '/calendars/alice/work/a.ics', { body: text })
    expect((await ask(server, 'PUT', at, { body })).status).toBe(status)
    expect((await ask(server, 'POST', '/none')).status).toBe(404)
    expect((await ask(server, 'DELETE', at)).status).toBe(405)
    const plain = await server.ask('PUT', `/-/subscriptions${at}`, { body: JSON.stringify(body) })
    expect(plain.status).toBe(403)
  })

  test('are listed where none are fetched, and no more', async () => {
    const { server } = await started('')
    expect(JSON.parse((await ask(server, 'GET', '')).text)).toMatchObject({
      isEnabled: false,
      subscriptions: [{ calendar: 'days', isUnderWay: false }],
    })
    expect((await ask(server, 'POST', '/days')).status).toBe(404)
  })
})

peerTest('chromium', 'a person subscribes to a calendar, refreshes it and removes it', async () => {
  const { server, feed } = await started()
  const page = await signedIn(server)
  await page.evaluate(click('Manage calendars'))
  await page.until(hasDialog('Calendars'))
  await page.until(`document.querySelector('dialog').textContent.includes('Kept elsewhere')`)
  await picture(page, 'subscriptions-light')
  await page.evaluate(click('Edit Days'))
  await page.until(hasDialog('Edit calendar'))
  await page.evaluate(field('Is looked at', '3600'))
  feed.body = 'gone'
  // The first look may be a moment ago: then its outcome is told.
  await page.until(
    `(() => { const fault = [...document.querySelectorAll('dialog')].at(-1).querySelector('.message').textContent; if (!fault) ${click('Refresh now')}; return fault === 'The last look failed: It is no calendar' })()`,
  )
  await picture(page, 'subscription-edit-light')
  await page.evaluate(click('Save'))
  await page.until(`document.querySelectorAll('dialog').length === 1`)

  await page.evaluate(click('Subscribe to a calendar'))
  await page.until(hasDialog('Subscribe to a calendar'))
  await page.evaluate(field('Name', 'Matches'))
  await page.evaluate(field('Address', 'http://127.0.0.1:9/a.ics'))
  await page.evaluate(click('Save'))
  await page.until(
    `[...document.querySelectorAll('dialog')].at(-1).textContent.includes('begins with https://')`,
  )
  expect((await server.ask('PROPFIND', '/calendars/alice/')).text).not.toContain('Matches')
  // Nobody listens there.
  await page.evaluate(field('Address', 'webcal://localhost.invalid/a.ics'))
  await page.evaluate(click('Save'))
  await page.until(
    `document.querySelector('li:has([aria-label="Delete Matches"]) .failed') !== null`,
  )
  await page.resize(360, 740, 'dark')
  await picture(page, 'subscriptions-phone-dark')
  expect(await page.evaluate('document.documentElement.scrollWidth <= 360')).toBe(true)
  await page.evaluate(click('Delete Matches'))
  await page.until(hasDialog('Delete the calendar'))
  await page.evaluate(click('Delete it'))
  await page.until(`document.querySelector('[aria-label="Delete Matches"]') === null`)
  expect((await ask(server, 'GET', '')).text).toContain('"every":3600')
  expect(page.complaints.filter((each) => !/401|400/.test(each))).toEqual([])
})

peerTest('chromium', 'a person adds a file to an event, saves it and takes it away', async () => {
  const { server } = await started('')
  const folder = tempDir('files')
  const file = join(folder, 'plan 1.txt')
  writeFileSync(file, 'The plan')
  const page = await signedIn(server)
  await page.evaluate(click('New event'))
  await page.until(hasDialog('New event'))
  await page.evaluate(field('Title', 'Planning'))
  await page.choose('dialog [type=file]', file)
  await page.until(`document.querySelector('dialog').textContent.includes('8 bytes, added when')`)
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('[title$="Planning"]') !== null`)
  expect((await server.ask('GET', '/calendars/alice/work/')).text).toContain('MANAGED-ID')

  await page.evaluate(`document.querySelector('[title$="Planning"]').click()`)
  await page.until(`document.querySelector('[aria-label="Save plan 1.txt"]') !== null`)
  await picture(page, 'files-light')
  const saved = tempDir('saved')
  await page.saveTo(saved)
  await page.evaluate(click('Save plan 1.txt'))
  await vi.waitFor(
    () => expect(readFileSync(join(saved, 'plan 1.txt'), 'utf8')).toBe('The plan'),
    WAIT,
  )
  await page.evaluate(click('Remove plan 1.txt'))
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('dialog') === null`)
  await vi.waitFor(
    async () =>
      expect((await server.ask('GET', '/calendars/alice/work/')).text).not.toContain('MANAGED-ID'),
    WAIT,
  )
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})
