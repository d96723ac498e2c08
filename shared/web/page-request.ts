// Which requests a web page of ours made: no form and no other site can send the header (no CORS is ever given), so that
// nothing is forged in the name of who looks at the page.
import type { IncomingMessage } from 'node:http'

/** What our pages send with every request. */
const PAGE_HEADER = 'x-cairn-page'

/** By a script of this origin; browsers that say where a request is from say so. */
export function isFromPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return headers[PAGE_HEADER] !== undefined && (site === undefined || site === 'same-origin')
}
