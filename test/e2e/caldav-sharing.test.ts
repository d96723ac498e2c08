// Calendars shared by request (draft-pot-webdav-resource-sharing), and managed in the web page.
import { describe, expect, onTestFinished, test } from 'vitest'
import { click, field, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { runCaldav, type Answer, type RunningCaldav } from '../support/running-caldav.ts'

const WORK = '/calendars/alice/work/'
const MOUNTED = '/calendars/bob/alice~work/'

async function started(): Promise<RunningCaldav> {
  const server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\ncolor = "#C62828"\n',
      'calendars/alice/private/calendar.toml': 'displayname = "Private"\n',
    },
  })
  onTestFinished(() => server.running.stop())
  return server
}

function ask(
  server: RunningCaldav,
  sharees: string,
  options: { readonly user?: string; readonly at?: string } = {},
): Promise<Answer> {
  const { user = 'alice', at = WORK } = options
  return server.ask('POST', at, {
    user,
    headers: { 'content-type': 'application/davsharing+xml' },
    body: `<D:share-resource xmlns:D="DAV:">${sharees}</D:share-resource>`,
  })
}

const sharee = (href: string, access: string): string =>
  `<D:sharee><D:href>${href}</D:href><D:share-access><D:${access}/></D:share-access></D:sharee>`

describe('sharing', () => {
  test('holds at once, can be changed and ended', async () => {
    const server = await started()
    const see = async (user: string, at: string): Promise<number> =>
      (await server.ask('PROPFIND', at, { user, headers: { depth: '0' } })).status
    const write = async (): Promise<number> =>
      (await server.ask('PROPPATCH', MOUNTED, { user: 'bob', body: RENAME })).status
    expect(await see('bob', MOUNTED)).toBe(404)
    expect((await ask(server, sharee('/principals/bob/', 'read'))).status).toBe(204)
    expect(await see('bob', MOUNTED)).toBe(207)
    expect(await write()).toBe(403)
    expect((await ask(server, sharee('mailto:Bob@example.org', 'read-write'))).status).toBe(204)
    expect(await write()).toBe(207)
    const both = sharee('/principals/bob/', 'no-access') + sharee('/principals/carol/', 'read')
    expect((await ask(server, both)).status).toBe(204)
    expect(await see('bob', MOUNTED)).toBe(404)
    expect(await see('carol', '/calendars/carol/alice~work/')).toBe(207)
    expect((await ask(server, sharee('/principals/family/', 'read'))).status).toBe(204)
    expect(await see('bob', MOUNTED)).toBe(207)
  })

  test.each([
    ['of somebody nobody knows', sharee('/principals/zoe/', 'read'), 'no user or group'],
    ['with an unknown right', sharee('/principals/bob/', 'all'), 'Expected share-access'],
    ['with its owner', sharee('/principals/alice/', 'read'), 'owner'],
    ['of something else', '<D:href>/principals/bob/</D:href>', 'Expected sharee'],
  ])('%s is refused whole', async (_, body, why) => {
    const server = await started()
    const answer = await ask(server, sharee('/principals/carol/', 'read') + body)
    expect(answer.status).toBe(403)
    expect(answer.text).toContain(why)
    const own = { user: 'carol', headers: { depth: '0' } }
    expect((await server.ask('PROPFIND', '/calendars/carol/alice~work/', own)).status).toBe(404)
  })

  test('is the owner’s alone, and says nothing of what one does not see', async () => {
    const server = await started()
    const bob = sharee('/principals/bob/', 'read-write')
    expect((await ask(server, bob, { user: 'carol' })).status).toBe(404)
    expect((await ask(server, bob, { at: '/calendars/alice/none/' })).status).toBe(404)
    expect((await ask(server, bob, { at: '/calendars/alice/' })).status).toBe(403)
    expect((await ask(server, bob)).status).toBe(204)
    const carol = sharee('/principals/carol/', 'read')
    expect((await ask(server, carol, { user: 'bob', at: MOUNTED })).status).toBe(403)
    expect((await ask(server, '')).status).toBe(400)
  })
})

peerTest('chromium', 'a person makes, colours, shares and deletes calendars', async () => {
  const server = await started()
  const page = await signedIn(server)
  const settings = async (name: string): Promise<string> => {
    const answer = await server.ask('PROPFIND', '/calendars/alice/', { headers: { depth: '1' } })
    return answer.text.split('<d:response>').find((each) => each.includes(`>${name}<`)) ?? ''
  }
  await page.evaluate(click('Manage calendars'))
  await page.until(hasDialog('Calendars'))
  await page.evaluate(click('New calendar'))
  await page.until(hasDialog('New calendar'))
  await page.evaluate(field('Name', 'Choir & Co'))
  await page.evaluate(field('Colour', '#00838f'))
  await page.evaluate(click('Save'))
  await page.until(
    `[...document.querySelectorAll('.calendars label')].some((each) => each.textContent === 'Choir & Co')`,
  )
  expect(await settings('Choir &amp; Co')).toContain('#00838f')

  await page.evaluate(click('Edit Work'))
  await page.until(hasDialog('Edit calendar'))
  await page.evaluate(field('Name', 'Office'))
  await page.evaluate(
    `document.querySelector('[aria-label="Whom to share with"]').value = '/principals/bob/'`,
  )
  await page.evaluate(click('Share'))
  await page.until(`document.querySelector('[aria-label="What bob may do"]')?.value === 'read'`)
  await page.evaluate(
    `(() => { const field = document.querySelector('[aria-label="What bob may do"]'); field.value = 'read-write'; field.dispatchEvent(new Event('change')) })()`,
  )
  await page.until(
    `document.querySelector('[aria-label="What bob may do"]').value === 'read-write'`,
  )
  await picture(page, 'calendar-edit-light')
  await page.resize(390, 760, 'dark')
  await picture(page, 'calendar-edit-phone-dark')
  await page.resize(1200, 800, 'dark')
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('[aria-label="Delete Office"]') !== null`)
  await picture(page, 'calendars-dark')
  const asBob = { user: 'bob', body: RENAME }
  expect((await server.ask('PROPPATCH', MOUNTED, asBob)).status).toBe(207)

  await page.evaluate(click('Edit Office'))
  await page.until(`document.querySelector('[aria-label="Stop sharing with bob"]') !== null`)
  await page.evaluate(click('Stop sharing with bob'))
  await page.until(`document.querySelector('[aria-label="Stop sharing with bob"]') === null`)
  expect((await server.ask('PROPPATCH', MOUNTED, asBob)).status).toBe(404)
  await page.evaluate(click('Cancel'))

  await page.evaluate(click('Delete Choir & Co'))
  await page.until(hasDialog('Delete the calendar'))
  await page.evaluate(click('Delete it'))
  await page.until(
    `[...document.querySelectorAll('.calendars label')].every((each) => each.textContent !== 'Choir & Co')`,
  )
  expect(await settings('Choir &amp; Co')).toBe('')

  // What is not looked at is kept in the browser.
  await page.evaluate(click('Done'))
  await page.evaluate(`document.querySelector('.calendars input').click()`)
  await page.evaluate('location.reload()')
  await page.until(`document.querySelector('.calendars input')?.checked === false`)
  // The events of a calendar may be asked for while it is deleted.
  expect(page.complaints.filter((each) => !/401|404/.test(each))).toEqual([])
})

const RENAME =
  '<propertyupdate xmlns="DAV:"><set><prop><displayname>Renamed</displayname></prop></set></propertyupdate>'
