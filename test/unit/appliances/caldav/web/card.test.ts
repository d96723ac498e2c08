// Contacts as the form of the page reads and changes them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  changeCard,
  EMPTY_CARD,
  formatCard,
  readCard,
  type Card,
} from '../../../../../appliances/caldav/web/core/card.ts'
import { readObject } from '../../../../../appliances/caldav/core/library/object-facts.ts'
import { lines } from '../../../../support/calendars.ts'

const NOW = Date.UTC(2026, 0, 5, 9)
const ADA = lines(`
  BEGIN:VCARD
  VERSION:3.0
  UID:ada
  FN:Dr. Ada Lovelace
  N:Lovelace;Ada;King;Dr.;
  item1.TEL;TYPE=CELL,VOICE;X-KEPT=yes:+44 1
  item1.X-ABLabel:Boat
  TEL;TYPE=home:+44 2
  EMAIL;TYPE=INTERNET;TYPE=WORK:ada@example.org
  ORG:Analytical\\, Engines;Programs
  ADR;TYPE=HOME:box;flat;Square 12;London;;SW1;England
  NOTE:one\\ntwo
  PHOTO;ENCODING=b:AAAA
  X-OTHER:kept
  END:VCARD`)

const change = (to: Partial<Card>, text = ADA): string =>
  changeCard(text, { ...readCard(text).card, ...to }, NOW)

/** Lines that are there in one of the two only. */
function difference(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split('\r\n'), after.split('\r\n')]
  return {
    gone: old.filter((line) => !now.includes(line)),
    come: now.filter((line) => !old.includes(line)),
  }
}

const REV = 'REV:20260105T090000Z'

describe('a card', () => {
  test('is read as the form shows it', () => {
    expect(readCard(ADA)).toEqual({
      name: 'Dr. Ada Lovelace',
      card: {
        ...EMPTY_CARD,
        given: 'Ada',
        family: 'Lovelace',
        company: 'Analytical, Engines',
        phones: [
          { type: 'cell', value: '+44 1' },
          { type: 'home', value: '+44 2' },
        ],
        mails: [{ type: 'work', value: 'ada@example.org' }],
        address: {
          street: 'Square 12',
          city: 'London',
          region: '',
          code: 'SW1',
          country: 'England',
        },
        notes: 'one\ntwo',
      },
    })
  })

  test('that is not changed stays byte for byte', () => {
    expect(change({})).toBe(ADA)
    const odd = ADA.replaceAll('\r\n', '\n').replace('NOTE:one', 'NOTE:o\n ne')
    expect(change({}, odd)).toBe(odd)
  })

  test.each<[Partial<Card>, string[], string[]]>([
    [
      { family: 'King' },
      ['FN:Dr. Ada Lovelace', 'N:Lovelace;Ada;King;Dr.;'],
      ['FN:Ada King', 'N:King;Ada;King;Dr.;'],
    ],
    [{ company: 'A;B' }, ['ORG:Analytical\\, Engines;Programs'], ['ORG:A\\;B;Programs']],
    [{ notes: '' }, ['NOTE:one\\ntwo'], []],
    [{ notes: 'a\nb' }, ['NOTE:one\\ntwo'], ['NOTE:a\\nb']],
    [{ birthday: '1815-12-10' }, [], ['BDAY:1815-12-10']],
    [
      { address: { ...readCard(ADA).card.address, city: 'Bath' } },
      ['ADR;TYPE=HOME:box;flat;Square 12;London;;SW1;England'],
      ['ADR;TYPE=HOME:box;flat;Square 12;Bath;;SW1;England'],
    ],
    [
      {
        phones: [
          { type: 'cell', value: '+44 9' },
          { type: 'work', value: '+44 2' },
          { type: '', value: '' },
        ],
      },
      ['item1.TEL;TYPE=CELL,VOICE;X-KEPT=yes:+44 1', 'TEL;TYPE=home:+44 2'],
      ['item1.TEL;TYPE=CELL,VOICE;X-KEPT=yes:+44 9', 'TEL;TYPE=work:+44 2'],
    ],
    [
      {
        phones: [
          { type: 'cell', value: '' },
          { type: 'home', value: '+44 2' },
        ],
      },
      ['item1.TEL;TYPE=CELL,VOICE;X-KEPT=yes:+44 1', 'item1.X-ABLabel:Boat'],
      [],
    ],
    [
      { mails: [...readCard(ADA).card.mails, { type: 'home', value: 'a@b' }] },
      [],
      ['EMAIL;TYPE=home:a@b'],
    ],
  ])('changed by %j loses and gets these lines and no others', (to, gone, come) => {
    const found = difference(ADA, change(to))
    expect(found.gone).toEqual(gone)
    expect(found.come.toSorted()).toEqual([...come, REV].toSorted())
  })

  test('of version 4 keeps its URIs; one without N is read by its name', () => {
    const card = lines(
      'BEGIN:VCARD\nVERSION:4.0\nUID:u\nFN:Bob\nTEL;VALUE=uri;TYPE=cell:tel:+1-2\nEND:VCARD',
    )
    const { given, phones } = readCard(card).card
    expect([given, phones]).toEqual(['Bob', [{ type: 'cell', value: '+1-2' }]])
    expect(change({ phones: [{ type: 'cell', value: '+1-3' }] }, card)).toContain(
      'TEL;VALUE=uri;TYPE=cell:tel:+1-3\r\n',
    )
  })

  test('of a company is named by it', () => {
    const card = formatCard({ ...EMPTY_CARD, company: 'ACME' }, 'u', NOW)
    expect(card).toContain('FN:ACME\r\n')
    expect(readCard(card)).toMatchObject({ name: 'ACME', card: { given: '', company: 'ACME' } })
    expect(change({ company: 'Other' }, card)).toContain('FN:Other\r\n')
  })
})

const word = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.trim())
const line = word.map((text) => text.replaceAll(/\s/g, ' ').trim())
const reached = fc.record({
  type: fc.constantFrom('', 'home', 'work', 'cell'),
  value: line.filter((text) => text !== ''),
})
const cards = fc.record<Card>({
  given: line.filter((text) => text !== ''),
  family: line,
  company: line,
  position: line,
  phones: fc.array(reached, { maxLength: 3 }),
  mails: fc.array(reached, { maxLength: 3 }),
  address: fc.record({ street: line, city: line, region: line, code: line, country: line }),
  birthday: fc.constantFrom('', '1985-04-12', '--0412'),
  link: fc.constantFrom('', 'https://example.org/a;b,c'),
  notes: word,
})

test('what a person writes is read back as it was, in a card the server takes, whatever was there', () => {
  fc.assert(
    fc.property(cards, cards, (first, second) => {
      const made = formatCard(first, 'u', NOW)
      expect(readCard(made).card).toEqual(first)
      const changed = changeCard(made, second, NOW)
      expect(readCard(changed).card).toEqual(second)
      expect(readObject('addressbook', Buffer.from(changed), 'x').problems).toEqual([])
    }),
  )
})
