// The web page of cairn-resolver in a headless Chromium, and whom its actions are refused to.
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { hashPassword } from '../../shared/auth/password.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { askMessage } from '../support/ask-message.ts'
import { openBrowser, type BrowserPage } from '../support/browser.ts'
import { peerTest } from '../support/peers.ts'
import { startResolver } from '../support/running-resolver.ts'
import type { RunningAppliance } from '../support/running-appliance.ts'
import { tempDir } from '../support/temp.ts'

/** Where to put pictures to look at. */
const PICTURES = process.env['CAIRN_PICTURES']

async function started(page = 'listen = "127.0.0.1:0"'): Promise<RunningAppliance> {
  const folder = join(tempDir('page'), 'lists')
  mkdirSync(folder)
  writeFileSync(join(folder, 'ads.txt'), '# A list\n0.0.0.0 one.example\n||ads.example^\n')
  writeFileSync(join(folder, 'good.txt'), 'good.ads.example\n')
  // Everything else has an address from a list, so that nobody is asked.
  writeFileSync(join(folder, 'rest.txt'), 'address=/test.example/192.0.2.1\n')
  const server = await startResolver(`
[root]
hints = ["127.0.0.1:1"]
[policy]
block = ["${folder}/ads.txt", "${folder}/rest.txt"]
allow = ["${folder}/good.txt"]
[page]
${page}
`)
  onTestFinished(() => server.running.stop())
  return server
}

const set = (form: string, value: string): string =>
  `document.querySelector('${form} input').value = ${JSON.stringify(value)}; document.querySelector('${form} button').click()`
const press = (text: string): string =>
  `[...document.querySelectorAll('button')].find((each) => each.textContent === ${JSON.stringify(text)}).click()`
const shows = (text: string): string => `document.body.innerText.includes(${JSON.stringify(text)})`
const picture = async (page: BrowserPage, name: string): Promise<void> => {
  if (PICTURES !== undefined) await page.screenshot(join(PICTURES, `${name}.png`))
}

peerTest(
  'chromium',
  'a person sees why a name is blocked, pauses the lists and flushes',
  async () => {
    const server = await started()
    const port = server.port('dns')
    for (let i = 0; i < 30; i++) await rcodeOf(port, `a${i}.ads.example`)
    const page = await openBrowser(server.address('http'), 'Europe/Berlin')
    await page.resize(1200, 900, 'light')
    // Figures of answers are a second late.
    await page.until(shows('30 since the start'))
    await page.until(shows('100%'))
    await page.evaluate(set('.why', 'x.ADS.example'))
    await page.until(shows('x.ads.example. is blocked'))
    await page.until(shows('ads.txt:3'))
    await page.until(shows('||ads.example^'))
    await picture(page, 'resolver-light')

    await page.evaluate(set('.why', 'good.ads.example'))
    await page.until(shows('an allow list lets it through'))
    await page.evaluate(set('.why', 'a b'))
    await page.until(shows('outside printable ASCII'))

    await page.evaluate(press('Pause blocking for 10 minutes'))
    await page.until(
      `${shows('Nothing is blocked for 9:')} || ${shows('Nothing is blocked for 10:')}`,
    )
    expect(await rcodeOf(port, 'www.ads.example')).toBe(RCODE.SERVFAIL)
    await page.resize(420, 900, 'dark')
    await picture(page, 'resolver-paused-narrow')
    await page.evaluate(press('Block again'))
    await page.until(shows('names in lists'))
    expect(await rcodeOf(port, 'www.ads.example')).toBe(RCODE.NXDOMAIN)

    await page.evaluate(set('.flush', 'ads.example'))
    await page.until(shows('answers forgotten'))
    expect(server.events.filter((event) => event.startsWith('cache-flushed'))).toEqual([
      expect.stringContaining('"name":"ads.example.","isBelow":true'),
    ])
    // The browser's own word for the name that was none.
    expect(page.complaints).toEqual([expect.stringContaining('400 (Bad Request)')])
  },
)

peerTest(
  'chromium',
  'with a query log the page shows what is asked, and by which networks',
  async () => {
    const server = await started('listen = "127.0.0.1:0"\n[query_log]')
    const port = server.port('dns')
    for (let i = 0; i < 5; i++) await rcodeOf(port, `a${i % 2}.ads.example`)
    await rcodeOf(port, 'localhost')
    const page = await openBrowser(server.address('http'), 'Europe/Berlin')
    await page.resize(1200, 1100, 'light')
    await page.until(shows('Blocked most in the last hour'))
    await page.until(shows('127.0.0.0/24\t6'))
    await page.until(shows('a0.ads.example.\t3'))
    await page.until(shows('localhost. A\tNOERROR'))
    await picture(page, 'resolver-queries')
    expect(String(await page.evaluate('document.body.innerText'))).not.toContain('127.0.0.1')
    expect(page.complaints).toEqual([])
  },
)

test('nothing is done for another site, another name of this machine, or without the header', async () => {
  const server = await started()
  const url = server.address('http')
  const pause = `${url}-/api/pause`
  const own = { 'x-cairn-page': '1' }
  expect((await ask('POST', pause, {})).status).toBe(403)
  expect((await ask('POST', pause, { ...own, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await ask('POST', pause, { ...own, host: 'evil.example' })).status).toBe(403)
  expect((await ask('GET', pause, own)).status).toBe(405)
  expect((await ask('GET', url, { host: 'evil.example' })).status).toBe(403)
  expect((await ask('OPTIONS', pause, { 'access-control-request-method': 'POST' })).status).toBe(
    403,
  )
  expect(server.events.filter((event) => event.startsWith('blocking'))).toEqual([])
  expect((await ask('POST', pause, own)).status).toBe(200)
  expect(server.events.filter((event) => event.startsWith('blocking'))).toHaveLength(1)
  const { headers } = await ask('GET', url, {})
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /)
})

test('with users nobody else sees or does anything', async () => {
  const server = await started(
    `listen = "127.0.0.1:0"\nusers = { alice = "${await hashPassword('secret')}" }`,
  )
  const url = server.address('http')
  const of = (password: string): object => ({
    'x-cairn-page': '1',
    authorization: `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`,
  })
  const refused = await ask('GET', url, {})
  expect(refused.status).toBe(401)
  expect(refused.headers['www-authenticate']).toMatch(/^Basic realm="cairn-resolver"/)
  expect((await ask('POST', `${url}-/api/pause`, of('wrong'))).status).toBe(401)
  expect((await ask('GET', `${url}-/api/figures`, { 'x-cairn-page': '1' })).status).toBe(401)
  expect((await ask('POST', `${url}-/api/pause`, of('secret'))).status).toBe(200)
  await vi.waitFor(() =>
    expect(server.events.join('\n')).toMatch(/blocking-paused .*"who":"alice"/),
  )
})

async function rcodeOf(port: number, qname: string): Promise<number> {
  return (await askMessage(port, qname)).rcode
}

/** With any header, which fetch would not send. */
function ask(
  method: string,
  url: string,
  headers: object,
): Promise<{ status: number; headers: { [name: string]: unknown } }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers } }, (response) => {
      response.resume().on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}
