// What calendar programs ask at set-up and when they sync, request by request, as their own documentation and logs have it:
// Apple's on macOS and iOS, DAVx5, Thunderbird, Evolution and GNOME Online Accounts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  childElements,
  childNamed,
  childrenNamed,
  textOf,
  type XmlElement,
} from '../../shared/xml/element.ts'
import { readXml } from '../../shared/xml/read.ts'
import { eventText, runCaldav, type Answer, type RunningCaldav } from '../support/running-caldav.ts'

const DAV = 'DAV:'
const NAMESPACES =
  'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:K="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/" xmlns:P="https://bitfire.at/webdav-push"'
const HOME = '/calendars/alice/'
const WORK = '/calendars/alice/work/'

let server: RunningCaldav
beforeAll(async () => {
  server = await runCaldav({
    files: {
      'calendars/alice/work/calendar.toml':
        'displayname = "Work"\ncolor = "#FF2968FF"\ncomponents = ["VEVENT"]\n',
      'calendars/alice/work/one.ics': eventText('one', 'One'),
      'calendars/alice/tasks/calendar.toml': 'components = ["VTODO"]\n',
      'addressbooks/alice/contacts/addressbook.toml': 'displayname = "Contacts"\n',
      'addressbooks/alice/contacts/bob.vcf':
        'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bob\r\nFN:Bob\r\nN:Bob;;;;\r\nEND:VCARD\r\n',
    },
  })
})
afterAll(() => server.running.stop())

type Found = {
  readonly ok: ReadonlyMap<string, XmlElement>
  readonly missing: readonly string[]
  readonly status: string
}

/** Responses by href: properties that are there, names of those that are not. */
function responses(answer: Answer): ReadonlyMap<string, Found> {
  expect(answer.status).toBe(207)
  const read = readXml(Buffer.from(answer.text))
  if (!read.ok) throw new Error(read.error.message)
  const found = new Map<string, Found>()
  for (const response of childrenNamed(read.value, DAV, 'response')) {
    const ok = new Map<string, XmlElement>()
    const missing: string[] = []
    for (const stat of childrenNamed(response, DAV, 'propstat')) {
      const status = textOf(childNamed(stat, DAV, 'status')!)
      for (const property of childElements(childNamed(stat, DAV, 'prop')!))
        if (status.includes(' 200 ')) ok.set(property.name, property)
        else missing.push(property.name)
    }
    const own = childNamed(response, DAV, 'status')
    const status = own === undefined ? '' : textOf(own)
    found.set(textOf(childNamed(response, DAV, 'href')!), { ok, missing, status })
  }
  return found
}

const hrefIn = (element: XmlElement | undefined): string =>
  element === undefined ? '' : textOf(childNamed(element, DAV, 'href')!)

async function propfind(
  path: string,
  depth: '0' | '1',
  properties: string,
  headers: { readonly [name: string]: string } = {},
): Promise<ReadonlyMap<string, Found>> {
  const names = properties.split(' ').map((name) => `<${name}/>`)
  const body = `<?xml version="1.0" encoding="UTF-8"?><propfind ${NAMESPACES}><prop>${names.join('')}</prop></propfind>`
  return responses(
    await server.ask('PROPFIND', path, {
      headers: { depth, 'content-type': 'text/xml', ...headers },
      body,
    }),
  )
}

const report = (path: string, name: string, inner: string, headers = {}): Promise<Answer> =>
  server.ask('REPORT', path, {
    headers: { depth: '1', 'content-type': 'application/xml; charset=utf-8', ...headers },
    body: `<${name} ${NAMESPACES}>${inner}</${name}>`,
  })

const syncTokenIn = (text: string): string => /<d:sync-token>([^<]+)</.exec(text)![1]!

