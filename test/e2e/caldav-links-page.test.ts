// Public links of a calendar, made and removed in the web page.
import { expect, onTestFinished } from 'vitest'
import { click, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerTest } from '../support/peers.ts'
import { eventText, runCaldav } from '../support/running-caldav.ts'

peerTest(
  'chromium',
  'a person makes a public link, which is there until it is removed',
  async () => {
    const server = await runCaldav({
      files: {
        'calendars/alice/work/calendar.toml': 'displayname = "Work"\n',
        'calendars/alice/work/a.ics': eventText('a', 'Secret plan'),
      },
    })
    onTestFinished(() => server.running.stop())
    const page = await signedIn(server)
    await page.evaluate(click('Manage calendars'))
    await page.until(hasDialog('Calendars'))
    await page.evaluate(click('Edit Work'))
    await page.until(hasDialog('Edit calendar'))
    const make = async (name: string, show: string): Promise<string> => {
      await page.evaluate(
        `document.querySelector('[aria-label="Name of the link"]').value = ${JSON.stringify(name)}; document.querySelector('[aria-label="What it shows"]').value = '${show}'`,
      )
      await page.evaluate(click('Make a link'))
      await page.until(`document.querySelector('[aria-label="Remove the link ${name}"]') !== null`)
      return String(await page.evaluate(`document.querySelector('output code').textContent`))
    }
    const seen = async (url: string): Promise<string> => {
      const answer = await server.ask('GET', url.slice(server.origin.length), { user: '' })
      return answer.status === 200 ? answer.text : String(answer.status)
    }
    const busy = await make('office', 'busy')
    const all = await make('family and friends', 'all')
    await picture(page, 'links-light')
    await page.resize(390, 900, 'dark')
    await picture(page, 'links-phone-dark')
    expect(await seen(all)).toContain('Secret plan')
    expect(await seen(busy)).not.toContain('Secret plan')
    expect(await seen(busy)).toContain('BEGIN:VCALENDAR')
    await page.evaluate(click('Make a link'))
    await page.until(
      `document.querySelector('fieldset:last-of-type .message').textContent.startsWith('A link is named')`,
    )
    await page.evaluate(click('Remove the link office'))
    await page.until(`document.querySelector('[aria-label="Remove the link office"]') === null`)
    expect(await seen(busy)).toBe('404')
    expect(await seen(all)).toContain('Secret plan')
    expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
  },
)
