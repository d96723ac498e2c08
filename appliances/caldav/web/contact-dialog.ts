// One contact, to look at and to change.
import { CARD_TYPES, EMPTY_CARD, fullName, type Card, type Reached } from './core/card.ts'
import type { Book } from './contacts-client.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { shown } from './dialog.ts'

export type ContactAnswer = 'edit' | 'delete' | 'history'

/** Undefined: it was only looked at. */
export function showContact(
  name: string,
  card: Card,
  isWritable: boolean,
): Promise<ContactAnswer | undefined> {
  return new Promise((resolve) => {
    const dialog = element('dialog')
    dialog.setAttribute('aria-label', name)
    let answer: ContactAnswer | undefined
    const choose = (given: ContactAnswer | undefined): void => {
      answer = given
      dialog.close()
    }
    const { street, city, region, code, country } = card.address
    const rows: (readonly [string, Node | string])[] = [
      ['Position', card.position],
      ['Company', card.company],
      ...card.phones.map((each) => [typeText('Phone', each), link('tel:', each.value)] as const),
      ...card.mails.map((each) => [typeText('Mail', each), link('mailto:', each.value)] as const),
      ['Address', [street, `${code} ${city}`.trim(), region, country].filter(Boolean).join(', ')],
      ['Birthday', card.birthday],
      ['Link', /^https?:\/\//i.test(card.link) ? link('', card.link) : card.link],
      ['Notes', card.notes],
    ]
    const given = rows.filter(([, value]) => value !== '')
    dialog.append(
      element('h2', {}, name),
      element(
        'dl',
        { className: 'card' },
        ...given.flatMap(([term, value]) => [element('dt', {}, term), element('dd', {}, value)]),
      ),
      element(
        'div',
        { className: 'row' },
        ...(isWritable
          ? [
              button('Edit', () => choose('edit'), { className: 'primary', autofocus: true }),
              button('Delete', () => choose('delete'), { className: 'danger' }),
            ]
          : []),
        button('History', () => choose('history')),
        button('Close', () => choose(undefined), { className: 'end' }),
      ),
    )
    shown(dialog, () => resolve(answer))
  })
}

/** Undefined: nothing is to be done. `books` are those to choose from, of a known contact its own. */
export function askContact(
  card: Card | undefined,
  books: readonly Book[],
): Promise<{ readonly card: Card; readonly book: string } | undefined> {
  const known = card ?? EMPTY_CARD
  const field = (value: string, type = 'text'): HTMLInputElement =>
    element('input', { value, type })
  const given = field(known.given)
  given.autofocus = true
  const family = field(known.family)
  const company = field(known.company)
  const position = field(known.position)
  const birthday = field(known.birthday)
  birthday.placeholder = '1985-04-12'
  const web = field(known.link, 'url')
  const notes = element('textarea', { value: known.notes, rows: 3 })
  const address = {
    street: field(known.address.street),
    code: field(known.address.code),
    city: field(known.address.city),
    region: field(known.address.region),
    country: field(known.address.country),
  }
  const phones = new ReachedFields('Phone', 'tel', known.phones)
  const mails = new ReachedFields('Mail', 'email', known.mails)
  const book = element(
    'select',
    {},
    ...books.map(({ href, name }) => element('option', { value: href }, name)),
  )
  return new Promise((resolve) => {
    const dialog = element('dialog')
    dialog.setAttribute('aria-label', card === undefined ? 'New contact' : 'Contact')
    let answer: { readonly card: Card; readonly book: string } | undefined
    const form = element(
      'form',
      {
        onsubmit: (submit) => {
          submit.preventDefault()
          const changed: Card = {
            given: given.value.trim(),
            family: family.value.trim(),
            company: company.value.trim(),
            position: position.value.trim(),
            phones: phones.values,
            mails: mails.values,
            address: {
              street: address.street.value.trim(),
              city: address.city.value.trim(),
              region: address.region.value.trim(),
              code: address.code.value.trim(),
              country: address.country.value.trim(),
            },
            birthday: birthday.value.trim(),
            link: web.value.trim(),
            notes: notes.value,
          }
          given.setCustomValidity(fullName(changed) === '' ? 'A name or a company is needed' : '')
          if (!form.reportValidity()) return
          answer = { card: changed, book: book.value }
          dialog.close()
        },
      },
      element(
        'div',
        { className: 'row' },
        labelled('First name', given),
        labelled('Last name', family),
      ),
      element(
        'div',
        { className: 'row' },
        labelled('Company', company),
        labelled('Position', position),
      ),
      phones.element,
      mails.element,
      labelled('Street', address.street),
      element(
        'div',
        { className: 'row' },
        labelled('Postcode', address.code),
        labelled('City', address.city),
      ),
      element(
        'div',
        { className: 'row' },
        labelled('Region', address.region),
        labelled('Country', address.country),
      ),
      element(
        'div',
        { className: 'row' },
        labelled('Birthday', birthday),
        labelled('Web page', web),
      ),
      labelled('Notes', notes),
      ...(card === undefined && books.length > 1 ? [labelled('Address book', book)] : []),
      element(
        'div',
        { className: 'row' },
        button('Cancel', () => dialog.close(), { className: 'end' }),
        element('button', { type: 'submit', className: 'primary' }, 'Save'),
      ),
    )
    form.oninput = () => given.setCustomValidity('')
    dialog.append(form)
    shown(dialog, () => resolve(answer))
  })
}

/** Numbers or addresses with their kind, and room for one more. An emptied one goes. */
class ReachedFields {
  readonly element = element('div', { className: 'reached' })
  readonly #name: string
  readonly #type: string
  readonly #rows: { readonly type: HTMLSelectElement; readonly value: HTMLInputElement }[] = []

  constructor(name: string, type: string, values: readonly Reached[]) {
    this.#name = name
    this.#type = type
    for (const each of values) this.#add(each)
    this.#add({ type: '', value: '' })
  }

  get values(): Reached[] {
    return this.#rows.map(({ type, value }) => ({ type: type.value, value: value.value.trim() }))
  }

  #add(known: Reached): void {
    const options = ['', ...CARD_TYPES].map((type) =>
      element('option', { value: type }, type === '' ? 'other' : type),
    )
    const type = element('select', {}, ...options)
    type.value = known.type
    type.ariaLabel = `Kind of ${this.#name.toLowerCase()}`
    const value = element('input', { type: this.#type, value: known.value })
    const row = { type, value }
    value.oninput = () => {
      if (value.value !== '' && this.#rows.at(-1) === row) this.#add({ type: '', value: '' })
    }
    this.#rows.push(row)
    this.element.append(element('div', { className: 'row' }, labelled(this.#name, value), type))
  }
}

function typeText(name: string, { type }: Reached): string {
  return type === '' ? name : `${name} (${type})`
}

function link(scheme: string, value: string): HTMLAnchorElement {
  const href = scheme + (scheme === '' ? value : value.replaceAll(/[\s?&#]/g, ''))
  return element('a', { href, rel: 'noreferrer' }, value)
}
