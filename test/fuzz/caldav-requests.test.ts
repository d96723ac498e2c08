// Hostile requests against the core of cairn-caldav: whatever comes, the answer is one of HTTP's, its XML is whole, and
// what was refused has changed nothing.
import { write, isWrite, read } from '../../appliances/caldav/core/dav.ts'
import { Library } from '../../appliances/caldav/core/library/library.ts'
import { LockTable } from '../../appliances/caldav/core/locks/lock-table.ts'
import type { DavRequest, Reply } from '../../appliances/caldav/core/request.ts'
import type { View } from '../../appliances/caldav/core/view.ts'
import { readXml } from '../../shared/xml/read.ts'
import { MemorySnapshot } from '../support/memory-snapshot.ts'
import { eventText, USERS } from '../support/running-caldav.ts'
import { fuzz } from './harness.ts'

const SNAPSHOT = MemorySnapshot.of({
  'users.toml': USERS,
  'calendars/alice/work/calendar.toml':
    'displayname = "Work"\n[share]\nbob = "read"\n[[property]]\nof = "a.ics"\nxml = "<x/>"\n',
  'calendars/alice/work/a.ics': eventText('a', 'A', 'RRULE:FREQ=DAILY;COUNT=5'),
  'calendars/bob/own/b.ics': eventText('b', 'B'),
  'calendars/bob/own/calendar.toml': 'share = { alice = "read-write" }\n',
  'addressbooks/alice/people/x.vcf':
    'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:X\r\nN:X;;;;\r\nEND:VCARD\r\n',
  'files/alice/dir/f.txt': 'hello',
})
const { library: LIBRARY } = Library.load(SNAPSHOT, 0, { get: () => undefined, keep: () => {} })
/** Not from outside, and so not limited; a loop would meet it. */
const CHUNKS_LIMIT = 10_000

const NS =
  'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:K="urn:ietf:params:xml:ns:carddav"'
const SEEDS = [
  `PROPFIND /calendars/alice/work/\ndepth: 1\n\n<propfind ${NS}><prop><getetag/><C:calendar-data/><x xmlns=""/></prop></propfind>`,
  `PROPFIND /\ndepth: 1\n\n<propfind ${NS}><allprop/><include><acl/></include></propfind>`,
  `PROPFIND /principals/alice/\ndepth: 0\n\n<propfind ${NS}><propname/></propfind>`,
  `REPORT /calendars/alice/work/\ndepth: 1\n\n<sync-collection ${NS}><sync-token>urn:x-cairn:tree:${'a'.repeat(40)}:${'b'.repeat(40)}:YQ</sync-token><sync-level>1</sync-level><limit><nresults>1</nresults></limit><prop><getetag/></prop></sync-collection>`,
  `REPORT /calendars/alice/work/\ndepth: 1\n\n<C:calendar-query ${NS}><prop><C:calendar-data><C:expand start="20260101T000000Z" end="20270101T000000Z"/></C:calendar-data></prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260101T000000Z"/><C:prop-filter name="SUMMARY"><C:text-match collation="i;octet" negate-condition="yes">B</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`,
  `REPORT /calendars/alice/work/\n\n<C:calendar-multiget ${NS}><prop><C:calendar-data/></prop><href>/calendars/alice/work/a.ics</href><href>/calendars/bob/own/b.ics</href></C:calendar-multiget>`,
  `REPORT /principals/\n\n<principal-property-search ${NS} test="anyof"><property-search><prop><displayname/></prop><match>a</match></property-search><prop><displayname/></prop></principal-property-search>`,
  `REPORT /principals/alice/\n\n<expand-property ${NS}><property name="group-membership"><property name="group-member-set"/></property></expand-property>`,
  `REPORT /addressbooks/alice/people/\n\n<K:addressbook-query ${NS}><prop><K:address-data/></prop><K:filter test="allof"><K:prop-filter name="FN"><K:text-match>x</K:text-match></K:prop-filter></K:filter></K:addressbook-query>`,
  `PUT /calendars/alice/work/n.ics\nif-none-match: *\n\n${eventText('n', 'N')}`,
  `PUT /files/alice/dir/%2e%2e%2fx\n\nhello`,
  `DELETE /calendars/alice/work/a.ics\nif-match: "x", W/"y"\nif: (Not <urn:a> ["x"]) </calendars/> (<b>)\n\n`,
  `PROPPATCH /calendars/alice/work/a.ics\n\n<propertyupdate ${NS}><set><prop><y xml:lang="de" a="b">z</y><displayname>"""\\</displayname></prop></set><remove><prop><x xmlns=""/></prop></remove></propertyupdate>`,
  `MKCALENDAR /calendars/alice/new/\n\n<C:mkcalendar ${NS}><set><prop><displayname>N</displayname><C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set></prop></set></C:mkcalendar>`,
  `MKCOL /files/alice/dir/sub\n\n<mkcol ${NS}><set><prop><resourcetype><collection/></resourcetype></prop></set></mkcol>`,
  'MOVE /calendars/alice/work/a.ics\ndestination: /calendars/alice/bob~own/a.ics\noverwrite: F\n\n',
  'COPY /files/alice/dir\ndestination: http://x/files/alice/dir2/\nhost: x\ndepth: 0\n\n',
  `LOCK /files/alice/dir/new\ntimeout: Second-10, Infinite\n\n<lockinfo ${NS}><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner><href>me</href></owner></lockinfo>`,
  `POST /calendars/alice/work/\ncontent-type: application/davsharing+xml\n\n<share-resource ${NS}><sharee><href>/principals/bob/</href><share-access><read-write/></share-access></sharee><sharee><href>mailto:a@b</href><share-access><no-access/></share-access></sharee></share-resource>`,
  `POST /calendars/alice/work/\ncontent-type: text/calendar\n\n${eventText('n', 'N')}${eventText('a', 'Clash')}${eventText('bad', 'Bad', 'RRULE:FREQ=')}`,
  'UNLOCK /files/alice/dir\nlock-token: <urn:x>\n\n',
  'GET /files/alice/dir/f.txt\nrange: bytes=-3\nif-range: "x"\n\n',
]