describe('Calendar, Reminders and Contacts on macOS and iOS', () => {
  const brief = { brief: 't', prefer: 'return=minimal', 'user-agent': 'macOS/26.0 dataaccessd/1.0' }

  test('find the principal wherever they look for it', async () => {
    for (const path of ['/', '/principals/', '/.well-known/caldav']) {
      if (path.startsWith('/.well-known')) {
        const moved = await server.ask('PROPFIND', path, { headers: { depth: '0' }, user: '' })
        expect([moved.status, moved.headers.get('location')]).toEqual([301, '/'])
        continue
      }
      const found = await propfind(
        path,
        '0',
        'current-user-principal principal-URL resourcetype',
        brief,
      )
      expect(hrefIn(found.get(path)!.ok.get('current-user-principal'))).toBe('/principals/alice/')
      expect(found.get(path)!.missing).toEqual([])
    }
  })

  test('learn who one is', async () => {
    const found = await propfind(
      '/principals/alice/',
      '0',
      'C:calendar-home-set C:calendar-user-address-set current-user-principal displayname S:dropbox-home-URL S:email-address-set S:notification-URL principal-collection-set principal-URL resource-id C:schedule-inbox-URL C:schedule-outbox-URL supported-report-set',
    )
    const { ok, missing } = found.get('/principals/alice/')!
    expect(hrefIn(ok.get('calendar-home-set'))).toBe(HOME)
    expect(hrefIn(ok.get('principal-URL'))).toBe('/principals/alice/')
    expect(textOf(ok.get('displayname')!)).toBe('Alice')
    const addresses = childrenNamed(ok.get('calendar-user-address-set')!, DAV, 'href').map(textOf)
    expect(addresses).toContain('mailto:alice@example.org')
    // What there is not is said, or the account is set up again and again.
    expect(missing).toEqual(
      expect.arrayContaining(['dropbox-home-URL', 'notification-URL', 'resource-id']),
    )
  })

  test('list the home, make a calendar, colour and order it', async () => {
    const wanted =
      'A:calendar-color C:calendar-description A:calendar-order C:calendar-timezone current-user-privilege-set displayname S:getctag owner quota-available-bytes quota-used-bytes resourcetype C:schedule-calendar-transp S:source S:subscribed-strip-alarms C:supported-calendar-component-set supported-report-set sync-token'
    const home = await propfind(HOME, '1', wanted, brief)
    const work = home.get(WORK)!
    expect(textOf(work.ok.get('calendar-color')!)).toBe('#FF2968FF')
    expect(work.missing).toEqual([])
    expect(
      childElements(work.ok.get('supported-calendar-component-set')!).map(
        (c) => c.attributes[0]!.value,
      ),
    ).toEqual(['VEVENT'])
    const privileges = childrenNamed(work.ok.get('current-user-privilege-set')!, DAV, 'privilege')
    expect(privileges.map((p) => childElements(p)[0]!.name)).toEqual(
      expect.arrayContaining(['read', 'write', 'write-content', 'bind', 'unbind']),
    )
    const made = await server.ask('MKCALENDAR', `${HOME}0E2F7A1C-9D4A-4F0C-8C77-5B5B5D3A5B21/`, {
      headers: { 'content-type': 'text/xml' },
      body: `<?xml version="1.0" encoding="UTF-8"?><B:mkcalendar xmlns:B="urn:ietf:params:xml:ns:caldav"><A:set xmlns:A="DAV:"><A:prop><A:displayname>Ferien</A:displayname><D:calendar-color xmlns:D="http://apple.com/ns/ical/" symbolic-color="purple">#AF52DEFF</D:calendar-color><D:calendar-order xmlns:D="http://apple.com/ns/ical/">3</D:calendar-order><B:supported-calendar-component-set><B:comp name="VEVENT"/></B:supported-calendar-component-set><B:calendar-timezone>BEGIN:VCALENDAR&#13;
VERSION:2.0&#13;
PRODID:-//Apple Inc.//macOS//EN&#13;
BEGIN:VTIMEZONE&#13;
TZID:Europe/Berlin&#13;
BEGIN:STANDARD&#13;
DTSTART:19961027T030000&#13;
TZOFFSETFROM:+0200&#13;
TZOFFSETTO:+0100&#13;
END:STANDARD&#13;
END:VTIMEZONE&#13;
END:VCALENDAR&#13;
</B:calendar-timezone></A:prop></A:set></B:mkcalendar>`,
    })
    expect(made.status).toBe(201)
    const at = `${HOME}0E2F7A1C-9D4A-4F0C-8C77-5B5B5D3A5B21/`
    const patched = await server.ask('PROPPATCH', at, {
      headers: { 'content-type': 'text/xml', ...brief },
      body: '<A:propertyupdate xmlns:A="DAV:"><A:set><A:prop><D:calendar-order xmlns:D="http://apple.com/ns/ical/">5</D:calendar-order></A:prop></A:set></A:propertyupdate>',
    })
    expect(patched.status).toBe(204)
    const found = (
      await propfind(at, '0', 'A:calendar-order A:calendar-color C:calendar-timezone displayname')
    ).get(at)!
    expect(textOf(found.ok.get('calendar-order')!)).toBe('5')
    expect(found.ok.get('calendar-color')!.attributes[0]).toMatchObject({
      name: 'symbolic-color',
      value: 'purple',
    })
    expect(textOf(found.ok.get('calendar-timezone')!)).toContain('TZID:Europe/Berlin\r\n')
    expect((await server.ask('DELETE', at)).status).toBe(204)
  })

  test('sync with a token, then fetch what changed, 50 at a time', async () => {
    const first = await report(
      WORK,
      'sync-collection',
      '<sync-token/><sync-level>1</sync-level><prop><getetag/><getcontenttype/></prop>',
      brief,
    )
    expect([...responses(first).keys()]).toEqual([`${WORK}one.ics`])
    const etag = (
      await server.ask('PUT', `${WORK}two.ics`, {
        body: eventText('two', 'Two'),
        headers: { 'if-none-match': '*', 'content-type': 'text/calendar' },
      })
    ).headers.get('etag')
    const delta = await report(
      WORK,
      'sync-collection',
      `<sync-token>${syncTokenIn(first.text)}</sync-token><sync-level>1</sync-level><prop><getetag/></prop>`,
      brief,
    )
    expect(textOf(responses(delta).get(`${WORK}two.ics`)!.ok.get('getetag')!)).toBe(etag)
    const data = await report(
      WORK,
      'C:calendar-multiget',
      `<prop><getetag/><C:calendar-data/></prop><href>${WORK}two.ics</href>`,
    )
    expect(textOf(responses(data).get(`${WORK}two.ics`)!.ok.get('calendar-data')!)).toBe(
      eventText('two', 'Two'),
    )
  })

  test('look for people to invite', async () => {
    const found = await report(
      '/principals/',
      'principal-property-search',
      '<property-search><prop><displayname/></prop><match>ali</match></property-search><prop><displayname/><C:calendar-user-address-set/></prop>',
      { depth: '0' },
    )
    expect([...responses(found).keys()]).toEqual(['/principals/alice/'])
    const more = await report(
      '/principals/',
      'S:calendarserver-principal-search',
      '<S:search-token>bob@</S:search-token><prop><displayname/></prop>',
    )
    expect([...responses(more).keys()]).toEqual(['/principals/bob/'])
    const set = await report('/principals/', 'principal-search-property-set', '', { depth: '0' })
    expect([set.status, set.text.includes('<d:displayname/>')]).toEqual([200, true])
  })

  test('see address books and their cards', async () => {
    const principal = (
      await propfind('/principals/alice/', '0', 'K:addressbook-home-set K:directory-gateway')
    ).get('/principals/alice/')!
    expect(hrefIn(principal.ok.get('addressbook-home-set'))).toBe('/addressbooks/alice/')
    const book = '/addressbooks/alice/contacts/'
    const home = await propfind(
      '/addressbooks/alice/',
      '1',
      'resourcetype displayname current-user-privilege-set K:max-resource-size supported-report-set sync-token S:getctag',
    )
    expect(childElements(home.get(book)!.ok.get('resourcetype')!).map((e) => e.name)).toEqual([
      'collection',
      'addressbook',
    ])
    const cards = await report(
      book,
      'K:addressbook-multiget',
      `<prop><getetag/><K:address-data/></prop><href>${book}bob.vcf</href>`,
    )
    expect(textOf(responses(cards).get(`${book}bob.vcf`)!.ok.get('address-data')!)).toContain(
      'FN:Bob',
    )
  })
})

