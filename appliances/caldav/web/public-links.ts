// Public links of a calendar, asked of the server: who has one looks without a password.
import { accepted, BASE, send, type Calendar } from './dav-client.ts'

/** All that is in it, or only when its owner is busy. */
export type LinkShows = 'all' | 'busy'

export type PublicLink = { readonly name: string; readonly show: LinkShows }

export async function linksOf(calendar: Calendar): Promise<readonly PublicLink[]> {
  const response = await accepted(await send('GET', at(calendar)))
  return ((await response.json()) as { readonly links: readonly PublicLink[] }).links
}

/** Its address, which is told this once. */
export async function makeLink(calendar: Calendar, link: PublicLink): Promise<string> {
  const type = { 'content-type': 'application/json' }
  const response = await accepted(await send('POST', at(calendar), type, JSON.stringify(link)))
  const { path } = (await response.json()) as { readonly path: string }
  return location.origin + path
}

/** It leads nowhere from then on. */
export async function removeLink(calendar: Calendar, name: string): Promise<void> {
  await accepted(await send('DELETE', `${at(calendar)}/${encodeURIComponent(name)}`))
}

/** `…/-/links/alice/work` of `…/calendars/alice/work/`. */
function at({ href }: Calendar): string {
  return `${BASE}-/links/${href.slice(`${BASE}calendars/`.length, -1)}`
}