fuzz('requests to cairn-caldav', { seeds: SEEDS, limitBytes: 8192, slowMs: 3000 }, (input) => {
  const request = requestOf(Buffer.from(input))
  const view: View = {
    library: LIBRARY,
    user: LIBRARY.directory.user('alice')!,
    locks: new LockTable(),
    nowMs: 1_790_000_000_000,
    tree: () => undefined,
    base: '/',
    limits: { objectBytes: 100_000, fileBytes: 100_000 },
  }
  if (!isWrite(request, view.base)) return checkReply(read(request, view))
  let replied = false
  const after = SNAPSHOT.edited((edit) => {
    const outcome = write({ request, view, edit, keep: () => {}, newToken: () => 'urn:uuid:x' })
    replied = 'status' in outcome
    checkReply('status' in outcome ? outcome : outcome.reply())
  })
  if (replied && after.tree !== SNAPSHOT.tree) throw new Error('refused, and yet something changed')
  const { problems } = LIBRARY.next(after, after.diff(SNAPSHOT), 1, {
    get: () => undefined,
    keep: () => {},
  })
  const [error] = problems.filter(({ severity }) => severity === 'error')
  if (error !== undefined)
    throw new Error(`written, and then not accepted: ${error.file}: ${error.message}`)
})

function requestOf(bytes: Buffer): DavRequest {
  const end = bytes.indexOf('\n\n')
  const head = bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
  const [first = '', ...lines] = head.split('\n')
  const [method = '', target = '/'] = first.split(' ')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
    }),
  )
  return {
    method,
    target,
    header: (name) => headers.get(name),
    body: end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 2),
    origin: 'http://127.0.0.1',
  }
}

function checkReply({ status, headers, body }: Reply): void {
  if (status < 200 || status > 599 || status === 500) throw new Error(`status ${status}`)
  let text = ''
  if (typeof body === 'string') text = body
  else if (body !== undefined && !(body instanceof Uint8Array)) {
    let chunks = 0
    for (const chunk of body) {
      text += chunk
      if (++chunks > CHUNKS_LIMIT) throw new Error('an answer without end')
    }
  }
  if (!(headers['content-type'] ?? '').startsWith('application/xml')) return
  const parsed = readXml(Buffer.from(text))
  if (!parsed.ok) throw new Error(`broken XML in an answer: ${parsed.error.message}\n${text}`)
}