describe('DAVx5', () => {
  test('detects services and collections', async () => {
    const options = await server.ask('OPTIONS', HOME)
    expect(options.headers.get('dav')!.split(', ')).toEqual(
      expect.arrayContaining(['calendar-access', 'addressbook']),
    )
    const principal = await propfind(
      '/principals/alice/',
      '0',
      'displayname K:addressbook-home-set C:calendar-home-set group-membership S:calendar-proxy-read-for S:calendar-proxy-write-for resourcetype',
    )
    expect(hrefIn(principal.get('/principals/alice/')!.ok.get('group-membership'))).toBe(
      '/principals/family/',
    )
    const home = await propfind(
      HOME,
      '1',
      'resourcetype displayname owner current-user-privilege-set C:calendar-description A:calendar-color C:calendar-timezone C:calendar-timezone-id C:supported-calendar-component-set S:source P:transports P:topic',
    )
    const { ok, missing } = home.get(WORK)!
    expect(hrefIn(ok.get('owner'))).toBe('/principals/alice/')
    expect(missing).toEqual(
      expect.arrayContaining(['source', 'transports', 'topic', 'calendar-timezone-id']),
    )
  })

  test('syncs, uploads under conditions, and lets the server win', async () => {
    const state = (
      await propfind(WORK, '0', 'C:max-resource-size supported-report-set S:getctag sync-token')
    ).get(WORK)!
    const reports = childrenNamed(
      state.ok.get('supported-report-set')!,
      DAV,
      'supported-report',
    ).map((r) => childElements(childElements(r)[0]!)[0]!.name)
    expect(reports).toEqual(
      expect.arrayContaining(['sync-collection', 'calendar-multiget', 'calendar-query']),
    )
    expect(textOf(state.ok.get('sync-token')!)).toBe(textOf(state.ok.get('getctag')!))
    const put = (headers: { [name: string]: string }, summary: string): Promise<Answer> =>
      server.ask('PUT', `${WORK}davx5.ics`, {
        body: eventText('davx5', summary),
        headers: { 'content-type': 'text/calendar; charset=utf-8', ...headers },
      })
    const made = await put({ 'if-none-match': '*' }, 'A')
    expect([made.status, (await put({ 'if-none-match': '*' }, 'B')).status]).toEqual([201, 412])
    const etag = made.headers.get('etag')!
    expect((await put({ 'if-match': etag }, 'C')).status).toBe(204)
    const stale = await server.ask('DELETE', `${WORK}davx5.ics`, { headers: { 'if-match': etag } })
    expect(stale.status).toBe(412)
    const paged = await report(
      WORK,
      'sync-collection',
      '<sync-token/><sync-level>1</sync-level><limit><nresults>1</nresults></limit><prop><getetag/></prop>',
      { depth: '0' },
    )
    expect(responses(paged).get(WORK)!.status).toContain('507')
  })
})

