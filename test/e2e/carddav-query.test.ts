// addressbook-query as clients ask it, by HTTP (RFC 6352 section 8.6).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lines } from '../support/calendars.ts'
import { runCaldav, type Answer, type RunningCaldav } from '../support/running-caldav.ts'

const BOOK = '/addressbooks/alice/people/'
let server: RunningCaldav

const card = (uid: string, inside: string): string =>
  lines(`BEGIN:VCARD\nVERSION:3.0\nUID:${uid}\n${inside}\nEND:VCARD`)

beforeAll(async () => {
  server = await runCaldav({
    files: {
      'addressbooks/alice/people/anna.vcf': card(
        'anna',
        'FN:Anna Ångström\nN:Ångström;Anna\nitem1.EMAIL;TYPE=WORK:anna@example.org\nitem1.X-ABLABEL:Office\nNICKNAME:me',
      ),
      'addressbooks/alice/people/ben.vcf': card(
        'ben',
        'FN:Ben Miller\nN:Miller;Ben\nEMAIL;TYPE=HOME:ben@example.com\nTEL;TYPE=HOME,VOICE:1',
      ),
      'addressbooks/alice/people/none.vcf': card('none', 'FN:No Mail\nN:;;;;'),
    },
  })
})
afterAll(() => server.running.stop())

const query = (filter: string, data = '', limit = ''): Promise<Answer> =>
  server.ask('REPORT', BOOK, {
    headers: { depth: '1' },
    body: `<addressbook-query xmlns="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop><D:getetag/>${data}</D:prop>${filter}${limit}</addressbook-query>`,
  })

const found = ({ text }: Answer): string[] =>
  [...text.matchAll(/<d:href>[^<]*\/(\w+)\.vcf<\/d:href>/g)].map(([, name]) => name!).sort()

const prop = (name: string, inside = '', test = 'anyof'): string =>
  `<prop-filter name="${name}" test="${test}">${inside}</prop-filter>`
const text = (needle: string, attributes = ''): string =>
  `<text-match ${attributes}>${needle}</text-match>`

describe('addressbook-query', () => {
  test.each([
    ['all cards', '<filter/>', ['anna', 'ben', 'none']],
    ['a property that is there', `<filter>${prop('EMAIL')}</filter>`, ['anna', 'ben']],
    ['or not', `<filter>${prop('EMAIL', '<is-not-defined/>')}</filter>`, ['none']],
    ['text by i;unicode-casemap', `<filter>${prop('FN', text('ÅNGSTRÖM'))}</filter>`, ['anna']],
    [
      'text of a collation',
      `<filter>${prop('FN', text('ÅNGSTRÖM', 'collation="i;octet"'))}</filter>`,
      [],
    ],
    [
      'the beginning',
      `<filter>${prop('EMAIL', text('ben', 'match-type="starts-with"'))}</filter>`,
      ['ben'],
    ],
    [
      'the end',
      `<filter>${prop('EMAIL', text('.org', 'match-type="ends-with"'))}</filter>`,
      ['anna'],
    ],
    [
      'the whole',
      `<filter>${prop('NICKNAME', text('ME', 'match-type="equals"'))}</filter>`,
      ['anna'],
    ],
    [
      'what it is not',
      `<filter>${prop('EMAIL', text('ben', 'negate-condition="yes"'))}</filter>`,
      ['anna'],
    ],
    [
      'a parameter',
      `<filter>${prop('EMAIL', `<param-filter name="TYPE">${text('work')}</param-filter>`)}</filter>`,
      ['anna'],
    ],
    [
      'one of several values',
      `<filter>${prop('TEL', `<param-filter name="TYPE">${text('voice')}</param-filter>`)}</filter>`,
      ['ben'],
    ],
    ['a group', `<filter>${prop('item1.EMAIL')}</filter>`, ['anna']],
    [
      'any of two',
      `<filter>${prop('FN', text('anna'))}${prop('FN', text('ben'))}</filter>`,
      ['anna', 'ben'],
    ],
    [
      'all of two',
      `<filter test="allof">${prop('FN', text('e'))}${prop('EMAIL', text('.com'))}</filter>`,
      ['ben'],
    ],
    [
      'all of one property',
      `<filter>${prop('EMAIL', `${text('ben')}${text('.org')}`, 'allof')}</filter>`,
      [],
    ],
    [
      'any of one property',
      `<filter>${prop('EMAIL', `${text('ben')}${text('.org')}`)}</filter>`,
      ['anna', 'ben'],
    ],
  ])('%s', async (_, filter, expected) => {
    const answer = await query(filter)
    expect(answer.status).toBe(207)
    expect(found(answer)).toEqual(expected)
  })

  test('no more than asked for, and it says so', async () => {
    const answer = await query('<filter/>', '', '<limit><nresults>2</nresults></limit>')
    expect(found(answer)).toHaveLength(2)
    expect(answer.text).toContain('507')
    expect(answer.text).toContain('<d:number-of-matches-within-limits/>')
  })

  test('whole cards, or some of their properties', async () => {
    const filter = `<filter>${prop('FN', text('ben'))}</filter>`
    expect((await query(filter, '<address-data/>')).text).toContain('N:Miller;Ben')
    const part = await query(
      filter,
      '<address-data><prop name="FN"/><prop name="EMAIL" novalue="yes"/></address-data>',
    )
    expect(part.text).toContain('FN:Ben Miller')
    expect(part.text).toContain('EMAIL;TYPE=HOME:&#13;')
    expect(part.text).not.toContain('N:Miller')
  })

  test.each([
    ['a test that is none', '<filter test="most"/>', 400],
    ['no filter', '', 400],
    [
      'a collation nobody has',
      `<filter>${prop('FN', text('x', 'collation="i;klingon"'))}</filter>`,
      403,
    ],
    ['a filter nobody has', '<filter><new-filter/></filter>', 403],
  ])('%s is refused', async (_, filter, status) => {
    expect((await query(filter)).status).toBe(status)
  })
})
