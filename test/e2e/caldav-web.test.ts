// The web page of cairn-caldav in a headless Chromium, and what its session takes and refuses.
import { describe, expect, onTestFinished, test } from 'vitest'
import { centre, click, field, picture, signedIn, ZONE } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav, type RunningCaldav } from '../support/running-caldav.ts'

async function started(): Promise<RunningCaldav> {
  const server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\ncolor = "#C62828"\n',
      'calendars/alice/work/weekly.ics': eventText(
        'weekly',
        'Weekly',
        'RRULE:FREQ=WEEKLY\r\nX-KEPT:as\r\n  it was',
      ),
    },
  })
  onTestFinished(() => server.running.stop())
  return server
}

peerTest('chromium', 'a person makes, moves, changes and deletes events in the page', async () => {
  const server = await started()
  const page = await signedIn(server)

  await page.evaluate(click('New event'))
  await page.evaluate(field('Title', 'Dentist'))
  await page.evaluate(
    `(() => { const month = document.querySelectorAll('.day')[14].dataset.day; [...document.querySelectorAll('dialog input[type=datetime-local]')].forEach((each, i) => { each.value = month + (i ? 'T11:00' : 'T10:00') }) })()`,
  )
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('[title$="Dentist"]') !== null`)
  const day = String(
    await page.evaluate(`document.querySelector('[title$="Dentist"]').parentElement.dataset.day`),
  )
  await picture(page, 'month-light')

  const from = await centre(page, '[title$="Dentist"]')
  const to = await centre(page, '.day:nth-of-type(25)')
  const target = String(
    await page.evaluate(
      `document.elementsFromPoint(${to.x}, ${to.y}).find((each) => each.dataset.day).dataset.day`,
    ),
  )
  expect(target).not.toBe(day)
  await page.drag(from, to)
  await page.until(
    `document.querySelector('[title$="Dentist"]').parentElement.dataset.day === '${target}'`,
  )
  const exported = await server.ask('GET', '/calendars/alice/work/')
  const hour = new Date(`${target}T10:00:00Z`).toLocaleString('en', {
    timeZone: ZONE,
    hour: 'numeric',
    hourCycle: 'h23',
  })
  const utc = String(20 - Number(hour)).padStart(2, '0')
  expect(exported.text).toContain(`DTSTART:${target.replaceAll('-', '')}T${utc}0000Z`)

  await page.evaluate(click('Week'))
  await page.until(`document.querySelector('.week') !== null`)
  await picture(page, 'week-light')
  await page.evaluate(click('Month'))
  await page.until(`document.querySelector('.month [title$="Dentist"]') !== null`)
  await page.evaluate(`document.querySelector('[title$="Dentist"]').click()`)
  await page.until(`document.querySelector('dialog form') !== null`)
  await picture(page, 'dialog-light')
  await page.evaluate(click('Delete'))
  await page.until(`document.querySelector('[title$="Dentist"]') === null`)
  expect((await server.ask('GET', '/calendars/alice/work/')).text).not.toContain('Dentist')

  // One occurrence of the series gets another name; nothing else in the file is touched.
  await page.evaluate(`document.querySelector('[title$="Weekly"]').click()`)
  await page.evaluate(click('Only this one'))
  await page.until(`document.querySelector('dialog form') !== null`)
  await page.evaluate(field('Title', 'Once'))
  await page.evaluate(click('Save'))
  await page.until(`document.querySelector('[title$="Once"]') !== null`)
  const weekly = (await server.ask('GET', '/calendars/alice/work/weekly.ics')).text
  expect(weekly).toContain('RECURRENCE-ID:')
  expect(weekly).toContain('X-KEPT:as\r\n  it was\r\n')

  await page.resize(390, 760, 'dark')
  await page.evaluate(click('Agenda'))
  await page.until(`document.querySelector('.agenda [title$="Weekly"]') !== null`)
  await picture(page, 'agenda-phone-dark')
  expect(await page.evaluate('document.documentElement.scrollWidth <= 390')).toBe(true)
  await page.evaluate(click('Sign out'))
  await page.until(`document.querySelector('.sign-in') !== null`)
  // The first question, whether somebody is signed in, is answered with 401.
  expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})

describe('the session of the page', () => {
  const fromPage = { 'x-cairn-page': '1' }
  const signIn = async (server: RunningCaldav): Promise<string> => {
    const answer = await server.ask('POST', '/-/session', { headers: fromPage })
    expect(answer.status).toBe(200)
    const cookie = answer.headers.get('set-cookie')!
    expect(cookie).toMatch(/^cairn-session=[\w-]{43}; Path=\/; .*HttpOnly; SameSite=Strict$/)
    return cookie.split(';')[0]!
  }

  test('counts only with the header of the page and from this origin', async () => {
    const server = await started()
    const cookie = await signIn(server)
    const asked = async (headers: { [name: string]: string }): Promise<number> => {
      const path = '/calendars/alice/work/weekly.ics'
      return (await server.ask('GET', path, { user: '', headers: { cookie, ...headers } })).status
    }
    expect(await asked(fromPage)).toBe(200)
    expect(await asked({ ...fromPage, 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(await asked({})).toBe(401)
    expect(await asked({ ...fromPage, 'sec-fetch-site': 'same-site' })).toBe(401)
    expect(await asked({ ...fromPage, 'sec-fetch-site': 'cross-site' })).toBe(401)
    expect(await asked({ ...fromPage, cookie: `${cookie.slice(0, -1)}!` })).toBe(401)
  })

  test('ends when it is signed out, and asks for no password by itself', async () => {
    const server = await started()
    const headers = { ...fromPage, cookie: await signIn(server) }
    const asked = { user: '', headers }
    expect((await server.ask('GET', '/-/session', asked)).text).toContain('"user":"alice"')
    expect((await server.ask('DELETE', '/-/session', asked)).status).toBe(204)
    const after = await server.ask('GET', '/-/session', asked)
    expect(after.status).toBe(401)
    expect(after.headers.get('www-authenticate')).toBeNull()
  })

  test('is not begun with a wrong password, nor without the header', async () => {
    const server = await started()
    const wrong = { password: 'wrong', headers: fromPage }
    expect((await server.ask('POST', '/-/session', wrong)).status).toBe(401)
    expect((await server.ask('POST', '/-/session')).status).toBe(403)
  })

  test('serves the page under a policy that lets nothing else in', async () => {
    const server = await started()
    const page = await server.ask('GET', '/', { user: '' })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    )
    const etag = page.headers.get('etag')!
    const again = await server.ask('GET', '/', { user: '', headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    expect((await server.ask('GET', '/-/../main.ts', { user: '' })).status).toBe(401)
    expect((await server.ask('GET', '/-/no.js', { user: '' })).status).toBe(404)
  })
})
