// Meetings in the web page: who is invited, when they are busy, and what the invited answer.
import { expect, onTestFinished } from 'vitest'
import type { BrowserPage } from '../support/browser.ts'
import { click, field, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { runCaldav, type RunningCaldav } from '../support/running-caldav.ts'

/** Noon of a day that is shown in this month's page, and far from its end. */
const DAY = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)

async function started(): Promise<RunningCaldav> {
  const stamp = DAY.replaceAll('-', '')
  const server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml': 'displayname = "Work"\n',
      'calendars/bob/home/calendar.toml': 'displayname = "Home"\n',
      'calendars/bob/home/busy.ics': [
        'BEGIN:VCALENDAR',
        'VERSION:2.0',
        'PRODID:-//test//EN',
        'BEGIN:VEVENT',
        'UID:busy',
        'DTSTAMP:20260101T000000Z',
        `DTSTART;TZID=Europe/Berlin:${stamp}T100000`,
        `DTEND;TZID=Europe/Berlin:${stamp}T113000`,
        'SUMMARY:Secret of bob',
        'END:VEVENT',
        'END:VCALENDAR',
        '',
      ].join('\r\n'),
    },
  })
  onTestFinished(() => server.running.stop())
  return server
}

const setTimes = (from: string, to: string): string =>
  `(() => { const [start, end] = document.querySelectorAll('dialog input[type=datetime-local]'); start.value = '${DAY}T${from}'; end.value = '${DAY}T${to}'; end.dispatchEvent(new Event('change')) })()`

const times = `[...document.querySelectorAll('dialog input[type=datetime-local]')].map((each) => each.value.slice(11)).join()`

const invite = async (page: BrowserPage, whom: string): Promise<void> => {
  await page.evaluate(
    `document.querySelector('[aria-label="Whom to invite"]').value = ${JSON.stringify(whom)}`,
  )
  await page.evaluate(click('Invite'))
}

const people = `[...document.querySelectorAll('.people .grow')].map((each) => each.textContent).join('; ')`
const shownOn = (title: string): string => `document.querySelector('[title$="${title}"]') !== null`

peerTest('chromium', 'a person invites others, and they answer', async () => {
  const server = await started()
  const alice = await signedIn(server)
  await alice.evaluate(click('New event'))
  await alice.until(hasDialog('New event'))
  await alice.evaluate(field('Title', 'Planning'))
  await alice.evaluate(setTimes('11:00', '12:00'))
  expect(
    await alice.evaluate(
      `[...document.querySelectorAll('datalist option')].map((each) => each.value).join('; ')`,
    ),
  ).toBe('bob <bob@example.org>; carol')
  await invite(alice, 'nobody at all')
  await alice.until(
    `document.querySelector('fieldset .message').textContent.includes('a mail address')`,
  )
  await invite(alice, 'bob')
  await alice.until(
    `document.querySelector('[aria-label^="bob is busy then; busy 10:00"]') !== null`,
  )
  await invite(alice, 'eve@example.com')
  await alice.until(
    `document.querySelector('[aria-label^="eve@example.com is free or not: not known"]') !== null`,
  )
  await picture(alice, 'people-light')
  await alice.evaluate(click('Next free time'))
  await alice.until(`${times} === '11:30,12:30'`)
  await alice.until(`document.querySelector('[aria-label^="bob is free then"]') !== null`)
  await alice.resize(360, 740, 'dark')
  await picture(alice, 'people-phone-dark')
  expect(await alice.evaluate('document.documentElement.scrollWidth <= 360')).toBe(true)
  await alice.resize(1200, 800, 'light')
  await alice.evaluate(click('Save'))
  await alice.until(shownOn('Planning'))

  const bob = await signedIn(server, 'bob')
  await bob.until(
    `document.querySelector('.event.waiting')?.ariaLabel?.includes('Planning, not answered yet') === true`,
  )
  await bob.evaluate(click('1 invitation'))
  await bob.until(hasDialog('Invitations'))
  expect(await bob.evaluate(`document.querySelector('dialog li').textContent`)).toContain(
    'from Alice',
  )
  await picture(bob, 'invitations-light')
  await bob.evaluate(click('Maybe: Planning'))
  await bob.until(`document.querySelector('dialog').textContent.includes('All are answered')`)
  await bob.evaluate(click('Done'))
  await bob.until(`document.querySelector('.event.waiting') === null`)

  // What the meeting is is the organizer's; one's own answer can be changed.
  await bob.evaluate(`document.querySelector('[title$="Planning"]').click()`)
  await bob.until(`document.querySelector('dialog form') !== null`)
  expect(await bob.evaluate(`document.querySelector('dialog input').readOnly`)).toBe(true)
  expect(
    await bob.evaluate(
      `document.querySelector('[aria-label="Maybe: this event"]').getAttribute('aria-pressed')`,
    ),
  ).toBe('true')
  await picture(bob, 'answer-light')
  await bob.evaluate(click('Accept: this event'))
  await bob.until(`document.querySelector('dialog') === null`)

  await alice.evaluate('location.reload()')
  await alice.until(shownOn('Planning'))
  await alice.evaluate(`document.querySelector('[title$="Planning"]').click()`)
  await alice.until(
    `${people} === 'Alice organizes it; bob comes; eve@example.com not told: this server cannot reach that address'`,
  )
  // The meeting itself makes nobody busy while its time is chosen.
  await alice.until(`document.querySelector('[aria-label^="bob is free then"]') !== null`)
  await alice.evaluate(click('Remove bob'))
  await alice.evaluate(click('Save'))
  await alice.until(`document.querySelector('dialog') === null`)
  await bob.evaluate('location.reload()')
  await bob.until(`document.querySelector('.event.cancelled') !== null`)
  expect((await server.ask('GET', '/calendars/bob/home/', { user: 'bob' })).text).toContain(
    'STATUS:CANCELLED',
  )
  for (const page of [alice, bob])
    expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
})
