// Passwords of devices made and taken back from the web page, and its dialog that sets devices up.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { click, field, hasDialog, picture, signedIn } from '../support/caldav-page.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { runCaldav, type Asked, type RunningCaldav } from '../support/running-caldav.ts'
import { tempDir } from '../support/temp.ts'

async function started(files: { readonly [path: string]: string } = {}): Promise<RunningCaldav> {
  const server = await runCaldav({ files })
  onTestFinished(() => server.running.stop())
  return server
}

const PAGE = { 'x-cairn-page': '1' }
const WORK = '/calendars/alice/'

async function session(server: RunningCaldav, password = 'alice'): Promise<Asked> {
  const answer = await server.ask('POST', '/-/session', { headers: PAGE, password })
  const cookie = answer.headers.get('set-cookie')!.split(';')[0]!
  return { user: '', headers: { ...PAGE, cookie } }
}

async function made(server: RunningCaldav, name: string): Promise<string> {
  const answer = await server.ask('POST', `/-/devices?name=${name}`, { headers: PAGE })
  expect(answer.status).toBe(201)
  return (JSON.parse(answer.text) as { password: string }).password
}

describe('the password of a device', () => {
  test('is made, works, and is taken back', async () => {
    const server = await started()
    const browser = await session(server)
    const other = await session(server)
    const signIn = async (password: string): Promise<number> =>
      (await server.ask('PROPFIND', WORK, { password, headers: { depth: '0' } })).status
    const password = await made(server, 'tablet')
    expect(password).toMatch(/^tablet-[\w-]{20}$/)
    expect(await signIn(password)).toBe(207)
    expect(await signIn('phone-alice')).toBe(207)
    expect((await server.ask('GET', '/-/devices', browser)).text).toBe('["phone","tablet"]')

    const gone = await server.ask('DELETE', '/-/devices?name=phone', browser)
    expect(gone.status).toBe(204)
    expect(await signIn('phone-alice')).toBe(401)
    expect(await signIn(password)).toBe(207)
    expect(await signIn('alice')).toBe(207)
    // Sessions that may have begun with it are over; the one in which it was asked for goes on.
    expect((await server.ask('GET', '/-/devices', other)).status).toBe(401)
    const cookie = gone.headers.get('set-cookie')!.split(';')[0]!
    const after = await server.ask('GET', '/-/devices', { user: '', headers: { ...PAGE, cookie } })
    expect(after.text).toBe('["tablet"]')
    expect((await server.ask('DELETE', '/-/devices?name=phone', { headers: PAGE })).status).toBe(
      404,
    )
  })

  test('is made with the account’s own password only', async () => {
    const server = await started()
    const ask = async (asked: Asked): Promise<number> =>
      (await server.ask('POST', '/-/devices?name=x', asked)).status
    expect(await ask(await session(server))).toBe(403)
    expect(await ask({ password: 'phone-alice', headers: PAGE })).toBe(403)
    expect(await ask({ password: 'wrong', headers: PAGE })).toBe(401)
    expect(await ask({})).toBe(403)
    expect(await ask({ headers: { ...PAGE, 'sec-fetch-site': 'cross-site' } })).toBe(403)
  })

  test('has a name that is free, and a user to write it to', async () => {
    const server = await started()
    const ask = async (name: string, user = 'alice'): Promise<number> =>
      (await server.ask('POST', `/-/devices?name=${name}`, { user, headers: PAGE })).status
    for (const name of ['', 'my-phone', 'a%20b', '__proto__', 'x'.repeat(33)])
      expect(await ask(name)).toBe(400)
    expect(await ask('phone')).toBe(409)
    // carol has no devices yet.
    expect(await ask('phone', 'carol')).toBe(201)
    expect((await server.ask('PUT', '/-/devices?name=x', { headers: PAGE })).status).toBe(405)
  })
})

peerTest(
  ['chromium', 'zbarimg'],
  'a person makes a password and reads how programs are set up',
  async () => {
    const server = await started({ 'calendars/alice/work/calendar.toml': '' })
    const page = await signedIn(server)
    await page.evaluate(click('Devices'))
    await page.until(hasDialog('Set up devices'))
    await page.evaluate(field('Device', 'tablet'))
    await page.evaluate(field('Password of the account', 'wrong'))
    await page.evaluate(click('Make a password'))
    await page.until(
      `document.querySelector('dialog .message').textContent === 'That is not the password of the account'`,
    )
    await page.evaluate(field('Password of the account', 'alice'))
    await page.evaluate(click('Make a password'))
    await page.until(`document.querySelector('output code') !== null`)
    const password = String(
      await page.evaluate(`document.querySelector('output code').textContent`),
    )
    const asked = { password, headers: { depth: '0' } }
    expect((await server.ask('PROPFIND', WORK, asked)).status).toBe(207)
    await picture(page, 'devices-light')
    await page.evaluate(
      `[...document.querySelectorAll('summary')].find((each) => each.textContent.includes('DAVx')).click()`,
    )
    await page.until(`document.querySelector('.qr')?.getBoundingClientRect().width > 100`)
    await page.resize(390, 900, 'dark')
    await page.evaluate(`document.querySelector('.qr').scrollIntoView({ block: 'center' })`)
    await picture(page, 'devices-phone-dark')
    const file = join(tempDir('picture'), 'page.png')
    await page.screenshot(file)
    const { stdout } = await promisify(execFile)(peerPath('zbarimg')!, ['-q', '--raw', file])
    expect(stdout.trim()).toBe(`caldav://alice:${password}@${server.origin.slice(7)}/`)
    expect(await page.evaluate('document.documentElement.scrollWidth <= 390')).toBe(true)
    await page.evaluate(click('Remove the password of tablet'))
    await page.until(`document.querySelectorAll('dialog .rows li').length === 1`)
    expect((await server.ask('PROPFIND', WORK, asked)).status).toBe(401)
    await page.evaluate(click('Remove the password of phone'))
    await page.until(`document.querySelectorAll('dialog .rows li').length === 0`)
    expect(page.complaints.filter((each) => !each.includes('401'))).toEqual([])
  },
)
