// What the page asks of address books: CardDAV like any other client (RFC 6352).
import { readCard, type KnownCard } from './core/card.ts'
import { BASE, DAV, multistatus, NAMESPACES, textIn } from './dav-client.ts'

export type Book = { readonly href: string; readonly name: string; readonly isWritable: boolean }

export type Contact = KnownCard & { readonly href: string; readonly book: Book }

export function bookHome(user: string): string {
  return `${BASE}addressbooks/${encodeURIComponent(user)}/`
}

export async function booksOf(user: string): Promise<Book[]> {
  const body = `<d:propfind ${NAMESPACES}><d:prop><d:resourcetype/><d:displayname/><d:current-user-privilege-set/></d:prop></d:propfind>`
  const answers = await multistatus('PROPFIND', bookHome(user), body)
  return answers.flatMap(({ href, answer }) => {
    if (answer.getElementsByTagNameNS(CARDDAV, 'addressbook').length === 0) return []
    const name = textIn(answer, DAV, 'displayname') || decodeURIComponent(href.split('/').at(-2)!)
    const isWritable =
      answer.getElementsByTagNameNS(DAV, 'write').length > 0 ||
      answer.getElementsByTagNameNS(DAV, 'write-content').length > 0
    return [{ href, name, isWritable }]
  })
}

/** Of each card what a list and its search need, in the order of names. */
export async function contactsIn(book: Book): Promise<Contact[]> {
  const props = LISTED.map((name) => `<r:prop name="${name}"/>`).join('')
  const body = `<r:addressbook-query xmlns:r="${CARDDAV}" ${NAMESPACES}><d:prop><r:address-data>${props}</r:address-data></d:prop><r:filter/></r:addressbook-query>`
  const answers = await multistatus('REPORT', book.href, body)
  return answers
    .map(({ href, answer }) => ({
      ...readCard(textIn(answer, CARDDAV, 'address-data')),
      href,
      book,
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

const CARDDAV = 'urn:ietf:params:xml:ns:carddav'
const LISTED = ['VERSION', 'FN', 'N', 'ORG', 'TEL', 'EMAIL', 'NOTE', 'NICKNAME']