describe('Thunderbird', () => {
  test('takes a calendar for one it may write, and looks for scheduling on the home', async () => {
    const found = (
      await propfind(
        WORK,
        '0',
        'resourcetype owner current-user-principal current-user-privilege-set supported-report-set C:supported-calendar-component-set S:getctag',
      )
    ).get(WORK)!
    expect(found.missing).toEqual([])
    expect(childElements(found.ok.get('resourcetype')!).map((e) => e.name)).toContain('calendar')
    const home = await server.ask('OPTIONS', HOME)
    expect(home.status).toBe(200)
  })

  test('keys its passwords by a realm that stays', async () => {
    const asked = await server.ask('PROPFIND', WORK, { user: '', headers: { depth: '0' } })
    expect(asked.headers.get('www-authenticate')).toBe('Basic realm="Cairn", charset="UTF-8"')
  })
})

describe('Evolution and GNOME Online Accounts', () => {
  test('want 200 from OPTIONS, both services under one URL, and the list of members by depth 1', async () => {
    expect((await server.ask('OPTIONS', '/')).status).toBe(200)
    const root = (
      await propfind('/', '0', 'current-user-principal C:calendar-home-set K:addressbook-home-set')
    ).get('/')!
    expect(hrefIn(root.ok.get('current-user-principal'))).toBe('/principals/alice/')
    const members = await propfind(WORK, '1', 'getetag getcontenttype resourcetype')
    const one = members.get(`${WORK}one.ics`)!
    expect(textOf(one.ok.get('getcontenttype')!)).toMatch(/^text\/calendar; charset=utf-8/)
    expect(one.ok.get('resourcetype')!.children).toEqual([])
  })

  test('ask for owner and access of what is shared', async () => {
    const found = (
      await propfind(WORK, '0', 'owner acl supported-privilege-set current-user-privilege-set')
    ).get(WORK)!
    expect(found.missing).toEqual([])
    const expanded = await report(
      '/principals/alice/',
      'expand-property',
      '<property name="group-membership"><property name="displayname"/></property>',
      { depth: '0' },
    )
    expect(expanded.text).toContain('<d:displayname>family</d:displayname>')
  })
})
