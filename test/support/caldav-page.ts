// The web page of a running cairn-caldav in a browser, signed in, and what a person does there as expressions for it.
import { join } from 'node:path'
import { openBrowser, type BrowserPage, type Point } from './browser.ts'
import type { RunningCaldav } from './running-caldav.ts'

export const ZONE = 'Europe/Berlin'
/** Where to put pictures to look at. */
const PICTURES = process.env['CAIRN_PICTURES']

export async function signedIn(server: RunningCaldav, user = 'alice'): Promise<BrowserPage> {
  const page = await openBrowser(`${server.origin}/`, ZONE)
  await page.resize(1200, 800, 'light')
  await page.until(`document.querySelector('.sign-in') !== null`)
  await page.evaluate(
    `document.querySelector('[name=user]').value = '${user}'; document.querySelector('[name=password]').value = '${user}'; document.querySelector('.sign-in .primary').click()`,
  )
  await page.until(`document.querySelector('.month') !== null`)
  return page
}

/** The button of that text or label, of several the last. */
export function click(text: string): string {
  const wanted = JSON.stringify(text)
  return `[...document.querySelectorAll('button')].filter((each) => each.textContent === ${wanted} || each.ariaLabel === ${wanted}).at(-1).click()`
}

/** In the topmost dialog. */
export function field(name: string, value: string): string {
  return `[...document.querySelectorAll('dialog')].at(-1).querySelectorAll('label').values().find((each) => each.firstChild.textContent === ${JSON.stringify(name)}).querySelector('input, select').value = ${JSON.stringify(value)}`
}

export function hasDialog(name: string): string {
  return `[...document.querySelectorAll('dialog')].at(-1)?.ariaLabel === ${JSON.stringify(name)}`
}

export async function centre(page: BrowserPage, selector: string): Promise<Point> {
  return (await page.evaluate(
    `(() => { const { x, y, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 } })()`,
  )) as Point
}

export async function picture(page: BrowserPage, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.screenshot(join(PICTURES, `${name}.png`))
}
